//! The results file, schema version 1.
//!
//! Keys are camelCase, since the file is a superset of the one that the replaced runner wrote and those keys are kept.
//! Latencies are in milliseconds; instants are RFC 3339 in UTC; offsets and lengths are in seconds.

mod course;
mod environment;
mod fleet;
mod generator;
mod legacy;
mod phases;
mod reconciliation;
mod server_figures;
mod verdict;

use benchmark_scenarios::{Plan, PlanHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    course::{ErrorExample, ErrorGroup, Event, IntervalHistograms, Window},
    environment::{ClusterFact, ClusterFacts, Environment, HostFacts, NamespaceFacts, ServerFacts, WorkerFacts},
    fleet::{Fleet, Member, MemberClock, MemberEnds, MemberPresence, MemberRole, MemberStarts, MemberUsage},
    generator::{GeneratorHealth, MachineUse, StartConnections, ThreadLoad},
    legacy::{LegacyConfig, LegacyLatency, LegacyResults, LegacyServices, LegacySystem, LegacyThresholds},
    phases::{AtCap, EndLatency, Latencies, Latency, Phase, PhaseReport, Phases, StartLatency},
    reconciliation::{Cleanup, CompletionSource, CutOff, Reconciliation, SampleEnds, ServerClock},
    server_figures::{FigureMethod, FigureUnit, RemoteWritten, ServerFigure, ServerFigures},
    verdict::{Check, CheckStatus, Outcome, ThresholdOutcome, Verdict, VerdictValue},
};
use crate::ledger::Ledger;

/// The version of the schema that this crate writes.
pub const SCHEMA_VERSION: u32 = 1;

/// One run, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// Version of this schema: 1.
    pub schema_version: u32,
    /// False while the run goes on, and for ever if it was killed: such a file holds what was known when it was written.
    pub complete: bool,
    /// When the run began, RFC 3339: the replaced runner's name for `run.startedAt`.
    pub timestamp: String,
    /// Who ran what.
    pub run: Run,
    /// The resolved plan, verbatim.
    pub plan: Plan,
    /// SHA-256 of the plan, 64 hexadecimal digits; equal hashes are equal plans.
    pub plan_hash: PlanHash,
    /// Where it ran, as discovered.
    pub environment: Environment,
    /// Whether the figures may be believed, and why.
    pub verdict: Verdict,
    /// Whether what the run had to reach was reached.
    pub outcome: Outcome,
    /// Every arrival of all phases and iterations, by how it ended.
    pub ledger: Ledger,
    /// The phases: ledger and latencies of the arrivals that were due in each, all iterations added.
    pub phases: Phases,
    /// Errors by operation and code, the most frequent first.
    pub errors: Vec<ErrorGroup>,
    /// One entry a second of the submission window and the drain; iterations follow one another.
    pub windows: Vec<Window>,
    /// Latencies over time, for heat maps and interval logs: a second each, longer in runs of over an hour.
    pub intervals: Vec<IntervalHistograms>,
    /// How far the observers of completion agree.
    pub reconciliation: Reconciliation,
    /// What the leading generator itself used, in the measured phase; the others stand in `fleet`.
    pub generator: GeneratorHealth,
    /// The processes of the run, each by itself; empty in files of versions that had no fleet.
    #[serde(default)]
    pub fleet: Fleet,
    /// What the server's own metrics say of the measured phase, by iteration; absent where they were not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_figures: Vec<ServerFigures>,
    /// What became of the metrics page that was written each second; absent where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_write: Option<RemoteWritten>,
    /// Things that happened to the run, in order.
    pub events: Vec<Event>,
    /// Each iteration by itself; with a single one it repeats the totals.
    pub iterations: Vec<Iteration>,

    // What the replaced runner wrote, under the same names.
    /// The parameters under the replaced runner's names.
    pub config: LegacyConfig,
    /// The headline figures under the replaced runner's names.
    pub results: LegacyResults,
    /// The system under test under the replaced runner's names; what is not known is null.
    pub system: LegacySystem,
    /// The limits under the replaced runner's names.
    pub thresholds: LegacyThresholds,
    /// True when the exit code is 0: the run was not INVALID, not interrupted, and every threshold was met.
    pub passed: bool,
    /// Why `passed` is false; empty when it is true.
    pub failure_reasons: Vec<String>,
}

/// A fact about the environment, or why it could not be found. Never a constant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fact<T> {
    /// The fact; null when it could not be found.
    pub value: Option<T>,
    /// Where it was read, or why it could not be.
    pub source: String,
}

impl<T> Fact<T> {
    /// A fact and where it was read.
    pub fn found(value: T, source: impl Into<String>) -> Self {
        Fact {
            value: Some(value),
            source: source.into(),
        }
    }

    /// A fact that could not be found, and why.
    pub fn missing(reason: impl Into<String>) -> Self {
        Fact {
            value: None,
            source: reason.into(),
        }
    }
}

/// Who ran what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The run's id: prefix of every workflow id, and the folder of this file.
    pub id: String,
    /// When the run began, RFC 3339.
    pub started_at: String,
    /// When the run ended; null while it goes on.
    pub finished_at: Option<String>,
    /// The program's version.
    pub version: String,
    /// The git revision that the program was built from.
    pub git_revision: Fact<String>,
    /// The command line, secrets left out.
    pub command: Vec<String>,
    /// The signal or condition that ended the run early, such as `SIGINT`; null when it ran to its end.
    pub interrupted_by: Option<String>,
    /// Link to this run on the board in Grafana; absent without `--grafana-url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard_url: Option<String>,
}

/// One repetition of the submission window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Iteration {
    /// From 1.
    pub index: u32,
    /// Prefix of its workflow ids; `/phase/n` follows, the arrival's phase and number.
    pub workflow_id_prefix: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Every arrival of its phases.
    pub ledger: Ledger,
    /// Its phases.
    pub phases: Phases,
    /// Its verdict.
    pub verdict: Verdict,
    /// How far its observers agree.
    pub reconciliation: Reconciliation,
    /// What the generator used.
    pub generator: GeneratorHealth,
}
