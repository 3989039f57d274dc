//! The machine that the generator runs on: what it is, what it permits, what the process uses of it.

pub mod ceiling;
pub mod descriptors;
pub mod health;
pub mod host;
pub mod measured;
