//! The cut-off, after which ends count no more.

use benchmark_results::WorkflowEnd;

use super::*;

#[test]
fn what_ends_after_the_cut_off_is_open() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
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
    assert_eq!(accounts.unknown(9), Vec::<u64>::new());
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
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 1.0), 60, false);
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
fn ends_within_a_second_of_the_cut_off_may_be_on_either_side_of_it() {
    let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
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
