//! A worker that is told to drain in the midst of a load loses nothing.

use std::time::{Duration, Instant};

use benchmark_scenarios::workloads::{Simple, StateTransitions};
use benchmark_temporal::testing;
use rustix::process::Signal;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::{
    child::Worker,
    server::{Client, block_on},
};

#[test]
fn a_drain_under_load_loses_nothing() {
    let address = testing::server().address();
    let (run, queue) = (testing::unique("drain"), testing::unique("queue"));
    let start = || {
        let mut worker = Worker::start(&["--address", &address, "--namespace", "default", "--task-queue", &queue]);
        worker.until_says("ready: polling");
        worker
    };
    let (goes, stays) = (start(), start());
    block_on(async {
        let client = Client::new(&address, "default").await;
        let begun = Instant::now();
        let mut ids = Vec::new();
        for n in 0..60_u32 {
            tokio::time::sleep_until((begun + Duration::from_millis(50) * n).into()).await;
            let kind = if n % 4 == 0 {
                StateTransitions::WORKFLOW_TYPE
            } else {
                Simple::WORKFLOW_TYPE
            };
            ids.push(client.start(&run, n.into(), &queue, kind).await);
            if n == 30 {
                goes.signal(Signal::TERM);
            }
        }
        for id in ids {
            assert_eq!(client.end(&id).await, EventType::WorkflowExecutionCompleted, "{id}");
        }
    });
    let finished = goes.finish();
    assert_eq!(finished.code(), 0, "{finished:?}");
    assert!(!finished.says("abandoned"), "{finished:?}");
    stays.signal(Signal::TERM);
    assert_eq!(stays.finish().code(), 0);
}
