//! Who starts the load: schedule, pacer, connections, the start loop and the story of a run.

// What tests inside and outside of this crate share names it in one way.
#[cfg(test)]
extern crate self as benchmark_generator;

pub mod account;
pub mod args;
pub mod calibrate;
pub mod cluster_facts;
pub mod drain;
pub mod files;
pub mod fleet;
pub mod grafana;
pub mod live;
pub mod load;
pub mod machine;
pub mod null_frontend;
pub mod observed;
pub mod pace;
pub mod page;
pub mod plan_view;
pub mod reconcile;
pub mod remote_write;
pub mod results_file;
#[cfg(test)]
mod scripted_server;
pub mod series;
pub mod server_figures;
pub mod stage;
pub mod stop;
pub mod story;
pub mod submission;
#[cfg(test)]
mod testing;
