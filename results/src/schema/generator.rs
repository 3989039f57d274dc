//! What a generator itself used.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fact;

/// What the generator used in the measured phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratorHealth {
    /// Length of the observation, seconds.
    pub seconds: f64,
    /// CPU time of the whole process, seconds.
    pub cpu_seconds: f64,
    /// CPU time of the process as a share of the cores or the quota, 0 to 1.
    pub cpu_share: f64,
    /// The busiest thread.
    pub busiest_thread: Fact<ThreadLoad>,
    /// Share of the time in which a thread that keeps the schedule was ready to run and another ran, 0 to 1.
    pub cpu_wait: Fact<f64>,
    /// Share of the control group's periods that were throttled, 0 to 1.
    pub throttled: Fact<f64>,
    /// Share of the machine's CPU time that the hypervisor took, 0 to 1.
    pub steal: Fact<f64>,
    /// CPU time of the whole process per dispatched start, microseconds.
    pub cpu_per_start_us: Option<f64>,
    /// Largest resident memory, bytes.
    pub peak_memory_bytes: Fact<u64>,
    /// Most unanswered starts at one time.
    pub peak_in_flight: u64,
    /// Connections that starts were sent on.
    pub connections: u32,
    /// Most unanswered starts at one time on a single connection.
    pub peak_in_flight_per_connection: u64,
    /// This generator's part of the rate asked for, as a share of its host's calibrated ceiling.
    pub share_of_ceiling: Fact<f64>,
    /// How the threads that keep the schedule were scheduled: `real-time`, or null and why not.
    pub scheduling: Fact<String>,
}

/// CPU use of one thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadLoad {
    /// The thread's name.
    pub name: String,
    /// CPU time as a share of one core, 0 to 1.
    pub share: f64,
}
