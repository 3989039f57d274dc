//! Who starts the load: schedule, pacer, connections, the start loop and the story of a run.

// What tests inside and outside of this crate share names it in one way.
#[cfg(test)]
extern crate self as benchmark_generator;

pub mod accountant;
pub mod accounts;
pub mod args;
pub mod calibrate;
pub mod ceiling;
pub mod cluster_facts;
pub mod deadline;
pub mod descriptors;
pub mod drain;
pub mod files;
pub mod fleet;
pub mod grafana;
pub mod health;
pub mod host;
pub mod ids;
pub mod live;
pub mod null_frontend;
pub mod observed;
pub mod pace;
pub mod pacer;
pub mod page;
pub mod plan_view;
pub mod realtime;
pub mod reconcile;
pub mod remote_write;
pub mod results_file;
pub mod sampler;
pub mod schedule;
#[cfg(test)]
mod scripted_server;
pub mod series;
pub mod server_figures;
pub mod shard;
pub mod stage;
pub mod starter;
pub mod starters;
pub mod stop;
pub mod story;
pub mod submission;
#[cfg(test)]
mod testing;
pub mod timeline;
pub mod watch;
pub mod workload;
