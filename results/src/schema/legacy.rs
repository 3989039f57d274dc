//! The keys that the replaced runner wrote, under the same names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The parameters under the replaced runner's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyConfig {
    /// `--workflow-type`.
    pub workflow_type: String,
    /// `--activity-count`, where the workload has activities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_count: Option<u32>,
    /// `--timer-duration`, where the workload has a timer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer_duration: Option<String>,
    /// `--child-count`, where the workload has children.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child_count: Option<u32>,
    /// `--rate`: starts a second.
    pub target_rate: f64,
    /// `--duration`, as `5m0s`.
    pub duration: String,
    /// `--ramp-up`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp_up_duration: Option<String>,
    /// Worker processes of the fleet, and `--workers`, those of this process.
    pub worker_count: u32,
    /// `--iterations`.
    pub iterations: u32,
    /// `--namespace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// The headline figures under the replaced runner's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyResults {
    /// Accepted starts, all phases.
    pub workflows_started: u64,
    /// Completed workflows, all phases; null where nobody could tell.
    pub workflows_completed: Option<u64>,
    /// Workflows that ended otherwise, all phases; likewise.
    pub workflows_failed: Option<u64>,
    /// Completions a second in the measured phase.
    pub actual_rate: Option<f64>,
    /// `e2e_response` of completed workflows in the measured phase, milliseconds.
    pub latency: LegacyLatency,
}

/// Four figures of `e2e_response`, milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyLatency {
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
}

/// The system under test under the replaced runner's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacySystem {
    /// Instance type of the generator's host; null when it is not known.
    pub instance_type: Option<String>,
    /// History shards; null when the server does not tell.
    pub history_shards: Option<u32>,
    /// Replicas of each service; null, since they are not seen from outside.
    pub services: LegacyServices,
}

/// Replicas of each service; null where not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyServices {
    /// Frontend replicas.
    pub frontend: Option<u32>,
    /// History replicas.
    pub history: Option<u32>,
    /// Matching replicas.
    pub matching: Option<u32>,
    /// Internal worker replicas.
    pub worker: Option<u32>,
}

/// The limits under the replaced runner's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyThresholds {
    /// `--max-p99-latency`, milliseconds.
    pub max_p99_latency_ms: f64,
    /// `--min-throughput`, completions a second.
    pub min_throughput: f64,
}
