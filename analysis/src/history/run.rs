//! One run as a row of a history, small enough that thousands are kept.

use std::path::{Path, PathBuf};

use benchmark_results::{
    schema::{Fact, MemberRole, Results, VerdictValue},
    text,
};
use benchmark_scenarios::Plan;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::compare::conditions::{self, Conditions};

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
    /// Share of arrivals that did not complete, 0 to 1, measured phase; `None` where that is not known.
    pub error_ratio: Option<f64>,
    /// SHA-256 of its plan, as the file has it.
    pub plan_hash: String,
    /// SHA-256 of what of its plan must be the same for two runs to be compared, with the defaults of this program for what
    /// an older one did not know.
    pub plan_key: String,
    /// What is told of its surroundings, key by key.
    pub environment: Vec<(String, String)>,
    /// Its plan, to show in what two series differ.
    #[serde(skip)]
    pub(super) plan: Plan,
}

impl RunRow {
    /// The row of a run; `None` when nobody can tell when it began.
    pub(super) fn new(results: &Results, path: &Path) -> Option<Self> {
        let measure = &results.phases.measure;
        let surroundings = Conditions::of(results);
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
            error_ratio: measure.ledger.error_ratio(),
            plan_hash: results.plan_hash.to_string(),
            plan_key: surroundings.fingerprints().0,
            environment: environment(results, &surroundings),
            plan: results.plan.clone(),
        })
    }

    /// Its seed.
    pub(super) fn seed(&self) -> u64 {
        self.plan.load.seed
    }

    /// Whether both are runs of one series: of the same load on the same machines.
    pub(super) fn is_like(&self, other: &RunRow) -> bool {
        self.plan_key == other.plan_key && self.differing(other).next().is_none()
    }

    /// In what of their surroundings two runs differ: the key, its value in this and in the other.
    pub(super) fn differing<'a>(&'a self, other: &'a RunRow) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        self.environment
            .iter()
            .zip(&other.environment)
            .filter_map(|((key, here), (_, there))| {
                (!conditions::are_alike(key, here, there)).then_some((key.as_str(), here.as_str(), there.as_str()))
            })
    }

    /// Whether its figures belong into a trend: they are the cluster's, and of the whole measured phase.
    pub fn counts(&self) -> bool {
        self.whole && self.verdict != VerdictValue::Invalid
    }
}

/// What must be the same for two runs to be in one series, besides their plans: the server and its settings, the
/// generator's machine, the machines of the workers.
fn environment(results: &Results, surroundings: &Conditions) -> Vec<(String, String)> {
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
        ("host.memoryBytes", surroundings.get("host.memoryBytes").to_owned()),
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

/// An instant as RFC 3339 in UTC.
pub(super) fn as_text<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(instant)
}
