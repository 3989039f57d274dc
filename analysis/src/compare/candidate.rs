//! One side against the baseline: its rows, and what takes a row its verdict.

use benchmark_results::format::percent;

use super::{
    comparable::Difference,
    comparison::{Candidate, ComparisonOutcome, Gate, GateRow, Guard, GuardStanding, MetricRow, Pair},
    decide::{Answer, MetricVerdict},
    excerpt, figures, guards,
    metric::{Distribution, Metric},
    order::Arrangement,
    read::Read,
    resolution::{Deciding, Resolution},
    side::RunFile,
};
use crate::stats;

/// Share of a start latency that the generator's own lag may be, at the same quantile.
const LARGEST_LAG: f64 = 0.1;

/// What was asked of a candidate's metrics, besides its rows.
pub(super) struct Asked<'a> {
    pub(super) answers: &'a [Answer],
    /// Alpha that a primary metric must come to.
    pub(super) level: f64,
    pub(super) at_most_worse: Option<f64>,
}

/// A candidate, with its guards. What is told of what was left of the load, or of the generator, decides nothing.
pub(super) fn candidate(
    first: &Read,
    side: &Read,
    (arrangement, orders): &(Arrangement, Vec<bool>),
    mut rows: Vec<MetricRow>,
    asked: &Asked,
    differences: Vec<Difference>,
) -> Candidate {
    let throughput = rows.iter().find(|row| row.metric == Metric::Throughput);
    let guards = guards::guards(&first.runs, &side.runs, throughput);
    let reasons: Vec<_> = rows.iter().map(|row| unfit(row, &rows, &guards, first, side)).collect();
    for (row, reason) in rows.iter_mut().zip(reasons) {
        if reason.is_some() {
            row.verdict = MetricVerdict::NoVerdict;
            row.more_runs = None;
            row.reason = reason;
        }
    }
    let judged = || rows.iter().zip(asked.answers).filter(|(row, _)| row.primary);
    let deciding: Vec<_> = judged()
        .filter_map(|(row, answer)| {
            Some(Deciding {
                metric: row.metric,
                known: answer.known?,
                level: asked.level,
                within: row.within_run_error,
            })
        })
        .collect();
    let seconds = first.runs[0].results.phases.measure.seconds;
    let gate_rows = |limit: f64| {
        let rows = judged().map(|(row, answer)| GateRow::of(row.metric, answer, row.verdict, limit));
        rows.collect::<Vec<_>>()
    };
    let gated = asked.at_most_worse.map(|limit| (gate_rows(limit), limit));
    let pairs = first.runs.iter().zip(&side.runs).zip(orders);
    let pair = |((first, second), baseline_first): ((&RunFile, &RunFile), &bool)| Pair {
        baseline: first.results.run.id.clone(),
        other: second.results.run.id.clone(),
        baseline_first: *baseline_first,
    };
    let mut candidate = Candidate {
        side: side.summary(),
        arrangement: *arrangement,
        pairs: pairs.filter(|_| arrangement.is_paired()).map(pair).collect(),
        resolution: Resolution::of(&deciding, seconds),
        rows,
        guards,
        differences,
        gate: None,
        outcome: ComparisonOutcome::NoVerdict,
    };
    candidate.gate = gated.map(|(rows, limit)| Gate::of(&candidate, rows, limit));
    candidate.outcome = ComparisonOutcome::of(std::slice::from_ref(&candidate));
    candidate
}

/// Why a row decides nothing although it was judged.
fn unfit(row: &MetricRow, rows: &[MetricRow], guards: &[Guard], first: &Read, side: &Read) -> Option<String> {
    row.verdict.direction()?;
    if matches!(
        row.verdict,
        MetricVerdict::Improved | MetricVerdict::SlightlyBetter | MetricVerdict::Equivalent
    ) && (row.primary || row.metric.is_latency())
        && let Some(worse) = guards.iter().find(|guard| guard.standing == GuardStanding::Worse)
    {
        return Some(format!(
            "{} is worse, so this is of what was left of the load",
            worse.name
        ));
    }
    let of = row.metric.distribution()?;
    if of == Distribution::StartResponse {
        let lag = row.metric.same_of(Distribution::Lag)?;
        let late = [first, side].into_iter().find_map(|of| {
            let middle = |metric| stats::median(&mut of.values_of(metric).ok()?);
            let (lag, whole) = (middle(lag)?, middle(row.metric)?);
            (lag > LARGEST_LAG * whole).then(|| (of.name, lag / whole))
        });
        if let Some((name, share)) = late {
            return Some(format!(
                "{} of it is the generator's own lag in {}: a faster generator, or judge the service by --primary {}",
                percent(share),
                excerpt::shortened(name),
                row.metric.same_of(Distribution::StartService)?
            ));
        }
    }
    let service = match of {
        Distribution::StartResponse => Distribution::StartService,
        Distribution::E2eResponse => Distribution::E2eService,
        _ => return None,
    };
    let service = rows
        .iter()
        .find(|other| Some(other.metric) == row.metric.same_of(service))?;
    let disagrees = matches!(row.verdict, MetricVerdict::Improved | MetricVerdict::Regressed)
        && service
            .verdict
            .direction()
            .is_some_and(|direction| Some(direction) != row.verdict.direction());
    disagrees.then(|| {
        format!(
            "{} is {}: what differs here is how late the generator was",
            service.metric.label(),
            figures::word(service.verdict)
        )
    })
}
