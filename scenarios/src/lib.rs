//! Options, workloads and the plan: what to run.
//!
//! A [`Plan`] is everything that a run will do, with every default filled in and every unit explicit. It is pure data:
//! this crate knows no clock, no socket and no Temporal. A result carries its plan verbatim, and two runs are alike
//! when the hashes of their plans are.

mod asked;
pub mod draw;
mod form;
mod options;
mod plan;
mod problem;
mod rate;
mod resolve;
mod sleep;
mod tuning;
pub mod units;
pub mod variables;
pub mod workloads;

pub use asked::{Asked, Given, Giver, Source};
pub use form::{EMBEDDED, parse_switch};
pub use options::{Alias, Group, Key, Program, Shape};
pub use plan::{
    Arrivals, Cluster, EmbeddedPlan, FleetSize, Load, Observation, Plan, PlanHash, Scheduling, ServerPreset,
    StarterPlan, Target, Thresholds, TlsFiles, WhenFull, Workers, Workload,
};
pub use problem::{Context, Problem, chain};
pub use rate::{Rate, RateError};
pub use resolve::{
    AtHand, FigureSources, FleetOptions, FleetTls, GeneratorJoin, HostDefaults, Joining, JoiningTls, PrometheusSource,
    Reached, RemoteWriteTarget, Resolved, ResolvedJoin, ResolvedWorker, ServerAccess, Setting, TlsSaid, WorkerProcess,
    resolve, resolve_grafana, resolve_join, resolve_prometheus, resolve_worker,
};
pub use sleep::{ActivityDuration, LognormalSleep, NormalSleep, SleepRange};
pub(crate) use tuning::SlotKind;
pub use tuning::{Pollers, Slots, WorkerProfile, WorkerTuning};
pub use workloads::WorkloadKind;
