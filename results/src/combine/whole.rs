//! The parts of a run as the whole: added, and judged as such.

use crate::{
    Ledger,
    assemble::{IterationParts, RunParts, assemble},
    histogram::DecodeError,
    latencies::LatencyHistograms,
    merge,
    schema::{Event, Interval, Iteration, PhaseReport, Phases, Results, Run, Window},
    thresholds::Signal,
};

use super::{course, members};

/// One result. The parts belong together, and there is one at least.
pub(super) fn of(parts: &[&Results]) -> Result<Results, DecodeError> {
    let first = parts[0];
    let fleet = members::of(parts);
    let errors = merge::errors(parts.iter().flat_map(|results| &results.errors));
    let intervals = course::intervals(parts.iter().flat_map(|results| &results.intervals))?;
    let windows = course::windows(parts.iter().flat_map(|results| &results.windows), &intervals)?;
    let interrupted = parts.iter().find_map(|results| results.run.interrupted_by.clone());
    let mut iterations = Vec::with_capacity(first.iterations.len());
    for (place, index) in (0..first.iterations.len()).zip(1_u32..) {
        let same: Vec<&Iteration> = parts.iter().map(|results| &results.iterations[place]).collect();
        let is_last = place + 1 == first.iterations.len();
        iterations.push(IterationParts {
            workflow_id_prefix: same[0].workflow_id_prefix.clone(),
            started_at: same[0].started_at.clone(),
            ledger: merge::ledgers(same.iter().map(|iteration| &iteration.ledger)),
            phases: phases(&same)?,
            // A file tells errors of all iterations together; each is judged by what there was.
            errors: errors.clone(),
            windows: its(&windows, |window: &Window| window.iteration == index),
            intervals: its(&intervals, |interval: &Interval| interval.iteration == index),
            reconciliation: merge::reconciliations(same.iter().map(|iteration| &iteration.reconciliation))?,
            generator: same[0].generator.clone(),
            fleet: members::in_iteration(&fleet, index),
            interrupted: is_last && interrupted.is_some(),
        });
    }
    let mut whole = assemble(RunParts {
        run: run(parts, interrupted.clone()),
        plan: first.plan.clone(),
        environment: first.environment.clone(),
        iterations,
        events: events(parts),
        complete: true,
        signal: interrupted.as_deref().and_then(signal),
    })?;
    // What a file has for all iterations together stands as it was, and is not added once more for each.
    whole.fleet = fleet;
    whole.errors = errors;
    // The hash of an older program's plan differs from that of the same plan today.
    whole.plan_hash = first.plan_hash.clone();
    Ok(whole)
}

fn its<T: Clone>(all: &[T], is_its: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|one| is_its(one)).cloned().collect()
}

/// The run of the first part, until the last one ended.
fn run(parts: &[&Results], interrupted_by: Option<String>) -> Run {
    Run {
        // RFC 3339 in UTC sorts as text, but for fractions of a second, which nobody will miss here.
        finished_at: parts.iter().filter_map(|results| results.run.finished_at.clone()).max(),
        interrupted_by,
        ..parts[0].run.clone()
    }
}

fn signal(name: &str) -> Option<Signal> {
    [Signal::Interrupt, Signal::Terminate]
        .into_iter()
        .find(|signal| signal.name() == name)
}

/// What happened to any of them, in order, and that they were merged.
fn events(parts: &[&Results]) -> Vec<Event> {
    let mut events: Vec<Event> = parts
        .iter()
        .flat_map(|results| results.events.iter().cloned())
        .collect();
    events.sort_by(|a, b| a.at_seconds.total_cmp(&b.at_seconds));
    let ids: Vec<&str> = parts.iter().map(|results| results.run.id.as_str()).collect();
    events.push(Event {
        at_seconds: events.last().map_or(0.0, |last| last.at_seconds),
        iteration: parts[0].iterations.len().max(1) as u32,
        kind: "merged".into(),
        message: format!("from the results of generators that ran apart: {}", ids.join(", ")),
    });
    events
}

fn phases(same: &[&Iteration]) -> Result<Phases, DecodeError> {
    let of = |phase: fn(&Phases) -> &PhaseReport| {
        let reports: Vec<&PhaseReport> = same.iter().map(|iteration| phase(&iteration.phases)).collect();
        beside_one_another(&reports)
    };
    Ok(Phases {
        ramp: of(|phases| &phases.ramp)?,
        warm_up: of(|phases| &phases.warm_up)?,
        measure: of(|phases| &phases.measure)?,
    })
}

/// The same phase of parts that ran at the same time. Iterations, which follow one another, are merged otherwise: see
/// [`merge::phase_reports`].
fn beside_one_another(reports: &[&PhaseReport]) -> Result<PhaseReport, DecodeError> {
    let mut histograms = LatencyHistograms::new();
    for report in reports {
        histograms.add(&LatencyHistograms::from_latencies(&report.latencies)?);
    }
    let ledger: Ledger = merge::ledgers(reports.iter().map(|report| &report.ledger));
    let longest = |of: fn(&PhaseReport) -> f64| reports.iter().map(|report| of(report)).fold(0.0, f64::max);
    // A rate that one part does not know is not known of the whole.
    let rate = |of: fn(&PhaseReport) -> Option<f64>| reports.iter().map(|report| of(report)).sum();
    Ok(PhaseReport {
        start_seconds: longest(|report| report.start_seconds),
        seconds: longest(|report| report.seconds),
        ledger,
        start_rate: rate(|report| report.start_rate),
        completion_rate: rate(|report| report.completion_rate),
        latencies: histograms.to_latencies(),
    })
}
