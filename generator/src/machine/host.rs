//! Facts about this machine and this build. Those about the machine are read where workers read them as well.

mod revision;

pub use benchmark_worker::host::*;

pub use self::revision::{git_revision, version};
