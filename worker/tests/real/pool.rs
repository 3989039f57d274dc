//! The pool: up when it polls, down within its bound, and never silently dead.

use std::{
    fs,
    time::{Duration, Instant},
};

use benchmark_results::WorkflowEnd;
use benchmark_scenarios::{
    Pollers, Slots, WorkerProfile,
    workloads::{MultiActivity, MultiActivityInput, Simple, SimpleInput, StateTransitions},
};
use benchmark_worker::{AskedPollers, OptionsError, WorkerError, WorkerOptions, WorkerPool};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::{
    bench::{Bench, end, until},
    held,
};

#[tokio::test]
async fn several_workers_share_the_work_and_stop_with_it_done() {
    let bench = Bench::new("several").await;
    let workers = bench
        .workers(WorkerOptions {
            count: 3,
            ..bench.options()
        })
        .await;
    let effective = workers.effective().clone();
    assert_eq!(effective.identities.len(), 3);
    assert_eq!((effective.partitions, effective.normal_polls), (Some(4), 24));

    let input = MultiActivityInput {
        sleep_min_ms: 1,
        sleep_max_ms: 20,
        ..Default::default()
    };
    for n in 0..30 {
        bench.start(n, MultiActivity::WORKFLOW_TYPE, &input).await;
    }
    until("30 stamps", || bench.recorder.stamps().len() == 30).await;
    assert_eq!(workers.failures(), []);
    assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
    assert!(
        bench
            .recorder
            .stamps()
            .iter()
            .all(|stamp| stamp.end == WorkflowEnd::Completed)
    );
}

#[tokio::test]
async fn a_shutdown_lets_activities_finish() {
    held::listen();
    let bench = Bench::new("drain").await;
    let first = bench.workers(bench.options()).await;
    let input = MultiActivityInput {
        activity_count: 1,
        parallel_activities: 1,
        sleep_min_ms: 500,
        sleep_max_ms: 500,
        ..Default::default()
    };
    let id = bench.start(0, MultiActivity::WORKFLOW_TYPE, &input).await;
    held::until_begun(&id, 1).await;
    assert_eq!(first.shutdown(Duration::from_secs(10)).await, []);

    // Only the last workflow task is left for the next worker.
    let _second = bench.workers(bench.options()).await;
    assert_eq!(end(&bench.history(&id).await), EventType::WorkflowExecutionCompleted);
    assert_eq!(bench.recorder.stamps().len(), 1);
}

#[tokio::test]
async fn a_shutdown_is_bounded_and_names_who_had_to_be_abandoned() {
    held::listen();
    let bench = Bench::new("bounded").await;
    let mut options = bench.options();
    options.tuning.graceful_shutdown = Duration::from_secs(600);
    let workers = bench.workers(options).await;
    let hour = 3_600_000;
    let input = MultiActivityInput {
        sleep_min_ms: hour,
        sleep_max_ms: hour,
        ..Default::default()
    };
    let id = bench.start(0, MultiActivity::WORKFLOW_TYPE, &input).await;
    held::until_begun(&id, 4).await;
    let before = Instant::now();
    let failures = workers.shutdown(Duration::from_millis(300)).await;
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].to_string().contains("worker 0 ended"), "{failures:?}");
}

#[tokio::test]
async fn a_pool_that_is_dropped_stops_its_threads() {
    let bench = Bench::new("dropped").await;
    drop(
        bench
            .workers(WorkerOptions {
                count: 12,
                ..bench.options()
            })
            .await,
    );
    // No other pool of this process has that many workers.
    until("the thread is gone", || {
        !threads().iter().any(|name| name == "worker-11")
    })
    .await;
}

#[tokio::test]
async fn threads_are_named() {
    let bench = Bench::new("named").await;
    let _workers = bench.workers(bench.options()).await;
    assert!(threads().iter().any(|name| name == "worker-0"));
}

#[tokio::test]
async fn what_cannot_start_says_why_and_leaves_nothing_behind() {
    let bench = Bench::new("refused").await;
    let start = |options| WorkerPool::start(options, bench.recorder.clone());

    let mut options = bench.options();
    options.tuning.workflow_pollers = Pollers::Fixed { count: 5 };
    options.asked = AskedPollers {
        workflow: true,
        activity: false,
    };
    let error = start(options).await.unwrap_err();
    assert!(
        matches!(
            error,
            WorkerError::Options(OptionsError::TooFewPollers { partitions: 4, .. })
        ),
        "{error}"
    );

    let mut options = bench.options();
    options.connect.namespace = "nobody-made-this".to_owned();
    let error = start(options).await.unwrap_err().to_string();
    assert!(error.contains("nobody-made-this"), "{error}");

    let mut options = bench.options();
    options.connect.address = "127.0.0.1:1".to_owned();
    options.connect.connect_timeout = Duration::from_secs(2);
    let error = start(options).await.unwrap_err();
    assert!(matches!(error, WorkerError::Connect(_)), "{error}");

    // The task queue that was refused above works with proper options.
    let _workers = bench.workers(bench.options()).await;
    let id = bench.start(0, Simple::WORKFLOW_TYPE, &SimpleInput::default()).await;
    assert_eq!(end(&bench.history(&id).await), EventType::WorkflowExecutionCompleted);
}

#[tokio::test]
async fn one_process_serves_several_task_queues() {
    let (one, other) = (Bench::new("one-queue").await, Bench::new("other-queue").await);
    let mut options = one.options();
    options.count = 2;
    options.task_queues.push(other.task_queue.clone());
    let workers = one.workers(options).await;
    let facts = workers.effective().facts();
    assert_eq!((facts.count, facts.identities.len()), (4, 4));
    assert_eq!(facts.task_queues, [one.task_queue.clone(), other.task_queue.clone()]);
    for bench in [&one, &other] {
        let id = bench.start(0, Simple::WORKFLOW_TYPE, &SimpleInput::default()).await;
        assert_eq!(end(&bench.history(&id).await), EventType::WorkflowExecutionCompleted);
    }
    // The stamps of both go where this pool's go, each with its run.
    assert_eq!(
        (one.recorder.of(&one.run).len(), one.recorder.of(&other.run).len()),
        (1, 1)
    );
    assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
}

#[tokio::test]
async fn slots_may_follow_cpu_and_memory() {
    let bench = Bench::new("resource").await;
    let mut options = bench.options();
    options.tuning.slots = Slots::Resource { cpu: 0.9, memory: 0.95 };
    options.count = 2;
    let workers = bench.workers(options).await;
    let facts = workers.effective().facts();
    assert_eq!(facts.workflow_slots, 0);
    assert_eq!(
        facts.slots.as_deref(),
        Some("slots up to 90 % of the CPU and 95 % of the memory")
    );
    for n in 0..20 {
        bench
            .start(
                n,
                StateTransitions::WORKFLOW_TYPE,
                &serde_json::json!({"activityCount": 2}),
            )
            .await;
    }
    until("20 stamps", || bench.recorder.stamps().len() == 20).await;
    assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
}

#[tokio::test]
async fn the_fleets_profile_polls_every_partition() {
    let bench = Bench::new("profile").await;
    let mut options = bench.options();
    options.tuning = WorkerProfile::Default.tuning();
    let workers = bench.workers(options).await;
    assert_eq!(workers.effective().normal_polls, 6);
    let id = bench.start(0, Simple::WORKFLOW_TYPE, &SimpleInput::default()).await;
    assert_eq!(end(&bench.history(&id).await), EventType::WorkflowExecutionCompleted);
    assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
}

/// The names of this process's threads.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}
