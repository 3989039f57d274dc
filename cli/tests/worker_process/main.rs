//! The process `benchmark-worker`, as a user runs it.

mod child;
mod flags;
mod fleet;
mod load;
#[path = "../owned/mod.rs"]
mod owned;
mod plain;
mod server;
