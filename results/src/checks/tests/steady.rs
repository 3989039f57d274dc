//! Was the load carried?

use super::*;

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
        plan.workload.kind = Timer {
            timer_duration: Duration::from_secs(120),
        }
        .into();
        for (second, window) in (0..).zip(measured(parts)) {
            window.backlog = Some(400 * (30 + second).min(120));
        }
    };
    expect(names::BACKLOG_SLOPE, Pass, filling);
    // From 150 s on it is to be steady, and is not.
    let verdict = expect(names::BACKLOG_SLOPE, Overloaded, |plan, parts| {
        filling(plan, parts);
        backlog(|second| 100.0 * second as f64)(plan, parts);
    });
    let value = &check(&verdict, names::BACKLOG_SLOPE).value;
    assert!(
        value.starts_with("backlog grew by 100.0/s for the steady part (2m30s): about 300.0/s is carried"),
        "{value}"
    );
    expect(names::BACKLOG_SLOPE, NotApplicable, |plan, parts| {
        filling(plan, parts);
        plan.workload.kind = MultiActivity {
            activity_count: 10,
            parallel_activities: 4,
            activity_duration: SleepRange {
                min: Duration::from_secs(1),
                max: Duration::from_secs(40),
            }
            .into(),
        }
        .into();
    });
    // Activities take their CPU as well: full from 296 s on, which leaves four seconds of 300, or from 295 s.
    for (cpu, status) in [(8_000, NotApplicable), (7_857, Pass)] {
        expect(names::BACKLOG_SLOPE, status, |plan, _| {
            plan.workload.activity_cpu = Duration::from_millis(cpu);
            plan.workload.kind = MultiActivity {
                activity_count: 10,
                parallel_activities: 4,
                activity_duration: SleepRange {
                    min: Duration::from_secs(30),
                    max: Duration::from_secs(30),
                }
                .into(),
            }
            .into();
        });
    }
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
    for (first, second, status) in [
        (100.0, 150.0, Pass),
        (100.0, 151.0, Warning),
        (150.0, 100.0, Pass),
        (151.0, 100.0, Warning),
        (2.0, 7.0, Pass),
        (2.0, 7.1, Warning),
        // Half of the phase at 2 % are 2.4 s.
        (1_000.0, 3_400.0, Warning),
        (1_000.0, 3_401.0, Overloaded),
    ] {
        let verdict = expect(names::HALVES, status, p50(first, second));
        assert_eq!(check(&verdict, names::HALVES).measured, Some(second / first));
    }
    // Three seconds of a half are enough, two are not.
    for (seconds, status) in [(3, Warning), (2, NotApplicable)] {
        expect(names::HALVES, status, |plan, parts| {
            p50(100.0, 400.0)(plan, parts);
            for (at, window) in (0..).zip(measured(parts)) {
                if at % 120 >= seconds {
                    window.e2e_p50 = None;
                }
            }
        });
    }
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

/// A fifth of what is expected, three standard errors of the backlog's mean, and three workflows.
#[test]
fn littles_law_in_numbers() {
    for (workflows, difference) in [(800, 0.0), (850, 50.0), (750, 50.0)] {
        let verdict = expect(names::LITTLES_LAW, Pass, steady(workflows, 2_000));
        let check = check(&verdict, names::LITTLES_LAW);
        assert!((check.measured.unwrap() - difference).abs() < 1.0, "{check:?}");
        // The backlog is one of five figures around its mean in turn: it scatters by √2, its mean of 240 seconds by 0.091.
        assert!((check.allowed.unwrap() - 163.27).abs() < 0.15, "{check:?}");
    }
    // Workflows that fail have been there as those that complete have.
    let verdict = expect(names::LITTLES_LAW, Pass, |plan, parts| {
        steady(400, 1_000)(plan, parts);
        let service = &mut parts.phases.measure.latencies.e2e_service;
        service.not_completed = service.completed.clone();
        parts.phases.measure.ledger.accepted *= 2;
        parts.phases.measure.completion_rate = Some(200.0);
    });
    assert!(check(&verdict, names::LITTLES_LAW).measured.unwrap() < 1.0);
}

#[test]
fn littles_law_is_tried_up_to_its_limits() {
    // One in a hundred may have no measured end.
    for (accepted, status) in [(100_000, Pass), (100_001, NotApplicable)] {
        expect(names::LITTLES_LAW, status, |plan, parts| {
            steady(400, 1_000)(plan, parts);
            let measure = &mut parts.phases.measure;
            measure.ledger.accepted = accepted;
            measure.latencies.e2e_service.completed.count = 99_000 - measure.latencies.e2e_service.not_completed.count;
        });
    }
    // Ten workflows are just enough.
    for (workflows, status) in [(10, Pass), (9, NotApplicable)] {
        expect(names::LITTLES_LAW, status, |plan, parts| {
            steady(10, 20)(plan, parts);
            parts.windows.retain(|window| window.phase == Phase::Measure);
            parts.windows.truncate(16);
            measured(parts).for_each(|window| window.backlog = Some(workflows));
        });
    }
    // A quarter of the phase, in numbers that have no rounding.
    for (seconds, status) in [(256.0, Pass), (255.0, NotApplicable)] {
        expect(names::LITTLES_LAW, status, |_, parts| {
            measured(parts).for_each(|window| window.backlog = Some(400 * 64));
            let measure = &mut parts.phases.measure;
            measure.seconds = seconds;
            measure.ledger.accepted = 1 << 16;
            measure.completion_rate = Some(400.0);
            measure.latencies.start_service.accepted.mean = Some(0.0);
            measure.latencies.e2e_service.not_completed = Latency::empty();
            let completed = &mut measure.latencies.e2e_service.completed;
            (completed.count, completed.mean) = (1 << 16, Some(64_000.0));
        });
    }
    // A backlog that grows by half of its mean is not steady; one that is not there at all contradicts the latencies.
    expect(names::LITTLES_LAW, NotApplicable, |plan, parts| {
        steady(400, 1_000)(plan, parts);
        backlog(|second| 300.0 + 200.0 * second as f64 / 239.0)(plan, parts);
    });
    expect(names::LITTLES_LAW, Invalid, |plan, parts| {
        steady(400, 1_000)(plan, parts);
        measured(parts).for_each(|window| window.backlog = Some(0));
    });
}
