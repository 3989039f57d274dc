//! A real Temporal dev server that the program provides, starts and stops itself.
//!
//! [`provide`](binary::provide) finds or makes the binary, [`EmbeddedServer::start`] runs it.

pub mod binary;
mod cache;
mod download;
mod go_install;
mod log;
mod note;
mod ports;
pub mod presets;
mod process;
pub mod progress;
pub mod server;

pub use binary::{ProvideError, ServerBinary, provide};
pub use progress::Progress;
pub use server::{EmbeddedError, EmbeddedOptions, EmbeddedServer};
