//! Every check, in every status that it can have, from a run in which all is well and one thing is changed.

mod fleet;
mod load;
mod server_clock;
mod steady;

use std::{collections::BTreeMap, time::Duration};

use benchmark_scenarios::{
    Arrivals, Cluster, Plan, SleepRange, Target,
    workloads::{MultiActivity, Timer},
};

use super::{combine, names};
use crate::{
    assemble::IterationParts,
    histogram::Histogram,
    schema::{
        Check,
        CheckStatus::{self, Invalid, NotApplicable, Overloaded, Pass, Warning},
        CompletionSource, CutOff, ErrorGroup, Fact, Latency, MachineUse, Phase, SampleEnds, StartConnections, Verdict,
        VerdictValue, Window,
    },
    testing,
};

/// Judges the sound run after a change.
fn judged(change: impl FnOnce(&mut Plan, &mut IterationParts)) -> Verdict {
    let (mut plan, mut parts) = (testing::plan(), testing::iteration());
    change(&mut plan, &mut parts);
    parts.judge(&plan)
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

/// Backlog as a function of the measured second.
fn backlog(of: impl Fn(u64) -> f64) -> impl FnOnce(&mut Plan, &mut IterationParts) {
    move |_, parts| {
        for (second, window) in (0..).zip(measured(parts)) {
            window.backlog = Some(of(second) as u64);
        }
    }
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
    let verdict = expect(names::UNKNOWN_STARTS, Pass, |_, parts| {
        (
            parts.reconciliation.unknown_found,
            parts.reconciliation.unknown_not_found,
        ) = (7, 5);
    });
    assert_eq!(check(&verdict, names::UNKNOWN_STARTS).value, "0 left, 12 looked up");
    expect(names::SERVER_COUNTS, Invalid, |_, parts| {
        parts
            .reconciliation
            .disagreements
            .push("Completed: 5 here, 6 there".into());
    });
    let verdict = expect(names::SERVER_COUNTS, Invalid, |_, parts| {
        parts.reconciliation.server = Fact::missing("the server is gone");
        parts.reconciliation.disagreements.push("the server is gone".into());
    });
    let told = check(&verdict, names::SERVER_COUNTS);
    assert!(told.remedy.contains("could not be asked"), "{told:?}");
    expect(names::SERVER_COUNTS, NotApplicable, |_, parts| {
        parts.reconciliation.server = Fact::missing("the server has no visibility");
    });
    expect(names::OBSERVERS, Invalid, |_, parts| {
        parts.reconciliation.sample_disagreements = 1
    });
    expect(names::OBSERVERS, NotApplicable, |_, parts| {
        parts.reconciliation.sampled = 0
    });
    let early = |early: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            parts.reconciliation.sampled = 2_000;
            parts.reconciliation.seen_before_stamp = Some(early);
        }
    };
    expect(names::OBSERVERS, Pass, early(0));
    expect(names::OBSERVERS, Warning, early(2));
    expect(names::OBSERVERS, Invalid, early(3));
    let too_soon = |early: u64, compared: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            parts.reconciliation.stamped_early = Some(early);
            parts.reconciliation.compared_with_server = Some(compared);
        }
    };
    // A stall makes a few, and a small sample has a few at once.
    for (early, compared, status) in [(4, 4, Pass), (5, 50, Pass), (6, 50, Invalid), (5, 49, Invalid)] {
        expect(names::OBSERVERS, status, too_soon(early, compared));
    }
    let implausible = |implausible: Option<u64>| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            parts.reconciliation.stamped = 10_000;
            parts.reconciliation.implausible = implausible;
        }
    };
    expect(names::PLAUSIBLE_STAMPS, Pass, implausible(Some(0)));
    expect(names::PLAUSIBLE_STAMPS, Warning, implausible(Some(10)));
    let verdict = expect(names::PLAUSIBLE_STAMPS, Invalid, implausible(Some(11)));
    assert!(
        verdict.headline.starts_with("the clocks of the fleet"),
        "{}",
        verdict.headline
    );
    expect(names::PLAUSIBLE_STAMPS, NotApplicable, implausible(None));
    expect(names::PLAUSIBLE_STAMPS, Invalid, |_, parts| {
        parts.reconciliation.stamped = 0;
        parts.reconciliation.sampled = 0;
        parts.reconciliation.implausible = Some(1);
    });
    expect(names::PLAUSIBLE_STAMPS, NotApplicable, |_, parts| {
        (parts.reconciliation.stamped, parts.reconciliation.sampled) = (0, 0);
        parts.reconciliation.implausible = Some(0);
    });
    let not_stamped = |stamped: u64, not_stamped: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            (parts.reconciliation.stamped, parts.reconciliation.not_stamped) = (stamped, not_stamped);
        }
    };
    for (stamped, missing, status) in [
        (9_900, 0, Pass),
        (9_900, 100, Warning),
        (9_900, 101, Invalid),
        (5_000, 5_000, Invalid),
        (0, 1, Invalid),
        (0, 0, NotApplicable),
    ] {
        expect(names::MISSING_STAMPS, status, not_stamped(stamped, missing));
    }
    expect(names::MISSING_STAMPS, NotApplicable, |_, parts| {
        parts.reconciliation.source = CompletionSource::Visibility;
    });
    let stamped_twice = |twice: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            parts.reconciliation.stamped = 10_000;
            parts.reconciliation.stamped_twice = twice;
        }
    };
    expect(names::REPEATED_STAMPS, Pass, stamped_twice(0));
    expect(names::REPEATED_STAMPS, Warning, stamped_twice(1));
    expect(names::REPEATED_STAMPS, Warning, stamped_twice(100));
    let verdict = expect(names::REPEATED_STAMPS, Invalid, stamped_twice(101));
    assert_eq!(
        check(&verdict, names::REPEATED_STAMPS).value,
        "101 for 10,000 ends (1 %)"
    );
    expect(names::REPEATED_STAMPS, NotApplicable, |_, parts| {
        parts.reconciliation.source = CompletionSource::Visibility;
        parts.reconciliation.stamped_twice = 5;
    });
    expect(names::REPEATED_STAMPS, NotApplicable, |_, parts| {
        parts.reconciliation.stamped = 0
    });
    let sample = |missing: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            parts.reconciliation.source = CompletionSource::Visibility;
            parts.reconciliation.sample_ends = Some(SampleEnds {
                accepted: 1_300,
                polled: 1_000 - missing - 5,
                asked: 5,
                open: 300,
                missing,
            });
        }
    };
    expect(names::SAMPLE_ENDS, Pass, sample(0));
    let verdict = expect(names::SAMPLE_ENDS, Warning, sample(10));
    assert!(
        !check(&verdict, names::SAMPLE_ENDS)
            .remedy
            .contains("no end-to-end latency is shown")
    );
    let verdict = expect(names::SAMPLE_ENDS, Warning, sample(11));
    let told = check(&verdict, names::SAMPLE_ENDS);
    assert!(told.remedy.contains("no end-to-end latency is shown"), "{told:?}");
    assert!(told.value.starts_with("11 of 1,000 ends not learnt"), "{told:?}");
    expect(names::SAMPLE_ENDS, NotApplicable, |_, parts| {
        sample(11)(&mut testing::plan(), parts);
        parts.reconciliation.source = CompletionSource::Stamps;
    });
    expect(names::SAMPLE_ENDS, NotApplicable, |_, parts| {
        sample(0)(&mut testing::plan(), parts);
        parts.reconciliation.sample_ends = None;
    });
    expect(names::SAMPLE_ENDS, NotApplicable, |_, parts| {
        sample(0)(&mut testing::plan(), parts);
        parts.reconciliation.sample_ends.as_mut().unwrap().open = 1_300;
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
    expect(names::OPEN_AFTER_DRAIN, Warning, open(960));
    expect(names::OPEN_AFTER_DRAIN, Overloaded, open(961));
    expect(names::OPEN_AFTER_DRAIN, Overloaded, open(1_500));
    expect(names::OPEN_AFTER_DRAIN, Warning, |plan, parts| {
        open(1_500)(plan, parts);
        parts.interrupted = true;
    });
    expect(names::OPEN_AFTER_DRAIN, Warning, |plan, parts| {
        open(1_500)(plan, parts);
        parts.reconciliation.cut_off = Some(CutOff {
            seconds: 301.0,
            ended_later: 0,
            cut_short_by: Some("SIGINT".into()),
        });
    });
    // Nobody counts and nobody stamps: a sample is seen by long polls alone.
    let sampled = |open: u64| {
        move |_: &mut Plan, parts: &mut IterationParts| {
            for ledger in [&mut parts.phases.measure.ledger, &mut parts.ledger] {
                ledger.forget_ends();
            }
            parts.windows.iter_mut().for_each(|window| window.backlog = None);
            let reconciliation = &mut parts.reconciliation;
            reconciliation.server = Fact::missing("forbidden");
            reconciliation.source = CompletionSource::Visibility;
            reconciliation.stamped = 0;
            reconciliation.sample_ends = Some(SampleEnds {
                accepted: 1_000,
                polled: 1_000 - open,
                open,
                ..SampleEnds::default()
            });
        }
    };
    expect(names::OPEN_AFTER_DRAIN, Pass, sampled(0));
    expect(names::OPEN_AFTER_DRAIN, Warning, sampled(10));
    let verdict = expect(names::OPEN_AFTER_DRAIN, Overloaded, sampled(11));
    let told = &check(&verdict, names::OPEN_AFTER_DRAIN).value;
    assert_eq!(told, "11 workflows of the sample (1.1 %)");
    expect(names::OPEN_AFTER_DRAIN, NotApplicable, |plan, parts| {
        sampled(11)(plan, parts);
        parts.reconciliation.sample_ends = None;
    });
}

#[test]
fn samples() {
    let verdict = expect(names::MEASURED_STARTS, Invalid, |_, parts| {
        parts.phases.measure = crate::schema::PhaseReport::empty();
        parts.ledger = crate::ledger::Ledger::default();
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
    let verdict = expect(names::MEASURED_STARTS, Pass, |_, parts| {
        let starts = &mut parts.phases.measure.latencies.start_response;
        (starts.accepted, starts.rejected) = (Latency::empty(), lag_of(3, 0, 0));
    });
    let told = check(&verdict, names::MEASURED_STARTS);
    assert_eq!((told.value.as_str(), told.measured), ("3 starts answered", Some(3.0)));
    expect(names::QUANTILE_SAMPLES, Pass, |_, _| {});
    // 5,000 samples are enough for p99.9; 600 in four minutes would be in 33. Who has none is not waited for.
    for (samples, status, needed) in [
        (5_000, Pass, ""),
        (4_999, Warning, "4m01s"),
        (600, Warning, "33m20s"),
        (0, Pass, ""),
    ] {
        let verdict = expect(names::QUANTILE_SAMPLES, status, |_, parts| {
            parts.phases.measure.latencies.e2e_response.completed = lag_of(samples, 0, 0);
        });
        let remedy = &check(&verdict, names::QUANTILE_SAMPLES).remedy;
        assert!(remedy.contains(needed), "{remedy}");
    }
    let verdict = expect(names::QUANTILE_SAMPLES, Warning, |_, parts| {
        parts.interrupted = true;
        parts.phases.measure.latencies.e2e_response.completed = lag_of(600, 0, 0);
    });
    let remedy = &check(&verdict, names::QUANTILE_SAMPLES).remedy;
    assert!(
        remedy.contains("interrupted") && !remedy.contains("at this pace"),
        "{remedy}"
    );
    for (ends, said) in [
        (600, "start and e2e p99.9, p99.99 (600 samples)"),
        (
            700,
            "start p99.9, p99.99 (600 samples); e2e p99.9, p99.99 (700 samples)",
        ),
        (60_000, "start p99.9, p99.99 (600 samples)"),
    ] {
        let verdict = expect(names::QUANTILE_SAMPLES, Warning, |_, parts| {
            let latencies = &mut parts.phases.measure.latencies;
            latencies.start_response.accepted = lag_of(600, 0, 0);
            latencies.e2e_response.completed = lag_of(ends, 0, 0);
        });
        let value = &check(&verdict, names::QUANTILE_SAMPLES).value;
        assert_eq!(*value, format!("not shown: {said}"));
    }
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
fn the_headline_says_what_a_valid_run_is_known_by() {
    let headline = |change: fn(&mut IterationParts)| {
        let verdict = judged(|_, parts| change(parts));
        assert_eq!(verdict.value, VerdictValue::Valid);
        verdict.headline
    };
    assert!(headline(|_| {}).ends_with("every workflow is accounted for"));
    let stamps_only = |parts: &mut IterationParts| parts.reconciliation.server = Fact::missing("no visibility");
    assert!(headline(stamps_only).ends_with("the server's own counts could not be compared"));
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
fn of_iterations_the_worst_is_named_and_what_passes_is_not() {
    let sound = judged(|_, _| {});
    let warned = judged(|_, parts| parts.reconciliation.not_stamped = 10);
    let worse = judged(|_, parts| parts.reconciliation.not_stamped = 10_000);
    let whole = combine(&[sound.clone(), warned.clone(), worse.clone(), warned.clone()]);
    assert_eq!(whole.value, VerdictValue::Invalid);
    assert_eq!(whole.headline, format!("{} (iteration 3 of 4)", worse.headline));
    assert_eq!(whole.checks.len(), sound.checks.len());
    let stamps = check(&whole, names::MISSING_STAMPS);
    let of_worse = &check(&worse, names::MISSING_STAMPS).value;
    assert_eq!(stamps.value, format!("{of_worse} (iteration 3 of 4)"));
    for check in whole.checks.iter().filter(|check| check.status <= NotApplicable) {
        assert!(!check.value.contains("iteration"), "{check:?}");
    }
    // As bad in two of them: the first is shown, as the one that was worse would be.
    let as_bad = combine(&[warned.clone(), judged(|_, parts| parts.reconciliation.not_stamped = 11)]);
    let shown = &check(&as_bad, names::MISSING_STAMPS).value;
    assert_eq!(
        *shown,
        format!("{} (iteration 1 of 2)", check(&warned, names::MISSING_STAMPS).value)
    );
    // As bad in two of them: both are named in the headline; bad in all of them, none is.
    let two = combine(&[worse.clone(), sound.clone(), worse.clone()]);
    assert_eq!(two.headline, format!("{} (iterations 1, 3 of 3)", worse.headline));
    assert_eq!(combine(&[worse.clone(), worse.clone()]).headline, worse.headline);
    assert_eq!(combine(std::slice::from_ref(&warned)), warned);
    let none = combine(&[]);
    assert_eq!((none.value, none.checks.len()), (VerdictValue::Invalid, 0));
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
