//! Errors, events and windows: what happened in the course of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Phase;

/// Errors of one operation with one code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorGroup {
    /// What was attempted: `StartWorkflowExecution`, `workflow`, `lookup`.
    pub operation: String,
    /// gRPC code, or how the workflow ended; of a start also what happened instead of an answer.
    pub code: String,
    /// How often.
    pub count: u64,
    /// Up to ten of them.
    pub examples: Vec<ErrorExample>,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorExample {
    /// The workflow that it concerns; null when it concerns none.
    pub workflow_id: Option<String>,
    /// What was said.
    pub message: String,
}

/// One second of the run. Each count belongs to the second in which the thing happened; `due` to the one in which it should.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Iteration, from 1.
    pub iteration: u32,
    /// Second from the iteration's beginning, from 0.
    pub second: u64,
    /// Phase at the second's beginning.
    pub phase: Phase,
    /// Arrivals that were due.
    pub due: u64,
    /// Starts handed to a connection.
    pub dispatched: u64,
    /// Arrivals given up.
    pub dropped: u64,
    /// Starts accepted.
    pub accepted: u64,
    /// Starts refused.
    pub rejected: u64,
    /// Starts whose answer was lost.
    pub unknown: u64,
    /// Workflows completed; null where completions are not observed.
    pub completed: Option<u64>,
    /// Workflows ended otherwise; null where completions are not observed.
    pub failed: Option<u64>,
    /// Accepted and not yet ended, at the end of the second; null where completions are not observed.
    pub backlog: Option<u64>,
    /// Unanswered starts, at the end of the second.
    pub in_flight: u64,
    /// Arrivals dispatched or given up after they had waited at the cap on unanswered starts. Absent from files of
    /// programs that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_at_cap: Option<u64>,
    /// Arrivals that the cap kept from being dispatched: given up in this second, or waiting at its end. Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_at_cap: Option<u64>,
    /// 99th percentile of lag, milliseconds.
    pub lag_p99: Option<f64>,
    /// Median of accepted `start_response`, milliseconds.
    pub start_p50: Option<f64>,
    /// 99th percentile of accepted `start_response`, milliseconds.
    pub start_p99: Option<f64>,
    /// Median of completed `e2e_response`, milliseconds.
    pub e2e_p50: Option<f64>,
    /// 99th percentile of completed `e2e_response`, milliseconds.
    pub e2e_p99: Option<f64>,
}

/// Latency histograms of a stretch of time: one second, or longer in runs of over an hour, so that the file stays readable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntervalHistograms {
    /// Iteration, from 1.
    pub iteration: u32,
    /// Offset of its beginning from the iteration's, seconds.
    pub start_seconds: u64,
    /// Its length, seconds.
    pub seconds: u64,
    /// Accepted `start_response` answered in it: HdrHistogram V2, deflated, base64, microseconds.
    pub start_response: String,
    /// Completed `e2e_response` ended in it: likewise.
    pub e2e_response: String,
}

/// Something that happened to the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Offset from the beginning of its iteration, seconds; negative before it.
    pub at_seconds: f64,
    /// Iteration, from 1.
    pub iteration: u32,
    /// What happened, such as `connection-lost`, `interrupted` or `worker-lost`.
    pub kind: String,
    /// In words.
    pub message: String,
}
