//! The results file, schema version 1.
//!
//! Keys are camelCase, since the file is a superset of the one that the replaced runner wrote and those keys are kept.
//! Latencies are in milliseconds; instants are RFC 3339 in UTC; offsets and lengths are in seconds.

mod fleet;

use std::collections::BTreeMap;

use benchmark_scenarios::{Plan, PlanHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::fleet::{Fleet, Member, MemberClock, MemberEnds, MemberPresence, MemberRole, MemberStarts, MemberUsage};
use crate::ledger::Ledger;

/// The version of the schema that this crate writes.
pub const SCHEMA_VERSION: u32 = 1;

/// One run, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// Version of this schema.
    pub schema_version: u32,
    /// False while the run goes on, and for ever if it was killed: such a file holds what was known when it was written.
    pub complete: bool,
    /// When the run began, RFC 3339.
    pub timestamp: String,
    /// Who ran what.
    pub run: Run,
    /// The resolved plan, verbatim.
    pub plan: Plan,
    /// SHA-256 of the plan.
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
    /// Errors by operation and code.
    pub errors: Vec<ErrorGroup>,
    /// One entry a second of the submission window and the drain; iterations follow one another.
    pub windows: Vec<Window>,
    /// Latencies over time, for heat maps and interval logs.
    pub intervals: Vec<Interval>,
    /// How far the observers of completion agree.
    pub reconciliation: Reconciliation,
    /// What the generator itself used, in the measured phase.
    pub generator: GeneratorHealth,
    /// The processes of the run, each by itself; empty in files of versions that had no fleet.
    #[serde(default)]
    pub fleet: Fleet,
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
    /// True when the run was valid and every threshold was met.
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
    /// The signal or condition that ended the run early; null when it ran to its end.
    pub interrupted_by: Option<String>,
}

/// Where it ran, as discovered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// The machine of the generator.
    pub host: HostFacts,
    /// The server under test.
    pub server: ServerFacts,
    /// How the workers of this process are tuned; null when there are none.
    pub workers: Option<WorkerFacts>,
}

/// How the workers of a process are tuned. All figures but the first are of each of them. What stands here is in effect:
/// the namespace's capabilities and the task queue's partitions can change what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerFacts {
    /// How many there are.
    pub count: u32,
    /// Workflow tasks at the same time; 0 when it follows CPU and memory, see `slots`.
    pub workflow_slots: u32,
    /// Activities at the same time; likewise.
    pub activity_slots: u32,
    /// Local activities at the same time; likewise.
    pub local_activity_slots: u32,
    /// Polls that are kept open, in words.
    pub pollers: String,
    /// Workflows kept in memory between their tasks.
    pub max_cached_workflows: u32,
    /// The preset that the options began from.
    #[serde(default)]
    pub profile: Option<String>,
    /// What limits the tasks at the same time, in words: fixed numbers, or targets of CPU and memory.
    #[serde(default)]
    pub slots: Option<String>,
    /// Polls for workflow tasks, in words.
    #[serde(default)]
    pub workflow_pollers: Option<String>,
    /// Polls for activities, in words.
    #[serde(default)]
    pub activity_pollers: Option<String>,
    /// Polls of the normal queue, not of the sticky one: fewer than partitions leave some unpolled.
    #[serde(default)]
    pub normal_polls: Option<u32>,
    /// Partitions of the task queue, as looked up.
    #[serde(default)]
    pub partitions: Option<u32>,
    /// The task queues that are polled.
    #[serde(default)]
    pub task_queues: Vec<String>,
    /// How long a workflow's next task waits for the worker that has it in memory, milliseconds.
    #[serde(default)]
    pub sticky_timeout_ms: Option<u64>,
    /// Whether activities are taken with the answer to the workflow task that asks for them.
    #[serde(default)]
    pub eager_activities: Option<bool>,
    /// Most activities a second; null when there is no such limit.
    #[serde(default)]
    pub activities_per_second: Option<f64>,
    /// Worker deployment.
    #[serde(default)]
    pub deployment: Option<String>,
    /// Build id within it.
    #[serde(default)]
    pub build_id: Option<String>,
    /// How long a stop waits for what is in execution, milliseconds.
    #[serde(default)]
    pub graceful_shutdown_ms: Option<u64>,
    /// Names under which the server sees the workers.
    #[serde(default)]
    pub identities: Vec<String>,
}

/// The machine of a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostFacts {
    /// CPU model.
    pub cpu_model: Fact<String>,
    /// Cores that this process may run on.
    pub cores: Fact<u32>,
    /// CPU quota of the control group, in cores; null when there is none.
    pub cgroup_cpu_quota: Fact<f64>,
    /// Memory of the machine, bytes.
    pub memory_bytes: Fact<u64>,
    /// Kernel release.
    pub kernel: Fact<String>,
    /// Operating system.
    pub os: Fact<String>,
    /// Host name.
    pub hostname: Fact<String>,
    /// Cloud instance type.
    pub instance_type: Fact<String>,
}

/// The server under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerFacts {
    /// The address that was connected to.
    pub address: String,
    /// Whether this run started the server.
    pub embedded: bool,
    /// How the embedded server's binary was had; null for a cluster.
    pub binary: Option<String>,
    /// The dynamic configuration that the embedded server was started with.
    pub dynamic_config: BTreeMap<String, String>,
    /// Server version.
    pub version: Fact<String>,
    /// Capabilities that the server announces: name to whether it has it.
    pub capabilities: Fact<BTreeMap<String, bool>>,
    /// Number of history shards.
    pub history_shards: Fact<u32>,
    /// Persistence store.
    pub persistence_store: Fact<String>,
    /// Visibility store.
    pub visibility_store: Fact<String>,
    /// Cluster name.
    pub cluster_name: Fact<String>,
    /// The namespace's settings.
    pub namespace: Fact<NamespaceFacts>,
    /// Pollers seen on the task queue before the load began.
    pub pollers: Fact<u32>,
    /// Partitions of the task queue.
    pub task_queue_partitions: Fact<u32>,
}

/// The namespace's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceFacts {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Retention of closed workflows, seconds.
    pub retention_seconds: Option<u64>,
    /// Whether this run created it.
    pub created: bool,
    /// Capabilities: name to whether it has it.
    pub capabilities: BTreeMap<String, bool>,
}

/// Whether the figures may be believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The worst of the checks.
    pub value: VerdictValue,
    /// One sentence that says why.
    pub headline: String,
    /// Every check, passed ones too.
    pub checks: Vec<Check>,
}

/// The three verdicts, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerdictValue {
    /// The figures describe the cluster under the load that was asked for.
    Valid,
    /// The cluster refused the load: latencies stand, throughput is a lower bound.
    Overloaded,
    /// The generator or the fleet was the limit, or the account does not close: the figures describe that.
    Invalid,
}

/// One check and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Name, kebab-case.
    pub name: String,
    /// What it says of the run.
    pub status: CheckStatus,
    /// What was measured, for people, with its unit.
    pub value: String,
    /// What is allowed, for people, with its unit.
    pub limit: String,
    /// The measured value as a number, where it is one.
    pub measured: Option<f64>,
    /// The limit as a number, where it is one.
    pub allowed: Option<f64>,
    /// What to do when it fails; empty when it passed.
    pub remedy: String,
}

/// What a check says of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CheckStatus {
    /// Within its limit.
    Pass,
    /// Could not be made; `value` says why.
    NotApplicable,
    /// Worth knowing; the figures stand.
    Warning,
    /// The cluster did not carry the load.
    Overloaded,
    /// The measurement cannot be believed.
    Invalid,
}

/// Whether what the run had to reach was reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The thresholds, each with what was measured.
    pub thresholds: Vec<ThresholdOutcome>,
    /// The exit code of the process.
    pub exit_code: u8,
}

/// One threshold and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdOutcome {
    /// Name of the flag, without dashes in front: `max-p99-latency`.
    pub name: String,
    /// Whether it was met.
    pub met: bool,
    /// What was measured, for people; `not measured` when there was nothing to measure.
    pub measured: String,
    /// What was asked for, for people.
    pub required: String,
}

/// The phases of the submission window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Phases {
    /// Arrivals due while the rate rose.
    pub ramp: PhaseReport,
    /// Arrivals due at full rate before measuring.
    pub warm_up: PhaseReport,
    /// Arrivals due in the measured phase: the headline.
    pub measure: PhaseReport,
}

/// A part of a run. A workflow belongs to the phase in which it was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The rate rises.
    Ramp,
    /// Full rate, not measured.
    WarmUp,
    /// Full rate, measured.
    Measure,
    /// No more starts; completions are waited for.
    Drain,
}

/// Ledger and latencies of the arrivals that were due in one phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhaseReport {
    /// Offset of its beginning from the beginning of the run, seconds.
    pub start_seconds: f64,
    /// Its length, seconds; shorter than planned when the run was interrupted.
    pub seconds: f64,
    /// Where its arrivals ended.
    pub ledger: Ledger,
    /// Starts handed to a connection within the phase's time, a second.
    pub start_rate: Option<f64>,
    /// Workflows that completed within the phase's time, a second, whenever they were due.
    pub completion_rate: Option<f64>,
    /// Their latencies.
    pub latencies: Latencies,
}

/// The five latencies. Accepted and refused starts, and completed and otherwise ended workflows, never mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latencies {
    /// Dispatched − due: how late the generator was.
    pub lag: Latency,
    /// Answer − dispatched.
    pub start_service: StartLatency,
    /// Answer − due.
    pub start_response: StartLatency,
    /// End − dispatched.
    pub e2e_service: EndLatency,
    /// End − due.
    pub e2e_response: EndLatency,
}

/// Latency of starts by the server's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartLatency {
    /// Starts that the server took.
    pub accepted: Latency,
    /// Starts that the server refused.
    pub rejected: Latency,
    /// Starts whose answer was lost: the time until it was given up, a lower bound.
    pub unanswered: Latency,
}

/// Latency of workflows by how they ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndLatency {
    /// Workflows that completed.
    pub completed: Latency,
    /// Workflows that ended in any other way.
    pub not_completed: Latency,
}

/// One latency distribution, milliseconds. A quantile for which there are too few samples is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Latency {
    /// Number of samples.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Smallest.
    pub min: Option<f64>,
    /// 50th percentile.
    pub p50: Option<f64>,
    /// 75th percentile.
    pub p75: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    #[serde(rename = "p99_9")]
    pub p99_9: Option<f64>,
    /// 99.99th percentile.
    #[serde(rename = "p99_99")]
    pub p99_99: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// HdrHistogram V2, deflated, base64: microseconds, 1 µs to 1 h, 3 significant digits.
    pub histogram: String,
}

/// Errors of one operation with one code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorGroup {
    /// What was attempted: `StartWorkflowExecution`, `workflow`, `lookup`.
    pub operation: String,
    /// gRPC code, or how the workflow ended.
    pub code: String,
    /// How often.
    pub count: u64,
    /// Up to ten of them.
    pub examples: Vec<ErrorExample>,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorExample {
    /// The workflow that it concerns; null when it concerns none.
    pub workflow_id: Option<String>,
    /// What was said.
    pub message: String,
}

/// One second of the run. Each count belongs to the second in which the thing happened; `due` to the one in which it should.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Iteration, from 1.
    pub iteration: u32,
    /// Second from the iteration's beginning, from 0.
    pub second: u64,
    /// Phase at the second's beginning.
    pub phase: Phase,
    /// Arrivals that were due.
    pub due: u64,
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
    /// Workflows completed; null where completions are not observed.
    pub completed: Option<u64>,
    /// Workflows ended otherwise; null where completions are not observed.
    pub failed: Option<u64>,
    /// Accepted and not yet ended, at the end of the second; null where completions are not observed.
    pub backlog: Option<u64>,
    /// Unanswered starts, at the end of the second.
    pub in_flight: u64,
    /// 99th percentile of lag, milliseconds.
    pub lag_p99: Option<f64>,
    /// Median of accepted `start_response`, milliseconds.
    pub start_p50: Option<f64>,
    /// 99th percentile of accepted `start_response`, milliseconds.
    pub start_p99: Option<f64>,
    /// Median of completed `e2e_response`, milliseconds.
    pub e2e_p50: Option<f64>,
    /// 99th percentile of completed `e2e_response`, milliseconds.
    pub e2e_p99: Option<f64>,
}

/// Latency histograms of a stretch of time: one second, or longer in runs of over an hour, so that the file stays readable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Interval {
    /// Iteration, from 1.
    pub iteration: u32,
    /// Offset of its beginning from the iteration's, seconds.
    pub start_seconds: u64,
    /// Its length, seconds.
    pub seconds: u64,
    /// Accepted `start_response` answered in it: HdrHistogram V2, deflated, base64, microseconds.
    pub start_response: String,
    /// Completed `e2e_response` ended in it: likewise.
    pub e2e_response: String,
}

/// How far the observers of completion agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reconciliation {
    /// Which observer the ledger's ends come from.
    pub source: CompletionSource,
    /// The server's own counts for this run's workflow ids, by status; null when it could not be asked.
    pub server: Fact<BTreeMap<String, u64>>,
    /// Seconds from the end of the drain until the server's counts stopped changing.
    pub settled_after_seconds: Option<f64>,
    /// Differences between the ledger and the server's counts, in words; empty when they agree.
    pub disagreements: Vec<String>,
    /// Ends that the workers stamped.
    pub stamped: u64,
    /// Stamps for a workflow that had been stamped already: final tasks whose answer the server refused.
    pub stamped_twice: u64,
    /// Ends that the server told and no worker stamped.
    pub not_stamped: u64,
    /// Workflows whose end was long-polled.
    pub sampled: u64,
    /// Sampled workflows whose status differs between stamp and long poll.
    pub sample_disagreements: u64,
    /// End as long-polled − end as stamped, for sampled workflows: how late the stamp's truth reaches a caller.
    pub poll_delay: Latency,
    /// Unknown starts that were looked up and found.
    pub unknown_found: u64,
    /// Unknown starts that were looked up and did not exist.
    pub unknown_not_found: u64,
    /// Clean-up of what was still open.
    pub cleanup: Cleanup,
}

/// Where the ledger's ends come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CompletionSource {
    /// Stamps of workers that belong to this run: every workflow, exactly timed.
    Stamps,
    /// The server's visibility counts; latencies come from the long-polled sample.
    Visibility,
}

/// Clean-up of what was still open after the drain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cleanup {
    /// Whether it was asked for.
    pub requested: bool,
    /// Open workflows of this run before it.
    pub open_before: Option<u64>,
    /// Open workflows of this run after it: 0 when it worked.
    pub open_after: Option<u64>,
    /// What went wrong; null when nothing did.
    pub problem: Option<String>,
}

/// What the generator used in the measured phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratorHealth {
    /// Length of the observation, seconds.
    pub seconds: f64,
    /// CPU time of the whole process, seconds.
    pub cpu_seconds: f64,
    /// CPU time of the process as a share of the cores or the quota, 0 to 1.
    pub cpu_share: f64,
    /// The busiest thread.
    pub busiest_thread: Fact<ThreadLoad>,
    /// Share of the time in which a thread that keeps the schedule was ready to run and another ran, 0 to 1.
    pub cpu_wait: Fact<f64>,
    /// Share of the control group's periods that were throttled, 0 to 1.
    pub throttled: Fact<f64>,
    /// Share of the machine's CPU time that the hypervisor took, 0 to 1.
    pub steal: Fact<f64>,
    /// CPU time of the whole process per dispatched start, microseconds.
    pub cpu_per_start_us: Option<f64>,
    /// Largest resident memory, bytes.
    pub peak_memory_bytes: Fact<u64>,
    /// Most unanswered starts at one time.
    pub peak_in_flight: u64,
    /// Connections that starts were sent on.
    pub connections: u32,
    /// Most unanswered starts at one time on a single connection.
    pub peak_in_flight_per_connection: u64,
    /// Rate asked for as a share of this host's calibrated ceiling.
    pub share_of_ceiling: Fact<f64>,
    /// How the threads that keep the schedule were scheduled: `real-time`, or null and why not.
    pub scheduling: Fact<String>,
}

/// CPU use of one thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadLoad {
    /// The thread's name.
    pub name: String,
    /// CPU time as a share of one core, 0 to 1.
    pub share: f64,
}

/// Something that happened to the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Offset from the beginning of the run, seconds.
    pub at_seconds: f64,
    /// Iteration, from 1.
    pub iteration: u32,
    /// What happened, kebab-case: `connection-lost`, `interrupted`.
    pub kind: String,
    /// In words.
    pub message: String,
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

/// The parameters under the replaced runner's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyConfig {
    /// `--workflow-type`.
    pub workflow_type: String,
    /// `--activity-count`, where the workload has activities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_count: Option<u32>,
    /// `--timer-duration`, where the workload has a timer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer_duration: Option<String>,
    /// `--child-count`, where the workload has children.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child_count: Option<u32>,
    /// `--rate`.
    pub target_rate: f64,
    /// `--duration`.
    pub duration: String,
    /// `--ramp-up`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp_up_duration: Option<String>,
    /// Worker processes of the fleet, and `--workers`, those of this process.
    pub worker_count: u32,
    /// `--iterations`.
    pub iterations: u32,
    /// `--namespace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// The headline figures under the replaced runner's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyResults {
    /// Accepted starts, all phases.
    pub workflows_started: u64,
    /// Completed workflows, all phases.
    pub workflows_completed: u64,
    /// Workflows that ended otherwise, all phases.
    pub workflows_failed: u64,
    /// Completions a second in the measured phase.
    pub actual_rate: Option<f64>,
    /// `e2e_response` of completed workflows in the measured phase, milliseconds.
    pub latency: LegacyLatency,
}

/// Four figures of `e2e_response`, milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyLatency {
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
}

/// The system under test under the replaced runner's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacySystem {
    /// Instance type of the generator's host; null when it is not known.
    pub instance_type: Option<String>,
    /// History shards; null when the server does not tell.
    pub history_shards: Option<u32>,
    /// Replicas of each service; null where not known.
    pub services: LegacyServices,
}

/// Replicas of each service; null where not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyServices {
    /// Frontend replicas.
    pub frontend: Option<u32>,
    /// History replicas.
    pub history: Option<u32>,
    /// Matching replicas.
    pub matching: Option<u32>,
    /// Internal worker replicas.
    pub worker: Option<u32>,
}

/// The limits under the replaced runner's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyThresholds {
    /// `--max-p99-latency`, milliseconds.
    pub max_p99_latency_ms: f64,
    /// `--min-throughput`, completions a second.
    pub min_throughput: f64,
}
