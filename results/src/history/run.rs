//! One run as a row of a history, small enough that thousands are kept.

use std::path::{Path, PathBuf};

use benchmark_scenarios::Plan;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    schema::{Fact, MemberRole, Results, VerdictValue},
    text,
};

/// Longest text that a row keeps of a file, characters.
const LONGEST: usize = 200;

/// One run of a history.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRow {
    /// Its results file.
    pub path: PathBuf,
    /// Its id.
    pub id: String,
    /// When it began.
    #[serde(serialize_with = "as_text")]
    pub started_at: Timestamp,
    /// The program's version.
    pub version: String,
    /// Whether its figures may be believed.
    pub verdict: VerdictValue,
    /// Whether it went to its end: interrupted and unfinished runs are shown, and belong to no trend.
    pub whole: bool,
    /// The workload.
    pub workload: String,
    /// Starts a second that were asked for.
    pub rate: f64,
    /// Workflows completed a second in the measured phase.
    pub throughput: Option<f64>,
    /// Accepted `start_response`, measured phase, 99th percentile, milliseconds.
    pub start_p99: Option<f64>,
    /// `e2e_response` of all accepted workflows, measured phase, median, milliseconds; `None` where too few completed.
    pub e2e_p50: Option<f64>,
    /// Likewise, 99th percentile.
    pub e2e_p99: Option<f64>,
    /// SHA-256 of its plan.
    pub plan_hash: String,
    /// What is told of its surroundings; see [`surroundings`].
    pub environment: Vec<(String, String)>,
    /// Its plan, to show in what two series differ.
    #[serde(skip)]
    pub(super) plan: Plan,
}

impl RunRow {
    /// The row of a run; `None` when nobody can tell when it began.
    pub(super) fn new(results: &Results, path: &Path) -> Option<Self> {
        let measure = &results.phases.measure;
        let e2e = measure.latencies.e2e_response.completed.of_accepted(&measure.ledger);
        let told = |quantile: Option<f64>| quantile.filter(|ms| ms.is_finite());
        Some(RunRow {
            path: path.to_owned(),
            id: text::line(&results.run.id, LONGEST),
            started_at: results.run.started_at.parse().ok()?,
            version: text::line(&results.run.version, LONGEST),
            verdict: results.verdict.value,
            whole: results.complete && results.run.interrupted_by.is_none(),
            workload: results.plan.workload.kind.name().to_owned(),
            rate: results.plan.load.rate.per_second(),
            throughput: measure.completion_rate,
            start_p99: measure.latencies.start_response.accepted.p99,
            e2e_p50: told(e2e.p50),
            e2e_p99: told(e2e.p99),
            plan_hash: results.plan_hash.to_string(),
            environment: surroundings(results),
            plan: results.plan.clone(),
        })
    }

    /// Whether its figures belong into a trend: they are the cluster's, and of the whole measured phase. The throughput of
    /// an OVERLOADED run is what the cluster carried.
    pub fn counts(&self) -> bool {
        self.whole && self.verdict != VerdictValue::Invalid
    }
}

/// What must be the same for two runs to be in one series, besides their plans: the server and its settings, the
/// generator's machine, the machines of the workers. Memory is rounded to GiB, since kernels of equal machines keep back
/// different parts of it.
fn surroundings(results: &Results) -> Vec<(String, String)> {
    let server = &results.environment.server;
    let host = &results.environment.host;
    let mut all = vec![
        ("server.version", fact(&server.version)),
        ("server.embedded", server.embedded.to_string()),
        ("server.historyShards", fact(&server.history_shards)),
        ("server.persistenceStore", fact(&server.persistence_store)),
        ("server.visibilityStore", fact(&server.visibility_store)),
        ("server.taskQueuePartitions", fact(&server.task_queue_partitions)),
        ("host.cpuModel", fact(&host.cpu_model)),
        ("host.cores", fact(&host.cores)),
        ("host.cgroupCpuQuota", fact(&host.cgroup_cpu_quota)),
        ("host.memoryGiB", gib(&host.memory_bytes)),
        ("host.instanceType", fact(&host.instance_type)),
    ];
    let config: Vec<String> = server
        .dynamic_config
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    all.push(("server.dynamicConfig", config.join(" ")));
    let mut workers: Vec<String> = results
        .fleet
        .members
        .iter()
        .filter(|member| member.role == MemberRole::Worker && member.is_apart())
        .map(|member| format!("{} cores", fact(&member.host.cores)))
        .collect();
    workers.sort();
    all.push(("fleet.workers", workers.join(", ")));
    all.into_iter()
        .map(|(key, value)| (key.to_owned(), text::line(&value, LONGEST)))
        .collect()
}

fn fact<T: ToString>(fact: &Fact<T>) -> String {
    fact.value
        .as_ref()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

fn gib(bytes: &Fact<u64>) -> String {
    bytes.value.map_or_else(
        || "unknown".to_owned(),
        |bytes| format!("{:.0}", bytes as f64 / f64::from(1 << 30)),
    )
}

/// An instant as RFC 3339 in UTC.
pub(super) fn as_text<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(instant)
}
