//! Options of the tuning that can only be seen to do something with a server.

use std::time::{Duration, Instant};

use benchmark_metrics::{Format, Registry, Selection};
use benchmark_scenarios::workloads::{Simple, SimpleInput, StateTransitions, StateTransitionsInput};
use benchmark_temporal::{
    ConnectOptions,
    embedded::{EmbeddedOptions, EmbeddedServer, presets},
    testing,
};
use benchmark_worker::{WorkerMetrics, WorkerOptions};
use serde_json::json;
use temporalio_client::tonic::Request;
use temporalio_common::protos::temporal::api::{
    enums::v1::EventType, workflowservice::v1::SetWorkerDeploymentCurrentVersionRequest,
};

use crate::bench::{Bench, LIMIT, end, until};

fn measured(options: WorkerOptions, registry: &Registry) -> WorkerOptions {
    WorkerOptions {
        metrics: Some(WorkerMetrics {
            registry: registry.clone(),
            selection: Selection::All,
        }),
        ..options
    }
}

/// The sum of a counter's series that have this label.
fn counted(registry: &Registry, name: &str, label: &str) -> f64 {
    let page = String::from_utf8(registry.encode(Format::Plain).unwrap()).unwrap();
    let series = page
        .lines()
        .filter(|line| line.starts_with(name) && line.contains(label));
    series
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

#[tokio::test]
async fn eager_activities_are_taken_only_when_they_are_on() {
    let mut server = EmbeddedOptions::new(testing::binary());
    server.dynamic_config = presets::cluster();
    server
        .dynamic_config
        .insert("system.enableActivityEagerExecution".to_owned(), "true".to_owned());
    let server = EmbeddedServer::start(&server).await.unwrap();
    let connect = ConnectOptions::new(server.address(), "default");
    for eager in [true, false] {
        let mut bench = Bench::new("eager").await;
        bench.connection = benchmark_temporal::connect(&connect).await.unwrap().sdk_connection();
        let registry = Registry::new();
        let mut options = measured(WorkerOptions::new(connect.clone(), bench.task_queue.clone()), &registry);
        options.tuning.eager_activities = eager;
        let workers = bench.workers(options).await;
        assert_eq!(workers.effective().facts().eager_activities, Some(eager));
        let id = bench
            .start(0, StateTransitions::WORKFLOW_TYPE, &StateTransitionsInput::default())
            .await;
        assert_eq!(end(&bench.history(&id).await), EventType::WorkflowExecutionCompleted);
        let taken = counted(&registry, "temporal_activity_task_received_total", "eager=\"true\"");
        assert_eq!(taken > 0.0, eager, "{taken} eager activities");
        assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
    }
}

#[tokio::test]
async fn activities_a_second_are_limited() {
    let bench = Bench::new("limited").await;
    let mut options = bench.options();
    options.tuning.activities_per_second = Some(10.0);
    let workers = bench.workers(options).await;
    let facts = workers.effective().facts();
    assert_eq!(
        (facts.activities_per_second, facts.eager_activities),
        (Some(10.0), Some(false))
    );
    let begun = Instant::now();
    for n in 0..2 {
        bench
            .start(n, StateTransitions::WORKFLOW_TYPE, &json!({"activityCount": 15}))
            .await;
    }
    until("both end", || bench.recorder.stamps().len() == 2).await;
    // 30 activities, of which some polls were let through before the first was asked for.
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
}

#[tokio::test]
async fn a_deployments_worker_works_once_its_version_is_current() {
    let bench = Bench::new("deployment").await;
    let (deployment, build) = (testing::unique("deployment"), "one");
    let mut options = bench.options();
    options.tuning.deployment = Some(deployment.clone());
    options.tuning.build_id = Some(build.to_owned());
    let workers = bench.workers(options).await;
    assert_eq!(workers.effective().facts().deployment.as_deref(), Some(&*deployment));
    let make_current = async {
        loop {
            let request = SetWorkerDeploymentCurrentVersionRequest {
                namespace: testing::options().namespace,
                deployment_name: deployment.clone(),
                build_id: build.to_owned(),
                identity: "test".to_owned(),
                ignore_missing_task_queues: true,
                ..Default::default()
            };
            let mut service = bench.connection.workflow_service();
            // The server takes its time to know a new version.
            match service
                .set_worker_deployment_current_version(Request::new(request))
                .await
            {
                Ok(_) => return,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    tokio::time::timeout(LIMIT, make_current).await.unwrap();
    let id = bench.start(0, Simple::WORKFLOW_TYPE, &SimpleInput::default()).await;
    assert_eq!(end(&bench.history(&id).await), EventType::WorkflowExecutionCompleted);
    assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
}

#[tokio::test]
async fn headroom_is_told_of_all_workers() {
    let bench = Bench::new("headroom").await;
    let registry = Registry::new();
    let mut options = measured(bench.options(), &registry);
    options.count = 2;
    let workers = bench.workers(options).await;
    let id = bench
        .start(0, StateTransitions::WORKFLOW_TYPE, &StateTransitionsInput::default())
        .await;
    assert_eq!(end(&bench.history(&id).await), EventType::WorkflowExecutionCompleted);
    until("all slots are free again", || {
        let headroom = registry.headroom();
        headroom.workflow.used == Some(0) && headroom.activity.used == Some(0)
    })
    .await;
    let headroom = registry.headroom();
    assert_eq!((headroom.workflow.free, headroom.activity.free), (Some(400), Some(400)));
    // Each worker has at least 8 polls on its task queue, its sticky queue, and for activities.
    assert!(headroom.polls.unwrap() >= 48, "{headroom:?}");
    assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
}
