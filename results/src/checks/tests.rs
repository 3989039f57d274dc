//! Every check, in every status that it can have, from a run in which all is well and one thing is changed.

use std::{collections::BTreeMap, time::Duration};

use benchmark_scenarios::{Arrivals, Plan, SleepRange, WorkloadKind};

use super::{JudgeInput, judge, names};
use crate::{
    Histogram, IterationParts, fixtures,
    schema::{
        Check,
        CheckStatus::{self, Invalid, NotApplicable, Overloaded, Pass, Warning},
        CompletionSource, ErrorGroup, Fact, Latency, Phase, Verdict, VerdictValue, Window,
    },
};

/// Judges the sound run after a change.
fn judged(change: impl FnOnce(&mut Plan, &mut IterationParts)) -> Verdict {
    let (mut plan, mut parts) = (fixtures::plan(), fixtures::iteration());
    change(&mut plan, &mut parts);
    judge(&JudgeInput {
        plan: &plan,
        ledger: &parts.ledger,
        measure: &parts.phases.measure,
        windows: &parts.windows,
        errors: &parts.errors,
        generator: &parts.generator,
        reconciliation: &parts.reconciliation,
        interrupted: parts.interrupted,
    })
}

fn check<'a>(verdict: &'a Verdict, name: &str) -> &'a Check {
    verdict.checks.iter().find(|check| check.name == name).expect(name)
}

/// Asserts the status of one check after a change, and that it has a remedy exactly when it needs one.
fn expect(name: &str, status: CheckStatus, change: impl FnOnce(&mut Plan, &mut IterationParts)) -> Verdict {
    let verdict = judged(change);
    let check = check(&verdict, name);
    assert_eq!(check.status, status, "{check:?}");
    assert_eq!(check.remedy.is_empty(), status <= NotApplicable, "{check:?}");
    verdict
}

fn measured(parts: &mut IterationParts) -> impl Iterator<Item = &mut Window> {
    parts.windows.iter_mut().filter(|window| window.phase == Phase::Measure)
}

fn lag_of(count: u64, late: u64, late_ms: u64) -> Latency {
    let mut histogram = Histogram::new();
    (late..count).for_each(|_| histogram.record(Duration::from_micros(100)));
    (0..late).for_each(|_| histogram.record(Duration::from_millis(late_ms)));
    histogram.to_latency()
}

#[test]
fn a_sound_run_is_valid_and_every_check_is_made_once() {
    let verdict = judged(|_, _| {});
    assert_eq!(verdict.value, VerdictValue::Valid);
    let mut seen: Vec<&str> = verdict.checks.iter().map(|check| check.name.as_str()).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), verdict.checks.len());
    for check in &verdict.checks {
        assert!(matches!(check.status, Pass | NotApplicable), "{check:?}");
        assert!(!check.value.is_empty() && !check.limit.is_empty(), "{check:?}");
    }
}

#[test]
fn start_lag() {
    let set = |lag: Latency| move |_: &mut Plan, parts: &mut IterationParts| parts.phases.measure.latencies.lag = lag;
    expect(names::START_LAG, Pass, set(lag_of(96_000, 95, 50)));
    let verdict = expect(names::START_LAG, Invalid, set(lag_of(96_000, 200, 50)));
    assert_eq!(verdict.value, VerdictValue::Invalid);
    assert!(
        verdict.headline.starts_with("the generator was the limit"),
        "{}",
        verdict.headline
    );
    // Few samples: five stragglers are no shape, six are; in a tiny run not even five.
    expect(names::START_LAG, Pass, set(lag_of(600, 5, 300)));
    expect(names::START_LAG, Invalid, set(lag_of(600, 6, 300)));
    expect(names::START_LAG, Invalid, set(lag_of(19, 1, 300)));
    expect(names::START_LAG, NotApplicable, set(Latency::empty()));
}

#[test]
fn slow_rates_allow_half_the_space_between_arrivals() {
    let at = |rate: &'static str, ms| {
        move |plan: &mut Plan, parts: &mut IterationParts| {
            plan.load.rate = rate.parse().unwrap();
            parts.phases.measure.latencies.lag = lag_of(6_000, 100, ms);
        }
    };
    expect(names::START_LAG, Pass, at("25", 18));
    expect(names::START_LAG, Invalid, at("25", 25));
    expect(names::START_LAG, Pass, at("0.1", 90));
    expect(names::START_LAG, Invalid, at("0.1", 150));
    expect(names::START_LAG, Invalid, at("50000", 11));
}

#[test]
fn lag_behind_a_full_cap_is_the_clusters() {
    let late = |capped: bool| {
        move |plan: &mut Plan, parts: &mut IterationParts| {
            let cap = u64::from(plan.load.max_in_flight);
            parts.phases.measure.latencies.lag = lag_of(96_000, 2_000, 500);
            for window in measured(parts).skip(5).take(8) {
                window.lag_p99 = Some(500.0);
                window.in_flight = if capped { cap } else { 3 };
            }
        }
    };
    expect(names::START_LAG, Overloaded, late(true));
    expect(names::START_LAG, Invalid, late(false));
}

#[test]
fn drops_and_attainment_by_cause() {
    let dropped = |lag: u64, cap: u64, full: bool| {
        move |plan: &mut Plan, parts: &mut IterationParts| {
            let limit = u64::from(plan.load.max_in_flight);
            for ledger in [&mut parts.phases.measure.ledger, &mut parts.ledger] {
                ledger.dropped_lag = lag;
                ledger.dropped_cap = cap;
                ledger.dispatched -= lag + cap;
                ledger.accepted -= lag + cap;
                ledger.completed -= lag + cap;
            }
            for window in measured(parts).take(10) {
                window.dropped = (lag + cap) / 10;
                window.in_flight = if full { limit } else { 3 };
            }
        }
    };
    for name in [names::DROPS, names::START_ATTAINMENT] {
        expect(name, Pass, |_, _| {});
        expect(name, Invalid, dropped(1_000, 0, false));
        expect(name, Overloaded, dropped(0, 1_000, true));
        expect(name, Overloaded, dropped(1_000, 0, true));
        expect(name, Overloaded, dropped(0, 1_000, false));
    }
    expect(names::DROPS, Warning, dropped(20, 0, false));
    expect(names::START_ATTAINMENT, Pass, dropped(20, 0, false));
    expect(names::DROPS, Warning, |_, parts| {
        parts.ledger.arrivals += 5;
        parts.ledger.dropped_lag += 5;
    });
    expect(names::START_ATTAINMENT, NotApplicable, |_, parts| {
        parts.phases.measure.ledger.arrivals = 0
    });
}

#[test]
fn single_seconds_may_be_short_and_many_may_not() {
    let short = |seconds: usize, full: bool| {
        move |plan: &mut Plan, parts: &mut IterationParts| {
            let cap = u64::from(plan.load.max_in_flight);
            for window in measured(parts).take(seconds) {
                window.dispatched = 350;
                window.in_flight = if full { cap } else { 2 };
            }
        }
    };
    expect(names::WINDOW_ATTAINMENT, Pass, short(12, false));
    expect(names::WINDOW_ATTAINMENT, Invalid, short(13, false));
    expect(names::WINDOW_ATTAINMENT, Overloaded, short(13, true));
    expect(names::WINDOW_ATTAINMENT, NotApplicable, |_, parts| {
        measured(parts).for_each(|window| window.due = 3);
    });
    // In a run of ten seconds one is 10 %.
    expect(names::WINDOW_ATTAINMENT, Pass, |_, parts| {
        parts.windows.retain(|window| window.phase == Phase::Measure);
        parts.windows.truncate(10);
        parts.windows[4].dispatched = 100;
    });
}

#[test]
fn offered_load() {
    let arrivals = |arrivals, kind| {
        move |plan: &mut Plan, parts: &mut IterationParts| {
            plan.load.arrivals = kind;
            parts.phases.measure.ledger.arrivals = arrivals;
        }
    };
    expect(names::OFFERED_LOAD, Pass, arrivals(96_001, Arrivals::Constant));
    expect(names::OFFERED_LOAD, Invalid, arrivals(94_000, Arrivals::Constant));
    expect(names::OFFERED_LOAD, Pass, arrivals(94_600, Arrivals::Poisson));
    expect(names::OFFERED_LOAD, Invalid, arrivals(94_000, Arrivals::Poisson));
    expect(names::OFFERED_LOAD, NotApplicable, |_, parts| parts.interrupted = true);
}

#[test]
fn rejected_starts_by_code() {
    let rejected = |number: u64, code: &'static str| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            parts.ledger.rejected = number;
            parts.ledger.accepted -= number;
            parts.ledger.completed -= number;
            parts.errors.push(ErrorGroup {
                operation: "StartWorkflowExecution".into(),
                code: code.into(),
                count: number,
                examples: vec![],
            });
        }
    };
    expect(names::REJECTED_STARTS, Pass, |_, _| {});
    expect(names::REJECTED_STARTS, Warning, rejected(10, "Unavailable"));
    let verdict = expect(
        names::REJECTED_STARTS,
        Overloaded,
        rejected(2_000, "RESOURCE_EXHAUSTED"),
    );
    assert!(
        check(&verdict, names::REJECTED_STARTS)
            .value
            .contains("for lack of resources")
    );
    expect(names::REJECTED_STARTS, Overloaded, rejected(2_000, "ResourceExhausted"));
    expect(names::REJECTED_STARTS, Overloaded, rejected(2_000, "Internal"));
    let verdict = expect(names::REJECTED_STARTS, Invalid, rejected(2_000, "NOT_FOUND"));
    assert!(verdict.headline.contains("refused as wrong"), "{}", verdict.headline);
    expect(names::REJECTED_STARTS, NotApplicable, |_, parts| {
        parts.ledger.dispatched = 0
    });
}

#[test]
fn cap_and_connections() {
    let full = |seconds: usize| {
        move |plan: &mut Plan, parts: &mut IterationParts| {
            let cap = u64::from(plan.load.max_in_flight);
            measured(parts).take(seconds).for_each(|window| window.in_flight = cap);
        }
    };
    expect(names::IN_FLIGHT_CAP, Pass, full(12));
    expect(names::IN_FLIGHT_CAP, Overloaded, full(13));
    expect(names::IN_FLIGHT_CAP, NotApplicable, |_, parts| parts.windows.clear());
    expect(names::CONNECTION_STREAMS, Pass, |_, _| {});
    expect(names::CONNECTION_STREAMS, Warning, |_, parts| {
        parts.generator.peak_in_flight_per_connection = 101;
    });
    expect(names::CONNECTION_STREAMS, NotApplicable, |_, parts| {
        parts.generator.connections = 0
    });
}

#[test]
fn the_machine() {
    expect(names::GENERATOR_CPU, Invalid, |_, parts| {
        parts.generator.cpu_share = 0.71
    });
    expect(names::GENERATOR_CPU, NotApplicable, |_, parts| {
        parts.generator.seconds = 0.0
    });
    expect(names::BUSIEST_THREAD, Invalid, |_, parts| {
        parts.generator.busiest_thread.value.as_mut().unwrap().share = 0.91;
    });
    expect(names::BUSIEST_THREAD, NotApplicable, |_, parts| {
        parts.generator.busiest_thread = Fact::missing("no /proc");
    });
    for (share, status) in [(0.005, Pass), (0.05, Warning), (0.2, Invalid)] {
        let fact = Fact::found(share, "cgroup");
        expect(names::CPU_THROTTLING, status, |_, parts| {
            parts.generator.throttled = fact.clone()
        });
        expect(names::CPU_STEAL, status, |_, parts| parts.generator.steal = fact);
    }
    for (share, status) in [(0.5, Pass), (0.9, Warning)] {
        expect(names::CALIBRATED_CEILING, status, |_, parts| {
            parts.generator.share_of_ceiling = Fact::found(share, "calibration");
        });
    }
}

/// Backlog as a function of the measured second.
fn backlog(of: impl Fn(u64) -> f64) -> impl FnOnce(&mut Plan, &mut IterationParts) {
    move |_, parts| {
        for (second, window) in (0..).zip(measured(parts)) {
            window.backlog = Some(of(second) as u64);
        }
    }
}

#[test]
fn a_growing_backlog_is_overload_and_says_what_is_carried() {
    let verdict = expect(
        names::BACKLOG_SLOPE,
        Overloaded,
        backlog(|second| 10.0 + 118.0 * second as f64),
    );
    let value = &check(&verdict, names::BACKLOG_SLOPE).value;
    assert_eq!(
        value,
        "backlog grew by 118.0/s for the whole measured phase (4m00s): about 282.0/s is carried of 400.0/s asked"
    );
    assert_eq!(verdict.value, VerdictValue::Overloaded);
    // From the middle on.
    expect(
        names::BACKLOG_SLOPE,
        Overloaded,
        backlog(|s| 10.0 + 50.0 * s.saturating_sub(120) as f64),
    );
    // With a saw on top.
    expect(
        names::BACKLOG_SLOPE,
        Overloaded,
        backlog(|s| 20.0 * s as f64 + (s % 7) as f64 * 100.0),
    );
}

#[test]
fn noise_stalls_and_draining_are_no_growth() {
    expect(
        names::BACKLOG_SLOPE,
        Pass,
        backlog(|second| 20.0 + (second * 7919 % 23) as f64),
    );
    // A stall at the very end, and one in the middle.
    expect(
        names::BACKLOG_SLOPE,
        Pass,
        backlog(|second| if second >= 236 { 3_000.0 } else { 8.0 }),
    );
    expect(
        names::BACKLOG_SLOPE,
        Pass,
        backlog(|second| if second / 5 == 24 { 2_000.0 } else { 8.0 }),
    );
    expect(
        names::BACKLOG_SLOPE,
        Pass,
        backlog(|second| 10_000.0 - 40.0 * second as f64),
    );
    // Slow growth within 2 % of the rate.
    expect(names::BACKLOG_SLOPE, Pass, backlog(|second| 10.0 + 7.0 * second as f64));
}

#[test]
fn workflows_that_take_their_time_fill_the_backlog_first() {
    let filling = |plan: &mut Plan, parts: &mut IterationParts| {
        plan.workload.kind = WorkloadKind::Timer {
            timer_duration: Duration::from_secs(120),
        };
        for (second, window) in (0..).zip(measured(parts)) {
            window.backlog = Some(400 * (30 + second).min(120));
        }
    };
    expect(names::BACKLOG_SLOPE, Pass, filling);
    expect(names::BACKLOG_SLOPE, NotApplicable, |plan, parts| {
        filling(plan, parts);
        plan.workload.kind = WorkloadKind::MultiActivity {
            activity_count: 10,
            parallel_activities: 4,
            activity_duration: SleepRange {
                min: Duration::from_secs(1),
                max: Duration::from_secs(40),
            },
        };
    });
    expect(names::BACKLOG_SLOPE, NotApplicable, |_, parts| {
        parts.windows[100].backlog = None
    });
}

#[test]
fn halves() {
    let p50 = |first: f64, second: f64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            for (at, window) in (0..).zip(measured(parts)) {
                window.e2e_p50 = Some(if at < 120 { first } else { second });
            }
        }
    };
    expect(names::HALVES, Pass, p50(100.0, 140.0));
    expect(names::HALVES, Pass, p50(2.0, 6.0));
    expect(names::HALVES, Warning, p50(100.0, 400.0));
    expect(names::HALVES, Warning, p50(400.0, 100.0));
    expect(names::HALVES, Overloaded, p50(1_000.0, 5_000.0));
    expect(names::HALVES, NotApplicable, |_, parts| {
        measured(parts).for_each(|window| window.e2e_p50 = None);
    });
}

/// A steady backlog of this many workflows, each of which takes this long from its acknowledgement.
fn steady(workflows: u64, residence_ms: i64) -> impl FnOnce(&mut Plan, &mut IterationParts) {
    move |_, parts| {
        for (second, window) in (0..).zip(measured(parts)) {
            window.backlog = Some(workflows - 2 + second * 7 % 5);
        }
        let measure = &mut parts.phases.measure;
        let acknowledged = measure.latencies.start_service.accepted.mean.unwrap();
        let mut histogram = Histogram::new();
        for _ in 0..measure.ledger.completed {
            histogram.record_micros(residence_ms * 1000 + (acknowledged * 1000.0) as i64);
        }
        measure.latencies.e2e_service.completed = histogram.to_latency();
        measure.completion_rate = Some(400.0);
    }
}

#[test]
fn littles_law() {
    expect(names::LITTLES_LAW, Pass, steady(400, 1_000));
    expect(names::LITTLES_LAW, Pass, steady(450, 1_000));
    let verdict = expect(names::LITTLES_LAW, Invalid, steady(800, 1_000));
    assert!(
        verdict.headline.contains("account does not close"),
        "{}",
        verdict.headline
    );
    expect(names::LITTLES_LAW, Invalid, steady(200, 1_000));
    // Too small to tell; not steady; not all ends measured; nothing observed.
    expect(names::LITTLES_LAW, NotApplicable, steady(5, 12));
    expect(names::LITTLES_LAW, NotApplicable, |plan, parts| {
        steady(400, 1_000)(plan, parts);
        backlog(|second| 100.0 + 5.0 * second as f64)(plan, parts);
    });
    expect(names::LITTLES_LAW, NotApplicable, |plan, parts| {
        steady(800, 1_000)(plan, parts);
        parts.phases.measure.ledger.accepted += 5_000;
    });
    expect(names::LITTLES_LAW, NotApplicable, |plan, parts| {
        steady(800, 1_000)(plan, parts);
        parts.windows[70].backlog = None;
    });
    // Workflows of over a minute in a phase of four.
    expect(names::LITTLES_LAW, NotApplicable, steady(30_000, 70_000));
}

#[test]
fn the_account() {
    let verdict = expect(names::LEDGER, Invalid, |_, parts| parts.ledger.completed -= 1);
    let value = &check(&verdict, names::LEDGER).value;
    assert!(
        value.contains("accepted = completed") && value.contains("114000 is not 113999"),
        "{value}"
    );
    expect(names::LEDGER, Invalid, |_, parts| {
        parts.phases.measure.ledger.arrivals += 1
    });
    expect(names::UNKNOWN_STARTS, Invalid, |_, parts| {
        parts.ledger.unknown = 1;
        parts.ledger.accepted -= 1;
        parts.ledger.completed -= 1;
    });
    expect(names::UNKNOWN_STARTS, Pass, |_, parts| {
        parts.reconciliation.unknown_found = 7
    });
    expect(names::SERVER_COUNTS, Invalid, |_, parts| {
        parts
            .reconciliation
            .disagreements
            .push("Completed: 5 here, 6 there".into());
    });
    expect(names::SERVER_COUNTS, NotApplicable, |_, parts| {
        parts.reconciliation.server = Fact::missing("the server has no visibility");
    });
    expect(names::OBSERVERS, Invalid, |_, parts| {
        parts.reconciliation.sample_disagreements = 1
    });
    expect(names::OBSERVERS, NotApplicable, |_, parts| {
        parts.reconciliation.sampled = 0
    });
    expect(names::MISSING_STAMPS, Warning, |_, parts| {
        parts.reconciliation.not_stamped = 10
    });
    expect(names::MISSING_STAMPS, Invalid, |_, parts| {
        parts.reconciliation.not_stamped = 10_000
    });
    expect(names::MISSING_STAMPS, NotApplicable, |_, parts| {
        parts.reconciliation.source = CompletionSource::Visibility;
    });
    expect(names::CLEAN_UP, Warning, |_, parts| {
        parts.reconciliation.cleanup.open_after = Some(3)
    });
    expect(names::CLEAN_UP, Warning, |_, parts| {
        parts.reconciliation.cleanup.problem = Some("permission denied".into());
    });
    expect(names::CLEAN_UP, NotApplicable, |_, parts| {
        parts.reconciliation.cleanup.requested = false
    });
}

#[test]
fn open_after_the_drain() {
    let open = |number: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            for ledger in [&mut parts.phases.measure.ledger, &mut parts.ledger] {
                ledger.open = number;
                ledger.completed -= number;
            }
        }
    };
    expect(names::OPEN_AFTER_DRAIN, Warning, open(500));
    expect(names::OPEN_AFTER_DRAIN, Overloaded, open(1_500));
    expect(names::OPEN_AFTER_DRAIN, Warning, |plan, parts| {
        open(1_500)(plan, parts);
        parts.interrupted = true;
    });
}

#[test]
fn samples() {
    let verdict = expect(names::MEASURED_STARTS, Invalid, |_, parts| {
        parts.phases.measure = crate::schema::PhaseReport::empty();
        parts.ledger = crate::Ledger::default();
    });
    assert_eq!(verdict.headline, "nothing was measured: 0 starts answered");
    let verdict = expect(names::MEASURED_ENDS, Invalid, |_, parts| {
        let ledger = &mut parts.phases.measure.ledger;
        ledger.open = ledger.accepted;
        (ledger.completed, ledger.failed) = (0, 0);
    });
    assert!(
        check(&verdict, names::MEASURED_ENDS)
            .remedy
            .contains("benchmark-task-queue")
    );
    expect(names::QUANTILE_SAMPLES, Pass, |_, _| {});
    expect(names::QUANTILE_SAMPLES, Warning, |_, parts| {
        let latencies = &mut parts.phases.measure.latencies;
        latencies.e2e_response.completed = lag_of(600, 0, 0);
    });
    // p99.99 alone is not missed.
    expect(names::QUANTILE_SAMPLES, Pass, |_, parts| {
        parts.phases.measure.latencies.e2e_response.completed = lag_of(6_000, 0, 0);
    });
    expect(names::RUN_LENGTH, Warning, |_, parts| parts.interrupted = true);
}

#[test]
fn a_frontend_that_does_nothing_can_be_valid() {
    let verdict = judged(|_, parts| {
        for ledger in [&mut parts.phases.measure.ledger, &mut parts.ledger] {
            ledger.open = ledger.accepted;
            (ledger.completed, ledger.failed) = (0, 0);
        }
        parts.phases.measure.completion_rate = None;
        parts.phases.measure.latencies.e2e_response.completed = Latency::empty();
        parts.phases.measure.latencies.e2e_service.completed = Latency::empty();
        parts.reconciliation = crate::schema::Reconciliation::not_made("a null frontend");
        for window in &mut parts.windows {
            (window.backlog, window.e2e_p50, window.e2e_p99) = (None, None, None);
        }
    });
    assert_eq!(verdict.value, VerdictValue::Valid, "{verdict:#?}");
    assert!(verdict.headline.contains("not observed"), "{}", verdict.headline);
}

#[test]
fn overload_does_not_hide_that_the_generator_was_the_limit() {
    let verdict = judged(|plan, parts| {
        backlog(|second| 50.0 * second as f64)(plan, parts);
        parts.generator.cpu_share = 0.99;
    });
    assert_eq!(verdict.value, VerdictValue::Invalid);
    assert!(verdict.headline.starts_with("the generator was the limit"));
}

#[test]
fn judging_takes_any_numbers() {
    let nonsense = f64::NAN;
    let verdict = judged(|_, parts| {
        parts.phases.measure.seconds = nonsense;
        parts.phases.measure.completion_rate = Some(nonsense);
        parts.generator.cpu_share = nonsense;
        parts.generator.steal = Fact::found(f64::INFINITY, "");
        parts.windows.iter_mut().for_each(|window| {
            window.backlog = Some(u64::MAX / 2);
            window.e2e_p50 = Some(nonsense);
        });
        parts.reconciliation.server = Fact::found(BTreeMap::new(), "");
    });
    for check in &verdict.checks {
        assert!(check.measured.is_none_or(f64::is_finite), "{check:?}");
    }
}
