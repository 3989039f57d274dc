//! The account under everything that can be reported to it, in any order.

use std::{collections::HashSet, time::Duration};

use benchmark_results::Histogram;
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
        let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.5), 60, true);
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
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.0), 60, true);
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
fn an_end_that_nobody_stamped_is_counted_without_a_latency() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60, true);
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
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 1.0), 60, true);
    for n in 0..3 {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
    }
    accounts.add_stamp(Origin::Leader, stamp(0, WorkflowEnd::Completed));
    accounts.add_sampled(0, 0, SampledEnd::Polled(WorkflowEnd::Completed, 9 * MILLI), None);
    accounts.add_sampled(1, 10 * MILLI, SampledEnd::Polled(WorkflowEnd::Failed, 30 * MILLI), None);
    accounts.add_stamp(Origin::Leader, stamp(1, WorkflowEnd::Completed));
    accounts.add_sampled(
        2,
        20 * MILLI,
        SampledEnd::Polled(WorkflowEnd::Completed, 30 * MILLI),
        None,
    );
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
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 1.0), 60, false);
    let mut window = ShardWindow::default();
    let ledger = &mut window.phases.entry(Phase::Measure).or_default().ledger;
    (ledger.arrivals, ledger.dispatched, ledger.accepted) = (3, 3, 3);
    accounts.add_window(Origin::Leader, &window);
    accounts.add_start(Origin::Leader, 150, StartEnd::Accepted);
    accounts.add_sampled(
        150,
        1501 * MILLI,
        SampledEnd::Polled(WorkflowEnd::Completed, 1520 * MILLI),
        None,
    );
    // The sample's ends are no count of all: how many completed is not known until the server has told.
    assert_eq!(accounts.completed_in_time(Phase::Measure), None);
    assert_eq!(accounts.observers().polled, 1);
    accounts.set_ends(Phase::Measure, &BTreeMap::from([(WorkflowEnd::Completed, 2)]));
    accounts.set_completed_in_time(Phase::Measure, 2);
    assert_eq!(accounts.completed_in_time(Phase::Measure), Some(2));
    assert_eq!(accounts.completed_in_time(Phase::WarmUp), None);
    let measure = &accounts.phases()[&Phase::Measure];
    assert_eq!((measure.ledger().completed, measure.ledger().open), (2, 1));
    assert_eq!(measure.ledger().broken_identities(), []);
    let pair = measure.ends.completed.as_ref().unwrap();
    assert_eq!((pair.response.count(), pair.service.count()), (1, 1));
    assert!((pair.response.max_ms().unwrap() - 20.0).abs() < 0.1);
    assert!((pair.service.max_ms().unwrap() - 19.0).abs() < 0.1);
}

#[test]
fn ends_beyond_the_answers_are_of_lost_answers() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 1.0), 60, false);
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
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.0), 60, true);
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
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60, true);
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
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60, true);
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
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60, true);
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
fn what_became_of_the_sample_is_counted_by_phase() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 1.0), 60, false);
    for n in 100..110 {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
    }
    accounts.add_start(Origin::Leader, 110, StartEnd::Rejected);
    accounts.add_start(Origin::Leader, 111, StartEnd::Unknown);
    accounts.add_start(Origin::Leader, 112, StartEnd::Unknown);
    accounts.add_start(Origin::Leader, 10, StartEnd::Accepted);
    accounts.resolve_unknown(111, true);
    accounts.resolve_unknown(112, false);
    accounts.add_sampled(
        100,
        1_000 * MILLI,
        SampledEnd::Polled(WorkflowEnd::Completed, 1_030 * MILLI),
        None,
    );
    accounts.add_sampled(
        101,
        1_010 * MILLI,
        SampledEnd::Polled(WorkflowEnd::Failed, 1_030 * MILLI),
        None,
    );
    accounts.add_sampled(
        102,
        1_020 * MILLI,
        SampledEnd::Asked(WorkflowEnd::Completed, 1_060 * MILLI),
        None,
    );
    accounts.add_sampled(103, 1_030 * MILLI, SampledEnd::Open, None);
    let measure = &accounts.phases()[&Phase::Measure];
    let wanted = SampleEnds {
        accepted: 11,
        polled: 2,
        asked: 1,
        open: 1,
        missing: 7,
    };
    assert_eq!(measure.sample_ends(), wanted);
    assert_eq!(accounts.phases()[&Phase::WarmUp].sample_ends().missing, 1);
    let pair = measure.ends.completed.as_ref().unwrap();
    assert_eq!((pair.response.count(), accounts.observers().polled), (2, 3));
    assert!((pair.response.max_ms().unwrap() - 40.0).abs() < 0.1);
    assert_eq!(measure.ends.not_completed.as_ref().unwrap().service.count(), 1);
}

#[test]
fn what_is_not_in_the_sample_is_no_part_of_it() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60, false);
    accounts.add_start(Origin::Leader, 0, StartEnd::Accepted);
    accounts.add_sampled(0, 0, SampledEnd::Polled(WorkflowEnd::Completed, MILLI), None);
    assert_eq!(accounts.observers().polled, 0);
    assert!(
        accounts
            .phases()
            .values()
            .all(|phase| phase.sample_ends() == SampleEnds::default())
    );
    assert!(accounts.phases().values().all(|phase| phase.ends.completed.is_none()));
}

#[test]
fn an_end_that_was_asked_for_is_compared_and_has_no_delay() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 1.0), 60, true);
    for n in 0..2 {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
        accounts.add_stamp(Origin::Leader, stamp(n, WorkflowEnd::Completed));
    }
    accounts.add_sampled(0, 0, SampledEnd::Asked(WorkflowEnd::Failed, 9 * MILLI), None);
    accounts.add_sampled(
        1,
        10 * MILLI,
        SampledEnd::Asked(WorkflowEnd::Completed, 19 * MILLI),
        None,
    );
    let observers = accounts.observers();
    assert_eq!(
        (
            observers.polled,
            observers.poll_disagreements,
            observers.poll_delay.count()
        ),
        (2, 1, 0)
    );
}

#[test]
fn a_members_ends_are_its_own() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60, true);
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
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.0), 60, true);
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
        let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.0), 60, true);
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
        let found: HashSet<u64> = missing.unheard.iter().filter(|n| fates[*n as usize].2).collect();
        accounts.close_lost(origin, &missing, &found);

        let ledger = accounts.ledger();
        prop_assert_eq!(ledger.broken_identities(), vec![]);
        prop_assert_eq!(ledger.arrivals, total);
        prop_assert_eq!(accounts.missing(lost, schedule.end()), Missing::default());
        let member = &accounts.members()[&origin];
        prop_assert_eq!(member.missing, missing.unheard.len() + missing.ended.len());
        prop_assert_eq!(member.ledger().arrivals, total / 2);
        let open = ledger.open;
        prop_assert_eq!(accounts.backlog(), open);
        // Accepted is what was told so, what the server knows, and what ended; the rest was refused, lost, or never sent.
        let told = |n: &u64| n.is_multiple_of(2) || fates[*n as usize].1;
        let ended_as = |end: StartEnd| {
            (0..total).filter(|n| told(n) && fates[*n as usize].0.start == end).count() as u64
        };
        let there = missing.ended.len() + found.len() as u64;
        prop_assert_eq!(ledger.accepted, ended_as(StartEnd::Accepted) + there);
        prop_assert_eq!(ledger.rejected, ended_as(StartEnd::Rejected));
        prop_assert_eq!(ledger.unknown, ended_as(StartEnd::Unknown));
        prop_assert_eq!(
            ledger.dropped(),
            ended_as(StartEnd::Dropped) + missing.unheard.len() + missing.ended.len() - there
        );
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

#[test]
fn what_ends_after_the_cut_off_is_open() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.0), 60, true);
    for n in 0..6 {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
    }
    accounts.add_start(Origin::Leader, 6, StartEnd::Unknown);
    let end = |n, ended| StampedEnd {
        ended,
        ..stamp(n, WorkflowEnd::Completed)
    };
    let cut = 10 * SECOND;
    // Long before it, and just before it.
    accounts.add_stamp(Origin::Leader, end(0, 5 * SECOND));
    accounts.add_stamp(Origin::Leader, end(1, cut - 1));
    assert_eq!((accounts.ended_later(), accounts.ends_near_the_cut_off()), (0, 0));
    accounts.close_at(cut);
    assert_eq!((accounts.ended_later(), accounts.ends_near_the_cut_off()), (0, 1));
    // A stamp that was under way counts; what ended later does not, but is told, and says that its start was taken.
    accounts.add_stamp(Origin::Leader, end(2, cut));
    accounts.add_stamp(Origin::Leader, end(3, cut + 1));
    accounts.add_stamp(Origin::Leader, end(4, cut + SECOND));
    accounts.add_stamp(Origin::Leader, end(5, cut + SECOND + 1));
    accounts.add_stamp(Origin::Leader, end(6, cut + 5 * SECOND));
    assert_eq!(accounts.backlog(), 4);
    assert_eq!((accounts.ended_later(), accounts.ends_near_the_cut_off()), (4, 4));
    assert_eq!(accounts.pending_unknown(), 0);
    assert_eq!(accounts.open_from(4, 2), [4, 5]);
    assert_eq!(accounts.observers().stamped, 3);
    // One that had ended is no end after the cut-off.
    accounts.add_stamp(Origin::Leader, end(0, cut + 2));
    assert_eq!(accounts.ended_later(), 4);
    let ends: u64 = accounts.phases().values().map(|phase| phase.ledger().ended()).sum();
    assert_eq!(ends, 3);
}

#[test]
fn without_stamps_polls_after_the_cut_off_time_nothing() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 1.0), 60, false);
    for n in 0..3 {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
    }
    accounts.close_at(10 * SECOND);
    accounts.add_sampled(0, 0, SampledEnd::Polled(WorkflowEnd::Completed, 10 * SECOND), None);
    accounts.add_sampled(1, 0, SampledEnd::Polled(WorkflowEnd::Completed, 10 * SECOND + 1), None);
    accounts.add_sampled(2, 0, SampledEnd::Asked(WorkflowEnd::Completed, 10 * SECOND + 1), None);
    assert_eq!(accounts.observers().polled, 1);
    let sample = |pick: fn(&benchmark_results::schema::SampleEnds) -> u64| {
        accounts
            .phases()
            .values()
            .map(|phase| pick(&phase.sample_ends()))
            .sum::<u64>()
    };
    assert_eq!((sample(|ends| ends.polled), sample(|ends| ends.asked)), (1, 0));
    assert_eq!(sample(|ends| ends.open), 2);
}

#[test]
fn an_end_that_cannot_be_ends_its_workflow_and_is_in_no_latency() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 1.0), 60, true);
    for n in 0..3 {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
    }
    let completed = |n| stamp(n, WorkflowEnd::Completed);
    // Over before it was sent; the next one has not been due when it is told; the last one is as it should be.
    let early = StampedEnd {
        ended: 9 * MILLI,
        ..completed(1)
    };
    let forged = StampedEnd {
        told: 19 * MILLI,
        ..completed(2)
    };
    accounts.add_stamp(Origin::Member(1), early);
    accounts.add_stamp(Origin::Member(1), forged);
    accounts.add_stamp(Origin::Member(2), completed(0));
    let observers = accounts.observers();
    assert_eq!(
        (observers.implausible, observers.stamped, observers.stamped_twice),
        (2, 2, 0)
    );
    assert_eq!((accounts.ledger().completed, accounts.backlog()), (2, 1));
    let timed: u64 = accounts
        .phases()
        .values()
        .filter_map(|phase| phase.ends.completed.as_ref())
        .map(|pair| pair.response.count())
        .sum();
    assert_eq!(timed, 1);
    // The true end of the forged one counts when it comes.
    accounts.add_stamp(Origin::Member(2), completed(2));
    assert_eq!((accounts.ledger().completed, accounts.backlog()), (3, 0));
}

#[test]
fn a_poll_that_cannot_be_is_in_no_latency() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 1.0), 60, false);
    for (n, sent, seen) in [
        (1, 9 * MILLI, 20 * MILLI),
        (2, 21 * MILLI, 20 * MILLI),
        (3, 30 * MILLI, 30 * MILLI),
    ] {
        accounts.add_sampled(n, sent, SampledEnd::Polled(WorkflowEnd::Completed, seen), None);
    }
    let timed: u64 = accounts
        .phases()
        .values()
        .filter_map(|phase| phase.ends.completed.as_ref())
        .map(|pair| pair.response.count())
        .sum();
    assert_eq!((accounts.observers().implausible, timed), (2, 1));
}

#[test]
fn a_member_that_stamps_everything_when_it_was_due_is_caught() {
    let count = 20;
    for (honest, early) in [(true, 0), (false, count)] {
        let mut accounts = Accounts::new(&schedule(), Sample::new(1, 1.0), 60, true);
        let mut offsets = Offsets::new(&schedule());
        for n in 0..count {
            let due = offsets.get(n);
            accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
            let ended = due + 95 * MILLI;
            let stamp = StampedEnd {
                n,
                sent: due,
                ended: if honest { ended } else { due },
                end: WorkflowEnd::Completed,
                message: None,
                told: due + 200 * MILLI,
                wrong: 0,
            };
            let closed = Closed {
                at: due + 100 * MILLI,
                wrong: 2 * MILLI,
            };
            let seen = SampledEnd::Polled(WorkflowEnd::Completed, due + 110 * MILLI);
            // Whichever comes first.
            if n % 2 == 0 {
                accounts.add_stamp(Origin::Member(1), stamp);
                accounts.add_sampled(n, due, seen, Some(closed));
            } else {
                accounts.add_sampled(n, due, seen, Some(closed));
                accounts.add_stamp(Origin::Member(1), stamp);
            }
        }
        let observers = accounts.observers();
        // Nothing else is wrong with it.
        assert_eq!((observers.implausible, observers.seen_before_stamp), (0, 0));
        assert_eq!(
            (observers.stamped_early, observers.compared_with_server),
            (early, count)
        );
    }
}

/// Whoever's instants make a latency cannot have seen an end before the start: the long poll's, or the server's where nobody
/// stamps.
#[test]
fn an_end_that_was_told_cannot_be_before_its_start_where_it_is_timed() {
    let polled = |at| (SampledEnd::Polled(WorkflowEnd::Completed, at), at);
    let asked = |at| (SampledEnd::Asked(WorkflowEnd::Completed, at), at);
    let sent = 12 * MILLI;
    for (stamps, (told, at), implausible) in [
        (true, polled(sent - 1), 1),
        (true, polled(sent), 0),
        (true, asked(sent - 1), 0),
        (false, polled(sent - 1), 1),
        (false, asked(sent - 1), 1),
        (false, asked(sent), 0),
    ] {
        let mut accounts = Accounts::new(&schedule(), Sample::new(1, 1.0), 60, stamps);
        accounts.add_start(Origin::Leader, 1, StartEnd::Accepted);
        accounts.add_sampled(1, sent, told, None);
        assert_eq!(accounts.observers().implausible, implausible, "{stamps} {at}");
    }
}

#[test]
fn lost_answers_wait_until_they_are_resolved() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60, true);
    for n in 0..3 {
        accounts.add_start(Origin::Leader, n, StartEnd::Unknown);
    }
    assert_eq!((accounts.pending_unknown(), accounts.unknown(9)), (3, vec![0, 1, 2]));
    accounts.resolve_unknown(1, true);
    accounts.add_stamp(Origin::Leader, stamp(2, WorkflowEnd::Completed));
    assert_eq!((accounts.pending_unknown(), accounts.unknown(9)), (1, vec![0]));
}

/// Of a part that is lost what was told stands, what ended had been taken, what the server knows is open, and the rest was
/// never sent.
#[test]
fn a_lost_part_is_closed_arrival_by_arrival() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, Sample::new(1, 0.0), 60, true);
    let lost = Origin::Member(4);
    let mut window = ShardWindow::default();
    let ledger = &mut window.phases.entry(Phase::WarmUp).or_default().ledger;
    (ledger.arrivals, ledger.dispatched, ledger.accepted) = (5, 2, 2);
    (ledger.dropped_cap, ledger.dropped_lag) = (2, 1);
    accounts.add_window(lost, &window);
    for n in 0..5 {
        let end = if n < 2 { StartEnd::Accepted } else { StartEnd::Dropped };
        accounts.add_start(lost, n, end);
    }
    accounts.add_stamp(Origin::Member(9), stamp(6, WorkflowEnd::Completed));
    let until = schedule.offset(8);
    let missing = accounts.missing(Stripe::WHOLE, until);
    assert_eq!(missing.unheard.iter().collect::<Vec<_>>(), [5, 7, 8]);
    assert_eq!(missing.ended.iter().collect::<Vec<_>>(), [6]);
    accounts.close_lost(lost, &missing, &HashSet::from([7]));
    let ledger = accounts.ledger();
    assert_eq!((ledger.arrivals, ledger.dispatched, ledger.accepted), (9, 4, 4));
    assert_eq!((ledger.dropped_cap, ledger.dropped_lag), (2, 3));
    assert_eq!((ledger.completed, ledger.open), (1, 3));
    assert_eq!(ledger.broken_identities(), []);
    assert_eq!(accounts.open_from(0, 99), [0, 1, 7]);
    assert_eq!(accounts.members()[&lost].missing, 4);
    assert_eq!(accounts.missing(Stripe::WHOLE, until), Missing::default());
}

#[test]
fn ends_within_a_second_of_the_cut_off_may_be_on_either_side_of_it() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60, true);
    let cut_off = 2 * SECOND;
    for n in 0..4 {
        accounts.add_start(Origin::Leader, n, StartEnd::Accepted);
    }
    let end = |accounts: &mut Accounts, n: u64, ended: u64| {
        let stamp = stamp(n, WorkflowEnd::Completed);
        accounts.add_stamp(Origin::Leader, StampedEnd { ended, ..stamp });
    };
    end(&mut accounts, 0, cut_off - MILLI);
    accounts.close_at(cut_off);
    end(&mut accounts, 1, cut_off + 1);
    end(&mut accounts, 2, cut_off + SECOND);
    end(&mut accounts, 3, cut_off + SECOND + 1);
    assert_eq!((accounts.ended_later(), accounts.ends_near_the_cut_off()), (3, 3));
    assert_eq!(accounts.backlog(), 3);
}

/// By the threads of this process alone, and of the last second that any of them has told.
#[test]
fn a_process_tells_what_its_own_starts_were_like() {
    let mut accounts = Accounts::new(&schedule(), Sample::new(1, 0.0), 60, true);
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
