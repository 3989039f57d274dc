//! The resolved plan of a run.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Rate, WorkerTuning, units, workloads::WorkloadKind};

/// Everything that a run will do. After it is made nothing reads flags, files or the environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The server under test.
    pub target: Target,
    /// The namespace that the run's workflows live in.
    pub namespace: String,
    /// The task queue that the workers poll.
    pub task_queue: String,
    /// What each start executes.
    pub workload: Workload,
    /// When starts are due, and what happens when they cannot be sent.
    pub load: Load,
    /// How starts are sent.
    pub starter: StarterPlan,
    /// The workers in this process.
    pub workers: Workers,
    /// Who else takes part.
    #[serde(default)]
    pub fleet: FleetSize,
    /// How completions are observed.
    pub observation: Observation,
    /// What the run must reach to pass.
    pub thresholds: Thresholds,
    /// How often the whole submission window is repeated; each iteration stays visible in the result.
    pub iterations: u32,
    /// Whether workflows of this run that are still open afterwards are terminated.
    pub cleanup: bool,
}

/// The server under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum Target {
    /// A Temporal dev server that this run starts and stops.
    Embedded(EmbeddedPlan),
    /// A cluster that is there already.
    Cluster(Cluster),
}

/// A dev server that the run provides itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmbeddedPlan {
    /// The `temporal` binary to use; looked for when absent.
    pub binary: Option<PathBuf>,
    /// The settings that it is started with.
    pub preset: ServerPreset,
    /// Dynamic configuration given by the user, on top of the preset: key to JSON value.
    pub config: BTreeMap<String, String>,
    /// Whether it is left running after the run.
    pub keep: bool,
}

/// Settings of the embedded server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServerPreset {
    /// Settings that make a one-shard dev server dispatch as a cluster would.
    #[default]
    Cluster,
    /// The dev server as it comes.
    Stock,
}

/// A cluster and how to reach it. Secrets are not part of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// `host:port` of the frontend.
    pub address: String,
    /// TLS, when on.
    pub tls: Option<TlsFiles>,
    /// Whether an API key is sent. The key itself is never stored.
    pub api_key: bool,
}

/// Where the TLS material is read from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsFiles {
    /// PEM file with the authority that signed the server's certificate; the system's when absent.
    pub ca: Option<PathBuf>,
    /// PEM file with the client's certificate.
    pub cert: Option<PathBuf>,
    /// PEM file with the client's key.
    pub key: Option<PathBuf>,
    /// The name that the server's certificate must carry, when it is not the address's host.
    pub server_name: Option<String>,
}

/// What each start executes.
// Without `deny_unknown_fields`, which serde cannot combine with a flattened enum: it would refuse `workflowType` itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// The workflow and its options.
    #[serde(flatten)]
    pub kind: WorkloadKind,
    /// Bytes of payload in each workflow's input, besides its options.
    pub payload_size: u32,
    /// Share of workflows, 0 to 1, that are told to fail; which ones follows from the seed.
    pub failure_ratio: f64,
    /// Bytes of payload in the workflow's result, and in the result of each of its activities.
    #[serde(default)]
    pub result_size: u32,
    /// CPU time that each activity burns.
    #[serde(default, with = "units::duration")]
    #[schemars(with = "String")]
    pub activity_cpu: Duration,
}

/// When starts are due, and what happens when they cannot be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Load {
    /// Starts a second after the ramp.
    pub rate: Rate,
    /// The whole submission window: ramp-up, warm-up and the measured rest.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub duration: Duration,
    /// The part of `duration` at its beginning in which the rate rises linearly from a tenth of itself (at least 1/s).
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub ramp_up: Duration,
    /// The part of `duration` after the ramp that is at full rate and not measured.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub warm_up: Duration,
    /// How long completions are waited for after the last start.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub drain: Duration,
    /// How long everything may take that comes after a stop was asked for.
    #[serde(with = "units::duration", default = "default_stop_timeout")]
    #[schemars(with = "String")]
    pub stop_timeout: Duration,
    /// How arrivals are spaced.
    pub arrivals: Arrivals,
    /// Seeds everything that is drawn: arrival times, activity durations, the sample.
    pub seed: u64,
    /// Starts that may be unanswered at the same time, of all generators together.
    pub max_in_flight: u32,
    /// What becomes of an arrival that is due while `max_in_flight` starts are unanswered.
    pub when_full: WhenFull,
    /// The age at which a waiting arrival is given up and counted as dropped.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub max_lag: Duration,
}

/// How arrivals are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// Evenly.
    Constant,
    /// At random, as from many independent callers, from the seed.
    Poisson,
}

/// What becomes of an arrival that is due while the cap on unanswered starts is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// It waits, up to `max_lag`; the wait counts as latency.
    Queue,
    /// It is dropped and counted.
    Drop,
    /// The run ends.
    Abort,
}

/// How starts are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StarterPlan {
    /// HTTP/2 connections for starts, of all generators together, each of which has at least one.
    pub connections: u32,
    /// Whether there are more of them when the server's name has more addresses: one for each, where none were asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub each_address: bool,
    /// Threads that send starts, each with its share of the connections; of all generators together, each of which has at
    /// least one.
    pub threads: u32,
    /// A start's own deadline.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub start_timeout: Duration,
    /// How long connecting may take before the address is called dead.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// How the threads that send are scheduled; absent where it is `auto`.
    #[serde(default, skip_serializing_if = "Scheduling::is_auto")]
    pub scheduling: Scheduling,
    /// How often a start is sent again after a failure. A retry hides latency, so none is the only choice.
    pub retries: u32,
    /// Compression of starts: `none`.
    pub compression: String,
}

/// How the threads that keep the schedule are scheduled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheduling {
    /// As real-time threads where that is permitted and leaves a core without one.
    #[default]
    Auto,
    /// As ordinary threads.
    Ordinary,
}

impl Scheduling {
    fn is_auto(&self) -> bool {
        *self == Scheduling::Auto
    }
}

/// The workers in this process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workers {
    /// SDK workers, each with its own connection and thread; 0 leaves execution to a fleet elsewhere.
    pub count: u32,
    /// How each is tuned; absent without workers in this process.
    #[serde(default)]
    pub tuning: Option<WorkerTuning>,
}

/// The other processes that take part in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetSize {
    /// Worker processes that must have joined and poll before the run begins.
    pub expect_workers: u32,
    /// Generators among which the arrivals are dealt out, the leading one among them; at least 1.
    pub generators: u32,
}

impl Default for FleetSize {
    /// One generator and nobody else.
    fn default() -> Self {
        FleetSize {
            expect_workers: 0,
            generators: 1,
        }
    }
}

/// How completions are observed besides the workers' stamps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Observation {
    /// Share of workflows, 0 to 1, whose end is long-polled from the server; which ones follows from the seed.
    pub sample_ratio: f64,
    /// Long polls that may be open at the same time.
    pub sample_cap: u32,
}

/// What the run must reach to pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Thresholds {
    /// Limit of the 99th percentile of `e2e_response` of all accepted workflows, measured phase.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub max_p99_latency: Duration,
    /// Completions a second in the measured phase, at least.
    pub min_throughput: f64,
    /// Share of measured arrivals, 0 to 1, that may end in anything but completion.
    pub max_error_ratio: f64,
}

/// SHA-256 of a plan, as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PlanHash(String);

impl PlanHash {
    /// The first six digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..6).unwrap_or(&self.0)
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What plans meant before they said it.
fn default_stop_timeout() -> Duration {
    Duration::from_secs(25)
}

/// What stands for the name of a file where the name is not told.
const A_FILE: &str = "a file";

impl Plan {
    /// The plan as other machines get it: that a file is used and not which, for names of files mean nothing there.
    pub fn portable(&self) -> Plan {
        let mut plan = self.clone();
        let hide = |file: &mut Option<PathBuf>| {
            if let Some(name) = file {
                *name = A_FILE.into();
            }
        };
        match &mut plan.target {
            Target::Embedded(server) => hide(&mut server.binary),
            Target::Cluster(cluster) => {
                if let Some(TlsFiles { ca, cert, key, .. }) = &mut cluster.tls {
                    [ca, cert, key].into_iter().for_each(hide);
                }
            }
        }
        plan
    }

    /// The hash of the portable plan's JSON, in which keys stand in the order of their declaration: where files lie makes no
    /// other plan.
    pub fn hash(&self) -> PlanHash {
        let json = serde_json::to_vec(&self.portable()).expect("a plan has only text keys, so it always serialises");
        let digest = Sha256::digest(json);
        PlanHash(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Offset of the first measured arrival from the start of the run.
    pub fn measure_start(&self) -> Duration {
        self.load.ramp_up + self.load.warm_up
    }

    /// Length of the measured phase.
    pub fn measure_duration(&self) -> Duration {
        self.load.duration.saturating_sub(self.measure_start())
    }
}
