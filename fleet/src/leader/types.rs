//! Types of the leader: what it knows and tells of its members.

use std::{fmt, sync::Arc, time::Duration};

use benchmark_results::schema::{HostFacts, WorkerFacts};

use crate::{clock::Clock, wire};

/// A member of one leader, numbered in the order of joining from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Executes workflows.
    Worker,
    /// Sends a part of the starts.
    Generator,
}

impl Role {
    pub(crate) fn wire(self) -> wire::Role {
        match self {
            Role::Worker => wire::Role::Worker,
            Role::Generator => wire::Role::Generator,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Worker => "worker",
            Role::Generator => "generator",
        })
    }
}

/// From where a process joins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddress {
    /// From the leader's own process.
    InProcess,
    /// From this address.
    Remote(String),
}

/// Who tells of what it observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Teller {
    /// Which member.
    pub id: MemberId,
    /// What it does. A worker tells of ends and a generator of starts; nothing else reaches a sink.
    pub role: Role,
    /// A generator's part of the schedule, from 1; 0 is the leader's. `None` for workers.
    pub stripe: Option<u32>,
}

/// Why a sink did not take a window. Nothing of it may have been taken then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It is malformed, for this reason. The member is told, and takes no part any more; nobody else is hurt.
    Malformed(String),
    /// There is no room for it now. The member sends it again.
    Full,
}

impl From<String> for Rejected {
    fn from(reason: String) -> Rejected {
        Rejected::Malformed(reason)
    }
}

/// Is told what members observed. Each window comes exactly once, those of one member in the order of their sequence;
/// windows of different members come at the same time.
pub trait WindowSink: Send + Sync {
    /// Takes a window.
    ///
    /// # Errors
    /// When it is malformed, or there is no room for it.
    fn take(&self, from: Teller, window: wire::Window) -> Result<(), Rejected>;
}

/// What a leader begins with.
#[derive(Clone)]
pub struct LeaderOptions {
    /// The version that further generators must have.
    pub version: String,
    /// The version that workers must have: of what they share with generators.
    pub workers_version: String,
    /// Whether members of other versions are let in all the same.
    pub allow_version_skew: bool,
    /// The run.
    pub run_id: String,
    /// Its plan, as JSON.
    pub plan_json: String,
    /// The plan's hash, in hexadecimal digits.
    pub plan_hash: String,
    /// `host:port` of the Temporal server as the leader reaches it.
    pub server_address: String,
    /// Places for generators beside the leader.
    pub generators: u32,
    /// The clock; scripted in tests.
    pub clock: Arc<dyn Clock>,
}

/// What the leader wants of all members from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Nothing yet.
    Wait,
    /// Generators connect for this iteration.
    Prepare {
        /// From 1.
        iteration: u32,
        /// Prefix of its workflow ids.
        id_prefix: String,
    },
    /// The prepared iteration begins at this instant.
    Run {
        /// Unix nanoseconds on the leader's clock.
        start_unix_ns: u64,
    },
    /// Arrivals of this iteration that are due later are no arrivals.
    StopAt {
        /// From the beginning of the iteration, nanoseconds.
        offset_ns: u64,
    },
    /// The run is over: members deliver what they hold and leave.
    End {
        /// Why, for people.
        reason: String,
    },
}

/// Whether a member is there. Instants are on the leader's [`Clock::now`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It was heard within [`SILENT_AFTER`](crate::limits::SILENT_AFTER).
    Present,
    /// It was not, and may come back.
    Silent {
        /// When it was last heard.
        since: Duration,
    },
    /// It was not heard for [`LOST_AFTER`](crate::limits::LOST_AFTER). It may still come back, and then delivers what
    /// it held.
    Lost {
        /// When it was last heard.
        since: Duration,
    },
    /// It said good-bye, or was put out for what it sent.
    Left {
        /// When.
        at: Duration,
        /// Why.
        reason: String,
    },
}

/// Everything that is known of a member.
#[derive(Clone, Debug)]
pub struct MemberState {
    /// Which one.
    pub id: MemberId,
    /// What it does.
    pub role: Role,
    /// Whether it lives in the leader's process.
    pub in_process: bool,
    /// Host and process, for people.
    pub name: String,
    /// Its program's version.
    pub version: String,
    /// Its machine.
    pub host: Arc<HostFacts>,
    /// Its effective options; `None` for generators.
    pub workers: Option<Arc<WorkerFacts>>,
    /// Whether it is there.
    pub presence: Presence,
    /// When it joined first, on the leader's [`Clock::now`].
    pub joined_at: Duration,
    /// When the last exchange came of which everything was taken, likewise: what the member saw before, it has told.
    pub heard_at: Duration,
    /// A generator's part of the schedule, from 1; 0 is the leader's. `None` for workers, and for a generator that was
    /// gone before the run and whose part another one took over.
    pub stripe: Option<u32>,
    /// What it last said of itself.
    pub status: wire::Status,
    /// What it used over time, at most [`USAGE_SAMPLES`](crate::limits::USAGE_SAMPLES) samples.
    pub usage: Arc<Vec<UsageSample>>,
    /// Windows that were taken.
    pub windows: u64,
    /// Windows that came again after they had been taken, and were not counted.
    pub resent: u64,
}

impl MemberState {
    /// Whether nothing is expected of it any more. One that is lost may come back all the same.
    pub fn is_gone(&self) -> bool {
        matches!(self.presence, Presence::Lost { .. } | Presence::Left { .. })
    }
}

/// What a member used in the time from the sample before to this one.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageSample {
    /// When, on the leader's [`Clock::now`].
    pub at: Duration,
    /// CPU in cores, mean.
    pub cpu_cores: f64,
    /// The same as a share of what it has, 0 to 1.
    pub cpu_share: f64,
    /// Memory, bytes, most.
    pub memory_bytes: u64,
    /// Slots for workflow tasks, when the fewest were free; `None` where they are not known.
    pub workflow_slots: Option<wire::Slots>,
    /// Slots for activities, likewise.
    pub activity_slots: Option<wire::Slots>,
    /// Slots for local activities, likewise.
    pub local_activity_slots: Option<wire::Slots>,
    /// Open polls, fewest; `None` where they are not known.
    pub polls: Option<u32>,
}

/// Something that people want to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetEvent {
    /// When, on the leader's [`Clock::now`].
    pub at: Duration,
    /// Whom it is about; `None` for somebody who was not let in.
    pub member: Option<MemberId>,
    /// The member's name, or what is known of who was not let in.
    pub name: String,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It joined.
    Joined,
    /// It was not let in, or what it sent was not taken.
    Refused {
        /// What it was told.
        reason: String,
    },
    /// It joined though it is of another version.
    Skewed {
        /// Its version.
        version: String,
        /// The version that it should have.
        wanted: String,
    },
    /// It got ready.
    Ready,
    /// It was not heard for [`SILENT_AFTER`](crate::limits::SILENT_AFTER).
    Silent,
    /// It is heard again.
    Returned,
    /// It was not heard for [`LOST_AFTER`](crate::limits::LOST_AFTER).
    Lost,
    /// It said good-bye, or was put out for what it sent.
    Left {
        /// Why.
        reason: String,
    },
}
