//! Commands of `run-benchmark`, a file each. Those on results files work from them alone: no server, no network, years
//! later.

mod against_history;
pub mod calibrate;
mod comparing;
mod diagnosing;
pub mod join;
mod noise;
mod output;
pub mod plan;
mod reporting;
pub mod run;
pub mod series;
mod showing;
pub mod work;

use crate::{
    console::Printed,
    found::{FoundRun, find, find_one},
    prepared::NoiseFolder,
};

pub use comparing::{CompareRequest, Compared, check_judging, compare, compare_sides};
pub use diagnosing::diagnose;
pub use noise::{noise_from, store_noise, told_before};
pub use reporting::{export, report};
pub use showing::{history, show};
