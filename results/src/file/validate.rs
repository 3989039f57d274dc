//! Validation of a file: whether what stands in it can be worked on, and belongs together.
//!
//! Two kinds of thing are refused. First what would make later code fail: seconds that lie beyond every run, durations whose
//! sum does not fit, counts whose sum does not fit, histograms of the phases that cannot be read. Second what no run can
//! have written, and so was changed by hand: a ledger that does not add up under a verdict that says nothing of it, a
//! quantile or a count beside a histogram that says otherwise. The figures of a file that was edited with care are not
//! found out: that is what signatures are for. The plan's hash is not made again, since that of an older program's plan
//! differs for the keys that it did not have.

use benchmark_scenarios::Plan;

use super::error::{Place, ReadProblem};
use crate::{
    histogram::Histogram,
    ledger::Ledger,
    limits::{
        HISTOGRAM_MAX_COUNT, LATEST_SECOND, PLAN_LONGEST, QUANTILE_DIFFERENCE, RUN_ID_MAX, SAMPLES_BEYOND_QUANTILE,
    },
    schema::{Latencies, Latency, PhaseReport, Phases, Results, VerdictValue},
};

/// Whether these results can be worked on.
pub(super) fn check(results: &Results) -> Result<(), ReadProblem> {
    plan(&results.plan)?;
    id(results)?;
    hash(results)?;
    ledgers(results)?;
    seconds(results)?;
    sums(results)?;
    latencies(&results.phases)
}

/// Durations that are added without a look at their size.
fn plan(plan: &Plan) -> Result<(), ReadProblem> {
    let load = &plan.load;
    let mut durations = vec![
        ("load.duration", load.duration),
        ("load.rampUp", load.ramp_up),
        ("load.warmUp", load.warm_up),
        ("load.drain", load.drain),
        ("load.stopTimeout", load.stop_timeout),
        ("load.maxLag", load.max_lag),
        ("starter.startTimeout", plan.starter.start_timeout),
        ("starter.connectTimeout", plan.starter.connect_timeout),
        ("workload.activityCpu", plan.workload.activity_cpu),
        ("thresholds.maxP99Latency", plan.thresholds.max_p99_latency),
    ];
    if let Some(tuning) = &plan.workers.tuning {
        durations.push(("workers.tuning.stickyTimeout", tuning.sticky_timeout));
        durations.push(("workers.tuning.gracefulShutdown", tuning.graceful_shutdown));
    }
    let workload = plan.workload.kind.durations();
    let all = (durations.iter().map(|(key, duration)| (key.to_string(), *duration))).chain(
        workload
            .iter()
            .map(|(key, duration)| (format!("workload.{key}"), *duration)),
    );
    match all.into_iter().find(|(_, duration)| *duration > PLAN_LONGEST) {
        Some((key, _)) => Err(ReadProblem::Excessive(format!("has more than ten years as plan.{key}"))),
        None => Ok(()),
    }
}

/// The run's id is the name of folders and files, and stands in commands.
fn id(results: &Results) -> Result<(), ReadProblem> {
    if is_name(&results.run.id) {
        Ok(())
    } else {
        Err(ReadProblem::Damaged(format!(
            "run.id is no name of a run: at most {RUN_ID_MAX} letters, digits, '-', '_' and '.', the first of them a letter or digit"
        )))
    }
}

/// Whether a text can be a part of a path and of a command, and is nothing else there.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=RUN_ID_MAX).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(plain)
}

fn hash(results: &Results) -> Result<(), ReadProblem> {
    let hash = results.plan_hash.to_string();
    if hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        Ok(())
    } else {
        Err(ReadProblem::Damaged(
            "planHash is no SHA-256 in hexadecimal digits".into(),
        ))
    }
}

/// A ledger that does not add up makes a run INVALID when it is judged, so under any other verdict it was changed since.
fn ledgers(results: &Results) -> Result<(), ReadProblem> {
    let mut all = Vec::new();
    all.push((Place("ledger", None, ""), &results.ledger, results.verdict.value));
    all.extend(of_phases("phases", None, &results.phases, results.verdict.value));
    for (index, iteration) in results.iterations.iter().enumerate() {
        let verdict = iteration.verdict.value;
        all.push((Place("iterations", Some(index), "ledger"), &iteration.ledger, verdict));
        all.extend(of_phases("iterations", Some(index), &iteration.phases, verdict));
    }
    for (place, ledger, verdict) in all {
        if verdict == VerdictValue::Invalid {
            continue;
        }
        if let Some(broken) = ledger.broken_identities().first() {
            return Err(ReadProblem::Contradiction(format!("{place} does not add up, {broken}")));
        }
    }
    Ok(())
}

type Judged<'a> = (Place<'a>, &'a Ledger, VerdictValue);

fn of_phases<'a>(
    at: &'static str,
    index: Option<usize>,
    phases: &'a Phases,
    verdict: VerdictValue,
) -> impl Iterator<Item = Judged<'a>> {
    let named: [(&'static str, &PhaseReport); 3] = [
        ("ramp.ledger", &phases.ramp),
        ("warmUp.ledger", &phases.warm_up),
        ("measure.ledger", &phases.measure),
    ];
    named
        .into_iter()
        .map(move |(name, phase)| (Place(at, index, name), &phase.ledger, verdict))
}

/// Seconds and iterations that later code counts up to.
fn seconds(results: &Results) -> Result<(), ReadProblem> {
    let late = |place: Place| ReadProblem::Excessive(format!("has {place} beyond {LATEST_SECOND} seconds"));
    let strange = |place: Place| ReadProblem::Contradiction(format!("{place} is of an iteration that there was not"));
    let iterations = results.iterations.len() as u64;
    let exists = |iteration: u32| (1..=iterations).contains(&u64::from(iteration));
    for (index, window) in results.windows.iter().enumerate() {
        if window.second > LATEST_SECOND {
            return Err(late(Place("windows", Some(index), "second")));
        }
        if !exists(window.iteration) {
            return Err(strange(Place("windows", Some(index), "")));
        }
    }
    for (index, interval) in results.intervals.iter().enumerate() {
        if interval.start_seconds > LATEST_SECOND || interval.seconds > LATEST_SECOND {
            return Err(late(Place("intervals", Some(index), "")));
        }
        if !exists(interval.iteration) {
            return Err(strange(Place("intervals", Some(index), "")));
        }
    }
    for (index, iteration) in (1..).zip(&results.iterations) {
        if iteration.index != index {
            return Err(ReadProblem::Contradiction(
                "the iterations are not numbered from 1 on".into(),
            ));
        }
    }
    let reports = results
        .iterations
        .iter()
        .map(|iteration| &iteration.phases)
        .chain([&results.phases]);
    for phase in reports.flat_map(|phases| [&phases.ramp, &phases.warm_up, &phases.measure]) {
        // Those of the totals are the sum over the iterations.
        let longest = LATEST_SECOND as f64 * (iterations.max(1)) as f64;
        if !(0.0..=longest).contains(&phase.seconds) || !(0.0..=longest).contains(&phase.start_seconds) {
            return Err(late(Place("phases", None, "")));
        }
    }
    Ok(())
}

/// Counts that later code adds up. One count is bounded already, and only of these there can be very many.
fn sums(results: &Results) -> Result<(), ReadProblem> {
    let sums = [
        (
            "windows",
            sum(results.windows.iter().map(|window| {
                let counts = [
                    window.due,
                    window.dispatched,
                    window.dropped,
                    window.accepted,
                    window.rejected,
                    window.unknown,
                    window.completed.unwrap_or(0),
                    window.failed.unwrap_or(0),
                    window.backlog.unwrap_or(0),
                    window.in_flight,
                    window.waited_at_cap.unwrap_or(0),
                    window.held_at_cap.unwrap_or(0),
                ];
                sum(counts.into_iter())
            })),
        ),
        ("errors", sum(results.errors.iter().map(|group| group.count))),
        (
            "reconciliation.server",
            sum(results
                .reconciliation
                .server
                .value
                .iter()
                .flatten()
                .map(|(_, count)| *count)),
        ),
    ];
    match sums.iter().find(|(_, sum)| *sum > HISTOGRAM_MAX_COUNT) {
        Some((place, _)) => Err(ReadProblem::Excessive(format!(
            "has {place} that count more than {HISTOGRAM_MAX_COUNT}"
        ))),
        None => Ok(()),
    }
}

fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

/// The histograms of the totals, and the figures beside them.
fn latencies(phases: &Phases) -> Result<(), ReadProblem> {
    let empty = Latency::empty();
    for (phase, report) in [
        ("ramp", &phases.ramp),
        ("warmUp", &phases.warm_up),
        ("measure", &phases.measure),
    ] {
        if let Some(at_cap) = &report.at_cap
            && at_cap.dropped > report.ledger.dropped_lag.saturating_add(report.ledger.dropped_cap)
        {
            return Err(ReadProblem::Contradiction(format!(
                "phases.{phase}.atCap: {} were given up, which are more than in the ledger",
                at_cap.dropped
            )));
        }
        let at_cap = report.at_cap.as_ref().map(|at_cap| ("lag at the cap", &at_cap.lag));
        for (name, latency) in named(&report.latencies).into_iter().chain(at_cap) {
            if *latency != empty {
                distribution(latency)
                    .map_err(|what| ReadProblem::Contradiction(format!("phases.{phase}.latencies.{name}: {what}")))?;
            }
        }
    }
    Ok(())
}

/// Each distribution of a phase with its place in it.
fn named(latencies: &Latencies) -> [(&'static str, &Latency); 11] {
    let (service, response) = (&latencies.start_service, &latencies.start_response);
    let (end_service, end_response) = (&latencies.e2e_service, &latencies.e2e_response);
    [
        ("lag", &latencies.lag),
        ("startService.accepted", &service.accepted),
        ("startService.rejected", &service.rejected),
        ("startService.unanswered", &service.unanswered),
        ("startResponse.accepted", &response.accepted),
        ("startResponse.rejected", &response.rejected),
        ("startResponse.unanswered", &response.unanswered),
        ("e2eService.completed", &end_service.completed),
        ("e2eService.notCompleted", &end_service.not_completed),
        ("e2eResponse.completed", &end_response.completed),
        ("e2eResponse.notCompleted", &end_response.not_completed),
    ]
}

/// Whether the figures of a distribution are those of its histogram.
fn distribution(latency: &Latency) -> Result<(), String> {
    let histogram = Histogram::decode(&latency.histogram).map_err(|error| error.to_string())?;
    if histogram.count() != latency.count {
        return Err(format!(
            "count is {}, and its histogram holds {}",
            latency.count,
            histogram.count()
        ));
    }
    let stands = latency
        .quantiles()
        .map(|(name, needed, found)| (name, 1.0 - SAMPLES_BEYOND_QUANTILE as f64 / needed as f64, found));
    for (name, quantile, found) in stands.into_iter().chain([("max", 1.0, latency.max)]) {
        // Whether there are enough samples to show a quantile is for the program that wrote it to say.
        if let (Some(found), Some(expected)) = (found, histogram.quantile_ms(quantile))
            && (found - expected).abs() > expected * QUANTILE_DIFFERENCE
        {
            // As numbers are written in code: else a tiny one is hundreds of zeros.
            return Err(format!("{name} is {found:?}, and its histogram says {expected:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn an_id_that_is_a_path_is_refused() {
        let mut results = testing::short();
        for (given, fits) in [
            ("1nqk3x7-brisk-otter-5k8w2m9c1tz", true),
            ("a.1_b", true),
            (&"x".repeat(RUN_ID_MAX), true),
            (&"x".repeat(RUN_ID_MAX + 1), false),
            ("", false),
            (".", false),
            ("..", false),
            (".hidden", false),
            ("../../home/ci/site", false),
            ("/srv/www", false),
            ("a/b", false),
            ("a\\b", false),
            ("a b", false),
            ("-\u{1b}[2J", false),
            ("ä", false),
        ] {
            results.run.id = given.to_owned();
            assert_eq!(check(&results).is_ok(), fits, "{given:?}");
        }
    }
}
