//! Guards, which decide without a test: a cluster that carries the load against one that does not, work that does not
//! complete, a threshold that is missed.
//!
//! These are no quantities that happen to differ between runs. Each by itself is a regression, and whatever looks better
//! beside one is told of what was left of the load.

use benchmark_results::{
    Ledger,
    format::{percent, plural, rate},
};

use super::{
    comparable,
    comparison::{Guard, GuardStanding, MetricRow},
    decide::MetricVerdict,
    evidence::Method,
    excerpt, figures,
    metric::ERROR_MARGIN,
    side::RunFile,
};

/// How far the difference of two error ratios must exceed its sampling error (one-sided 5 %), where arrivals are so few
/// that [`ERROR_MARGIN`] is one of them or two.
const SAMPLING_ERRORS: f64 = 1.645;

impl Guard {
    fn new(name: &str, standing: GuardStanding, text: String) -> Self {
        Guard {
            name: name.to_owned(),
            standing,
            text,
        }
    }
}

/// The guards that say something of the second side. `throughput` is the row that was judged of it.
pub(super) fn guards(first: &[RunFile], second: &[RunFile], throughput: Option<&MetricRow>) -> Vec<Guard> {
    let mut guards = Vec::new();
    guards.extend(error_ratio(first, second));
    if comparable::have_one_load(first, second) {
        guards.extend(verdict(first, second));
        guards.extend(throughput.and_then(|row| carried_rate(first, second, row)));
    }
    guards.extend(thresholds(first, second));
    guards
}

/// Which way a difference goes.
fn standing(worse: bool) -> GuardStanding {
    if worse {
        GuardStanding::Worse
    } else {
        GuardStanding::Better
    }
}

/// Arrivals that did not complete, of all arrivals of a side. Where the ends of one run are not known, those that were
/// never accepted are what can be told of both sides.
fn error_ratio(first: &[RunFile], second: &[RunFile]) -> Option<Guard> {
    let ledger = |run: &RunFile| run.results.phases.measure.ledger;
    let known = first.iter().chain(second).all(|run| ledger(run).ends_unknown == 0);
    let errors = |ledger: &Ledger| {
        let fine = if known { ledger.completed } else { ledger.accepted };
        ledger.arrivals.saturating_sub(fine)
    };
    let sums = |runs: &[RunFile]| {
        let (mut failed, mut all) = (0.0, 0.0);
        for run in runs {
            failed += errors(&ledger(run)) as f64;
            all += ledger(run).arrivals as f64;
        }
        (all > 0.0).then_some((failed, all))
    };
    let ((failed, all), (other_failed, other_all)) = (sums(first)?, sums(second)?);
    let (ratio, other) = (failed / all, other_failed / other_all);
    if (other - ratio).abs() <= ERROR_MARGIN {
        return None;
    }
    let pooled = (failed + other_failed) / (all + other_all);
    let sampling = (pooled * (1.0 - pooled) * (1.0 / all + 1.0 / other_all)).sqrt();
    let sure = (other - ratio).abs() > SAMPLING_ERRORS * sampling;
    let standing = match (sure, other > ratio) {
        (true, worse) => standing(worse),
        (false, true) => GuardStanding::Open,
        (false, false) => return None,
    };
    let of = if known { "did not complete" } else { "were not accepted" };
    Some(Guard::new(
        "error-ratio",
        standing,
        format!(
            "{} against {} of the arrivals {of}; up to {:.1} pp make no difference",
            percent(ratio),
            percent(other),
            ERROR_MARGIN * 100.0
        ),
    ))
}

/// A side is OVERLOADED when one of its runs is. That it no longer is, is only said where most of the other's were: of two sides
/// that are alike at the edge of what the cluster carries, the one with the odd OVERLOADED run would make the other look better.
fn verdict(first: &[RunFile], second: &[RunFile]) -> Option<Guard> {
    let overloaded = |runs: &[RunFile]| runs.iter().filter(|run| comparable::is_overloaded(run)).count();
    let (before, after) = (overloaded(first), overloaded(second));
    let is_worse = before == 0 && after > 0;
    let is_better = after == 0 && 2 * before > first.len();
    if !is_worse && !is_better {
        return None;
    }
    let of = |count: usize, runs: &[RunFile]| format!("{count} of {}", plural(runs.len() as u64, "run"));
    Some(Guard::new(
        "verdict",
        standing(is_worse),
        format!("{} against {} OVERLOADED", of(before, first), of(after, second)),
    ))
}

/// What two OVERLOADED sides carried of one load.
fn carried_rate(first: &[RunFile], second: &[RunFile], row: &MetricRow) -> Option<Guard> {
    let overloaded = |runs: &[RunFile]| runs.iter().any(comparable::is_overloaded);
    if !overloaded(first) || !overloaded(second) {
        return None;
    }
    let (change, baseline, value) = (row.change?, row.baseline?, row.value?);
    if row.margin.contains(change) {
        return None;
    }
    // Nothing tells how much single runs differ: the figure itself is what there is.
    let between_runs = row.method.is_some_and(|method| method != Method::WithinRun);
    let standing = match row.verdict {
        MetricVerdict::Regressed | MetricVerdict::Improved => standing(change < 0.0),
        _ if !between_runs => standing(change < 0.0),
        _ if change < 0.0 => GuardStanding::Open,
        _ => return None,
    };
    Some(Guard::new(
        "carried-rate",
        standing,
        format!(
            "{} against {} carried, {}",
            rate(baseline),
            rate(value),
            figures::change(row.metric, row.change)
        ),
    ))
}

/// Thresholds of one and the same limit that all runs of one side met, and one of the other's missed.
fn thresholds(first: &[RunFile], second: &[RunFile]) -> Vec<Guard> {
    let Some(template) = first.first() else {
        return Vec::new();
    };
    let of_name = |name: &str, required: &str, runs: &[RunFile]| -> Option<(bool, String)> {
        let mut worst: Option<(bool, String)> = None;
        for run in runs {
            let thresholds = &run.results.outcome.thresholds;
            let found = thresholds.iter().find(|threshold| threshold.name == name)?;
            if found.required != required {
                return None;
            }
            if worst.as_ref().is_none_or(|(met, _)| *met && !found.met) {
                worst = Some((found.met, excerpt::shortened(&found.measured)));
            }
        }
        worst
    };
    let templates = &template.results.outcome.thresholds;
    let guards = templates.iter().filter_map(|threshold| {
        let (met, measured) = of_name(&threshold.name, &threshold.required, first)?;
        let (other_met, other) = of_name(&threshold.name, &threshold.required, second)?;
        let said = |met: bool| if met { "met" } else { "missed" };
        (met != other_met).then(|| {
            Guard::new(
                &excerpt::shortened(&threshold.name),
                standing(!other_met),
                format!(
                    "{} ({measured}) against {} ({other}): asked {}",
                    said(met),
                    said(other_met),
                    excerpt::shortened(&threshold.required)
                ),
            )
        })
    });
    guards.collect()
}
