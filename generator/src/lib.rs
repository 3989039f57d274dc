//! Who starts the load: schedule, pacer, connections, the start loop and the lifecycle of a run.

// What tests inside and outside of this crate share names it in one way.
#[cfg(test)]
extern crate self as benchmark_generator;

pub mod account;
pub mod calibrate;
pub mod fleet;
pub mod load;
pub mod machine;
pub mod run;
#[cfg(test)]
#[path = "testing/scripted_frontend.rs"]
mod scripted_frontend;
#[cfg(test)]
mod scripted_server;
pub mod stop;
#[cfg(test)]
mod testing;
pub mod view;
