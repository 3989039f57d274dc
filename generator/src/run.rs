//! A run, from its plan to its results: the [`story`] tells it, on a [`stage`] that is set up for it, by way of one
//! [`submission`] window after the other, whose ends are waited for ([`drain`]) and held against the server's counts
//! ([`reconcile`]).

pub mod cluster_facts;
pub mod drain;
pub mod observed;
pub mod pace;
pub mod reconcile;
pub mod remote_write;
pub mod results_file;
pub mod roll;
pub mod server_figures;
pub mod stage;
pub mod story;
pub mod submission;
