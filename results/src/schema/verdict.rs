//! Verdict and thresholds: whether the figures may be believed, and whether what was to be reached was reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the figures may be believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The worst of the checks.
    pub value: VerdictValue,
    /// One sentence that says why.
    pub headline: String,
    /// Every check, passed ones too; with several iterations the worst of each.
    pub checks: Vec<Check>,
}

/// The three verdicts, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerdictValue {
    /// The figures describe the cluster under the load that was asked for.
    Valid,
    /// The cluster refused the load: latencies stand, throughput is a lower bound.
    Overloaded,
    /// The generator or the fleet was the limit, or the account does not close: the figures describe that.
    Invalid,
}

/// One check and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Name, kebab-case.
    pub name: String,
    /// What it says of the run.
    pub status: CheckStatus,
    /// What was measured, for people, with its unit.
    pub value: String,
    /// What is allowed, for people, with its unit.
    pub limit: String,
    /// The measured value as a number, where it is one.
    pub measured: Option<f64>,
    /// The limit as a number, where it is one.
    pub allowed: Option<f64>,
    /// What to do when it fails; empty when it passed.
    pub remedy: String,
}

/// What a check says of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CheckStatus {
    /// Within its limit.
    Pass,
    /// Could not be made; `value` says why.
    NotApplicable,
    /// Worth knowing; the figures stand.
    Warning,
    /// The cluster did not carry the load.
    Overloaded,
    /// The measurement cannot be believed.
    Invalid,
}

/// Whether what the run had to reach was reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The thresholds, each with what was measured.
    pub thresholds: Vec<ThresholdOutcome>,
    /// The exit code of the process: 0 passed, 1 a threshold was missed, 3 INVALID, 129 SIGHUP, 130 SIGINT, 143 SIGTERM; a
    /// signal goes before INVALID, INVALID before thresholds.
    pub exit_code: u8,
}

/// One threshold and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdOutcome {
    /// Name of the flag, without dashes in front: `max-p99-latency`.
    pub name: String,
    /// Whether it was met; what was not measured is not met.
    pub met: bool,
    /// What was measured, for people; `not measured` when there was nothing to measure. With too few samples for p99 the
    /// largest latency, which proves a limit that it keeps.
    pub measured: String,
    /// What was asked for, for people.
    pub required: String,
}
