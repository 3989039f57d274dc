//! What to run.
//!
//! A [`Plan`] is everything that a run will do, with every default filled in and every unit explicit. It is pure data:
//! this crate knows no clock, no socket and no Temporal. A result carries its plan verbatim, and two runs are alike
//! when the hashes of their plans are.

mod plan;
mod rate;
pub mod units;

pub use plan::{
    Arrivals, Cluster, EmbeddedServer, Load, Observation, Plan, PlanHash, ServerPreset, SleepRange, Starter, Target,
    Thresholds, TlsFiles, WhenFull, Workers, Workload, WorkloadKind,
};
pub use rate::{Rate, RateError};
