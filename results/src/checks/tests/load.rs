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
    // A histogram that cannot be read: the largest must do.
    for (max, status) in [(100.0, Pass), (100.1, Invalid)] {
        let unreadable = Latency {
            max: Some(max),
            histogram: String::new(),
            ..lag_of(600, 5, 300)
        };
        expect(names::START_LAG, status, set(unreadable));
    }
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

/// As many of the arrivals that were late waited at the cap.
fn lag_at_cap(parts: &mut IterationParts, late: u64, late_ms: u64) {
    parts.phases.measure.at_cap.as_mut().unwrap().lag = lag_of(late, late, late_ms);
}

#[test]
fn lag_at_the_cap_is_the_clusters_and_what_is_left_decides() {
    let late = |late: u64, at_cap: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            parts.phases.measure.latencies.lag = lag_of(96_000, late, 500);
            lag_at_cap(parts, at_cap, 500);
        }
    };
    expect(names::START_LAG, Overloaded, late(2_000, 2_000));
    // 96 of 96,000 arrivals may be late without any cause.
    expect(names::START_LAG, Overloaded, late(2_000, 1_904));
    expect(names::START_LAG, Invalid, late(2_000, 1_903));
    expect(names::START_LAG, Invalid, late(2_000, 0));
    expect(names::START_LAG, Pass, late(95, 95));
    // Waiting at the cap for less than the limit explains nothing that is beyond it.
    expect(names::START_LAG, Invalid, |_, parts| {
        parts.phases.measure.latencies.lag = lag_of(96_000, 2_000, 500);
        lag_at_cap(parts, 2_000, 5);
    });
    let few = |late: u64, at_cap: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            parts.phases.measure.latencies.lag = lag_of(600, late, 300);
            lag_at_cap(parts, at_cap, 300);
        }
    };
    expect(names::START_LAG, Overloaded, few(20, 15));
    expect(names::START_LAG, Invalid, few(20, 14));
    expect(names::START_LAG, Invalid, |_, parts| {
        parts.phases.measure.latencies.lag = lag_of(96_000, 2_000, 500);
        parts.phases.measure.at_cap = None;
    });
}

#[test]
fn drops_and_attainment_by_cause() {
    let dropped = |lag: u64, cap: u64, at_cap: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            for ledger in [&mut parts.phases.measure.ledger, &mut parts.ledger] {
                ledger.dropped_lag = lag;
                ledger.dropped_cap = cap;
                ledger.dispatched -= lag + cap;
                ledger.accepted -= lag + cap;
                ledger.completed -= lag + cap;
            }
            parts.phases.measure.at_cap.as_mut().unwrap().dropped = at_cap;
        }
    };
    for name in [names::DROPS, names::START_ATTAINMENT] {
        expect(name, Pass, |_, _| {});
        expect(name, Invalid, dropped(1_000, 0, 0));
        expect(name, Overloaded, dropped(0, 1_000, 1_000));
        expect(name, Overloaded, dropped(1_000, 0, 1_000));
        // 96 may be the generator's own.
        expect(name, Overloaded, dropped(1_000, 0, 904));
        expect(name, Invalid, dropped(1_000, 0, 903));
    }
    expect(names::DROPS, Warning, dropped(20, 0, 0));
    expect(names::DROPS, Warning, dropped(5, 5, 5));
    let verdict = expect(names::DROPS, Warning, dropped(30, 20, 20));
    let told = check(&verdict, names::DROPS);
    assert_eq!(
        told.value,
        "50 given up: 30 late without cause, 20 while the server did not answer"
    );
    assert_eq!(told.measured, Some(50.0));
    assert!((told.allowed.unwrap() - 96.0).abs() < 1e-6, "{told:?}");
    expect(names::START_ATTAINMENT, Pass, dropped(20, 0, 0));
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
    let short = |seconds: usize, held: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            for window in measured(parts).take(seconds) {
                window.dispatched = 350;
                window.held_at_cap = Some(held);
            }
        }
    };
    expect(names::WINDOW_ATTAINMENT, Pass, short(12, 0));
    expect(names::WINDOW_ATTAINMENT, Invalid, short(13, 0));
    expect(names::WINDOW_ATTAINMENT, Overloaded, short(13, 50));
    // 360 of 400 are enough for a second.
    expect(names::WINDOW_ATTAINMENT, Overloaded, short(13, 10));
    expect(names::WINDOW_ATTAINMENT, Invalid, short(13, 9));
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
    let verdict = expect(names::OFFERED_LOAD, Invalid, arrivals(94_000, Arrivals::Constant));
    let remedy = &check(&verdict, names::OFFERED_LOAD).remedy;
    assert!(remedy.contains("defect of the generator"), "{remedy}");
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
    // Of 114,000 starts 114 may be refused for what load explains, 1,140 for what it does not.
    for (number, code, status) in [
        (114, "RESOURCE_EXHAUSTED", Warning),
        (115, "RESOURCE_EXHAUSTED", Overloaded),
        (114, "Internal", Warning),
        (115, "Internal", Overloaded),
        (1_140, "NOT_FOUND", Warning),
        (1_141, "NOT_FOUND", Invalid),
    ] {
        let verdict = expect(names::REJECTED_STARTS, status, rejected(number, code));
        let check = check(&verdict, names::REJECTED_STARTS);
        let exhausted = code == "RESOURCE_EXHAUSTED";
        assert_eq!(check.value.contains("for lack of resources"), exhausted, "{check:?}");
        if status == Overloaded {
            assert_eq!(
                check.remedy.contains("raise its request limits"),
                exhausted,
                "{check:?}"
            );
        }
    }
    let verdict = expect(names::REJECTED_STARTS, Invalid, rejected(2_000, "NOT_FOUND"));
    assert!(verdict.headline.contains("refused as wrong"), "{}", verdict.headline);
    expect(names::REJECTED_STARTS, NotApplicable, |_, parts| {
        parts.ledger.dispatched = 0
    });
}

#[test]
fn cap_and_connections() {
    let full = |seconds: usize, waited: u64, held: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            measured(parts).take(seconds).for_each(|window| {
                (window.waited_at_cap, window.held_at_cap) = (Some(waited), Some(held));
            });
        }
    };
    expect(names::IN_FLIGHT_CAP, Pass, full(12, 400, 0));
    for (waited, held, status) in [(40, 0, Overloaded), (0, 40, Overloaded), (39, 39, Pass)] {
        expect(names::IN_FLIGHT_CAP, status, full(13, waited, held));
    }
    // Where nothing was due nothing waited.
    expect(names::IN_FLIGHT_CAP, Pass, |_, parts| {
        measured(parts).for_each(|window| window.due = 0);
    });
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
    let remedy_at = |share: Option<f64>| {
        let verdict = expect(names::GENERATOR_CPU, Invalid, |_, parts| {
            parts.generator.cpu_share = 0.71;
            parts.generator.share_of_ceiling.value = share;
        });
        check(&verdict, names::GENERATOR_CPU).remedy.clone()
    };
    // 400/s, which are 80 % of it.
    let remedy = remedy_at(Some(0.8));
    assert!(remedy.contains("(calibrated ceiling 500.0/s)"), "{remedy}");
    let verdict = expect(names::GENERATOR_CPU, Invalid, |_, parts| {
        parts.generator.cpu_share = 0.71;
        parts.generator.share_of_ceiling.value = Some(0.8);
        parts.fleet.generators = 2;
    });
    let half = &check(&verdict, names::GENERATOR_CPU).remedy;
    assert!(half.contains("(calibrated ceiling 250.0/s)"), "{half}");
    for share in [Some(0.0), None] {
        let remedy = remedy_at(share);
        assert!(remedy.contains("beyond this host: lower --rate"), "{remedy}");
    }
    expect(names::GENERATOR_CPU, NotApplicable, |_, parts| {
        parts.generator.seconds = 0.0
    });
    expect(names::BUSIEST_THREAD, Invalid, |_, parts| {
        parts.generator.busiest_thread.value.as_mut().unwrap().share = 0.91;
    });
    expect(names::BUSIEST_THREAD, NotApplicable, |_, parts| {
        parts.generator.busiest_thread = Fact::missing("no /proc");
    });
    for (share, status) in [(0.01, Pass), (0.10, Warning), (0.101, Invalid)] {
        expect(names::CPU_THROTTLING, status, |_, parts| {
            parts.generator.throttled = Fact::found(share, "cgroup")
        });
    }
    let verdict = expect(names::CPU_THROTTLING, NotApplicable, |_, parts| {
        parts.generator.throttled = Fact::missing("no quota")
    });
    assert_eq!(check(&verdict, names::CPU_THROTTLING).value, "no quota");
    for (share, status) in [(0.005, Pass), (0.05, Warning), (0.2, Invalid)] {
        let fact = Fact::found(share, "cgroup");
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
    for (share, status) in [(0.5, Pass), (0.7, Pass), (0.9, Warning)] {
        expect(names::CALIBRATED_CEILING, status, |_, parts| {
            parts.generator.share_of_ceiling = Fact::found(share, "calibration");
        });
    }
}
