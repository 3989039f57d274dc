//! Where the figures of a series change for good: found by E-divisive, sized with an interval.
//!
//! Logarithms are compared, so that a change is a ratio and a slow cluster counts like a fast one. The interval is Welch's,
//! for the stretches before and after as they were found; since the place was chosen for its difference, it is somewhat too
//! narrow, and says how large a change is, not whether it is there: that is what the test was for.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    energy::{self, Settings},
    run::{RunRow, as_text},
};
use crate::{
    limits::{CHANGES_LEVEL, CHANGES_MAX_RUNS, CHANGES_MIN_RUNS, CHANGES_MIN_SEGMENT, CHANGES_PERMUTATIONS},
    stats::{self, Estimate, Interval},
};

/// Confidence of the interval of a change.
const CONFIDENCE: f64 = 0.95;

/// The figures in which changes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Metric {
    /// Completions a second: more is better.
    Throughput,
    /// p99 of `start_response`, milliseconds: less is better.
    StartP99,
    /// p99 of `e2e_response`, milliseconds: less is better.
    E2eP99,
}

impl Metric {
    /// All of them.
    pub const ALL: [Metric; 3] = [Metric::Throughput, Metric::StartP99, Metric::E2eP99];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Throughput => "throughput",
            Metric::StartP99 => "start p99",
            Metric::E2eP99 => "e2e p99",
        }
    }

    /// Its value for a run.
    pub fn of(self, run: &RunRow) -> Option<f64> {
        match self {
            Metric::Throughput => run.throughput,
            Metric::StartP99 => run.start_p99,
            Metric::E2eP99 => run.e2e_p99,
        }
    }

    /// Whether a change by this ratio is for the better.
    pub fn is_better(self, ratio: f64) -> bool {
        (ratio > 1.0) == (self == Metric::Throughput)
    }
}

/// A change of one figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Which figure.
    pub metric: Metric,
    /// The first run after it.
    pub run: String,
    /// When that run began.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// The last run before it, with its version: what lies between the two is where to look.
    pub last_before: String,
    /// The program's versions before and after.
    pub versions: (String, String),
    /// Runs since the change before, or since the beginning.
    pub runs_before: usize,
    /// Runs until the next change, or until the end.
    pub runs_after: usize,
    /// Geometric mean of the figure before and after: a second, or milliseconds.
    pub before: f64,
    /// The same after it.
    pub after: f64,
    /// After ÷ before − 1, and its 95 % interval.
    pub change: f64,
    /// The interval.
    pub interval: Option<Interval>,
    /// Probability of a change point as clear where there is none.
    pub p_value: f64,
}

/// The changes of a series, by time.
pub(super) fn of(runs: &[RunRow]) -> Vec<Change> {
    let counted: Vec<&RunRow> = runs.iter().filter(|run| run.counts()).collect();
    let mut changes: Vec<Change> = Metric::ALL
        .into_iter()
        .flat_map(|metric| of_metric(&counted, metric))
        .collect();
    changes.sort_by_key(|change| change.at);
    changes
}

fn of_metric(runs: &[&RunRow], metric: Metric) -> Vec<Change> {
    let latest = runs.len().saturating_sub(CHANGES_MAX_RUNS);
    let (runs, values): (Vec<&RunRow>, Vec<f64>) = runs[latest..]
        .iter()
        .filter_map(|run| Some((*run, metric.of(run).filter(|value| *value > 0.0)?.ln())))
        .unzip();
    if values.len() < CHANGES_MIN_RUNS {
        return Vec::new();
    }
    let splits = energy::change_points(
        &values,
        Settings {
            level: CHANGES_LEVEL,
            permutations: CHANGES_PERMUTATIONS,
            least: CHANGES_MIN_SEGMENT,
            seed: 1,
        },
    );
    let places: Vec<usize> = splits.iter().map(|split| split.at).collect();
    (0..splits.len())
        .map(|index| {
            let at = places[index];
            let begin = index.checked_sub(1).map_or(0, |before| places[before]);
            let end = places.get(index + 1).copied().unwrap_or(values.len());
            let (before, after) = (&values[begin..at], &values[at..end]);
            let ratio = |logarithm: f64| logarithm.exp() - 1.0;
            let difference = stats::mean(after) - stats::mean(before);
            Change {
                metric,
                run: runs[at].id.clone(),
                at: runs[at].started_at,
                last_before: runs[at - 1].id.clone(),
                versions: (runs[at - 1].version.clone(), runs[at].version.clone()),
                runs_before: before.len(),
                runs_after: after.len(),
                before: stats::mean(before).exp(),
                after: stats::mean(after).exp(),
                change: ratio(difference),
                interval: Estimate::welch(before, after).map(|estimate| estimate.interval(CONFIDENCE).map(ratio)),
                p_value: splits[index].p_value,
            }
        })
        .collect()
}
