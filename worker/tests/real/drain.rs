//! A worker that is told to drain in the midst of a load, beside one that goes on.

use std::time::{Duration, Instant};

use benchmark_scenarios::workloads::{Simple, StateTransitions};
use serde_json::json;

use crate::bench::{Bench, until};

/// How long workflows are started.
const LOAD: Duration = Duration::from_secs(8);

/// How the pool that goes is ended.
#[derive(Clone, Copy, Debug)]
enum How {
    Drain,
    Shutdown,
}

/// What became of the workflows of a load in whose midst one of two pools was drained.
struct Drained {
    slow: usize,
    slowest_ms: u64,
    took: Duration,
}

async fn drained(workflow_type: &str, rate: u32, how: How) -> Drained {
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
                let limit = Duration::from_secs(20);
                let failures = match how {
                    How::Drain => pool.drain(limit).await,
                    How::Shutdown => pool.shutdown(limit).await,
                };
                assert_eq!(failures, []);
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
async fn a_drain_delays_hardly_anything() {
    let Drained { slow, slowest_ms, .. } = drained(Simple::WORKFLOW_TYPE, 20, How::Drain).await;
    // Nothing is lost, or `drained` would not return. A single task may cross the end of the last poll.
    assert!(slow <= 1, "{slow} took more than 5 s, the slowest {slowest_ms} ms");
}

#[tokio::test]
#[allow(clippy::print_stderr)]
#[ignore = "a measurement: prints how many workflows the end of a worker delays"]
async fn measure_drains() {
    for _ in 0..5 {
        for (workflow_type, rate) in [(Simple::WORKFLOW_TYPE, 50), (StateTransitions::WORKFLOW_TYPE, 5)] {
            for how in [How::Drain, How::Shutdown] {
                let Drained { slow, slowest_ms, took } = drained(workflow_type, rate, how).await;
                eprintln!(
                    "{workflow_type} at {rate}/s, {how:?} in {took:?}: {slow} took more than 5 s, the slowest {slowest_ms} ms"
                );
            }
        }
    }
}
