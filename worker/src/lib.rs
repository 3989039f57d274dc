//! Workers: those of the SDK, each on its own thread and connection.
//!
//! [`WorkerPool::start`] brings up any number of workers in this process and returns when the server sees all of them
//! poll; [`WorkerPool::shutdown`] drains them within a bound. What they execute is the crate `benchmark-workflows`.
//!
//! Every `.await` on a future of the SDK stays inside this crate, behind functions that are not generic: otherwise each
//! release build of a binary would compile the SDK again.

mod connect;
mod drain_gate;
mod effective;
pub mod end_buffer;
mod ending;
pub mod error;
pub mod options;
pub mod page;
mod polling;
mod pool;
pub mod process;
mod source;
mod thread;
mod version;

pub use connect::{at_hand, connect_options, remote_leader, sent};
pub use effective::EffectiveOptions;
pub use end_buffer::EndBuffer;
pub use error::{WorkerError, WorkerFailure};
pub use options::{AskedPollers, OptionsError, WorkerMetrics, WorkerOptions};
pub use pool::WorkerPool;
pub use source::PoolSource;
pub use version::{build_version, version};
