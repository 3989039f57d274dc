//! Was the load offered, and by a machine that kept up?

use super::*;

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
    for (share, status) in [(100, Pass), (99, Warning)] {
        expect(names::CONNECTION_STREAMS, status, |_, parts| {
            parts.generator.start_connections = Some(StartConnections {
                waited: parts.ledger.dispatched / share,
                ..StartConnections::default()
            });
        });
    }
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
    for (share, status) in [(0.02, Pass), (0.07, Warning), (0.2, Invalid)] {
        expect(names::CPU_WAIT, status, |_, parts| {
            parts.generator.cpu_wait = Fact::found(share, "schedstat");
        });
    }
    // Others alone spoil nothing, as long as there is room beside them or the server is elsewhere.
    for (others, idle, status, elsewhere) in [
        (0.049, 0.0, Pass, Pass),
        (0.05, 0.0, Warning, Warning),
        (0.199, 0.0, Warning, Warning),
        (0.2, 0.1, Warning, Warning),
        (0.2, 0.099, Invalid, Warning),
        (0.9, 0.0, Invalid, Warning),
    ] {
        let machine = Fact::found(MachineUse { others, idle }, "/proc/stat");
        let verdict = expect(names::OTHER_CPU, status, |_, parts| {
            parts.generator.machine = machine.clone();
        });
        if status == Invalid {
            assert!(verdict.headline.starts_with("other programs had the machine"));
        }
        expect(names::OTHER_CPU, elsewhere, |plan, parts| {
            plan.target = Target::Cluster(Cluster {
                address: "temporal.internal:7233".into(),
                tls: None,
                api_key: false,
            });
            parts.generator.machine = machine;
        });
    }
    expect(names::OTHER_CPU, NotApplicable, |_, parts| {
        parts.generator.machine = Fact::missing("no /proc");
    });
    for (share, status) in [(0.5, Pass), (0.9, Warning)] {
        expect(names::CALIBRATED_CEILING, status, |_, parts| {
            parts.generator.share_of_ceiling = Fact::found(share, "calibration");
        });
    }
}
