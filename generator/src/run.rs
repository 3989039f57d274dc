//! A run, from its plan to its results: its [`lifecycle`] goes from the [`setup`] of what it needs by way of one
//! [`submission`] window after the other, whose ends are waited for ([`drain`]) and held against the server's counts
//! ([`reconcile`]).

pub mod cluster_facts;
pub mod drain;
pub mod iteration;
pub mod lifecycle;
pub mod members;
pub mod pace;
pub mod reconcile;
pub mod remote_write;
pub mod results_file;
pub mod server_figures;
pub mod setup;
pub mod submission;
