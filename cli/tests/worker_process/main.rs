//! The process `benchmark-worker`, as a user runs it.

mod child;
mod flags;
mod fleet;
mod load;
mod plain;
mod server;
