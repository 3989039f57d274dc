//! A worker that joins nobody.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use benchmark_scenarios::workloads::{MultiActivity, Simple, StateTransitions};
use benchmark_temporal::testing;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::{
    child::{Worker, command, get, until},
    server::{self, Client, block_on},
};

#[test]
fn it_waits_for_the_namespace_works_shows_its_series_and_drains() {
    let address = testing::server().address();
    let (namespace, queue) = (testing::unique("later"), testing::unique("queue"));
    let mut worker = Worker::start(&["--address", &address, "--namespace", &namespace, "--task-queue", &queue]);
    let page = worker.page();
    worker.until_says(&format!("waiting for the namespace {namespace}"));
    assert_eq!(get(&page, "/healthz").0, 200);
    let (code, why) = get(&page, "/readyz");
    assert_eq!(code, 503);
    assert!(why.contains(&namespace), "{why}");

    block_on(async {
        let client = Client::new(&address, &namespace).await;
        client.register().await;
        worker.until_says("ready: polling");
        assert_eq!(get(&page, "/readyz").0, 200);
        let id = client.start("run", 0, &queue, StateTransitions::WORKFLOW_TYPE).await;
        assert_eq!(client.end(&id).await, EventType::WorkflowExecutionCompleted);
    });
    let (code, series) = get(&page, "/metrics");
    assert_eq!(code, 200);
    for name in [
        "temporal_num_pollers",
        "temporal_worker_task_slots_available",
        "temporal_workflow_completed_total",
        "temporal_activity_execution_latency_seconds_bucket",
        "temporal_request_latency_seconds_bucket",
        "benchmark_worker_ready 1.0\n",
        "benchmark_worker_leader_connected 0.0\n",
        "benchmark_worker_ends_total{outcome=\"completed\"} ",
    ] {
        assert!(series.contains(name), "no {name} in:\n{series}");
    }

    worker.signal(Signal::TERM);
    let finished = worker.finish();
    assert_eq!(finished.code(), 0, "{finished:?}");
    assert!(finished.says("profile default"), "{finished:?}");
    assert!(finished.says("at least 6 for 4 partitions"), "{finished:?}");
    assert!(finished.says("draining") && finished.says("done"), "{finished:?}");
}

#[test]
fn a_second_signal_ends_at_once() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let address = testing::server().address();
        let queue = testing::unique("queue");
        let mut worker = Worker::start(&["--address", &address, "--namespace", "default", "--task-queue", &queue]);
        let page = worker.page();
        worker.until_says("ready: polling");
        block_on(async {
            let client = Client::new(&address, "default").await;
            let input =
                json!({"activityCount": 1, "parallelActivities": 1, "sleepMinMs": 30_000, "sleepMaxMs": 30_000});
            client
                .start_with(&queue, 0, &queue, MultiActivity::WORKFLOW_TYPE, &input)
                .await;
        });
        until("the activity is held", || {
            let (_, series) = get(&page, "/metrics");
            series.lines().any(|line| {
                let value = line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok());
                line.starts_with("temporal_worker_task_slots_used")
                    && line.contains("\"ActivityWorker\"")
                    && value == Some(1.0)
            })
        });
        worker.signal(signal);
        worker.until_says("draining");
        worker.signal(signal);
        let finished = worker.finish();
        assert_eq!(finished.code(), code, "{finished:?}");
        assert!(!finished.says("done"), "{finished:?}");
    }
}

#[test]
fn a_signal_while_it_waits_ends_it_in_order() {
    for (signal, code) in [(Signal::TERM, 0), (Signal::HUP, 0), (Signal::QUIT, 131)] {
        let mut worker = Worker::start(&["--address", "127.0.0.1:1"]);
        worker.until_says("waiting for the server");
        worker.signal(signal);
        let finished = worker.finish();
        assert_eq!(finished.code(), code, "{signal:?} {finished:?}");
    }
}

#[test]
fn it_works_on_when_nobody_reads_its_log() {
    let address = testing::server().address();
    let queue = testing::unique("queue");
    let mut command = command(&["--address", &address, "--namespace", "default", "--task-queue", &queue]);
    command.args(["--metrics-listen", "off", "-vv"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let ready = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("ready: polling"));
    // The pipe is closed now: as with `2>&1 | head`.
    assert!(ready);
    block_on(async {
        let client = Client::new(&address, "default").await;
        for n in 0..3 {
            let id = client.start(&queue, n, &queue, StateTransitions::WORKFLOW_TYPE).await;
            assert_eq!(client.end(&id).await, EventType::WorkflowExecutionCompleted);
        }
    });
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_survives_a_restart_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = server::options();
    options.db_file = Some(folder.path().join("server.db"));
    let first = server::start(&options);
    let address = first.address();
    options.port = Some(first.port());
    let namespace = options.namespace.clone();
    let mut worker = Worker::start(&[
        "--address",
        &address,
        "--namespace",
        &namespace,
        "--task-queue",
        "queue",
    ]);
    worker.until_says("ready: polling");
    let execute = |run: &'static str| {
        block_on(async {
            let client = Client::new(&address, &namespace).await;
            let id = client.start(run, 0, "queue", Simple::WORKFLOW_TYPE).await;
            assert_eq!(client.end(&id).await, EventType::WorkflowExecutionCompleted);
        });
    };
    execute("before");
    first.crash();
    let _second = server::start(&options);
    execute("after");
    worker.signal(Signal::TERM);
    let finished = worker.finish();
    assert_eq!(finished.code(), 0, "{finished:?}");
}

#[test]
fn one_process_serves_a_range_of_task_queues() {
    let address = testing::server().address();
    let queue = testing::unique("range");
    let range = format!("{queue}-{{0..2}}");
    let mut worker = Worker::start(&[
        "--address",
        &address,
        "--namespace",
        "default",
        "--task-queue",
        &range,
        "--profile",
        "small",
        "--slots",
        "resource",
    ]);
    worker.until_says("3 workers on 3 task queues");
    worker.until_says("ready: polling");
    block_on(async {
        let client = Client::new(&address, "default").await;
        for n in 0..3 {
            let id = client
                .start(&queue, n, &format!("{queue}-{n}"), Simple::WORKFLOW_TYPE)
                .await;
            assert_eq!(client.end(&id).await, EventType::WorkflowExecutionCompleted);
        }
    });
    worker.signal(Signal::TERM);
    assert_eq!(worker.finish().code(), 0);
}

#[test]
fn pollers_that_leave_partitions_unpolled_are_refused() {
    let address = testing::server().address();
    let worker = Worker::start(&[
        "--address",
        &address,
        "--namespace",
        "default",
        "--workflow-pollers",
        "5",
    ]);
    let finished = worker.finish();
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(
        finished.says("--workflow-pollers 5 on 1 worker(s) leaves 1 for the 4 partitions"),
        "{finished:?}"
    );
    // Nothing to wait for: it is said at once.
    assert!(!finished.says("waiting for"), "{finished:?}");
}
