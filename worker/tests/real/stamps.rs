//! What is stamped and what is not.

use std::time::Duration;

use benchmark_results::WorkflowEnd;
use benchmark_scenarios::workloads::{
    MultiActivity, MultiActivityInput, Simple, SimpleInput, StateTransitions, Timer, TimerInput,
};
use benchmark_temporal::testing;
use benchmark_workflows::{RunClock, payload::json_payload};
use serde_json::json;
use temporalio_client::tonic::Request;
use temporalio_common::protos::temporal::api::{
    common::v1::{Payload, WorkflowExecution},
    enums::v1::{EventType, QueryRejectCondition},
    query::v1::WorkflowQuery,
    workflowservice::v1::{
        QueryWorkflowRequest, RequestCancelWorkflowExecutionRequest, TerminateWorkflowExecutionRequest,
    },
};

use crate::{
    bench::{Bench, LIMIT, count, end},
    stubborn::TestWorker,
};

#[tokio::test]
async fn a_stamp_says_what_the_header_said_and_when_it_ended() {
    let bench = Bench::new("stamp").await;
    let _workers = bench.workers(bench.options()).await;
    let before = RunClock::get().now_unix_ns();
    let id = bench
        .start(u64::MAX, Simple::WORKFLOW_TYPE, &SimpleInput::default())
        .await;
    bench.history(&id).await;
    let after = RunClock::get().now_unix_ns();
    let stamps = bench.recorder.stamps();
    let [stamp] = &stamps[..] else { panic!("{stamps:?}") };
    assert_eq!(
        (stamp.run.as_str(), stamp.n, stamp.end),
        (&*bench.run, u64::MAX, WorkflowEnd::Completed)
    );
    assert_eq!(stamp.message, None);
    let times = [before, stamp.sent_unix_ns, stamp.ended_unix_ns, after];
    assert!(times.is_sorted(), "{times:?}");
}

#[tokio::test]
async fn strangers_are_executed_and_not_stamped() {
    let bench = Bench::new("strangers").await;
    let _workers = bench.workers(bench.options()).await;
    let input = || vec![json_payload(&SimpleInput::default()).unwrap()];
    let text = json_payload("another tool's header under our key").unwrap();
    let binary = Payload {
        data: vec![0xff; 4096],
        ..Default::default()
    };
    for (n, header) in [(0, None), (1, Some(text)), (2, Some(binary))] {
        let id = bench.start_raw(n, Simple::WORKFLOW_TYPE, input(), header).await;
        assert_eq!(end(&bench.history(&id).await), EventType::WorkflowExecutionCompleted);
    }
    assert_eq!(bench.recorder.stamps(), []);
}

#[tokio::test]
async fn a_cancelled_workflow_is_stamped_as_cancelled_and_a_terminated_one_not_at_all() {
    let bench = Bench::new("cancel").await;
    let _workers = bench.workers(bench.options()).await;
    let long = 3_600_000;
    let timer = bench
        .start(
            0,
            Timer::WORKFLOW_TYPE,
            &TimerInput {
                duration_ms: long,
                ..Default::default()
            },
        )
        .await;
    let input = MultiActivityInput {
        sleep_min_ms: long,
        sleep_max_ms: long,
        ..Default::default()
    };
    let activities = bench.start(1, MultiActivity::WORKFLOW_TYPE, &input).await;
    let terminated = bench
        .start(
            2,
            Timer::WORKFLOW_TYPE,
            &TimerInput {
                duration_ms: long,
                ..Default::default()
            },
        )
        .await;
    let execution = |id: &str| {
        Some(WorkflowExecution {
            workflow_id: id.to_owned(),
            ..Default::default()
        })
    };
    for id in [&timer, &activities] {
        let request = RequestCancelWorkflowExecutionRequest {
            namespace: testing::options().namespace,
            workflow_execution: execution(id),
            ..Default::default()
        };
        bench
            .connection
            .workflow_service()
            .request_cancel_workflow_execution(Request::new(request))
            .await
            .unwrap();
        assert_eq!(end(&bench.history(id).await), EventType::WorkflowExecutionCanceled);
    }
    let request = TerminateWorkflowExecutionRequest {
        namespace: testing::options().namespace,
        workflow_execution: execution(&terminated),
        ..Default::default()
    };
    bench
        .connection
        .workflow_service()
        .terminate_workflow_execution(Request::new(request))
        .await
        .unwrap();
    assert_eq!(
        end(&bench.history(&terminated).await),
        EventType::WorkflowExecutionTerminated
    );

    let stamps = bench.recorder.of(&bench.run);
    assert_eq!(
        stamps.iter().map(|stamp| (stamp.n, stamp.end)).collect::<Vec<_>>(),
        [(0, WorkflowEnd::Cancelled), (1, WorkflowEnd::Cancelled)]
    );
}

#[tokio::test]
async fn what_continues_as_new_is_stamped_when_its_last_run_ends() {
    let bench = Bench::new("continue").await;
    let _worker = TestWorker::start(&bench.task_queue, bench.recorder.clone());
    let id = bench.start(5, "Continuing", &3).await;
    let history = bench.history(&id).await;
    assert_eq!(end(&history), EventType::WorkflowExecutionCompleted);
    let stamps = bench.recorder.stamps();
    let [stamp] = &stamps[..] else { panic!("{stamps:?}") };
    assert_eq!((stamp.n, stamp.end), (5, WorkflowEnd::Completed));
}

#[tokio::test]
async fn a_failed_task_is_no_end() {
    let bench = Bench::new("task").await;
    let _worker = TestWorker::start(&bench.task_queue, bench.recorder.clone());
    let started = [
        bench.start(0, "Stubborn", &0).await,
        bench.start(1, "Stubborn", &1).await,
    ];
    for id in &started {
        let history = bench.history(id).await;
        assert_eq!(end(&history), EventType::WorkflowExecutionCompleted);
        assert!(count(&history, EventType::WorkflowTaskFailed) >= 1, "{history:?}");
    }
    let ends: Vec<(u64, WorkflowEnd)> = bench
        .recorder
        .of(&bench.run)
        .iter()
        .map(|stamp| (stamp.n, stamp.end))
        .collect();
    assert_eq!(ends, [(0, WorkflowEnd::Completed), (1, WorkflowEnd::Completed)]);
}

#[tokio::test]
async fn a_query_that_replays_an_ended_workflow_stamps_nothing() {
    let bench = Bench::new("query").await;
    let first = bench.workers(bench.options()).await;
    let id = bench
        .start(0, StateTransitions::WORKFLOW_TYPE, &json!({"activityCount": 2}))
        .await;
    bench.history(&id).await;
    first.shutdown(Duration::from_secs(10)).await;

    // The second worker has nothing of it in its cache.
    let _second = bench.workers(bench.options()).await;
    let mut request = Request::new(QueryWorkflowRequest {
        namespace: testing::options().namespace,
        execution: Some(WorkflowExecution {
            workflow_id: id,
            ..Default::default()
        }),
        query: Some(WorkflowQuery {
            query_type: "__temporal_workflow_metadata".to_owned(),
            ..Default::default()
        }),
        query_reject_condition: QueryRejectCondition::None.into(),
    });
    request.set_timeout(LIMIT);
    bench
        .connection
        .workflow_service()
        .query_workflow(request)
        .await
        .unwrap();
    assert_eq!(bench.recorder.stamps().len(), 1);
}
