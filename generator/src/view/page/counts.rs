//! Counters of a run's starts and workflows on the page: counters that never fall, and identities that hold at every
//! instant.
//!
//! An account that is still being told things may be ahead on one side: a workflow ended whose start's second was not told
//! yet. Such a start was due, sent and accepted, or its workflow could not have ended, and is counted so already. When
//! everything was told, nothing is ahead, and the counts are the account's.

use std::collections::BTreeMap;

use benchmark_metrics::Distribution;

use crate::{
    account::accounts::{LatencyKind, PhaseCut},
    load::shard::ErrorKey,
};

/// The code of starts whose answer was lost and that the server does not know.
pub(super) const UNANSWERED: ErrorKey = "UNANSWERED";

/// The ends of workflows in the order of [`PhaseCounts::ends`]: result and outcome.
pub(super) const ENDS: [(&str, &str); 5] = [
    ("success", "completed"),
    ("failure", "failed"),
    ("failure", "timed_out"),
    ("failure", "terminated"),
    ("failure", "cancelled"),
];

/// The starts that were due in one phase, and their workflows.
#[derive(Clone, Debug, Default)]
pub(super) struct PhaseCounts {
    pub(super) dispatched: u64,
    pub(super) dropped_lag: u64,
    pub(super) dropped_cap: u64,
    pub(super) rejected: BTreeMap<ErrorKey, u64>,
    pub(super) unknown: u64,
    pub(super) started: u64,
    pub(super) ends: [u64; ENDS.len()],
    pub(super) latencies: BTreeMap<LatencyKind, Distribution>,
}

impl PhaseCounts {
    /// Goes on to what the account says now.
    pub(super) fn take(&mut self, cut: &PhaseCut) {
        let ledger = &cut.ledger;
        let raise = |count: &mut u64, to: u64| *count = to.max(*count);
        raise(&mut self.dropped_lag, ledger.dropped_lag);
        raise(&mut self.dropped_cap, ledger.dropped_cap);
        let ends = [
            ledger.completed,
            ledger.failed,
            ledger.timed_out,
            ledger.terminated,
            ledger.cancelled,
        ];
        for (count, to) in self.ends.iter_mut().zip(ends) {
            raise(count, to);
        }
        self.take_rejected(cut);
        self.unknown = ledger.unknown;
        let ended = self.ended();
        raise(&mut self.started, ledger.accepted.max(ended));
        let answered = self.answered();
        raise(&mut self.dispatched, ledger.dispatched.max(answered));
    }

    /// Goes on to as many refused starts as the ledger has. Of those that were refused and ran all the same the code is not
    /// known: they are left out where codes have grown.
    fn take_rejected(&mut self, cut: &PhaseCut) {
        let shown: u64 = self.rejected.values().sum();
        let mut more = cut.ledger.rejected.saturating_sub(shown);
        for (code, count) in &cut.rejected_by {
            let of_code = self.rejected.entry(code).or_default();
            let grown = count.saturating_sub(*of_code).min(more);
            *of_code += grown;
            more -= grown;
        }
        *self.rejected.entry(UNANSWERED).or_default() += more;
    }

    pub(super) fn add(&mut self, other: &PhaseCounts) {
        self.dispatched += other.dispatched;
        self.dropped_lag += other.dropped_lag;
        self.dropped_cap += other.dropped_cap;
        self.unknown += other.unknown;
        self.started += other.started;
        for (code, count) in &other.rejected {
            *self.rejected.entry(code).or_default() += count;
        }
        for (mine, theirs) in self.ends.iter_mut().zip(other.ends) {
            *mine += theirs;
        }
        for (kind, latencies) in &other.latencies {
            self.latencies.entry(*kind).or_default().merge(latencies);
        }
    }

    pub(super) fn arrivals(&self) -> u64 {
        self.dispatched + self.dropped_lag + self.dropped_cap
    }

    pub(super) fn ended(&self) -> u64 {
        self.ends.iter().sum()
    }

    pub(super) fn backlog(&self) -> u64 {
        self.started - self.ended()
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.dispatched.saturating_sub(self.answered())
    }

    fn answered(&self) -> u64 {
        self.started + self.unknown + self.rejected.values().sum::<u64>()
    }
}
