//! Changes in a history: where the figures of a series change, by how much, and in how many runs that was looked for.
//!
//! Latencies and rates are compared as logarithms, so that a change is a ratio and a slow cluster counts like a fast one;
//! shares as they are. A change that a comparison would call none is none here. The interval is for the stretches before
//! and after as they were found; since the place was chosen for its difference, it is somewhat too narrow, and says how
//! large a change is, not whether it is there: that is what the test was for ([`steps`]).

use benchmark_results::schema::VerdictValue;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    run::{RunRow, as_text},
    steps::{self, LevelShift},
};
use crate::limits::CHANGES_MIN_RUNS;
use crate::{
    compare::{margin::DEFAULT_MARGIN, metric::ERROR_MARGIN},
    stats::{self, Interval},
};

/// Confidence of the interval of a change.
const CONFIDENCE: f64 = 0.95;

/// The figures in which changes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HistoryMetric {
    /// p99 of `start_response`, milliseconds: less is better. Of VALID runs: what waits before an overloaded cluster grows
    /// with the length of the run.
    StartP99,
    /// p99 of `e2e_response`, likewise.
    E2eP99,
    /// Share of arrivals that did not complete, 0 to 1: less is better.
    ErrorRatio,
    /// Whether the run was OVERLOADED, 1 or 0; its mean is their share.
    Overloaded,
    /// Completions a second: more is better. A result where some run was OVERLOADED; else it is what was asked for.
    Throughput,
}

impl HistoryMetric {
    /// All of them.
    pub const ALL: [HistoryMetric; 5] = [
        HistoryMetric::StartP99,
        HistoryMetric::E2eP99,
        HistoryMetric::ErrorRatio,
        HistoryMetric::Overloaded,
        HistoryMetric::Throughput,
    ];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            HistoryMetric::StartP99 => "start p99",
            HistoryMetric::E2eP99 => "e2e p99",
            HistoryMetric::ErrorRatio => "errors",
            HistoryMetric::Overloaded => "overloaded",
            HistoryMetric::Throughput => "throughput",
        }
    }

    /// Its value for a run, as far as it belongs into a trend.
    pub fn of(self, run: &RunRow) -> Option<f64> {
        let overloaded = run.verdict == VerdictValue::Overloaded;
        match self {
            HistoryMetric::StartP99 => run.start_p99.filter(|_| !overloaded),
            HistoryMetric::E2eP99 => run.e2e_p99.filter(|_| !overloaded),
            HistoryMetric::ErrorRatio => run.error_ratio,
            HistoryMetric::Overloaded => Some(f64::from(u8::from(overloaded))),
            HistoryMetric::Throughput => run.throughput,
        }
        .filter(|value| self.is_share() || *value > 0.0)
    }

    /// Whether it is a latency, which only VALID runs have in a trend.
    pub fn is_latency(self) -> bool {
        matches!(self, HistoryMetric::StartP99 | HistoryMetric::E2eP99)
    }

    /// Whether its change is a difference of shares, and no ratio.
    pub fn is_share(self) -> bool {
        matches!(self, HistoryMetric::ErrorRatio | HistoryMetric::Overloaded)
    }

    fn to_scale(self, value: f64) -> f64 {
        if self.is_share() { value } else { value.ln() }
    }

    fn unscaled(self, scaled: f64) -> f64 {
        if self.is_share() { scaled } else { scaled.exp() }
    }

    fn to_change(self, difference: f64) -> f64 {
        if self.is_share() {
            difference
        } else {
            difference.exp_m1()
        }
    }

    /// Whether these levels, on its scale, differ by more than what makes no difference.
    fn matters(self, before: f64, after: f64) -> bool {
        let change = self.to_change(after - before).abs();
        match self {
            HistoryMetric::StartP99 | HistoryMetric::E2eP99 => {
                let milliseconds = (self.unscaled(after) - self.unscaled(before)).abs();
                change > DEFAULT_MARGIN.share && milliseconds > DEFAULT_MARGIN.time.as_secs_f64() * 1_000.0
            }
            HistoryMetric::Throughput => change > DEFAULT_MARGIN.share,
            HistoryMetric::ErrorRatio => change > ERROR_MARGIN,
            HistoryMetric::Overloaded => change > 0.0,
        }
    }
}

/// In how many runs of a series a change of a figure was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Examined {
    /// Which figure.
    pub metric: HistoryMetric,
    /// Runs that have a value of it which belongs into a trend.
    pub values: usize,
    /// Whether they are enough; if not, it was not looked for at all.
    pub enough: bool,
}

/// A change of one figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Which figure.
    pub metric: HistoryMetric,
    /// Whether it is for the worse.
    pub worse: bool,
    /// The first run after it, most likely.
    pub run: String,
    /// When that run began.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// The first and the last run that may be the first one after it.
    pub range: (String, String),
    /// Runs in that range.
    pub range_runs: usize,
    /// The last run that is before it for sure: what lies between it and the end of the range is where to look.
    pub last_before: String,
    /// The program's versions there and at the end of the range.
    pub versions: (String, String),
    /// The seeds before and after, where they are one and another: a change of the draw may be all that changed.
    pub seeds: Option<(u64, u64)>,
    /// Values since the change before, or since the beginning.
    pub runs_before: usize,
    /// Values until the next change, or until the end.
    pub runs_after: usize,
    /// Mean of the figure before: geometric of milliseconds and rates, a share of 0 to 1 otherwise.
    pub before: f64,
    /// The same after it.
    pub after: f64,
    /// After ÷ before − 1; of shares after − before.
    pub change: f64,
    /// Its 95 % interval.
    pub interval: Option<Interval>,
    /// Probability of a difference as large where there is none, when it was found.
    pub p_value: f64,
}

/// In what was looked for changes, and the changes by time.
pub(super) fn of(runs: &[RunRow]) -> (Vec<Examined>, Vec<Change>) {
    let counted: Vec<&RunRow> = runs.iter().filter(|run| run.counts()).collect();
    let carried_all = counted.iter().all(|run| run.verdict == VerdictValue::Valid);
    let (mut looked, mut changes) = (Vec::new(), Vec::new());
    for metric in HistoryMetric::ALL {
        if metric == HistoryMetric::Throughput && carried_all {
            continue;
        }
        let with = counted.iter().filter_map(|run| Some((*run, metric.of(run)?)));
        let (runs, values): (Vec<&RunRow>, Vec<f64>) = with.map(|(run, value)| (run, metric.to_scale(value))).unzip();
        looked.push(Examined {
            metric,
            values: values.len(),
            enough: values.len() >= CHANGES_MIN_RUNS,
        });
        changes.extend(of_metric(&runs, &values, metric));
    }
    changes.sort_by_key(|change| change.at);
    (looked, changes)
}

fn of_metric(runs: &[&RunRow], values: &[f64], metric: HistoryMetric) -> Vec<Change> {
    let steps = steps::steps(values, |before, after| metric.matters(before, after));
    let bounds = |index: usize| {
        let begin = index.checked_sub(1).map_or(0, |before: usize| steps[before].at);
        let end = steps.get(index + 1).map_or(values.len(), |next| next.at);
        (begin, end)
    };
    let change = |(index, step): (usize, &LevelShift)| {
        let (begin, end) = bounds(index);
        let (before, after) = (&values[begin..step.at], &values[step.at..end]);
        let difference = stats::mean(after) - stats::mean(before);
        let (earliest, latest) = step.range;
        let (first, last) = (runs[earliest], runs[latest]);
        let last_before = runs[earliest - 1];
        Change {
            metric,
            worse: (difference > 0.0) != (metric == HistoryMetric::Throughput),
            run: runs[step.at].id.clone(),
            at: runs[step.at].started_at,
            range: (first.id.clone(), last.id.clone()),
            range_runs: latest - earliest + 1,
            last_before: last_before.id.clone(),
            versions: (last_before.version.clone(), last.version.clone()),
            seeds: one_seed(&runs[begin..earliest])
                .zip(one_seed(&runs[latest..end]))
                .filter(|(before, after)| before != after),
            runs_before: before.len(),
            runs_after: after.len(),
            before: metric.unscaled(stats::mean(before)),
            after: metric.unscaled(stats::mean(after)),
            change: metric.to_change(difference),
            interval: steps::difference(before, after)
                .map(|estimate| estimate.interval(CONFIDENCE).map(|ends| metric.to_change(ends))),
            p_value: step.p_value,
        }
    };
    steps.iter().enumerate().map(change).collect()
}

/// The seed of these runs, when all have the same.
fn one_seed(runs: &[&RunRow]) -> Option<u64> {
    let seed = runs.first()?.seed();
    runs.iter().all(|run| run.seed() == seed).then_some(seed)
}
