//! The load: when starts are due, and the threads that send them. It depends on nothing that happens to a start: what
//! happened is reported to whoever wants it.

pub mod ids;
pub mod pacer;
pub mod realtime;
pub mod sample;
pub mod schedule;
pub mod shard;
pub mod starter;
pub mod starters;
pub mod timeline;
pub mod workload;
