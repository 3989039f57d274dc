//! Client of a Temporal server: connections, namespaces, counts, clean-up, an embedded server.
//!
//! Every `.await` on a future of the SDK or of tonic stays inside this crate, behind functions that are not generic and
//! return a [`BoxFuture`]. Such a future is compiled where it is polled, so that one `.await` in a binary would
//! compile the whole client library again with each release build of that binary.
//!
//! Calls of the control plane (everything but starts) are made once: nothing is repeated inside the client library, so
//! that whoever calls sees each failure. Where repeating is right, it is written here, with its limit.

pub mod addresses;
pub mod call;
pub mod child;
pub mod cleanup;
pub mod connection;
pub mod embedded;
pub mod environment;
pub mod facts;
pub mod lookup;
pub mod namespace;
pub mod options;
pub mod process_environment;
pub mod shown_open;
pub mod silence;
pub mod small_file;
pub mod start;
pub mod status;
pub mod task_queue;
pub mod testing;
pub mod tls;
pub mod visibility;

pub use call::CallError;
pub use connection::{ConnectError, Server, connect, connect_sdk};
pub use futures::future::BoxFuture;
pub use options::{ApiKey, ConnectOptions};
pub use process_environment::ProcessEnvironment;
pub use silence::Silence;
pub use status::Status;
pub use tls::TlsMaterial;
