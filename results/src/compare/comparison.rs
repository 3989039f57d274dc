//! What a comparison says: the sides, their rows and guards, and what is to be said of the whole.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Difference, Guard, GuardStanding, Method, Metric, Verdict, figures};
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
    pub outcome: Outcome,
    /// The exit code of a process that ends with it: 1 when a primary metric or a guard is worse, else 0; if asked to be strict, 4 when
    /// one cannot be told.
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
}

/// One side against the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The side.
    pub side: SideSummary,
    /// Whether its runs were paired with the baseline's.
    pub paired: bool,
    /// The metrics, primary ones first.
    pub rows: Vec<Row>,
    /// What decides by itself, where it says something.
    pub guards: Vec<Guard>,
    /// In what the sides differ.
    pub differences: Vec<Difference>,
    /// What is to be said of it.
    pub outcome: Outcome,
}

/// One metric of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
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
    /// Change: 0.1 for +10 %, or for +10 percentage points of a share.
    pub change: Option<f64>,
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
    /// The Hodges–Lehmann estimate of the change; `None` for single runs.
    pub hodges_lehmann: Option<f64>,
    /// Its interval of at least the same confidence; `None` where so few runs have none.
    pub hodges_lehmann_interval: Option<Interval>,
    /// Change that makes no difference.
    pub margin: Interval,
    /// What is said.
    pub verdict: Verdict,
    /// Of an inconclusive one: more runs a side that would decide; `None` when it is more than anybody makes.
    pub more_runs: Option<u32>,
    /// Why there is no verdict, or why the runs were ranked.
    pub reason: Option<String>,
}

/// A noise profile in a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NoiseSummary {
    /// Its file.
    pub file: String,
    /// When it was measured, RFC 3339.
    pub measured_at: String,
    /// How many days before the last of the compared runs that was; `None` when a time cannot be read.
    pub age_days: Option<u32>,
    /// Of how many runs.
    pub runs: u32,
    /// Of how many seeds; `None` of profiles that did not record it.
    pub seeds: Option<u32>,
    /// Spread of the primary metrics.
    pub spreads: BTreeMap<Metric, f64>,
    /// What makes it fit less well than it might, a sentence each.
    pub remarks: Vec<String>,
}

/// What is to be said of all primary metrics and guards together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// At least one is worse.
    Regressed,
    /// At least one is better, and none is worse or open.
    Improved,
    /// At least one cannot be told yet, and none is worse.
    Inconclusive,
    /// None differs by more than the margin.
    Equivalent,
    /// Nothing can be said of at least one, and none is worse.
    NoVerdict,
}

impl Outcome {
    pub(super) fn of(candidates: &[Candidate]) -> Outcome {
        let any = |verdict: Verdict| primary(candidates).any(|row| row.verdict == verdict);
        let guard = |standing: GuardStanding| guards(candidates).any(|guard| guard.standing == standing);
        if any(Verdict::Regressed) || guard(GuardStanding::Worse) {
            Outcome::Regressed
        } else if any(Verdict::Inconclusive) || guard(GuardStanding::Open) {
            Outcome::Inconclusive
        } else if any(Verdict::NoVerdict) {
            Outcome::NoVerdict
        } else if any(Verdict::Improved) || guard(GuardStanding::Better) {
            Outcome::Improved
        } else {
            Outcome::Equivalent
        }
    }
}

impl Comparison {
    /// One line when nothing could be judged: a green exit code alone would say the opposite.
    pub fn warning(&self) -> Option<String> {
        figures::warning(self)
    }

    /// Every primary row of every candidate.
    pub(super) fn primary(&self) -> impl Iterator<Item = &Row> {
        primary(&self.candidates)
    }

    /// Every guard of every candidate.
    pub(super) fn guards(&self) -> impl Iterator<Item = &Guard> {
        guards(&self.candidates)
    }
}

fn primary(candidates: &[Candidate]) -> impl Iterator<Item = &Row> {
    let rows = candidates.iter().flat_map(|candidate| &candidate.rows);
    rows.filter(|row| row.primary)
}

fn guards(candidates: &[Candidate]) -> impl Iterator<Item = &Guard> {
    candidates.iter().flat_map(|candidate| &candidate.guards)
}

pub(super) fn exit_code(outcome: Outcome, candidates: &[Candidate], strict: bool) -> u8 {
    let open = |row: &Row| matches!(row.verdict, Verdict::Inconclusive | Verdict::NoVerdict);
    let is_open =
        primary(candidates).any(open) || guards(candidates).any(|guard| guard.standing == GuardStanding::Open);
    match outcome {
        Outcome::Regressed => 1,
        _ if strict && is_open => 4,
        _ => 0,
    }
}
