//! The account under everything that can be reported to it, in any order.

mod cut_off;
mod lost;
mod observers;

use std::{collections::HashSet, time::Duration};

use benchmark_results::{Histogram, WorkflowEnd};
use benchmark_scenarios::{Arrivals, Load, Rate, WhenFull};
use proptest::prelude::*;

use super::*;
use crate::load::schedule::Stripe;

pub(super) const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

pub(super) fn schedule() -> Schedule {
    Schedule::new(&Load {
        rate: Rate::from_thousandths(100_000).unwrap(),
        duration: Duration::from_secs(3),
        ramp_up: Duration::ZERO,
        warm_up: Duration::from_secs(1),
        drain: Duration::from_secs(60),
        stop_timeout: Duration::from_secs(25),
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

pub(super) fn stamp(n: u64, end: WorkflowEnd) -> StampedEnd {
    StampedEnd {
        n,
        sent: n * 10 * MILLI,
        ended: n * 10 * MILLI + 5 * MILLI,
        end,
        message: None,
        told: u64::MAX,
        wrong: 0,
    }
}

proptest! {
    /// Lost answers, early, late and double stamps: the account closes and nothing is counted twice.
    #[test]
    fn the_account_closes_whatever_is_reported(fates in prop::collection::vec(any_fate(), 1..300)) {
        let schedule = schedule();
        let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.5), 60, true);
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
        prop_assert_eq!(accounts.unknown(9), Vec::<u64>::new());
        prop_assert_eq!(ledger.unknown, 0);
        let count = |wanted: &dyn Fn(&Fate) -> bool| fates.iter().filter(|fate| wanted(fate)).count() as u64;
        prop_assert_eq!(ledger.accepted, count(&|fate| runs(fate)));
        prop_assert_eq!(ledger.completed, count(&|fate| runs(fate) && fate.end == Some(WorkflowEnd::Completed)));
        prop_assert_eq!(ledger.open, count(&|fate| runs(fate) && fate.end.is_none()));
        prop_assert_eq!(ledger.open, accounts.backlog());
        prop_assert_eq!(accounts.open_from(0, usize::MAX).len() as u64, accounts.backlog());
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
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
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
            told: u64::MAX,
            wrong: 0,
        },
    );
    let warm_up = &accounts.phases()[&Phase::WarmUp];
    let pair = warm_up.ends.completed.as_ref().unwrap();
    assert_eq!(pair.response.count(), 1);
    assert!((pair.response.max_ms().unwrap() - 210.0).abs() < 0.5);
    assert!((pair.service.max_ms().unwrap() - 205.0).abs() < 0.5);
    assert_eq!(accounts.completed_in_time(Phase::WarmUp), Some(0));
    assert_eq!(accounts.completed_in_time(Phase::Measure), Some(1));
    assert_eq!(accounts.seconds().report().windows[1].completed, Some(1));
}

#[test]
fn ends_beyond_the_answers_are_of_lost_answers() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 1.0), 60, false);
    let mut window = ShardWindow::default();
    let ledger = &mut window.phases.entry(Phase::Measure).or_default().ledger;
    (ledger.arrivals, ledger.dispatched, ledger.accepted, ledger.unknown) = (10, 10, 6, 4);
    accounts.add_window(Origin::Leader, &window);
    // Until the server has told, nobody knows; 0 would be a count.
    let untold = accounts.known_ledger(Phase::Measure);
    assert_eq!((untold.accepted, untold.ends_unknown, untold.open), (6, 6, 0));
    assert_eq!(untold.broken_identities(), []);
    accounts.set_ends(
        Phase::Measure,
        &BTreeMap::from([(WorkflowEnd::Completed, 8), (WorkflowEnd::Failed, 1)]),
    );
    assert_eq!(
        accounts.known_ledger(Phase::Measure),
        accounts.phases()[&Phase::Measure].ledger()
    );
    let ledger = accounts.phases()[&Phase::Measure].ledger();
    assert_eq!((ledger.accepted, ledger.unknown, ledger.open), (9, 1, 0));
    assert_eq!((ledger.completed, ledger.failed), (8, 1));
    assert_eq!(ledger.broken_identities(), []);
    // Told again, nothing is taken twice.
    accounts.set_ends(
        Phase::Measure,
        &BTreeMap::from([(WorkflowEnd::Completed, 9), (WorkflowEnd::Failed, 1)]),
    );
    let ledger = accounts.phases()[&Phase::Measure].ledger();
    assert_eq!((ledger.accepted, ledger.unknown, ledger.completed), (10, 0, 9));
}

#[test]
fn a_start_that_was_refused_and_ran_was_taken() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
    let mut window = ShardWindow::default();
    let ledger = &mut window.phases.entry(Phase::WarmUp).or_default().ledger;
    (ledger.arrivals, ledger.dispatched, ledger.accepted, ledger.rejected) = (3, 3, 1, 2);
    accounts.add_window(Origin::Leader, &window);
    accounts.add_stamp(Origin::Leader, stamp(0, WorkflowEnd::Completed));
    accounts.add_start(Origin::Leader, 0, StartEnd::Rejected);
    accounts.add_start(Origin::Leader, 1, StartEnd::Rejected);
    accounts.add_start(Origin::Leader, 2, StartEnd::Accepted);
    // One is open, and stays open: the refused one that ended takes nothing away from it.
    assert_eq!(accounts.backlog(), 1);
    let ledger = accounts.ledger();
    assert_eq!(
        (ledger.accepted, ledger.rejected, ledger.completed, ledger.open),
        (2, 1, 1, 1)
    );
    assert_eq!(ledger.broken_identities(), []);
    let (count, examples) = &accounts.errors()[&("StartWorkflowExecution", "refused-and-ran".to_owned())];
    assert_eq!((*count, examples[0].0), (1, 0));
}

#[test]
fn an_end_of_what_was_never_sent_leaves_nothing_open() {
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
    accounts.add_stamp(Origin::Leader, stamp(0, WorkflowEnd::Completed));
    accounts.add_start(Origin::Leader, 0, StartEnd::Dropped);
    accounts.add_start(Origin::Leader, 1, StartEnd::Accepted);
    assert_eq!(accounts.backlog(), 1);
}

/// A second in which every figure is another one, so that none can stand for another.
fn busy_second(second: u64, base: u64) -> ShardWindow {
    let mut window = ShardWindow {
        second,
        dispatched: base + 1,
        dropped: base + 2,
        accepted: base + 3,
        rejected: base + 4,
        unknown: base + 5,
        in_flight: base + 6,
        peak_in_flight: base + 7,
        sent_in: BTreeMap::from([(Phase::WarmUp, base + 8), (Phase::Measure, base + 9)]),
        ..ShardWindow::default()
    };
    for (phase, latency) in [(Phase::WarmUp, 10), (Phase::Measure, 20)] {
        let samples = window.phases.entry(phase).or_default();
        samples.ledger.arrivals = base + latency;
        samples.ledger.dispatched = base + latency;
        samples.ledger.accepted = base + latency;
        samples.lag.record(Duration::from_millis(latency));
        samples.accepted.record(0, MILLI, latency * MILLI);
    }
    window
}

#[test]
fn seconds_of_shards_add_up() {
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
    accounts.add_window(Origin::Leader, &busy_second(1, 100));
    accounts.add_window(Origin::Member(3), &busy_second(1, 1_000));
    let measure = &accounts.phases()[&Phase::Measure];
    assert_eq!(measure.sent_in_time, 109 + 1_009);
    assert_eq!(accounts.phases()[&Phase::WarmUp].sent_in_time, 108 + 1_008);
    assert_eq!(measure.starts.ledger.arrivals, 120 + 1_020);
    assert_eq!(measure.starts.lag.count(), 2);
    assert_eq!(measure.starts.accepted.response.count(), 2);
    let report = accounts.seconds().report();
    let window = &report.windows[1];
    let counts = [
        window.dispatched,
        window.dropped,
        window.accepted,
        window.rejected,
        window.unknown,
        window.in_flight,
    ];
    assert_eq!(counts, [1_102, 1_104, 1_106, 1_108, 1_110, 1_112]);
    assert_eq!(accounts.seconds().peak_in_flight(), 107 + 1_007);
    assert!((window.lag_p99.unwrap() - 20.0).abs() < 0.1);
    assert!((window.start_p99.unwrap() - 20.0).abs() < 0.1);
    // What was accepted and did not end is the backlog.
    assert_eq!(window.backlog, Some(1_106));
    let members = accounts.members();
    assert_eq!(members[&Origin::Member(3)].starts[&Phase::Measure].arrivals, 1_020);
    assert_eq!(members[&Origin::Leader].ledger().arrivals, 110 + 120);
    // A member's latencies are those of the measured phase.
    let latency = members[&Origin::Leader].start_latency.as_ref().unwrap();
    assert_eq!((latency.lag.count(), latency.accepted.service.count()), (1, 1));
    assert!((latency.lag.max_ms().unwrap() - 20.0).abs() < 0.1);
}

#[test]
fn errors_keep_their_first_examples() {
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
    let told = |count: u64| {
        let examples = (0..count).map(|n| (n, "no".to_owned())).collect();
        StartErrors::from([("INTERNAL", (count, examples))])
    };
    accounts.add_start_errors(told(6));
    accounts.add_start_errors(told(7));
    let (count, examples) = &accounts.errors()[&("StartWorkflowExecution", "INTERNAL".to_owned())];
    assert_eq!((*count, examples.len()), (13, EXAMPLES));
    for n in 0..12 {
        accounts.add_error("lookup", "Internal".into(), n, "gone".into());
    }
    let (count, examples) = &accounts.errors()[&("lookup", "Internal".to_owned())];
    assert_eq!((*count, examples.len(), examples[9].0), (12, EXAMPLES, 9));
}

#[test]
fn a_members_ends_are_its_own() {
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
    for n in [10, 150, 160] {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
    }
    let by = Origin::Member(2);
    accounts.add_stamp(by, stamp(10, WorkflowEnd::Completed));
    accounts.add_stamp(by, stamp(150, WorkflowEnd::Completed));
    accounts.add_stamp(by, stamp(160, WorkflowEnd::Failed));
    let member = &accounts.members()[&by];
    assert_eq!((member.stamped, member.completed, member.stamped_in_measure), (3, 2, 2));
    let ends = member.ends.as_ref().unwrap();
    assert_eq!((ends.service.count(), ends.response.count()), (1, 1));
    assert_eq!(accounts.observers().stamped, 3);
}

#[test]
fn seconds_are_closed_and_intervals_hold_what_they_had() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
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

#[test]
fn lost_answers_wait_until_they_are_resolved() {
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
    for n in 0..3 {
        accounts.add_start(Origin::Leader, n, StartEnd::Unknown);
    }
    assert_eq!(accounts.unknown(9), [0, 1, 2]);
    accounts.resolve_unknown(1, true);
    accounts.add_stamp(Origin::Leader, stamp(2, WorkflowEnd::Completed));
    assert_eq!(accounts.unknown(9), [0]);
}

/// By the threads of this process alone, and of the last second that any of them has told.
#[test]
fn a_process_tells_what_its_own_starts_were_like() {
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
    let mut own = |origin, second, in_flight, lag| {
        let mut window = ShardWindow {
            second,
            in_flight,
            ..ShardWindow::default()
        };
        let samples = window.phases.entry(Phase::Measure).or_default();
        samples.lag.record(Duration::from_millis(lag));
        accounts.add_window(origin, &window);
        let own = accounts.cut(0, &KnownLatencies::new()).own;
        (own.in_flight, (own.lag_max * 1e3).round() as u64)
    };
    assert_eq!(own(Origin::Leader, 3, 5, 40), (5, 40));
    assert_eq!(own(Origin::Leader, 3, 7, 20), (12, 40));
    assert_eq!(own(Origin::Member(1), 4, 900, 900), (12, 40));
    // Another thread is late.
    assert_eq!(own(Origin::Leader, 2, 100, 100), (12, 40));
    assert_eq!(own(Origin::Leader, 4, 1, 10), (1, 10));
}
