//! The checks of the fleet, from one in which all is well.

use std::ops::Range;

use super::*;
use crate::{
    schema::{Fleet, Member, MemberPresence, MemberRole, MemberUsage},
    testing::fleet::{WORKERS, fleet_iteration, full_iteration, generator_lost_iteration, worker_lost_iteration},
};

/// Asserts the status of one check of a fleet's run after a change, and that it has a remedy exactly when it needs one.
fn expect(name: &str, status: CheckStatus, change: impl FnOnce(&mut IterationParts)) -> String {
    super::expect(name, status, |_, parts| {
        *parts = fleet_iteration();
        change(parts);
    })
    .checks
    .into_iter()
    .find(|check| check.name == name)
    .map(|check| check.value)
    .unwrap()
}

fn worker(parts: &mut IterationParts, index: usize) -> &mut Member {
    let is_worker = |member: &&mut Member| member.role == MemberRole::Worker;
    parts.fleet.members.iter_mut().filter(is_worker).nth(index).unwrap()
}

fn generator(parts: &mut IterationParts) -> &mut Member {
    let members = &mut parts.fleet.members;
    members
        .iter_mut()
        .find(|member| member.role == MemberRole::Generator)
        .unwrap()
}

/// A change of what a member used in some of the run's seconds; the measured phase is those from 60 to 300.
fn used(member: &mut Member, seconds: Range<u32>, change: impl Fn(&mut MemberUsage)) {
    let seconds = f64::from(seconds.start)..f64::from(seconds.end);
    let in_range = member
        .usage
        .iter_mut()
        .filter(|usage| seconds.contains(&usage.at_seconds));
    in_range.for_each(change);
}

fn headline(iteration: IterationParts) -> String {
    let verdict = judged(|_, parts| *parts = iteration);
    assert_eq!(verdict.value, VerdictValue::Invalid, "{verdict:#?}");
    verdict.headline
}

const ALL: [&str; 5] = [
    names::FLEET_MEMBERS,
    names::FLEET_WINDOWS,
    names::WORKER_CPU,
    names::WORKER_SLOTS,
    names::CLOCK_OFFSET,
];

#[test]
fn a_sound_fleet_passes() {
    for name in ALL {
        expect(name, Pass, |_| {});
    }
}

#[test]
fn a_process_alone_has_no_fleet_to_judge() {
    for name in ALL {
        expect(name, NotApplicable, |parts| parts.fleet = Fleet::alone());
    }
}

/// The embedded default: the workers are a member, in the leader's process.
#[test]
fn workers_of_this_process_are_judged_by_their_slots_only() {
    let embedded = |parts: &mut IterationParts| {
        parts
            .fleet
            .members
            .retain(|member| member.role != MemberRole::Generator);
        parts.fleet.members.truncate(2);
        let worker = worker(parts, 0);
        worker.in_process = true;
        used(worker, 0..300, |usage| usage.cpu_share = 0.99);
    };
    for name in [
        names::FLEET_MEMBERS,
        names::FLEET_WINDOWS,
        names::WORKER_CPU,
        names::CLOCK_OFFSET,
    ] {
        expect(name, NotApplicable, embedded);
    }
    expect(names::WORKER_SLOTS, Pass, embedded);
    expect(names::WORKER_SLOTS, Invalid, |parts| {
        embedded(parts);
        used(worker(parts, 0), 100..150, |usage| usage.activity_slots_free = Some(0));
    });
}

#[test]
fn a_lost_generator_is_another_load() {
    let value = expect(names::FLEET_MEMBERS, Invalid, |parts| {
        *parts = generator_lost_iteration()
    });
    assert!(
        value.contains("12,000 arrivals") && value.contains("was lost at 4m00s"),
        "{value}"
    );
    assert!(headline(generator_lost_iteration()).starts_with("a generator was lost"));
    // Lost after its last start and before it told of the answers.
    expect(names::FLEET_MEMBERS, Invalid, |parts| {
        generator(parts).presence = MemberPresence::Lost;
    });
    // It went by itself, in the middle.
    let value = expect(names::FLEET_MEMBERS, Invalid, |parts| {
        let member = generator(parts);
        member.presence = MemberPresence::Left;
        member.left_seconds = Some(200.0);
        member.reason = Some("SIGTERM".into());
        member.starts.as_mut().unwrap().missing = 1;
    });
    assert!(
        value.contains("left at 3m20s (SIGTERM), 1 arrival of its part missing"),
        "{value}"
    );
    // The checks of the load do not blame the machine for it.
    let verdict = judged(|_, parts| {
        *parts = generator_lost_iteration();
        parts.windows.iter_mut().for_each(|window| window.dropped = 0);
    });
    let dropped = &check(&verdict, names::DROPS).value;
    assert!(
        dropped.starts_with("12,000 given up: 12,000 by the loss of a generator, 0 late without cause"),
        "{dropped}"
    );
    for name in [names::START_ATTAINMENT, names::WINDOW_ATTAINMENT, names::DROPS] {
        let check = check(&verdict, name);
        assert_eq!(check.status, Invalid, "{check:?}");
        assert!(check.remedy.contains("lost generator"), "{check:?}");
    }
    let verdict = judged(|_, parts| {
        *parts = generator_lost_iteration();
        parts.phases.measure.ledger.arrivals -= 12_000;
    });
    let offered = check(&verdict, names::OFFERED_LOAD);
    assert!(offered.remedy.contains("lost generator"), "{offered:?}");
}

#[test]
fn a_fleet_that_changes_is_told() {
    let value = expect(names::FLEET_MEMBERS, Warning, |parts| *parts = worker_lost_iteration());
    assert_eq!(
        value,
        format!("worker {} was lost at 2m12s (not heard of for 30s)", WORKERS[2])
    );
    let left_at = |presence, seconds: f64| {
        move |parts: &mut IterationParts| {
            parts.fleet.expected_workers = 0;
            let member = worker(parts, 1);
            member.presence = presence;
            member.left_seconds = Some(seconds);
        }
    };
    for (presence, seconds, status) in [
        (MemberPresence::Left, 30.0, Pass),
        (MemberPresence::Left, 60.0, Warning),
        (MemberPresence::Left, 299.9, Warning),
        (MemberPresence::Left, 300.0, Pass),
        (MemberPresence::Lost, -1.0, Pass),
        (MemberPresence::Lost, 0.0, Warning),
        (MemberPresence::Lost, 10.0, Warning),
        (MemberPresence::Lost, 310.0, Warning),
    ] {
        expect(names::FLEET_MEMBERS, status, left_at(presence, seconds));
    }
    for (seconds, status) in [(59.0, Pass), (60.0, Pass), (61.0, Warning), (300.0, Pass)] {
        expect(names::FLEET_MEMBERS, status, |parts| {
            parts.fleet.expected_workers = 0;
            worker(parts, 1).joined_seconds = seconds;
        });
    }
    // Gone before anything was measured: the rest is one fleet, but not the one that was waited for.
    let value = expect(names::FLEET_MEMBERS, Warning, |parts| {
        left_at(MemberPresence::Left, 30.0)(parts);
        parts.fleet.expected_workers = 3;
    });
    assert_eq!(value, "2 of 3 workers when the measured phase began");
    expect(names::FLEET_MEMBERS, Pass, |parts| {
        worker(parts, 1).joined_seconds = 60.0
    });
    let value = expect(names::FLEET_MEMBERS, Warning, |parts| {
        left_at(MemberPresence::Left, 60.0)(parts);
        parts.fleet.expected_workers = 3;
    });
    assert!(
        value.ends_with("; 2 of 3 workers when the measured phase began"),
        "{value}"
    );
    for (seconds, said) in [(-1.0, "was lost before the beginning"), (0.0, "was lost at 0s")] {
        let value = expect(names::FLEET_MEMBERS, Invalid, |parts| {
            let member = generator(parts);
            (member.presence, member.left_seconds) = (MemberPresence::Lost, Some(seconds));
        });
        assert!(value.contains(said), "{value}");
    }
}

#[test]
fn only_the_first_few_are_named() {
    let value = expect(names::FLEET_MEMBERS, Warning, |parts| {
        let lost = Member {
            presence: MemberPresence::Lost,
            left_seconds: Some(100.0),
            ..worker(parts, 0).clone()
        };
        parts.fleet.members.extend(vec![lost; 40]);
    });
    assert!(value.ends_with("; and 37 more") && value.len() < 200, "{value}");
    let value = expect(names::FLEET_MEMBERS, Warning, |parts| {
        (0..3).for_each(|index| worker(parts, index).presence = MemberPresence::Lost);
        parts.fleet.expected_workers = 0;
    });
    assert!(!value.contains("more"), "{value}");
}

#[test]
fn windows_that_were_given_up() {
    let value = expect(names::FLEET_WINDOWS, Invalid, |parts| {
        worker(parts, 0).windows_dropped = 7
    });
    assert_eq!(value, format!("7 windows given up: 7 by {}", WORKERS[0]));
    let value = expect(names::FLEET_WINDOWS, Pass, |parts| {
        worker(parts, 0).windows_resent = 100
    });
    assert_eq!(value, "2,135 taken, 100 of them sent again, none given up");
    let mut iteration = fleet_iteration();
    generator(&mut iteration).windows_dropped = 1;
    assert!(headline(iteration).contains("not whole"));
}

#[test]
fn cpu_of_the_workers() {
    let busy =
        |share: f64| move |parts: &mut IterationParts| used(worker(parts, 1), 0..300, |usage| usage.cpu_share = share);
    expect(names::WORKER_CPU, Pass, busy(0.70));
    let value = expect(names::WORKER_CPU, Warning, busy(0.80));
    assert_eq!(value, format!("80 % ({})", WORKERS[1]));
    expect(names::WORKER_CPU, Warning, busy(0.85));
    expect(names::WORKER_CPU, Invalid, busy(0.86));
    assert!(headline(full_iteration()).starts_with("the fleet was the limit"));
    // What was told at the beginning is of the time before, and what after the end is of the time after. Three words do.
    for (told, measured) in [
        (&[60.0, 61.0, 62.0, 300.0, 300.1][..], Some(0.5)),
        (&[60.0, 61.0, 62.0, 300.1], None),
    ] {
        let status = if measured.is_some() { Pass } else { NotApplicable };
        let verdict = super::expect(names::WORKER_CPU, status, |_, parts| {
            *parts = fleet_iteration();
            (1..3).for_each(|index| worker(parts, index).usage.clear());
            let usage = &mut worker(parts, 0).usage;
            usage.truncate(told.len());
            for (usage, at) in usage.iter_mut().zip(told) {
                usage.at_seconds = *at;
                usage.cpu_share = if (60.5..=300.0).contains(at) { 0.5 } else { 99.0 };
            }
        });
        assert_eq!(check(&verdict, names::WORKER_CPU).measured, measured);
    }
    // What is allowed itself, as the mean of few entries that have no rounding; who is not beyond it is not named.
    for (share, status, said) in [(0.70, Pass, "70 % at the most, of 3 workers"), (0.85, Warning, "85 % ")] {
        let value = expect(names::WORKER_CPU, status, |parts| {
            for (index, share) in [(0, 0.70), (1, share)] {
                let usage = &mut worker(parts, index).usage;
                usage.retain(|usage| (100.0..104.0).contains(&usage.at_seconds));
                usage.iter_mut().for_each(|usage| usage.cpu_share = share);
            }
        });
        assert!(value.starts_with(said) && !value.contains(WORKERS[0]), "{value}");
    }
    // Busy before, or for a moment.
    expect(names::WORKER_CPU, Pass, |parts| {
        used(worker(parts, 1), 0..60, |usage| usage.cpu_share = 1.0)
    });
    expect(names::WORKER_CPU, Pass, |parts| {
        used(worker(parts, 1), 60..80, |usage| usage.cpu_share = 1.0)
    });
    // One that says nothing does not hide the others; nobody who says anything cannot be judged.
    expect(names::WORKER_CPU, Invalid, |parts| {
        worker(parts, 0).usage.clear();
        busy(0.99)(parts);
    });
    expect(names::WORKER_CPU, NotApplicable, |parts| {
        (0..3).for_each(|index| worker(parts, index).usage.clear());
    });
    // The generator's own CPU is the first thing to see to.
    let mut iteration = full_iteration();
    iteration.generator.cpu_share = 0.99;
    assert!(headline(iteration).starts_with("the generator was the limit"));
}

#[test]
fn cpu_of_the_other_generators() {
    let verdict = super::expect(names::GENERATOR_CPU, Invalid, |_, parts| {
        *parts = fleet_iteration();
        generator(parts).generator.as_mut().unwrap().cpu_share = 0.9;
    });
    let value = &check(&verdict, names::GENERATOR_CPU).value;
    assert_eq!(value, &format!("90 % ({})", crate::testing::fleet::GENERATOR));
    expect(names::CPU_WAIT, Warning, |parts| {
        generator(parts).generator.as_mut().unwrap().cpu_wait.value = Some(0.06);
    });
    expect(names::BUSIEST_THREAD, Pass, |parts| generator(parts).generator = None);
}

#[test]
fn slots_of_the_workers() {
    let full = |workers: Range<usize>, seconds: Range<u32>| {
        move |parts: &mut IterationParts| {
            for index in workers {
                used(worker(parts, index), seconds.clone(), |usage| {
                    usage.workflow_slots_free = Some(0)
                });
            }
        }
    };
    let value = expect(names::WORKER_SLOTS, Invalid, full(0..3, 100..113));
    assert_eq!(value, "no free workflow slots in 13 of 240 seconds");
    expect(names::WORKER_SLOTS, Pass, full(0..3, 100..112));
    expect(names::WORKER_SLOTS, Pass, full(0..3, 0..60));
    let value = expect(names::WORKER_SLOTS, Warning, full(1..2, 100..160));
    assert!(
        value.starts_with(WORKERS[1]) && value.ends_with("60 of 240 seconds, others had"),
        "{value}"
    );
    expect(names::WORKER_SLOTS, Pass, full(1..2, 100..112));
    expect(names::WORKER_SLOTS, Warning, full(1..2, 100..113));
    // A last word holds for ten seconds; what nobody told of is not looked at.
    let value = expect(names::WORKER_SLOTS, Pass, |parts| {
        (0..3).for_each(|index| worker(parts, index).usage.retain(|usage| usage.at_seconds < 150.0));
    });
    assert_eq!(value, "none free in 0 of 99 seconds");
    // Where the only others are silent, there are no others.
    expect(names::WORKER_SLOTS, Invalid, |parts| {
        worker(parts, 0).usage.clear();
        worker(parts, 2).usage.clear();
        full(1..2, 100..160)(parts);
    });
    // A worker that is lost has no slots, free or taken.
    expect(names::WORKER_SLOTS, Invalid, |parts| {
        worker(parts, 0).usage.truncate(120);
        full(1..3, 200..260)(parts);
    });
    expect(names::WORKER_SLOTS, NotApplicable, |parts| {
        for index in 0..3 {
            used(worker(parts, index), 0..300, |usage| {
                (usage.workflow_slots_free, usage.activity_slots_free) = (None, None);
            });
        }
    });
    // Seconds of which nobody told are none without slots.
    let value = expect(names::WORKER_SLOTS, Pass, |parts| {
        for index in 0..3 {
            let silent = 100.0..200.0;
            worker(parts, index)
                .usage
                .retain(|usage| !silent.contains(&usage.at_seconds));
        }
    });
    assert_eq!(value, "none free in 0 of 149 seconds");
    // In a run of hours an entry stands for many seconds, also where one is missing.
    let value = expect(names::WORKER_SLOTS, Invalid, |parts| {
        full(0..3, 100..300)(parts);
        for index in 0..3 {
            let mut entry = 0;
            worker(parts, index).usage.retain(|_| {
                entry += 1;
                entry % 30 == 0 && entry != 150
            });
        }
    });
    assert_eq!(value, "no free workflow slots in 181 of 240 seconds");
}

#[test]
fn clocks() {
    let clock = |offset: f64, uncertainty: f64, corrected: bool| {
        move |parts: &mut IterationParts| {
            let clock = &mut worker(parts, 0).clock;
            clock.offset_ms = Some(offset);
            clock.uncertainty_ms = Some(uncertainty);
            clock.corrected = corrected;
        }
    };
    // The median is 21 ms, so 1.05 ms are 5 %.
    let value = expect(names::CLOCK_OFFSET, Pass, clock(1.0, 0.5, true));
    assert!(value.starts_with("at the worst "), "{value}");
    let value = expect(names::CLOCK_OFFSET, Warning, clock(-40.0, 0.5, true));
    assert_eq!(value, format!("{} corrected by -40ms ± 0.5ms", WORKERS[0]));
    expect(names::CLOCK_OFFSET, Invalid, clock(40.0, 2.0, true));
    expect(names::CLOCK_OFFSET, Warning, clock(0.1, 2.0, false));
    let mut iteration = fleet_iteration();
    clock(40.0, 2.0, true)(&mut iteration);
    assert!(headline(iteration).starts_with("the clocks of the fleet"));

    // A clock that was set, or was known to be off, while it was measured: however well it is known now.
    let set = |step: f64, error: f64| {
        move |parts: &mut IterationParts| {
            clock(0.1, 0.2, false)(parts);
            let clock = &mut worker(parts, 0).clock;
            (clock.steps, clock.largest_step_ms, clock.error_ms) = (Some(2), Some(step), Some(error));
        }
    };
    expect(names::CLOCK_OFFSET, Pass, set(1.0, 1.0));
    let value = expect(names::CLOCK_OFFSET, Invalid, set(300.0, 0.0));
    assert_eq!(value, format!("the clock of {} was set 2 times, by 300ms", WORKERS[0]));
    let value = expect(names::CLOCK_OFFSET, Invalid, set(0.0, 1.1));
    assert!(
        value.ends_with("was off by 1.1ms beyond what it was corrected by"),
        "{value}"
    );

    // Before it was measured: told, and judged by what was left of it only.
    let value = expect(names::CLOCK_OFFSET, Pass, |parts| {
        clock(0.8, 0.9, true)(parts);
        worker(parts, 0).clock.earlier_step_ms = Some(300.0);
    });
    assert!(
        value.ends_with("± 0.9ms (set by 300ms before the measured phase)"),
        "{value}"
    );
    expect(names::CLOCK_OFFSET, Invalid, |parts| {
        set(0.0, 1.1)(parts);
        worker(parts, 0).clock.earlier_step_ms = Some(300.0);
    });

    // One machine, one clock: what the round trips add is no error.
    expect(names::CLOCK_OFFSET, Pass, |parts| {
        clock(0.1, 2.0, false)(parts);
        worker(parts, 0).host = parts.fleet.members[0].host.clone();
    });
    // A member that joined and told before its clock was known.
    let value = expect(names::CLOCK_OFFSET, Warning, |parts| {
        worker(parts, 2).clock.offset_ms = None
    });
    assert!(value.contains("not compared"), "{value}");
    expect(names::CLOCK_OFFSET, Pass, |parts| {
        worker(parts, 2).clock.offset_ms = None;
        worker(parts, 2).windows = 0;
    });
    // Nothing to compare with.
    for p50 in [None, Some(0.0)] {
        expect(names::CLOCK_OFFSET, NotApplicable, |parts| {
            parts.phases.measure.latencies.e2e_response.completed.p50 = p50;
        });
    }
    // Of a median of 20 ms 1 ms is just what is allowed; the number is the share.
    for (offset, uncertainty, step, status, share) in [
        (0.0, 1.0, 0.0, Pass, 0.05),
        (0.0, 1.001, 0.0, Invalid, 0.05005),
        (-4.0, 0.5, 0.0, Warning, 0.2),
        (0.0, 0.5, 1.0, Pass, 0.025),
        (0.0, 0.5, 300.0, Invalid, 15.0),
    ] {
        let verdict = super::expect(names::CLOCK_OFFSET, status, |_, parts| {
            *parts = fleet_iteration();
            parts.phases.measure.latencies.e2e_response.completed.p50 = Some(20.0);
            clock(offset, uncertainty, true)(parts);
            worker(parts, 0).clock.largest_step_ms = Some(step);
        });
        let measured = check(&verdict, names::CLOCK_OFFSET).measured.unwrap();
        assert!((measured - share).abs() < 1e-9, "{measured} for {share}");
    }
    // Where the server tells the ends, the workers' clocks are in no figure; the generators' are.
    expect(names::CLOCK_OFFSET, Pass, |parts| {
        clock(40.0, 2.0, true)(parts);
        parts.reconciliation.source = CompletionSource::Visibility;
    });
    expect(names::CLOCK_OFFSET, Invalid, |parts| {
        generator(parts).clock = crate::schema::MemberClock {
            offset_ms: Some(40.0),
            uncertainty_ms: Some(2.0),
            corrected: true,
            ..crate::schema::MemberClock::default()
        };
        parts.reconciliation.source = CompletionSource::Visibility;
    });
}

/// Ctrl-C in the measured phase: everybody goes because they were told to.
#[test]
fn an_interrupted_fleet_has_not_changed() {
    expect(names::FLEET_MEMBERS, Pass, |parts| {
        parts.interrupted = true;
        parts.phases.measure.seconds = 72.0;
        for member in &mut parts.fleet.members[1..] {
            member.presence = MemberPresence::Left;
            member.left_seconds = Some(140.0);
        }
    });
}

#[test]
fn judging_a_fleet_takes_any_numbers() {
    let verdict = judged(|_, parts| {
        *parts = fleet_iteration();
        parts.phases.measure.start_seconds = f64::NAN;
        parts.phases.measure.seconds = f64::INFINITY;
        for member in &mut parts.fleet.members {
            member.joined_seconds = f64::NAN;
            member.left_seconds = Some(f64::NAN);
            member.windows_dropped = u64::MAX;
            member.clock.offset_ms = Some(f64::NAN);
            member.clock.uncertainty_ms = Some(f64::INFINITY);
            member.clock.error_ms = Some(f64::NAN);
            member.clock.largest_step_ms = Some(f64::INFINITY);
            for usage in &mut member.usage {
                usage.at_seconds = f64::NAN;
                usage.cpu_share = f64::NAN;
            }
            if let Some(starts) = &mut member.starts {
                starts.missing = u64::MAX;
            }
        }
    });
    for check in &verdict.checks {
        assert!(check.measured.is_none_or(f64::is_finite), "{check:?}");
    }
}
