//! Environment variables that say exactly what a flag says. Of two for one option the first wins, and a flag wins over
//! both.
//!
//! `BENCHMARK_*` names of the replaced runner are kept where it had the option, so that existing task definitions keep
//! working; new options follow their flag. `TEMPORAL_*` are Temporal's own.

use std::ffi::OsString;

use crate::{Asked, Given, Key, Problem, problem::quotable};

/// A variable and the option that it stands for.
pub type Variable = (&'static str, Key);

/// Where the server is.
pub const ADDRESS: &[Variable] = &[("TEMPORAL_ADDRESS", Key::Address)];

/// The server and what is used of it.
pub const SERVER: &[Variable] = &[
    ADDRESS[0],
    ("BENCHMARK_NAMESPACE", Key::Namespace),
    ("TEMPORAL_NAMESPACE", Key::Namespace),
    ("BENCHMARK_TASK_QUEUE", Key::TaskQueue),
];

/// What a run does.
pub const RUN: &[Variable] = &[
    ("BENCHMARK_WORKFLOW_TYPE", Key::WorkflowType),
    ("BENCHMARK_ACTIVITY_COUNT", Key::ActivityCount),
    ("BENCHMARK_ACTIVITY_DURATION", Key::ActivityDuration),
    ("BENCHMARK_ACTIVITY_CPU", Key::ActivityCpu),
    ("BENCHMARK_TIMER_DURATION", Key::TimerDuration),
    ("BENCHMARK_CHILD_COUNT", Key::ChildCount),
    ("BENCHMARK_PAYLOAD_SIZE", Key::PayloadSize),
    ("BENCHMARK_RESULT_SIZE", Key::ResultSize),
    ("BENCHMARK_FAILURE_RATIO", Key::FailureRatio),
    ("BENCHMARK_TARGET_RATE", Key::Rate),
    ("BENCHMARK_DURATION", Key::Duration),
    ("BENCHMARK_RAMP_UP", Key::RampUp),
    ("BENCHMARK_ITERATIONS", Key::Iterations),
    ("BENCHMARK_MAX_P99_LATENCY", Key::MaxP99Latency),
    ("BENCHMARK_MIN_THROUGHPUT", Key::MinThroughput),
    ("BENCHMARK_WORKER_PROFILE", Key::WorkerProfile),
    ("BENCHMARK_EXPECT_WORKERS", Key::ExpectWorkers),
    ("BENCHMARK_GENERATORS", Key::Generators),
    ("BENCHMARK_FLEET_LISTEN", Key::FleetListen),
    ("BENCHMARK_FLEET_TIMEOUT", Key::FleetTimeout),
    ("BENCHMARK_FLEET_TLS_CERT", Key::FleetTlsCert),
    ("BENCHMARK_FLEET_TLS_KEY", Key::FleetTlsKey),
    ("BENCHMARK_METRICS_LISTEN", Key::MetricsListen),
    ("BENCHMARK_METRICS_GRACE", Key::MetricsGrace),
    ("BENCHMARK_REMOTE_WRITE", Key::RemoteWrite),
    ("BENCHMARK_REMOTE_WRITE_HEADERS", Key::RemoteWriteHeaders),
    ("BENCHMARK_SERVER_METRICS", Key::ServerMetrics),
    ("BENCHMARK_PROMETHEUS", Key::Prometheus),
    ("BENCHMARK_PROMETHEUS_MATCH", Key::PrometheusMatch),
    ("BENCHMARK_PROMETHEUS_HEADERS", Key::PrometheusHeaders),
    ("BENCHMARK_GRAFANA_URL", Key::GrafanaUrl),
];

/// How workers are tuned, in whatever process they run.
pub const TUNING: &[Variable] = &[
    ("BENCHMARK_SLOTS", Key::Slots),
    ("BENCHMARK_WORKFLOW_SLOTS", Key::WorkflowSlots),
    ("BENCHMARK_ACTIVITY_SLOTS", Key::ActivitySlots),
    ("BENCHMARK_LOCAL_ACTIVITY_SLOTS", Key::LocalActivitySlots),
    ("BENCHMARK_TARGET_CPU", Key::TargetCpu),
    ("BENCHMARK_TARGET_MEMORY", Key::TargetMemory),
    ("BENCHMARK_WORKFLOW_POLLERS", Key::WorkflowPollers),
    ("BENCHMARK_ACTIVITY_POLLERS", Key::ActivityPollers),
    ("BENCHMARK_CACHE_SIZE", Key::CacheSize),
    ("BENCHMARK_STICKY_TIMEOUT", Key::StickyTimeout),
    ("BENCHMARK_EAGER_ACTIVITIES", Key::EagerActivities),
    ("BENCHMARK_ACTIVITIES_PER_SECOND", Key::ActivitiesPerSecond),
    ("BENCHMARK_DEPLOYMENT", Key::Deployment),
    ("BENCHMARK_BUILD_ID", Key::BuildId),
    ("BENCHMARK_GRACEFUL_SHUTDOWN", Key::GracefulShutdown),
];

/// What a worker process does besides.
pub const WORKER: &[Variable] = &[
    ("BENCHMARK_JOIN", Key::Join),
    ("BENCHMARK_WORKER_PROFILE", Key::Profile),
    ("BENCHMARK_WORKERS_PER_PROCESS", Key::WorkersPerProcess),
    ("BENCHMARK_IDENTITY", Key::Identity),
    ("BENCHMARK_CONNECT_TIMEOUT", Key::ConnectTimeout),
    ("BENCHMARK_SCHEDULING", Key::Scheduling),
    ("BENCHMARK_STAY", Key::Stay),
];

/// How a run is joined, by workers and by generators.
pub const JOINING: &[Variable] = &[
    ("BENCHMARK_EXPECT_PLAN", Key::ExpectPlan),
    ("BENCHMARK_JOIN_TIMEOUT", Key::JoinTimeout),
    ("BENCHMARK_LEADER_TIMEOUT", Key::LeaderTimeout),
    ("BENCHMARK_FLEET_TLS_CA", Key::FleetTlsCa),
    ("BENCHMARK_FLEET_TLS_SERVER_NAME", Key::FleetTlsServerName),
    ("BENCHMARK_METRICS_LISTEN", Key::MetricsListen),
];

/// The fleet's token. Its text goes to nobody but the fleet service: [`Given::hidden`] stands for it among the options.
pub const FLEET_TOKEN: &str = "BENCHMARK_FLEET_TOKEN";
/// Temporal's own name for the API key; hidden in the same way.
pub const API_KEY: &str = "TEMPORAL_API_KEY";

/// Variables of one of the programs that stand for no single option.
const OTHERS: [&str; 5] = [
    FLEET_TOKEN,
    "BENCHMARK_COMPLETION_TIMEOUT",
    "BENCHMARK_GENERATOR_ONLY",
    "BENCHMARK_WORKER_COUNT",
    "BENCHMARK_WORKER_ONLY",
];

/// Looks at all variables of the process before any is read: one that is meant for this program must be text, and one that
/// neither program knows is told of. No value is shown.
///
/// # Errors
/// When a variable of ours or of Temporal's is not text.
pub fn check(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Vec<String>, Problem> {
    let mut unknown = Vec::new();
    for (name, value) in environment {
        let name = name.to_string_lossy();
        let ours = name.starts_with("BENCHMARK_");
        if (ours || name.starts_with("TEMPORAL_")) && value.to_str().is_none() {
            return Err(
                Problem::new(format!("{} is no text: its value is not UTF-8", quotable(&name)))
                    .remedy(format!("unset {}", quotable(&name))),
            );
        }
        if ours && !is_known(&name) {
            unknown.push(quotable(&name));
        }
    }
    unknown.sort();
    let note = || format!("not known and ignored: {}", unknown.join(", "));
    Ok((!unknown.is_empty()).then(note).into_iter().collect())
}

fn is_known(name: &str) -> bool {
    let tables = [SERVER, RUN, TUNING, WORKER, JOINING];
    let mut names = tables.iter().flat_map(|table| table.iter()).map(|(name, _)| name);
    names.any(|known| *known == name) || OTHERS.contains(&name)
}

/// Adds what the variables say, below what is there already. An empty variable counts as absent.
pub fn add(asked: &mut Asked, tables: &[&[Variable]], read: &dyn Fn(&str) -> Option<String>) {
    for (name, key) in tables.iter().flat_map(|table| table.iter()) {
        if let Some(text) = read(name).filter(|text| !text.trim().is_empty()) {
            asked.add(*key, Given::by_environment(name, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_variable_means_two_things_to_one_process() {
        for tables in [&[SERVER, RUN, TUNING][..], &[SERVER, TUNING, WORKER, JOINING]] {
            let names: Vec<&str> = tables
                .iter()
                .flat_map(|table| table.iter())
                .map(|(name, _)| *name)
                .collect();
            let different: BTreeSet<&&str> = names.iter().collect();
            assert_eq!(names.len(), different.len());
        }
    }

    #[test]
    fn a_variable_that_is_no_text_is_refused_and_one_that_is_unknown_is_told() {
        use std::os::unix::ffi::OsStringExt;
        let text = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let bytes = |name: &str| (OsString::from(name), OsString::from_vec(b"s3cret\xff".to_vec()));
        let known = [
            text("BENCHMARK_TARGET_RATE", "5"),
            text("BENCHMARK_FLEET_TOKEN", "s3cret"),
            text("BENCHMARK_WORKER_ONLY", "false"),
            text("TEMPORAL_WHATEVER", "s3cret"),
            bytes("SOMEBODY_ELSES"),
        ];
        assert_eq!(check(known), Ok(vec![]));
        let unknown = [text("BENCHMARK_TARGT_RATE", "s3cret"), text("BENCHMARK_A B", "s3cret")];
        assert_eq!(
            check(unknown),
            Ok(vec![
                "not known and ignored: \"BENCHMARK_A B\", BENCHMARK_TARGT_RATE".to_owned()
            ])
        );
        for name in ["BENCHMARK_TARGET_RATE", "TEMPORAL_API_KEY"] {
            assert_eq!(
                check([bytes(name)]).unwrap_err().report(),
                format!("error: {name} is no text: its value is not UTF-8\n  try  unset {name}")
            );
        }
    }

    #[test]
    fn an_empty_variable_counts_as_absent() {
        let mut asked = Asked::new();
        add(&mut asked, &[TUNING], &|name| match name {
            "BENCHMARK_SLOTS" => Some(" ".to_owned()),
            "BENCHMARK_CACHE_SIZE" => Some("5".to_owned()),
            _ => None,
        });
        assert!(asked.get(Key::Slots).is_none());
        assert_eq!(asked.get(Key::CacheSize).unwrap().text, "5");
    }
}
