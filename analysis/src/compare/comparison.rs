//! A comparison as data: the sides, their rows and guards, and what is to be said of the whole.

use serde::Serialize;

use super::{
    comparable::Difference, decide::MetricVerdict, evidence::Method, margin::Margin, metric::Metric,
    noise::NoiseSummary, order::Arrangement, resolution::Resolution,
};
use crate::stats::Interval;

/// A baseline against one side or several.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Version of this form.
    pub comparison_version: u32,
    /// What the others are compared with.
    pub baseline: SideSummary,
    /// The others, each with what came of it.
    pub candidates: Vec<Candidate>,
    /// Noise profiles that were used.
    pub noise: Vec<NoiseSummary>,
    /// How much of the machine other programs used in the measured phase, where that is worth a warning: a sentence for each
    /// side.
    pub disturbed: Vec<String>,
    /// Chance of a false finding over the primary metrics of all candidates together.
    pub alpha: f64,
    /// What is to be said of the whole.
    pub outcome: ComparisonOutcome,
    /// The exit code of a process that ends with it. 1 when a primary metric or a guard is worse; 4 when none of them could be
    /// judged and nobody reads it, or, if asked to be strict, when one cannot be told or is slightly worse; else 0. With a gate: 0
    /// proven, 1 worse, 4 open.
    pub exit_code: u8,
}

/// A side in a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SideSummary {
    /// What it is called.
    pub name: String,
    /// The files of its runs, in the order of their beginnings.
    pub files: Vec<String>,
    /// The runs' ids, in the same order.
    pub runs: Vec<String>,
    /// What the runs warn of themselves: run and check.
    pub warnings: Vec<String>,
}

/// One side against the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The side.
    pub side: SideSummary,
    /// How its runs and the baseline's were put together.
    pub arrangement: Arrangement,
    /// The runs that were compared with one another, in order of time; empty where they are groups.
    pub pairs: Vec<Pair>,
    /// The metrics, primary ones first.
    pub rows: Vec<MetricRow>,
    /// What decides by itself, where it says something.
    pub guards: Vec<Guard>,
    /// In what the sides differ.
    pub differences: Vec<Difference>,
    /// What such runs can tell; `None` where nothing tells how much runs differ.
    pub resolution: Option<Resolution>,
    /// Whether it is at most so much worse, where that was asked.
    pub gate: Option<Gate>,
    /// What is to be said of it.
    pub outcome: ComparisonOutcome,
}

/// Two runs that were compared with one another, by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// The baseline's.
    pub baseline: String,
    /// The candidate's.
    pub other: String,
    /// Whether the baseline's began first.
    pub baseline_first: bool,
}

/// Runs that lie far from the others of their side, and what would be said without them. They are in everything else.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OddRuns {
    /// Which of the baseline's values.
    pub baseline: Vec<usize>,
    /// Which of the candidate's.
    pub values: Vec<usize>,
    /// The change without them.
    pub change: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
    /// What would be said.
    pub verdict: MetricVerdict,
}

/// One metric of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricRow {
    /// The metric.
    pub metric: Metric,
    /// Whether it decides.
    pub primary: bool,
    /// The baseline's values, run by run, in the metric's unit: a second, milliseconds, microseconds or a share. One that lies
    /// among the workflows that did not complete is infinite, which is null in JSON.
    pub baseline_values: Vec<f64>,
    /// The candidate's.
    pub values: Vec<f64>,
    /// Mean of the baseline: geometric, but of shares; the median where a value is infinite.
    pub baseline: Option<f64>,
    /// Mean of the candidate.
    pub value: Option<f64>,
    /// Samples of the baseline's runs; empty of what is no latency.
    pub baseline_samples: Vec<u64>,
    /// Samples of the candidate's runs.
    pub samples: Vec<u64>,
    /// Change: 0.1 for +10 %, or for +10 percentage points of a share.
    pub change: Option<f64>,
    /// The same in the metric's unit.
    pub absolute_change: Option<f64>,
    /// The interval of the change.
    pub interval: Option<Interval>,
    /// The 90 % interval, which is inside of the margin where the sides are equivalent; `None` where nothing was tested.
    pub equivalence_interval: Option<Interval>,
    /// The confidence of `interval`, 0 to 1.
    pub confidence: f64,
    /// How it was made.
    pub method: Option<Method>,
    /// p of no change.
    pub p: Option<f64>,
    /// The same, Holm-corrected for primary metrics.
    pub adjusted_p: Option<f64>,
    /// p of a change outside of the margin (TOST).
    pub equivalence_p: Option<f64>,
    /// Change that makes no difference: the larger part of `asked_margin`.
    pub margin: Interval,
    /// The margin that was asked for, both its parts.
    pub asked_margin: Margin,
    /// The smallest change that such runs tell with 80 % probability.
    pub detectable: Option<f64>,
    /// Error within one run, relative (root of the mean square over the runs); `None` where it cannot be told.
    pub within_run_error: Option<f64>,
    /// Runs that lie far from the others.
    pub odd: Option<OddRuns>,
    /// What is said.
    pub verdict: MetricVerdict,
    /// Of an open one: more runs a side that would decide; `None` when it is more than anybody makes.
    pub more_runs: Option<u32>,
    /// Why there is no verdict, or why the runs were ranked.
    pub reason: Option<String>,
}

/// Something that decides by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Guard {
    /// What it looks at: `error-ratio`, `verdict`, `carried-rate`, or the name of a threshold.
    pub name: String,
    /// What it says of the candidate.
    pub standing: GuardStanding,
    /// Both sides, for people.
    pub text: String,
}

/// What a guard says of the candidate. One that says nothing is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GuardStanding {
    /// It is worse: a regression.
    Worse,
    /// It is better, which counts when nothing is worse.
    Better,
    /// It looks worse, and so few runs or arrivals do not tell.
    Open,
}

/// What came of the gate of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// How much worse it may be: 0.1 for 10 %.
    pub at_most_worse: f64,
    /// What is said of all metrics and guards together.
    pub standing: GateStanding,
    /// Each deciding metric.
    pub rows: Vec<GateRow>,
}

/// One metric at the gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateRow {
    /// The metric.
    pub metric: Metric,
    /// How much worse it may be with 95 % confidence, 0.08 for 8 %; `None` where that cannot be told.
    pub bound: Option<f64>,
    /// What is said of it.
    pub standing: GateStanding,
    /// Of an open one: more runs a side that would decide; `None` when it is more than anybody makes.
    pub more_runs: Option<u32>,
}

/// What is said at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GateStanding {
    /// It is at most so much worse.
    Proven,
    /// Neither is proven.
    Open,
    /// It is worse by more than that.
    Worse,
}

/// What is to be said of all primary metrics and guards together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ComparisonOutcome {
    /// At least one is worse by more than the margin.
    Regressed,
    /// At least one is slightly worse, and none by more.
    SlightlyWorse,
    /// At least one cannot be told yet, and none is worse.
    Open,
    /// Nothing can be said of at least one, and none is worse or open.
    NoVerdict,
    /// At least one is better by more than the margin, and all others are told and not worse.
    Improved,
    /// At least one is slightly better, and all others are told and not worse.
    SlightlyBetter,
    /// None differs by more than the margin.
    Equivalent,
}

impl ComparisonOutcome {
    pub(super) fn of(candidates: &[Candidate]) -> ComparisonOutcome {
        let any = |verdict: MetricVerdict| primary(candidates).any(|row| row.verdict == verdict);
        let guard = |standing: GuardStanding| guards(candidates).any(|guard| guard.standing == standing);
        if any(MetricVerdict::Regressed) || guard(GuardStanding::Worse) {
            ComparisonOutcome::Regressed
        } else if any(MetricVerdict::SlightlyWorse) {
            ComparisonOutcome::SlightlyWorse
        } else if any(MetricVerdict::Open) || guard(GuardStanding::Open) {
            ComparisonOutcome::Open
        } else if any(MetricVerdict::NoVerdict) {
            ComparisonOutcome::NoVerdict
        } else if any(MetricVerdict::Improved) || guard(GuardStanding::Better) {
            ComparisonOutcome::Improved
        } else if any(MetricVerdict::SlightlyBetter) {
            ComparisonOutcome::SlightlyBetter
        } else {
            ComparisonOutcome::Equivalent
        }
    }
}

impl Comparison {
    /// Every primary row of every candidate.
    pub(super) fn primary(&self) -> impl Iterator<Item = &MetricRow> {
        primary(&self.candidates)
    }

    /// Every guard of every candidate.
    pub(super) fn guards(&self) -> impl Iterator<Item = &Guard> {
        guards(&self.candidates)
    }
}

fn primary(candidates: &[Candidate]) -> impl Iterator<Item = &MetricRow> {
    let rows = candidates.iter().flat_map(|candidate| &candidate.rows);
    rows.filter(|row| row.primary)
}

fn guards(candidates: &[Candidate]) -> impl Iterator<Item = &Guard> {
    candidates.iter().flat_map(|candidate| &candidate.guards)
}

/// Whether none of the primary metrics could be judged, and no guard says that it is worse.
pub(super) fn is_silent(outcome: ComparisonOutcome, candidates: &[Candidate]) -> bool {
    outcome != ComparisonOutcome::Regressed && primary(candidates).all(|row| row.verdict.direction().is_none())
}

pub(super) fn exit_code(outcome: ComparisonOutcome, candidates: &[Candidate], strict: bool, unattended: bool) -> u8 {
    let gates = candidates.iter().filter_map(|candidate| candidate.gate.as_ref());
    if let Some(standing) = gates.map(|gate| gate.standing).max() {
        return match standing {
            GateStanding::Proven => 0,
            GateStanding::Worse => 1,
            GateStanding::Open => 4,
        };
    }
    let doubtful = |row: &MetricRow| {
        matches!(
            row.verdict,
            MetricVerdict::Open | MetricVerdict::NoVerdict | MetricVerdict::SlightlyWorse
        )
    };
    let is_doubtful =
        primary(candidates).any(doubtful) || guards(candidates).any(|guard| guard.standing == GuardStanding::Open);
    match outcome {
        ComparisonOutcome::Regressed => 1,
        _ if strict && is_doubtful => 4,
        _ if unattended && is_silent(outcome, candidates) => 4,
        _ => 0,
    }
}
