//! Ends of workflows: how they ended, and how long they took.

use std::collections::BTreeMap;

use benchmark_results::{Ledger, WorkflowEnd};

use crate::load::shard::Pair;

/// Counts and latencies of workflows by how they ended. A workflow that nobody timed is counted all the same.
#[derive(Clone, Debug, Default)]
pub struct EndSamples {
    counts: BTreeMap<WorkflowEnd, u64>,
    /// Workflows that completed.
    pub completed: Option<Pair>,
    /// Workflows that ended otherwise.
    pub not_completed: Option<Pair>,
}

impl EndSamples {
    /// Counts an end.
    pub fn count(&mut self, end: WorkflowEnd) {
        *self.counts.entry(end).or_default() += 1;
    }

    /// Replaces the counts by the server's own.
    pub fn set_counts(&mut self, counts: &BTreeMap<WorkflowEnd, u64>) {
        self.counts.clone_from(counts);
    }

    /// Records the latency of an end by the instants at which the start was due and sent and the workflow over.
    pub fn time(&mut self, end: WorkflowEnd, due: u64, sent: u64, ended: u64) {
        let pair = if end == WorkflowEnd::Completed {
            &mut self.completed
        } else {
            &mut self.not_completed
        };
        pair.get_or_insert_default().record(due, sent, ended);
    }

    /// Writes the counts into a ledger.
    pub fn count_into(&self, ledger: &mut Ledger) {
        for (end, count) in &self.counts {
            *ledger.ended_as(*end) += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_place_in_the_ledger() {
        let mut ends = EndSamples::default();
        for (end, times) in [
            (WorkflowEnd::Completed, 1),
            (WorkflowEnd::Failed, 2),
            (WorkflowEnd::TimedOut, 3),
            (WorkflowEnd::Terminated, 4),
            (WorkflowEnd::Cancelled, 5),
        ] {
            (0..times).for_each(|_| ends.count(end));
        }
        // What stands there stays.
        let mut ledger = Ledger {
            completed: 100,
            failed: 100,
            timed_out: 100,
            terminated: 100,
            cancelled: 100,
            ..Ledger::default()
        };
        ends.count_into(&mut ledger);
        let counted = [
            ledger.completed,
            ledger.failed,
            ledger.timed_out,
            ledger.terminated,
            ledger.cancelled,
        ];
        assert_eq!(counted, [101, 102, 103, 104, 105]);
    }

    #[test]
    fn what_did_not_complete_is_timed_apart() {
        let mut ends = EndSamples::default();
        ends.time(WorkflowEnd::Completed, 0, 1_000_000, 3_000_000);
        assert!(ends.not_completed.is_none());
        ends.time(WorkflowEnd::TimedOut, 0, 0, 9_000_000);
        let (completed, other) = (ends.completed.as_ref().unwrap(), ends.not_completed.as_ref().unwrap());
        assert_eq!((completed.service.count(), other.service.count()), (1, 1));
        assert!((completed.service.max_ms().unwrap() - 2.0).abs() < 0.01);
        assert!((completed.response.max_ms().unwrap() - 3.0).abs() < 0.01);
        assert!((other.response.max_ms().unwrap() - 9.0).abs() < 0.01);
    }
}
