//! A worker that is told to drain in the midst of a load, beside one that goes on.

use std::time::{Duration, Instant};

use benchmark_workflows::names;
use serde_json::json;

use crate::bench::{Bench, until};

/// How long workflows are started.
const LOAD: Duration = Duration::from_secs(8);

/// What became of the workflows of a load in whose midst one of two pools was drained.
struct Drained {
    slow: usize,
    slowest_ms: u64,
    took: Duration,
}

async fn drained(workflow_type: &str, rate: u32) -> Drained {
    let bench = Bench::new("drained").await;
    let (goes, _stays) = (
        bench.workers(bench.options()).await,
        bench.workers(bench.options()).await,
    );
    let total = u64::from(rate) * LOAD.as_secs();
    let begun = Instant::now();
    let mut goes = Some(goes);
    let mut drain = None;
    for n in 0..total {
        let due = begun + Duration::from_secs(1) / rate * u32::try_from(n).unwrap();
        tokio::time::sleep_until(due.into()).await;
        bench.start(n, workflow_type, &json!({})).await;
        if due.duration_since(begun) >= LOAD / 2
            && let Some(pool) = goes.take()
        {
            let at = Instant::now();
            drain = Some(tokio::spawn(async move {
                assert_eq!(pool.shutdown(Duration::from_secs(20)).await, []);
                at.elapsed()
            }));
        }
    }
    let took = drain.unwrap().await.unwrap();
    until("all are stamped", || bench.recorder.stamps().len() as u64 >= total).await;
    let stamps = bench.recorder.of(&bench.run);
    let latencies = stamps
        .iter()
        .map(|stamp| (stamp.ended_unix_ns - stamp.sent_unix_ns) / 1_000_000);
    Drained {
        slow: latencies.clone().filter(|ms| *ms > 5_000).count(),
        slowest_ms: latencies.max().unwrap(),
        took,
    }
}

#[tokio::test]
#[allow(clippy::print_stderr)]
#[ignore = "a measurement: prints how many workflows a drain delays; with TEMPORAL_POLL_SHUTDOWN_INTERRUPT_WAIT_MS and without"]
async fn measure_drains() {
    for _ in 0..5 {
        for (workflow_type, rate) in [(names::SIMPLE, 50), (names::STATE_TRANSITIONS, 10)] {
            let Drained { slow, slowest_ms, took } = drained(workflow_type, rate).await;
            eprintln!(
                "{workflow_type} at {rate}/s: {slow} took more than 5 s, the slowest {slowest_ms} ms; the drain {took:?}"
            );
        }
    }
}
