//! The machine under the generator: what it has been found to carry, and what the process uses of it.

pub mod ceiling;
pub mod descriptors;
pub mod health;
pub mod measured;
pub mod revision;
