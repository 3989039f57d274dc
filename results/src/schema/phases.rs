//! Phases of a run, and what each came to: its ledger, its rates, its latencies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ledger::Ledger;

/// The phases of the submission window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Phases {
    /// Arrivals due while the rate rose.
    pub ramp: PhaseReport,
    /// Arrivals due at full rate before measuring.
    pub warm_up: PhaseReport,
    /// Arrivals due in the measured phase: the headline.
    pub measure: PhaseReport,
}

/// A part of a run. A workflow belongs to the phase in which it was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The rate rises.
    Ramp,
    /// Full rate, not measured.
    WarmUp,
    /// Full rate, measured.
    Measure,
    /// No more starts; completions are waited for.
    Drain,
}

/// Ledger and latencies of the arrivals that were due in one phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhaseReport {
    /// Offset of its beginning from the beginning of the run, seconds.
    pub start_seconds: f64,
    /// Its length, seconds; shorter than planned when the run was interrupted.
    pub seconds: f64,
    /// Where its arrivals ended.
    pub ledger: Ledger,
    /// Starts handed to a connection within the phase's time, a second.
    pub start_rate: Option<f64>,
    /// Workflows that completed within the phase's time, a second, whenever they were due; null where nobody stamps and the
    /// server has not told.
    pub completion_rate: Option<f64>,
    /// Those of its arrivals that waited at the cap on unanswered starts: for the server, not for the generator. Absent
    /// from files of programs that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_cap: Option<AtCap>,
    /// Their latencies.
    pub latencies: Latencies,
}

/// Arrivals that were due while their generator had as many unanswered starts as it may.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AtCap {
    /// How many of them were given up.
    pub dropped: u64,
    /// Dispatched − due of the others; they are in `latencies.lag`, too.
    pub lag: Latency,
}

/// The five latencies. Accepted and refused starts, and completed and otherwise ended workflows, never mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latencies {
    /// Dispatched − due: how late the generator was.
    pub lag: Latency,
    /// Answer − dispatched.
    pub start_service: StartLatency,
    /// Answer − due: what a caller on the schedule would have seen.
    pub start_response: StartLatency,
    /// End − dispatched.
    pub e2e_service: EndLatency,
    /// End − due: the headline.
    pub e2e_response: EndLatency,
}

/// Latency of starts by the server's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartLatency {
    /// Starts that the server took.
    pub accepted: Latency,
    /// Starts that the server refused.
    pub rejected: Latency,
    /// Starts whose answer was lost: the time until it was given up, a lower bound.
    pub unanswered: Latency,
}

/// Latency of workflows by how they ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndLatency {
    /// Workflows that completed.
    pub completed: Latency,
    /// Workflows that ended in any other way.
    pub not_completed: Latency,
}

/// One latency distribution, milliseconds. A quantile for which there are too few samples is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Latency {
    /// Number of samples.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Smallest.
    pub min: Option<f64>,
    /// 50th percentile.
    pub p50: Option<f64>,
    /// 75th percentile.
    pub p75: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    #[serde(rename = "p99_9")]
    pub p99_9: Option<f64>,
    /// 99.99th percentile.
    #[serde(rename = "p99_99")]
    pub p99_99: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// HdrHistogram V2, deflated, base64: microseconds, 1 µs to 1 h, 3 significant digits.
    pub histogram: String,
}

impl Latencies {
    /// No samples.
    pub fn empty() -> Self {
        let none = Latency::empty;
        let starts = || StartLatency {
            accepted: none(),
            rejected: none(),
            unanswered: none(),
        };
        let ends = || EndLatency {
            completed: none(),
            not_completed: none(),
        };
        Latencies {
            lag: none(),
            start_service: starts(),
            start_response: starts(),
            e2e_service: ends(),
            e2e_response: ends(),
        }
    }
}

impl PhaseReport {
    /// A phase in which nothing happened.
    pub fn empty() -> Self {
        PhaseReport {
            start_seconds: 0.0,
            seconds: 0.0,
            ledger: Ledger::default(),
            start_rate: None,
            completion_rate: None,
            at_cap: None,
            latencies: Latencies::empty(),
        }
    }
}

impl Phases {
    /// Phases in which nothing happened.
    pub fn empty() -> Self {
        let empty = PhaseReport::empty();
        Phases {
            ramp: empty.clone(),
            warm_up: empty.clone(),
            measure: empty,
        }
    }
}
