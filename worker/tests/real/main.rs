//! Workloads and workers against the real server.

mod bench;
mod drain;
mod held;
mod pool;
mod stamps;
mod stubborn;
mod workloads;
