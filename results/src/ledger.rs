//! Ledger of arrivals: where each of them ended, and the identities that must hold.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// Counts of arrivals by how they ended. Every arrival ends in exactly one place.
///
/// How accepted workflows ended is known of all of them or of none: in a file these counts are null then, and
/// `endsUnknown` has their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "InFile", into = "InFile")]
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
    /// Accepted workflows of which nobody could tell how they ended, or whether. Where there are any the six counts before
    /// are 0 and say nothing.
    pub ends_unknown: u64,
}

/// How an accepted workflow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkflowEnd {
    /// It returned a result.
    Completed,
    /// It returned a failure.
    Failed,
    /// The server timed it out.
    TimedOut,
    /// Somebody terminated it.
    Terminated,
    /// It was asked to cancel and did.
    Cancelled,
}

impl WorkflowEnd {
    /// The server's word for it.
    pub fn name(self) -> &'static str {
        match self {
            WorkflowEnd::Completed => "Completed",
            WorkflowEnd::Failed => "Failed",
            WorkflowEnd::TimedOut => "TimedOut",
            WorkflowEnd::Terminated => "Terminated",
            WorkflowEnd::Cancelled => "Canceled",
        }
    }
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
                self.ended() + self.open + self.ends_unknown,
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

    /// Nobody can tell how what was accepted ended.
    pub fn forget_ends(&mut self) {
        *self = Ledger {
            completed: 0,
            failed: 0,
            timed_out: 0,
            terminated: 0,
            cancelled: 0,
            open: 0,
            ends_unknown: self.accepted,
            ..*self
        };
    }

    /// The count of workflows that ended like this.
    pub fn ended_as(&mut self, end: WorkflowEnd) -> &mut u64 {
        match end {
            WorkflowEnd::Completed => &mut self.completed,
            WorkflowEnd::Failed => &mut self.failed,
            WorkflowEnd::TimedOut => &mut self.timed_out,
            WorkflowEnd::Terminated => &mut self.terminated,
            WorkflowEnd::Cancelled => &mut self.cancelled,
        }
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
    /// not complete within the drain. `None` without arrivals, and where their ends are not known.
    pub fn error_ratio(&self) -> Option<f64> {
        (self.arrivals > 0 && self.ends_unknown == 0)
            .then(|| (self.arrivals - self.completed.min(self.arrivals)) as f64 / self.arrivals as f64)
    }

    /// Adds another ledger's counts: of another phase, shard or iteration. Where the ends of one are not known those of the
    /// whole are not: a sum of some of them would look like a total.
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
        self.ends_unknown += other.ends_unknown;
        if self.ends_unknown > 0 {
            self.forget_ends();
        }
    }
}

/// A ledger as it stands in a file.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InFile {
    /// Starts that the schedule asked for.
    arrivals: u64,
    /// Starts handed to a connection.
    dispatched: u64,
    /// Arrivals that waited longer than the longest allowed lag and were given up.
    dropped_lag: u64,
    /// Arrivals that met the cap on unanswered starts and were given up.
    dropped_cap: u64,
    /// Starts that the server refused, or that provably never reached it.
    rejected: u64,
    /// Starts whose answer was lost and whose fate could not be looked up.
    unknown: u64,
    /// Starts that the server took.
    accepted: u64,
    /// Accepted workflows that completed. This and the five that follow are null where nobody could tell.
    completed: Option<u64>,
    /// Accepted workflows that failed.
    failed: Option<u64>,
    /// Accepted workflows that the server timed out.
    timed_out: Option<u64>,
    /// Accepted workflows that somebody terminated before the end of the drain.
    terminated: Option<u64>,
    /// Accepted workflows that were cancelled.
    cancelled: Option<u64>,
    /// Accepted workflows that had not ended when the drain did.
    open: Option<u64>,
    /// Accepted workflows of which nobody could tell how they ended, or whether; absent where the counts before are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_unknown: Option<u64>,
}

/// Counts of ends in a file that are neither told nor left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("completed, failed, timedOut, terminated, cancelled and open are to be numbers, or null beside endsUnknown")]
struct HalfTold;

impl From<Ledger> for InFile {
    fn from(ledger: Ledger) -> Self {
        let unknown = ledger.ends_unknown > 0;
        let told = |count: u64| (!unknown).then_some(count);
        InFile {
            arrivals: ledger.arrivals,
            dispatched: ledger.dispatched,
            dropped_lag: ledger.dropped_lag,
            dropped_cap: ledger.dropped_cap,
            rejected: ledger.rejected,
            unknown: ledger.unknown,
            accepted: ledger.accepted,
            completed: told(ledger.completed),
            failed: told(ledger.failed),
            timed_out: told(ledger.timed_out),
            terminated: told(ledger.terminated),
            cancelled: told(ledger.cancelled),
            open: told(ledger.open),
            ends_unknown: unknown.then_some(ledger.ends_unknown),
        }
    }
}

impl TryFrom<InFile> for Ledger {
    type Error = HalfTold;

    fn try_from(file: InFile) -> Result<Self, HalfTold> {
        let ledger = Ledger {
            arrivals: file.arrivals,
            dispatched: file.dispatched,
            dropped_lag: file.dropped_lag,
            dropped_cap: file.dropped_cap,
            rejected: file.rejected,
            unknown: file.unknown,
            accepted: file.accepted,
            completed: file.completed.unwrap_or(0),
            failed: file.failed.unwrap_or(0),
            timed_out: file.timed_out.unwrap_or(0),
            terminated: file.terminated.unwrap_or(0),
            cancelled: file.cancelled.unwrap_or(0),
            open: file.open.unwrap_or(0),
            ends_unknown: file.ends_unknown.unwrap_or(0),
        };
        let ends = [
            file.completed,
            file.failed,
            file.timed_out,
            file.terminated,
            file.cancelled,
            file.open,
        ];
        let told = ends.iter().filter(|count| count.is_some()).count();
        match (told, ledger.ends_unknown) {
            (6, 0) => Ok(ledger),
            (0, 1..) => Ok(ledger),
            _ => Err(HalfTold),
        }
    }
}

impl JsonSchema for Ledger {
    fn schema_name() -> Cow<'static, str> {
        "Ledger".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = InFile::json_schema(generator);
        let about = "Counts of arrivals by how they ended. Every arrival ends in exactly one place.";
        schema.insert("description".to_owned(), about.into());
        schema
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
            ends_unknown: 0,
        }
    }

    /// The same where nobody could tell how workflows ended.
    fn untold() -> Ledger {
        let mut ledger = ledger();
        ledger.forget_ends();
        ledger
    }

    #[test]
    fn ends_that_nobody_could_tell_are_null_and_not_0() {
        let untold = untold();
        assert_eq!(untold.broken_identities(), []);
        assert_eq!((untold.ends_unknown, untold.ended(), untold.open), (950, 0, 0));
        assert_eq!(untold.error_ratio(), None);
        let text = serde_json::to_value(untold).unwrap();
        for key in ["completed", "failed", "timedOut", "terminated", "cancelled", "open"] {
            assert!(text[key].is_null(), "{key}: {text}");
        }
        assert_eq!((&text["accepted"], &text["endsUnknown"]), (&950.into(), &950.into()));
        assert_eq!(serde_json::from_value::<Ledger>(text.clone()).unwrap(), untold);
        // What is told is told as ever, and nothing half.
        let told = serde_json::to_value(ledger()).unwrap();
        assert_eq!(serde_json::from_value::<Ledger>(told.clone()).unwrap(), ledger());
        assert!(told.get("endsUnknown").is_none(), "{told}");
        let read = |mut text: serde_json::Value, key: &str, value: serde_json::Value| {
            text[key] = value;
            serde_json::from_value::<Ledger>(text).map_err(|error| error.to_string())
        };
        for wrong in [
            read(told.clone(), "completed", serde_json::Value::Null),
            read(told, "endsUnknown", 1.into()),
            read(text.clone(), "open", 0.into()),
            read(text, "endsUnknown", 0.into()),
        ] {
            assert!(wrong.unwrap_err().contains("null beside endsUnknown"));
        }
    }

    #[test]
    fn a_sum_of_told_and_untold_ends_is_untold() {
        for (mut one, other) in [(ledger(), untold()), (untold(), ledger()), (untold(), untold())] {
            one.add(&other);
            assert_eq!((one.accepted, one.ends_unknown, one.completed), (1_900, 1_900, 0));
            assert_eq!(one.broken_identities(), []);
        }
        // Where nothing was accepted there is nothing to tell.
        let mut none = Ledger::default();
        none.forget_ends();
        none.add(&ledger());
        assert_eq!(none, ledger());
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
