//! Errors of joining, why a process is not in a run: one line each, that says what to do.

use std::time::Duration;

use crate::address::AddressError;

/// A process that could not join.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// TLS cannot be set up with what was given.
    #[error("--fleet-tls-ca and --fleet-tls-server-name cannot be used: {0}")]
    Tls(String),
    /// The leader does not take this process in.
    #[error("the leader at {address} refuses this process: {reason}")]
    Refused {
        /// The leader.
        address: String,
        /// What it said.
        reason: String,
    },
    /// There is something at the address, and it is no leader that could be talked to.
    #[error("{address} is no leader of a benchmark: {what}")]
    NotALeader {
        /// The address.
        address: String,
        /// What is there, and what to do.
        what: String,
    },
    /// The leader was not reached in time.
    #[error("the leader at {address} was not reached in {}: {why}; is it running with --fleet-listen, and the port open?", seconds(*.waited))]
    Unreachable {
        /// The address.
        address: String,
        /// What happened last.
        why: String,
        /// How long it was tried.
        waited: Duration,
    },
    /// There is no randomness for a key.
    #[error("this machine gives no random bytes for a key: {0}")]
    Random(String),
}

/// Why a process is no longer in a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberEnd {
    /// The leader could not be reached for too long.
    #[error("the leader at {address} was not heard for {}: {last_error}", seconds(*.silent_for))]
    Lost {
        /// The leader.
        address: String,
        /// Since its last answer.
        silent_for: Duration,
        /// What happened last.
        last_error: String,
    },
    /// The leader takes nothing more from this process.
    #[error("the leader refuses this process: {reason}")]
    Refused {
        /// What it said.
        reason: String,
    },
    /// There is another leader at the address: it was started anew, with another run. Windows of the run before are of
    /// no use to it.
    #[error("the leader was started anew and leads run {run_id} now; join again to take part in that")]
    AnotherRun {
        /// The new run.
        run_id: String,
    },
}

/// What a member that left could not deliver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{windows} windows were not delivered to the leader: {why}")]
pub struct Undelivered {
    /// How many windows; 0 when only the good-bye was not heard.
    pub windows: usize,
    /// Why.
    pub why: String,
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        short if short < 10.0 => format!("{short:.1} s"),
        long => format!("{long:.0} s"),
    }
}
