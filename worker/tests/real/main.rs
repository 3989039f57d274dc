//! Workloads and workers against the real server.

mod bench;
mod pool;
mod stamps;
mod stubborn;
mod workloads;
