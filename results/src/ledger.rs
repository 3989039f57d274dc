//! Where every arrival ended, and the identities that must hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts of arrivals by how they ended. Every arrival ends in exactly one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ledger {
    /// Starts that the schedule asked for.
    pub arrivals: u64,
    /// Starts handed to a connection.
    pub dispatched: u64,
    /// Arrivals that waited longer than the longest allowed lag and were given up.
    pub dropped_lag: u64,
    /// Arrivals that met the cap on unanswered starts and were given up.
    pub dropped_cap: u64,
    /// Starts that the server refused, or that provably never reached it.
    pub rejected: u64,
    /// Starts whose answer was lost and whose fate could not be looked up.
    pub unknown: u64,
    /// Starts that the server took.
    pub accepted: u64,
    /// Accepted workflows that completed.
    pub completed: u64,
    /// Accepted workflows that failed.
    pub failed: u64,
    /// Accepted workflows that the server timed out.
    pub timed_out: u64,
    /// Accepted workflows that somebody terminated before the end of the drain.
    pub terminated: u64,
    /// Accepted workflows that were cancelled.
    pub cancelled: u64,
    /// Accepted workflows that had not ended when the drain did.
    pub open: u64,
}

/// An identity of the ledger that does not hold: a defect of the measurement, never of the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{identity}: {left} is not {right}")]
pub struct BrokenIdentity {
    /// The identity, in words.
    pub identity: &'static str,
    /// The value of its left side.
    pub left: u64,
    /// The value of its right side.
    pub right: u64,
}

impl Ledger {
    /// The identities, in words, with both of their sides.
    pub fn identities(&self) -> [(&'static str, u64, u64); 3] {
        [
            (
                "arrivals = dispatched + dropped_lag + dropped_cap",
                self.arrivals,
                self.dispatched + self.dropped_lag + self.dropped_cap,
            ),
            (
                "dispatched = rejected + unknown + accepted",
                self.dispatched,
                self.rejected + self.unknown + self.accepted,
            ),
            (
                "accepted = completed + failed + timed_out + terminated + cancelled + open",
                self.accepted,
                self.ended() + self.open,
            ),
        ]
    }

    /// The identities that do not hold.
    pub fn broken_identities(&self) -> Vec<BrokenIdentity> {
        self.identities()
            .into_iter()
            .filter(|(_, left, right)| left != right)
            .map(|(identity, left, right)| BrokenIdentity { identity, left, right })
            .collect()
    }

    /// Accepted workflows that ended, in whatever way.
    pub fn ended(&self) -> u64 {
        self.completed + self.failed + self.timed_out + self.terminated + self.cancelled
    }

    /// Arrivals that were never sent.
    pub fn dropped(&self) -> u64 {
        self.dropped_lag + self.dropped_cap
    }

    /// Share of arrivals, 0 to 1, that ended in anything but completion; still open ones count as errors, since they did
    /// not complete within the drain. `None` without arrivals.
    pub fn error_ratio(&self) -> Option<f64> {
        (self.arrivals > 0).then(|| (self.arrivals - self.completed.min(self.arrivals)) as f64 / self.arrivals as f64)
    }

    /// Adds another ledger's counts: of another phase, shard or iteration.
    pub fn add(&mut self, other: &Ledger) {
        self.arrivals += other.arrivals;
        self.dispatched += other.dispatched;
        self.dropped_lag += other.dropped_lag;
        self.dropped_cap += other.dropped_cap;
        self.rejected += other.rejected;
        self.unknown += other.unknown;
        self.accepted += other.accepted;
        self.completed += other.completed;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.terminated += other.terminated;
        self.cancelled += other.cancelled;
        self.open += other.open;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger that adds up, in which no two counts are the same.
    fn ledger() -> Ledger {
        Ledger {
            arrivals: 1_000,
            dispatched: 970,
            dropped_lag: 19,
            dropped_cap: 11,
            rejected: 13,
            unknown: 7,
            accepted: 950,
            completed: 900,
            failed: 23,
            timed_out: 5,
            terminated: 3,
            cancelled: 2,
            open: 17,
        }
    }

    #[test]
    fn each_count_is_in_an_identity() {
        let sound = ledger();
        assert_eq!(sound.broken_identities(), []);
        assert_eq!((sound.ended(), sound.dropped()), (933, 30));
        type Count = fn(&mut Ledger) -> &mut u64;
        let counts: [(Count, usize); 13] = [
            (|ledger| &mut ledger.arrivals, 1),
            (|ledger| &mut ledger.dispatched, 2),
            (|ledger| &mut ledger.dropped_lag, 1),
            (|ledger| &mut ledger.dropped_cap, 1),
            (|ledger| &mut ledger.rejected, 1),
            (|ledger| &mut ledger.unknown, 1),
            (|ledger| &mut ledger.accepted, 2),
            (|ledger| &mut ledger.completed, 1),
            (|ledger| &mut ledger.failed, 1),
            (|ledger| &mut ledger.timed_out, 1),
            (|ledger| &mut ledger.terminated, 1),
            (|ledger| &mut ledger.cancelled, 1),
            (|ledger| &mut ledger.open, 1),
        ];
        for (at, (count, broken)) in counts.into_iter().enumerate() {
            let mut changed = ledger();
            *count(&mut changed) += 1;
            assert_eq!(changed.broken_identities().len(), broken, "count {at}");
            // Added to itself each count is twice what it was, and added to nothing it is itself.
            let (mut twice, mut once) = (ledger(), Ledger::default());
            twice.add(&ledger());
            once.add(&ledger());
            assert_eq!(*count(&mut twice), 2 * *count(&mut ledger()), "count {at}");
            assert_eq!(*count(&mut once), *count(&mut ledger()), "count {at}");
        }
    }

    #[test]
    fn a_broken_identity_says_both_sides() {
        let mut broken = ledger();
        broken.open += 4;
        assert_eq!(
            broken.broken_identities()[0].to_string(),
            "accepted = completed + failed + timed_out + terminated + cancelled + open: 950 is not 954"
        );
    }

    #[test]
    fn what_did_not_complete_is_an_error() {
        assert_eq!(ledger().error_ratio(), Some(0.1));
        assert_eq!(Ledger::default().error_ratio(), None);
        let one = Ledger {
            arrivals: 1,
            completed: 2,
            ..Ledger::default()
        };
        assert_eq!(one.error_ratio(), Some(0.0));
    }
}
