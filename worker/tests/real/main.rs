//! Workloads and workers against the real server.

mod bench;
mod drain;
mod held;
mod inputs;
mod pool;
mod stamps;
mod stubborn;
mod tuning;
mod workloads;
