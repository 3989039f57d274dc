//! Operation of a cluster on AWS: capacity from nothing, runs, results, and the programs that only images need.
//!
//! Commands are one file each; what they share is [`session`], [`ecs`], [`log`] and [`wait`]. Nothing of an environment is built
//! in: names, counts and region are Terraform's [`facts`].

pub mod args;
pub mod attend;
pub mod aws;
pub mod bucket;
pub mod capacity;
pub mod cost;
pub mod database;
pub mod doctor;
pub mod down;
pub mod ecs;
pub mod facts;
pub mod figures;
pub mod follow;
pub mod http;
pub mod log;
pub mod metadata;
pub mod oneshot;
pub mod pools;
pub mod preset;
pub mod probe;
pub mod progress;
pub mod recover;
pub mod results;
pub mod run;
pub mod schedule;
pub mod session;
pub mod setup;
pub mod status;
pub mod steady;
pub mod stop;
pub mod table;
pub mod temporal;
pub mod tools;
pub mod tunnel;
pub mod up;
pub mod variables;
pub mod wait;
pub mod workers;
