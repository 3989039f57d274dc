//! Iteration in the results file: what the account of its submission window holds.

use std::time::Duration;

use benchmark_results::{
    Histogram, IterationParts, merge,
    schema::{
        AtCap, EndLatency, ErrorExample, ErrorGroup, Fact, Fleet, GeneratorHealth, Latencies, Latency, Phase,
        PhaseReport, Phases, Reconciliation, StartLatency, Window,
    },
};
use benchmark_scenarios::{Plan, Problem};

use crate::{
    account::accounts::{Accounts, Errors, PhaseAccount, SecondsReport},
    load::{ids, schedule::Schedule, shard::Pair},
    machine::{
        ceiling::Ceiling,
        health::{HealthSnapshot, StarterLoad},
    },
    run::{pace, reconcile::PHASES, submission::Submission},
};

/// Nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// What the account holds, taken out of it in one piece.
pub struct Taken {
    phases: Phases,
    ledger: benchmark_results::Ledger,
    errors: Vec<ErrorGroup>,
    seconds: SecondsReport,
    peak_in_flight: u64,
    /// Phases whose sample misses so many ends that it says nothing of all workflows, should nothing more come of it.
    thin: Vec<Phase>,
    /// CPU time that taking it took.
    pub cpu: Duration,
}

/// Takes out what the results file needs, as it stands.
///
/// # Errors
/// When the account is gone.
pub async fn take(submission: &Submission) -> Result<Taken, Problem> {
    let (schedule, prefix) = (submission.schedule.clone(), submission.id_prefix.clone());
    let (end, stamps) = (submission.timeline.elapsed().min(submission.end()), submission.stamps);
    let stopped_at = submission.stopped_at;
    submission
        .accountant
        .visit(move |accounts| {
            let before = pace::thread_cpu();
            let report = |phase| phase_report(accounts, &schedule, phase, end);
            let mut seconds = accounts.seconds().report();
            if let Some(stopped_at) = stopped_at {
                due_until(&mut seconds.windows, &schedule, stopped_at);
            }
            if !stamps {
                // Only the sample's ends are seen second by second; they are no count of all.
                for window in &mut seconds.windows {
                    (window.completed, window.failed, window.backlog) = (None, None, None);
                }
            }
            Taken {
                phases: Phases {
                    ramp: report(Phase::Ramp),
                    warm_up: report(Phase::WarmUp),
                    measure: report(Phase::Measure),
                },
                ledger: merge::ledgers(PHASES.map(|phase| accounts.known_ledger(phase))),
                errors: error_groups(accounts.errors(), &schedule, &prefix),
                seconds,
                peak_in_flight: accounts.seconds().peak_in_flight(),
                thin: accounts
                    .phases()
                    .iter()
                    .filter(|(_, account)| !stamps && !account.sample_ends().is_whole_enough())
                    .map(|(phase, _)| *phase)
                    .collect(),
                cpu: pace::thread_cpu().saturating_sub(before),
            }
        })
        .await
}

impl Taken {
    /// The same while the run goes on: a worker's stamp may be ahead of the starter's report of the same start, which
    /// comes with the end of its second. Such a start was due, sent and accepted, or its workflow could not have ended.
    pub fn so_far(mut self) -> Self {
        // The sample's ends are still to come.
        self.thin.clear();
        self.ledger = benchmark_results::Ledger::default();
        let phases = &mut self.phases;
        for phase in [&mut phases.ramp, &mut phases.warm_up, &mut phases.measure] {
            let ledger = &mut phase.ledger;
            let ahead = ledger.ended().saturating_sub(ledger.accepted);
            ledger.arrivals += ahead;
            ledger.dispatched += ahead;
            ledger.accepted += ahead;
            self.ledger.add(ledger);
        }
        self
    }

    /// Leaves out the end-to-end latencies of phases whose sample misses too many: those that miss are the slow ones.
    fn withhold(&mut self, schedule: &Schedule) {
        for (phase, report) in [
            (Phase::Ramp, &mut self.phases.ramp),
            (Phase::WarmUp, &mut self.phases.warm_up),
            (Phase::Measure, &mut self.phases.measure),
        ] {
            if self.thin.contains(&phase) {
                let Latencies {
                    e2e_service,
                    e2e_response,
                    ..
                } = Latencies::empty();
                (report.latencies.e2e_service, report.latencies.e2e_response) = (e2e_service, e2e_response);
            }
        }
        // What is due late in a phase ends in the next one, so these two go by whether anything is thin at all.
        let Some(first) = self.thin.iter().map(|phase| schedule.bounds(*phase).0).min() else {
            return;
        };
        for window in &mut self.seconds.windows {
            if (window.second + 1) * SECOND > first {
                (window.e2e_p50, window.e2e_p99) = (None, None);
            }
        }
        for interval in &mut self.seconds.intervals {
            if (interval.start_seconds + interval.seconds) * SECOND > first {
                interval.e2e_response = Histogram::new().encode();
            }
        }
    }
}

/// Puts together the results of a window.
pub fn parts(
    plan: &Plan,
    submission: &Submission,
    mut taken: Taken,
    reconciliation: Reconciliation,
    ceiling: &Fact<Ceiling>,
    started_at: String,
    fleet: impl FnOnce(&GeneratorHealth) -> Fleet,
) -> IterationParts {
    taken.withhold(&submission.schedule);
    let generator = match &submission.measured.health {
        Some((begin, end)) => StarterLoad {
            dispatched: submission.measured.dispatched,
            peak_in_flight: taken.peak_in_flight,
            connections: submission.connections,
            starts: submission.starts.clone(),
            scheduling: submission.scheduling.clone(),
            share_of_ceiling: match &ceiling.value {
                Some(known) => Fact::found(known.share_of(plan), ceiling.source.clone()),
                None => Fact::missing(ceiling.source.clone()),
            },
        }
        .add_to(HealthSnapshot::between(begin, end)),
        None => GeneratorHealth::not_observed("the measured phase is not over"),
    };
    let fleet = fleet(&generator);
    IterationParts {
        workflow_id_prefix: submission.id_prefix.to_string(),
        started_at,
        ledger: taken.ledger,
        phases: taken.phases,
        errors: taken.errors,
        windows: taken.seconds.windows,
        intervals: taken.seconds.intervals,
        reconciliation,
        generator,
        fleet,
        interrupted: submission.stopped_at.is_some(),
    }
}

/// Of a run that was stopped, what would have been due later is no arrival. Only the second of the stop is asked for: to
/// count the arrivals of a Poisson schedule takes a sort.
fn due_until(windows: &mut [Window], schedule: &Schedule, stopped_at: u64) {
    let past = stopped_at.saturating_add(1);
    for window in windows {
        let begin = window.second * SECOND;
        if begin >= past {
            window.due = 0;
        } else if begin + SECOND > past {
            window.due = schedule.count_before(past) - schedule.count_before(begin);
        }
    }
}

/// The report of one phase, of which nothing after `end` has happened.
pub(crate) fn phase_report(accounts: &Accounts, schedule: &Schedule, phase: Phase, end: u64) -> PhaseReport {
    let empty = PhaseAccount::default();
    let account = accounts.phases().get(&phase).unwrap_or(&empty);
    let (begin, planned_end) = schedule.bounds(phase);
    let seconds = planned_end.min(end).saturating_sub(begin) as f64 / 1e9;
    let rate = |count: u64| (seconds > 0.0).then(|| count as f64 / seconds);
    PhaseReport {
        start_seconds: begin as f64 / 1e9,
        seconds,
        ledger: accounts.known_ledger(phase),
        start_rate: rate(account.sent_in_time),
        completion_rate: accounts.completed_in_time(phase).and_then(rate),
        at_cap: Some(AtCap {
            dropped: account.starts.dropped_at_cap,
            lag: account
                .starts
                .lag_at_cap
                .as_ref()
                .map_or_else(Latency::empty, Histogram::to_latency),
        }),
        latencies: latencies(account),
    }
}

fn latencies(account: &PhaseAccount) -> Latencies {
    let starts = |side: fn(&Pair) -> &Histogram| StartLatency {
        accepted: side(&account.starts.accepted).to_latency(),
        rejected: latency(account.starts.rejected.as_ref(), side),
        unanswered: latency(account.starts.unanswered.as_ref(), side),
    };
    let ends = |side: fn(&Pair) -> &Histogram| EndLatency {
        completed: latency(account.ends.completed.as_ref(), side),
        not_completed: latency(account.ends.not_completed.as_ref(), side),
    };
    Latencies {
        lag: account.starts.lag.to_latency(),
        start_service: starts(|pair| &pair.service),
        start_response: starts(|pair| &pair.response),
        e2e_service: ends(|pair| &pair.service),
        e2e_response: ends(|pair| &pair.response),
    }
}

fn latency(pair: Option<&Pair>, side: fn(&Pair) -> &Histogram) -> Latency {
    pair.map_or_else(Latency::empty, |pair| side(pair).to_latency())
}

fn error_groups(errors: &Errors, schedule: &Schedule, prefix: &str) -> Vec<ErrorGroup> {
    let example = |(n, message): &(u64, String)| ErrorExample {
        workflow_id: Some(ids::workflow_id(prefix, schedule.phase_of(*n), *n)),
        message: message.clone(),
    };
    errors
        .iter()
        .map(|((operation, code), (count, examples))| ErrorGroup {
            operation: (*operation).to_owned(),
            code: code.clone(),
            count: *count,
            examples: examples.iter().map(example).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use benchmark_scenarios::{Arrivals, Load, Rate, WhenFull};

    use super::*;
    use crate::load::sample::HashedSample;

    fn schedule(arrivals: Arrivals) -> Schedule {
        Schedule::new(&Load {
            rate: Rate::from_thousandths(100_000).unwrap(),
            duration: Duration::from_secs(5),
            ramp_up: Duration::from_secs(1),
            warm_up: Duration::from_secs(1),
            drain: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(25),
            arrivals,
            seed: 1,
            max_in_flight: 1000,
            when_full: WhenFull::Queue,
            max_lag: Duration::from_secs(1),
        })
    }

    #[test]
    fn what_was_due_after_the_stop_is_no_arrival() {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let schedule = schedule(arrivals);
            let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
            accounts.advance(30 * SECOND);
            let planned = accounts.seconds().report().windows;
            for stopped_at in [
                0,
                1,
                SECOND - 1,
                SECOND,
                2 * SECOND + 345_678_901,
                5 * SECOND,
                9 * SECOND,
            ] {
                let mut windows = planned.clone();
                due_until(&mut windows, &schedule, stopped_at);
                let before = |offset: u64| schedule.count_before(offset.min(stopped_at + 1));
                for window in &windows {
                    let begin = window.second * SECOND;
                    let due = before(begin + SECOND) - before(begin);
                    assert_eq!(
                        window.due, due,
                        "{arrivals:?}, stopped at {stopped_at}, {}",
                        window.second
                    );
                }
                let due: u64 = windows.iter().map(|window| window.due).sum();
                assert_eq!(due, schedule.count_before(stopped_at + 1));
            }
        }
    }

    fn latency() -> Latency {
        let mut histogram = Histogram::new();
        histogram.record(Duration::from_millis(5));
        histogram.to_latency()
    }

    fn taken(thin: Vec<Phase>) -> Taken {
        let mut phases = Phases::empty();
        for phase in [&mut phases.ramp, &mut phases.warm_up, &mut phases.measure] {
            phase.latencies.lag = latency();
            phase.latencies.start_service.accepted = latency();
            phase.latencies.e2e_service.completed = latency();
            phase.latencies.e2e_response.completed = latency();
            phase.latencies.e2e_response.not_completed = latency();
        }
        let schedule = schedule(Arrivals::Constant);
        let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
        for second in 0..8 {
            let (n, at) = (second * 10, second * SECOND + 7);
            accounts.add_stamp(
                crate::account::accounts::Origin::Leader,
                crate::account::accounts::StampedEnd {
                    n,
                    sent: at,
                    ended: at,
                    end: benchmark_results::WorkflowEnd::Completed,
                    message: None,
                    told: at,
                    wrong: 0,
                },
            );
        }
        Taken {
            phases,
            ledger: benchmark_results::Ledger::default(),
            errors: Vec::new(),
            seconds: accounts.seconds().report(),
            peak_in_flight: 0,
            thin,
            cpu: Duration::ZERO,
        }
    }

    /// By second whether a window and an interval has end-to-end figures.
    fn shown(taken: &Taken) -> (Vec<bool>, Vec<bool>) {
        let windows = taken.seconds.windows.iter().map(|window| window.e2e_p50.is_some());
        let samples = |text: &str| Histogram::decode(text).unwrap().count() > 0;
        let intervals = taken
            .seconds
            .intervals
            .iter()
            .map(|interval| samples(&interval.e2e_response));
        (windows.collect(), intervals.collect())
    }

    #[test]
    fn a_thin_sample_shows_no_end_to_end_latency() {
        let schedule = schedule(Arrivals::Constant);
        let whole = taken(Vec::new());
        let mut thin = taken(vec![Phase::Measure]);
        thin.withhold(&schedule);
        assert_eq!(thin.phases.ramp, whole.phases.ramp);
        assert_eq!(thin.phases.warm_up, whole.phases.warm_up);
        let mut measure = whole.phases.measure.clone();
        measure.latencies.e2e_service = Latencies::empty().e2e_service;
        measure.latencies.e2e_response = Latencies::empty().e2e_response;
        assert_eq!(thin.phases.measure, measure);
        // Ramp and warm-up take a second each.
        let wanted: Vec<bool> = (0..8).map(|second| second < 2).collect();
        assert_eq!(shown(&thin), (wanted.clone(), wanted));
        // One that is whole, and one to which ends are still to come, show everything.
        for mut other in [taken(Vec::new()), taken(vec![Phase::Measure]).so_far()] {
            other.withhold(&schedule);
            assert_eq!(other.phases, whole.phases);
            assert_eq!(shown(&other), (vec![true; 8], vec![true; 8]));
        }
    }
}
