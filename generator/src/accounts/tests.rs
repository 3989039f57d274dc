//! The account under everything that can be reported to it, in any order.

use std::{collections::HashSet, time::Duration};

use benchmark_scenarios::{Arrivals, Load, Rate, WhenFull};
use proptest::prelude::*;

use super::*;
use crate::schedule::Stripe;

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

fn schedule() -> Schedule {
    Schedule::new(&Load {
        rate: Rate::from_thousandths(100_000).unwrap(),
        duration: Duration::from_secs(3),
        ramp_up: Duration::ZERO,
        warm_up: Duration::from_secs(1),
        drain: Duration::from_secs(60),
        arrivals: Arrivals::Constant,
        seed: 1,
        max_in_flight: 1000,
        when_full: WhenFull::Queue,
        max_lag: Duration::from_secs(1),
    })
}

/// What became of one arrival, as a script tells it.
#[derive(Clone, Copy, Debug)]
struct Fate {
    start: StartEnd,
    end: Option<WorkflowEnd>,
    /// How often it is stamped.
    stamps: usize,
    /// Whether the stamp comes before the start's answer.
    early: bool,
    /// What a look-up of a lost answer says.
    found: bool,
}

fn any_fate() -> impl Strategy<Value = Fate> {
    let start = prop_oneof![
        8 => Just(StartEnd::Accepted),
        1 => Just(StartEnd::Rejected),
        1 => Just(StartEnd::Dropped),
        2 => Just(StartEnd::Unknown),
    ];
    let end = prop_oneof![
        6 => Just(Some(WorkflowEnd::Completed)),
        1 => Just(Some(WorkflowEnd::Failed)),
        1 => Just(Some(WorkflowEnd::Cancelled)),
        2 => Just(None),
    ];
    (start, end, 1..3usize, any::<bool>(), any::<bool>()).prop_map(|(start, end, stamps, early, found)| Fate {
        start,
        end,
        stamps,
        early,
        found,
    })
}

/// Counts the starts as a shard would have.
fn window(schedule: &Schedule, fates: &[Fate]) -> ShardWindow {
    let mut window = ShardWindow::default();
    for (n, fate) in (0..).zip(fates) {
        let ledger = &mut window
            .phases
            .entry(schedule.phase_at(schedule.offset(n)))
            .or_default()
            .ledger;
        ledger.arrivals += 1;
        match fate.start {
            StartEnd::Dropped => ledger.dropped_lag += 1,
            StartEnd::Accepted => (ledger.dispatched, ledger.accepted) = (ledger.dispatched + 1, ledger.accepted + 1),
            StartEnd::Rejected => (ledger.dispatched, ledger.rejected) = (ledger.dispatched + 1, ledger.rejected + 1),
            StartEnd::Unknown => (ledger.dispatched, ledger.unknown) = (ledger.dispatched + 1, ledger.unknown + 1),
        }
    }
    window
}

fn stamp(n: u64, end: WorkflowEnd) -> StampedEnd {
    StampedEnd {
        n,
        sent: n * 10 * MILLI,
        ended: n * 10 * MILLI + 5 * MILLI,
        end,
        message: None,
    }
}

proptest! {
    /// Lost answers, early, late and double stamps: the account closes and nothing is counted twice.
    #[test]
    fn the_account_closes_whatever_is_reported(fates in prop::collection::vec(any_fate(), 1..300)) {
        let schedule = schedule();
        let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.5), 60);
        accounts.add_window(Origin::Leader, &window(&schedule, &fates));
        // A workflow runs when its start was taken, whether or not the answer came.
        let runs = |fate: &Fate| match fate.start {
            StartEnd::Accepted => true,
            StartEnd::Unknown => fate.found,
            StartEnd::Dropped | StartEnd::Rejected => false,
        };
        let mut twice = 0;
        for (n, fate) in (0..).zip(&fates) {
            let stamps = fate.end.filter(|_| runs(fate)).map_or(0, |_| fate.stamps);
            let stamp_all = |accounts: &mut Accounts| {
                (0..stamps).for_each(|_| accounts.add_stamp(Origin::Leader, stamp(n, fate.end.unwrap())));
            };
            if fate.early {
                stamp_all(&mut accounts);
                accounts.add_start(Origin::Leader, n, fate.start);
            } else {
                accounts.add_start(Origin::Leader, n, fate.start);
                stamp_all(&mut accounts);
            }
            twice += stamps.saturating_sub(1) as u64;
        }
        for n in accounts.unknown(usize::MAX) {
            accounts.resolve_unknown(n, fates[n as usize].found);
        }
        let ledger = accounts.ledger();
        prop_assert_eq!(ledger.broken_identities(), []);
        prop_assert_eq!(accounts.observers().stamped_twice, twice);
        prop_assert_eq!(accounts.pending_unknown(), 0);
        prop_assert_eq!(ledger.unknown, 0);
        let count = |wanted: &dyn Fn(&Fate) -> bool| fates.iter().filter(|fate| wanted(fate)).count() as u64;
        prop_assert_eq!(ledger.accepted, count(&|fate| runs(fate)));
        prop_assert_eq!(ledger.completed, count(&|fate| runs(fate) && fate.end == Some(WorkflowEnd::Completed)));
        prop_assert_eq!(ledger.open, count(&|fate| runs(fate) && fate.end.is_none()));
        prop_assert_eq!(ledger.open, accounts.backlog());
        prop_assert_eq!(accounts.open(usize::MAX).len() as u64, accounts.backlog());
        // What was counted as completed was timed, once.
        let timed: u64 = accounts
            .phases()
            .values()
            .filter_map(|phase| phase.ends.completed.as_ref())
            .map(|pair| pair.response.count())
            .sum();
        prop_assert_eq!(timed, ledger.completed);
        let seconds = accounts.seconds().report();
        prop_assert_eq!(seconds.windows.iter().filter_map(|window| window.completed).sum::<u64>(), ledger.completed);
    }
}

#[test]
fn a_workflow_belongs_to_the_phase_in_which_it_was_due() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.0), 60);
    // Due in the last 10 ms of the warm-up, over in the measured phase.
    accounts.add_start(Origin::Leader, 99, StartEnd::Accepted);
    let end = WorkflowEnd::Completed;
    accounts.add_stamp(
        Origin::Leader,
        StampedEnd {
            n: 99,
            sent: 995 * MILLI,
            ended: SECOND + 200 * MILLI,
            end,
            message: None,
        },
    );
    let warm_up = &accounts.phases()[&Phase::WarmUp];
    let pair = warm_up.ends.completed.as_ref().unwrap();
    assert_eq!(pair.response.count(), 1);
    assert!((pair.response.max_ms().unwrap() - 210.0).abs() < 0.5);
    assert!((pair.service.max_ms().unwrap() - 205.0).abs() < 0.5);
    assert_eq!(warm_up.completed_in_time, 0);
    assert_eq!(accounts.phases()[&Phase::Measure].completed_in_time, 1);
    assert_eq!(accounts.seconds().report().windows[1].completed, Some(1));
}

#[test]
fn an_end_that_nobody_stamped_is_counted_without_a_latency() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60);
    accounts.add_window(Origin::Leader, &ShardWindow::default());
    accounts.add_start(Origin::Leader, 0, StartEnd::Accepted);
    accounts.add_unstamped_end(0, WorkflowEnd::Terminated, Some("by hand".into()));
    accounts.add_unstamped_end(0, WorkflowEnd::Terminated, None);
    assert_eq!(accounts.observers().not_stamped, 1);
    assert_eq!(accounts.backlog(), 0);
    assert_eq!(
        accounts.errors()[&("workflow", "Terminated".to_owned())],
        (1, vec![(0, "by hand".to_owned())])
    );
    assert!(accounts.phases()[&Phase::WarmUp].ends.not_completed.is_none());
}

#[test]
fn stamp_and_long_poll_are_compared() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 1.0), 60);
    for n in 0..3 {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
    }
    accounts.add_stamp(Origin::Leader, stamp(0, WorkflowEnd::Completed));
    accounts.add_poll(0, WorkflowEnd::Completed, 0, 9 * MILLI, true);
    accounts.add_poll(1, WorkflowEnd::Failed, 0, 30 * MILLI, true);
    accounts.add_stamp(Origin::Leader, stamp(1, WorkflowEnd::Completed));
    accounts.add_poll(2, WorkflowEnd::Completed, 0, 30 * MILLI, true);
    let observers = accounts.observers();
    assert_eq!(
        (
            observers.polled,
            observers.poll_disagreements,
            observers.poll_delay.count()
        ),
        (3, 1, 2)
    );
    assert!((observers.poll_delay.max_ms().unwrap() - 15.0).abs() < 0.1);
}

#[test]
fn without_stamps_long_polls_time_the_sample_and_the_server_counts() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 1.0), 60);
    let mut window = ShardWindow::default();
    let ledger = &mut window.phases.entry(Phase::Measure).or_default().ledger;
    (ledger.arrivals, ledger.dispatched, ledger.accepted) = (3, 3, 3);
    accounts.add_window(Origin::Leader, &window);
    accounts.add_start(Origin::Leader, 150, StartEnd::Accepted);
    accounts.add_poll(150, WorkflowEnd::Completed, 1501 * MILLI, 1520 * MILLI, false);
    accounts.set_ends(Phase::Measure, &BTreeMap::from([(WorkflowEnd::Completed, 2)]));
    accounts.set_completed_in_time(Phase::Measure, 2);
    let measure = &accounts.phases()[&Phase::Measure];
    assert_eq!((measure.ledger().completed, measure.ledger().open), (2, 1));
    assert_eq!(measure.ends.completed.as_ref().unwrap().response.count(), 1);
    assert_eq!(measure.completed_in_time, 2);
    assert_eq!(measure.ledger().broken_identities(), []);
}

#[test]
fn a_sample_is_as_large_as_asked_for_and_repeats() {
    let sample = Sample::new(7, 0.02);
    let taken: Vec<u64> = (0..100_000).filter(|n| sample.contains(*n)).collect();
    assert!((1_900..2_100).contains(&taken.len()), "{}", taken.len());
    assert_eq!(
        taken,
        (0..100_000)
            .filter(|n| Sample::new(7, 0.02).contains(*n))
            .collect::<Vec<_>>()
    );
    assert!(!(0..1000).any(|n| Sample::new(7, 0.0).contains(n)));
    assert!((0..1000).all(|n| Sample::new(7, 1.0).contains(n)));
}

#[test]
fn seconds_are_closed_and_intervals_hold_what_they_had() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.0), 60);
    for n in 0..300 {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
        accounts.add_stamp(Origin::Leader, stamp(n, WorkflowEnd::Completed));
        accounts.advance(n * 10 * MILLI);
    }
    accounts.advance(60 * SECOND);
    let report = accounts.seconds().report();
    let completed: Vec<u64> = report
        .windows
        .iter()
        .take(3)
        .filter_map(|window| window.completed)
        .collect();
    assert_eq!(completed, [100, 100, 100]);
    assert_eq!(report.windows[0].due, 100);
    let samples: u64 = report
        .intervals
        .iter()
        .map(|interval| Histogram::decode(&interval.e2e_response).unwrap().count())
        .sum();
    assert_eq!(samples, 300);
}

proptest! {
    /// A generator that is lost: whatever it told, whatever the server knows, whatever was stamped, every arrival of its
    /// part ends in exactly one place.
    #[test]
    fn a_lost_part_is_closed(
        fates in prop::collection::vec((any_fate(), any::<bool>(), any::<bool>()), 300),
        seconds_told in 0..=3u64,
    ) {
        let schedule = schedule();
        let (lost, origin) = (Stripe { index: 1, of: 2 }, Origin::Member(7));
        let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.0), 60);
        let total = schedule.total();
        let mut windows: BTreeMap<(bool, u64), ShardWindow> = BTreeMap::new();
        for (n, (fate, told, stamped)) in (0..total).zip(&fates) {
            let of_lost = n % 2 == 1;
            if of_lost && !told {
                // Sent perhaps, but nobody was told; if it was, a worker may have stamped it.
                if *stamped {
                    accounts.add_stamp(Origin::Member(0), stamp(n, WorkflowEnd::Completed));
                }
                continue;
            }
            let by = if of_lost { origin } else { Origin::Leader };
            accounts.add_start(by, n, fate.start);
            let second = schedule.offset(n) / SECOND;
            let window = windows.entry((of_lost, second)).or_default();
            window.second = second;
            count(window.phases.entry(schedule.phase_of(n)).or_default(), fate.start);
            if *stamped && matches!(fate.start, StartEnd::Accepted) {
                accounts.add_stamp(Origin::Member(0), stamp(n, WorkflowEnd::Completed));
            }
        }
        for ((of_lost, second), window) in &windows {
            // The last seconds of the lost one were never told, although single starts of them were.
            if !of_lost || *second < seconds_told {
                accounts.add_window(if *of_lost { origin } else { Origin::Leader }, window);
            }
        }
        let missing = accounts.missing(lost, schedule.end());
        let found: HashSet<u64> = missing.unheard.iter().copied().filter(|n| fates[*n as usize].2).collect();
        accounts.close_lost(origin, &missing, &found);

        let ledger = accounts.ledger();
        prop_assert_eq!(ledger.broken_identities(), vec![]);
        prop_assert_eq!(ledger.arrivals, total);
        prop_assert_eq!(accounts.missing(lost, schedule.end()), Missing::default());
        let member = &accounts.members()[&origin];
        prop_assert_eq!(member.missing as usize, missing.unheard.len() + missing.ended.len());
        prop_assert_eq!(member.ledger().arrivals, total / 2);
        let open = ledger.open;
        prop_assert_eq!(accounts.backlog(), open);
    }
}

fn count(samples: &mut PhaseSamples, end: StartEnd) {
    let ledger = &mut samples.ledger;
    ledger.arrivals += 1;
    if end == StartEnd::Dropped {
        ledger.dropped_lag += 1;
        return;
    }
    ledger.dispatched += 1;
    match end {
        StartEnd::Accepted => ledger.accepted += 1,
        StartEnd::Rejected => ledger.rejected += 1,
        StartEnd::Unknown => ledger.unknown += 1,
        StartEnd::Dropped => {}
    }
}
