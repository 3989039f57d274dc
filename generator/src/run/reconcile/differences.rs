//! Differences between the account and the server's counts.

use benchmark_results::{Ledger, schema::Phase};
use benchmark_temporal::{Status, visibility::Counts};

use crate::load::ids;

/// What the ledger and the server's counts of one phase differ by, in words.
///
/// A start whose fate is unknown may be on the server in any state, and so may those that ended so near to the cut-off that
/// both sides are right.
pub(super) fn disagreements(phase: Phase, ledger: &Ledger, counts: &Counts, near: u64) -> Vec<String> {
    let server = |status: Status| counts.get(&status).copied().unwrap_or(0);
    let tolerated = ledger.unknown + near;
    let open = server(Status::Running) + server(Status::Paused) + server(Status::ContinuedAsNew);
    [
        ("completed", ledger.completed, server(Status::Completed)),
        ("failed", ledger.failed, server(Status::Failed)),
        ("timed out", ledger.timed_out, server(Status::TimedOut)),
        ("terminated", ledger.terminated, server(Status::Terminated)),
        ("cancelled", ledger.cancelled, server(Status::Cancelled)),
        ("open", ledger.open, open),
    ]
    .into_iter()
    .filter(|(_, ours, theirs)| ours.abs_diff(*theirs) > tolerated)
    .map(|(what, ours, theirs)| {
        format!(
            "{} phase: {ours} {what} in the ledger, {theirs} on the server",
            ids::phase_name(phase)
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_with_both_figures() {
        let ledger = Ledger {
            accepted: 10,
            completed: 8,
            failed: 1,
            open: 1,
            ..Ledger::default()
        };
        let agreeing = Counts::from([(Status::Completed, 8), (Status::Failed, 1), (Status::Running, 1)]);
        assert_eq!(
            disagreements(Phase::Measure, &ledger, &agreeing, 0),
            Vec::<String>::new()
        );
        let other = Counts::from([(Status::Completed, 9), (Status::Failed, 1)]);
        assert_eq!(
            disagreements(Phase::Measure, &ledger, &other, 0),
            [
                "measure phase: 8 completed in the ledger, 9 on the server",
                "measure phase: 1 open in the ledger, 0 on the server"
            ]
        );
    }

    #[test]
    fn what_goes_on_under_whatever_status_is_open() {
        let ledger = Ledger {
            accepted: 6,
            open: 6,
            ..Ledger::default()
        };
        let counts = Counts::from([(Status::Running, 1), (Status::Paused, 2), (Status::ContinuedAsNew, 3)]);
        assert_eq!(disagreements(Phase::Measure, &ledger, &counts, 0), Vec::<String>::new());
    }

    #[test]
    fn an_unknown_start_may_be_anywhere() {
        let ledger = Ledger {
            unknown: 1,
            accepted: 8,
            completed: 8,
            ..Ledger::default()
        };
        let counts = Counts::from([(Status::Completed, 9)]);
        assert_eq!(disagreements(Phase::Measure, &ledger, &counts, 0), Vec::<String>::new());
    }

    #[test]
    fn what_ended_at_the_cut_off_may_be_on_either_side_of_it() {
        let ledger = Ledger {
            accepted: 20,
            completed: 10,
            open: 10,
            ..Ledger::default()
        };
        let counts = Counts::from([(Status::Completed, 12), (Status::Running, 8)]);
        assert_eq!(disagreements(Phase::Measure, &ledger, &counts, 2), Vec::<String>::new());
        assert_eq!(disagreements(Phase::Measure, &ledger, &counts, 1).len(), 2);
    }
}
