//! The host: what it is, what it permits, and what a process uses of it.

pub mod host;
pub mod usage;
