//! Fleet of a run: each process by itself, beside the totals, so that a slow one is visible and not averaged away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GeneratorHealth, HostFacts, Latency, WorkerFacts};

/// The processes of a run: the leading generator, further generators, workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// Worker processes that the run waited for; 0 when it waited for none.
    pub expected_workers: u32,
    /// Generators that the schedule was divided among, the leader among them.
    pub generators: u32,
    /// Each process, in the order of joining. All iterations added: the same name and role is the same member.
    pub members: Vec<Member>,
}

impl Fleet {
    /// A single process, of which nothing more is told than the rest of the file tells.
    pub fn alone() -> Self {
        Fleet {
            expected_workers: 0,
            generators: 1,
            members: Vec::new(),
        }
    }
}

impl Fleet {
    /// Whether others took part than the leader and the workers inside of its process.
    pub fn has_others(&self) -> bool {
        self.members.iter().any(Member::is_apart)
    }
}

impl Default for Fleet {
    fn default() -> Self {
        Self::alone()
    }
}

/// One process of the run, or the workers inside of the leading one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Host and process, unique in the fleet.
    pub name: String,
    /// What it does.
    pub role: MemberRole,
    /// Whether it lives in the leader's process: its CPU and memory are then the leader's.
    pub in_process: bool,
    /// The program's version and git revision; the version alone in older files.
    pub version: String,
    /// Its machine.
    pub host: HostFacts,
    /// How its workers are tuned; null for generators.
    pub workers: Option<WorkerFacts>,
    /// When it joined, seconds from the beginning of the first iteration that it took part in; negative before it.
    pub joined_seconds: f64,
    /// Whether it was there to the end; of several iterations the worst.
    pub presence: MemberPresence,
    /// When it left, or was last heard of, seconds from the beginning of that iteration; null while it is present.
    pub left_seconds: Option<f64>,
    /// Why it is not present, in words; null while it is.
    pub reason: Option<String>,
    /// Its clock against the leader's.
    pub clock: MemberClock,
    /// Windows that the leader took from it, since it joined.
    pub windows: u64,
    /// Windows that it sent more than once; each counts once.
    pub windows_resent: u64,
    /// Windows that it gave up, since the leader could not be reached for too long, and single ends that a worker had no
    /// room for: what they told is missing.
    pub windows_dropped: u64,
    /// Its part of the measured phase, 0 to 1: of the arrivals for a generator, of the stamped ends for a worker; null when
    /// there were none.
    pub share: Option<f64>,
    /// What it started; null for workers.
    pub starts: Option<MemberStarts>,
    /// What it executed; null for generators, and where no ends are stamped.
    pub ends: Option<MemberEnds>,
    /// What it used and had left, over time.
    pub usage: Vec<MemberUsage>,
    /// What it used in the measured phase; null for workers.
    pub generator: Option<GeneratorHealth>,
}

impl Member {
    /// Whether it is a process of its own, apart from the leader's.
    pub fn is_apart(&self) -> bool {
        !self.in_process && self.role != MemberRole::Leader
    }

    /// Arrivals of its part that it never told of.
    pub fn missing_arrivals(&self) -> u64 {
        self.starts.as_ref().map_or(0, |starts| starts.missing)
    }
}

/// What a member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MemberRole {
    /// Sends starts, and keeps the account of the run.
    Leader,
    /// Sends a part of the starts.
    Generator,
    /// Executes workflows.
    Worker,
}

/// Whether a member was there to the end, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MemberPresence {
    /// To the end.
    #[default]
    Present,
    /// It said good-bye, was put out for what it sent, or went after it had told everything.
    Left,
    /// It was not heard of any more: what it did not deliver is missing.
    Lost,
}

/// A member's clock against the leader's, as estimated from round trips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberClock {
    /// The leader's clock minus the member's, milliseconds; null when it is not known.
    pub offset_ms: Option<f64>,
    /// How wrong that can be, either way, milliseconds; null when it is not known.
    pub uncertainty_ms: Option<f64>,
    /// Whether the member's instants were translated by it: so when the offset is larger than its uncertainty.
    pub corrected: bool,
    /// What the member's instants were translated by at the end, milliseconds. A generator's follows the offset at a
    /// bounded rate. This and what follows is absent from files of programs that did not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_ms: Option<f64>,
    /// From the beginning of the measured phase on: by how much the member's instants were surely wrong at the worst, which
    /// is the offset less what they were translated by, beyond the uncertainty, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_ms: Option<f64>,
    /// How often one of the two clocks was found to have been set, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// The largest of these steps, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_step_ms: Option<f64>,
    /// The largest step before the measured phase, milliseconds. What is left of it there is in `error_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_step_ms: Option<f64>,
}

impl MemberClock {
    /// Whether anything is known of it.
    pub fn is_known(&self) -> bool {
        self.offset_ms.is_some()
    }
}

/// What a generator started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberStarts {
    /// Its part of the schedule: arrivals n with n mod `generators` equal to this.
    pub stripe: u32,
    /// Arrivals of its part that it told of, all phases.
    pub arrivals: u64,
    /// Starts handed to a connection.
    pub dispatched: u64,
    /// Arrivals given up.
    pub dropped: u64,
    /// Starts accepted.
    pub accepted: u64,
    /// Starts refused.
    pub rejected: u64,
    /// Starts whose answer was lost.
    pub unknown: u64,
    /// Arrivals of its part that it never told of: it was lost. Those that the server knows count as accepted, the others
    /// were never sent and count as dropped.
    pub missing: u64,
    /// Dispatched − due, measured phase.
    pub lag: Latency,
    /// Answer − dispatched, accepted starts of the measured phase.
    pub start_service: Latency,
    /// Answer − due, accepted starts of the measured phase.
    pub start_response: Latency,
}

impl MemberStarts {
    /// A generator that started nothing of its part.
    pub fn none(stripe: u32) -> Self {
        MemberStarts {
            stripe,
            arrivals: 0,
            dispatched: 0,
            dropped: 0,
            accepted: 0,
            rejected: 0,
            unknown: 0,
            missing: 0,
            lag: Latency::empty(),
            start_service: Latency::empty(),
            start_response: Latency::empty(),
        }
    }
}

/// What a worker executed. A workflow that was stamped twice counts once, for the worker whose stamp came first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberEnds {
    /// Ends that it stamped, all phases.
    pub stamped: u64,
    /// Workflows that completed.
    pub completed: u64,
    /// Workflows that ended otherwise.
    pub not_completed: u64,
    /// End − dispatched, completed workflows of the measured phase.
    pub e2e_service: Latency,
    /// End − due, completed workflows of the measured phase.
    pub e2e_response: Latency,
}

impl MemberEnds {
    /// A worker that ended nothing.
    pub fn none() -> Self {
        MemberEnds {
            stamped: 0,
            completed: 0,
            not_completed: 0,
            e2e_service: Latency::empty(),
            e2e_response: Latency::empty(),
        }
    }
}

/// What a member used and had left at one time; at most one entry a second, fewer in long runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberUsage {
    /// Iteration, from 1.
    pub iteration: u32,
    /// Offset from the iteration's beginning, seconds; negative before it.
    pub at_seconds: f64,
    /// CPU since the entry before, cores.
    pub cpu_cores: f64,
    /// The same as a share of the cores or the quota that the process has, 0 to 1.
    pub cpu_share: f64,
    /// Resident memory, bytes.
    pub memory_bytes: u64,
    /// Workflow tasks that it had room for; null for generators, and where it is not known.
    pub workflow_slots_free: Option<u32>,
    /// Workflow tasks in execution; null where it is not known.
    pub workflow_slots_used: Option<u32>,
    /// Activities that it had room for; likewise.
    pub activity_slots_free: Option<u32>,
    /// Activities in execution; likewise.
    pub activity_slots_used: Option<u32>,
    /// Polls that it had open; likewise.
    pub polls: Option<u32>,
}
