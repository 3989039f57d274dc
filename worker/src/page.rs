//! Metrics of a worker process itself, on its page.

use std::{path::Path, sync::Arc};

use benchmark_machine::host;
use benchmark_metrics::{Described, FamilyKind, Registry, Sample, Value};

use crate::source::PoolSource;

static CAPACITY: Described = Described::new(
    "benchmark_worker_cpu_capacity",
    "cores",
    FamilyKind::Gauge,
    &[],
    "CPU that this process may use: its cores or its quota",
);
static READY: Described = Described::new(
    "benchmark_worker_ready",
    "",
    FamilyKind::Gauge,
    &[],
    "1 when the server sees all workers of this process poll, as /readyz says, else 0",
);
static CONNECTED: Described = Described::new(
    "benchmark_worker_leader_connected",
    "",
    FamilyKind::Gauge,
    &[],
    "1 when the leader of the run answers, else 0; 0 without a leader",
);
static PENDING: Described = Described::new(
    "benchmark_worker_windows_pending",
    "",
    FamilyKind::Gauge,
    &[],
    "Windows of ends that the leader has not got yet",
);
static ENDS: Described = Described::new(
    "benchmark_worker_ends",
    "",
    FamilyKind::Counter,
    &["outcome"],
    "Ends of workflows that this process stamped, by outcome (completed, failed, cancelled)",
);
static LOST: Described = Described::new(
    "benchmark_worker_ends_lost",
    "",
    FamilyKind::Counter,
    &[],
    "Stamped ends that were given up because nobody came for them",
);
static DROPPED: Described = Described::new(
    "benchmark_worker_windows_dropped",
    "",
    FamilyKind::Counter,
    &[],
    "Windows that were given up because the leader did not take them",
);

/// The series of a worker, which each shows of itself.
pub static WORKER_SERIES: &[&Described] = &[&CAPACITY, &READY, &CONNECTED, &PENDING, &ENDS, &LOST, &DROPPED];

/// Shows the workers of this process on its page, as long as somebody holds them.
pub fn show(registry: &Registry, source: &Arc<PoolSource>) {
    let source = Arc::downgrade(source);
    let capacity = host::capacity(Path::new("/"));
    registry.show(WORKER_SERIES, move || {
        source
            .upgrade()
            .map(|source| samples(&source, capacity))
            .unwrap_or_default()
    });
}

fn samples(source: &PoolSource, capacity: Option<f64>) -> Vec<Sample> {
    let standing = source.standing();
    let of = |of, value| Sample {
        of,
        labels: Vec::new(),
        value,
    };
    let capacity = capacity.map(|cores| of(&CAPACITY, Value::Number(cores)));
    let ends = source.buffer().outcomes().map(|(outcome, count)| Sample {
        of: &ENDS,
        labels: vec![("outcome", outcome.to_owned())],
        value: Value::Count(count),
    });
    let numbers = [
        of(&READY, Value::Count(u64::from(source.ready().is_ok()))),
        of(&CONNECTED, Value::Count(u64::from(standing.is_connected))),
        of(&PENDING, Value::Count(standing.pending)),
        of(&LOST, Value::Count(source.buffer().lost_ever())),
        of(&DROPPED, Value::Count(standing.dropped)),
    ];
    capacity.into_iter().chain(ends).chain(numbers).collect()
}
