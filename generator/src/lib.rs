//! Who starts the load: schedule, pacer, connections, the start loop and the story of a run.

pub mod accountant;
pub mod accounts;
pub mod args;
pub mod calibrate;
pub mod ceiling;
pub mod drain;
pub mod health;
pub mod host;
pub mod ids;
pub mod live;
pub mod null_frontend;
pub mod observed;
pub mod pacer;
pub mod plan_view;
pub mod reconcile;
pub mod results_file;
pub mod sampler;
pub mod schedule;
pub mod shard;
pub mod stage;
pub mod starter;
pub mod stop;
pub mod story;
pub mod submission;
pub mod timeline;
pub mod workload;
