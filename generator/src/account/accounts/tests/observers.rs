//! Who sees an end, stamp or long poll, and what is believed of it.

use benchmark_results::WorkflowEnd;

use super::*;

#[test]
fn an_end_that_nobody_stamped_is_counted_without_a_latency() {
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
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
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 1.0), 60, true);
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
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 1.0), 60, false);
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
fn what_became_of_the_sample_is_counted_by_phase() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 1.0), 60, false);
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
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, false);
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
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 1.0), 60, true);
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
fn a_sample_is_as_large_as_asked_for_and_repeats() {
    let sample = HashedSample::new(7, 0.02);
    let taken: Vec<u64> = (0..100_000).filter(|n| sample.contains(*n)).collect();
    assert!((1_900..2_100).contains(&taken.len()), "{}", taken.len());
    assert_eq!(
        taken,
        (0..100_000)
            .filter(|n| HashedSample::new(7, 0.02).contains(*n))
            .collect::<Vec<_>>()
    );
    assert!(!(0..1000).any(|n| HashedSample::new(7, 0.0).contains(n)));
    assert!((0..1000).all(|n| HashedSample::new(7, 1.0).contains(n)));
}

#[test]
fn an_end_that_cannot_be_ends_its_workflow_and_is_in_no_latency() {
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 1.0), 60, true);
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
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 1.0), 60, false);
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
        let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 1.0), 60, true);
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
        let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 1.0), 60, stamps);
        accounts.add_start(Origin::Leader, 1, StartEnd::Accepted);
        accounts.add_sampled(1, sent, told, None);
        assert_eq!(accounts.observers().implausible, implausible, "{stamps} {at}");
    }
}
