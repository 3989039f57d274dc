//! Each workload end to end: how it ends, what its history looks like, and that it is stamped once.

use std::{collections::BTreeSet, time::Duration};

use benchmark_results::WorkflowEnd;
use benchmark_scenarios::{
    Workload, draw,
    workloads::{
        ChildWorkflow, ChildWorkflowInput, DEFINITIONS, LocalActivity, MultiActivity, MultiActivityInput, Simple,
        SimpleInput, StateTransitions, StateTransitionsInput, Timer, TimerInput,
    },
};
use benchmark_workflows::{
    activities::{ActivityInput, ActivityOutput},
    names,
    payload::json_payload,
};
use serde_json::json;
use temporalio_common::protos::temporal::api::{
    common::v1::Payload,
    enums::v1::EventType,
    history::v1::{HistoryEvent, history_event::Attributes},
};

use crate::bench::{Bench, count, end, failure_type};

/// Every workload, quick, as the JSON of its input.
pub fn workloads() -> [(&'static str, serde_json::Value); 6] {
    [
        (Simple::WORKFLOW_TYPE, json!({})),
        (
            MultiActivity::WORKFLOW_TYPE,
            json!({"activityCount": 5, "parallelActivities": 3, "sleepMinMs": 1, "sleepMaxMs": 5}),
        ),
        (Timer::WORKFLOW_TYPE, json!({"durationMs": 20})),
        (ChildWorkflow::WORKFLOW_TYPE, json!({"childCount": 2})),
        (StateTransitions::WORKFLOW_TYPE, json!({"activityCount": 3})),
        (LocalActivity::WORKFLOW_TYPE, json!({"activityCount": 3})),
    ]
}

#[test]
fn no_workload_is_left_out() {
    let tried = workloads().map(|(workflow_type, _)| workflow_type);
    assert_eq!(
        tried.to_vec(),
        DEFINITIONS
            .iter()
            .map(|definition| definition.workflow_type)
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn histories_are_as_long_as_the_definitions_say() {
    let bench = Bench::new("lengths").await;
    let _workers = bench.workers(bench.options()).await;
    let mut started = Vec::new();
    for (n, definition) in (0..).zip(DEFINITIONS) {
        let kind = definition.by_default();
        let expected = kind.history();
        let workload = Workload {
            kind,
            payload_size: 0,
            failure_ratio: 0.0,
            result_size: 0,
            activity_cpu: Duration::ZERO,
        };
        let input: serde_json::Value = serde_json::from_slice(&workload.input(false)).unwrap();
        started.push((
            definition,
            expected,
            bench.start(n, definition.workflow_type, &input).await,
        ));
    }
    for (definition, expected, id) in started {
        let history = bench.history(&id).await;
        let transitions = bench.state_transitions(&id).await;
        assert_eq!(end(&history), EventType::WorkflowExecutionCompleted);
        let (name, events) = (definition.name, history.len() as u64);
        // Of a local activity there is a marker.
        let activities = count(&history, EventType::ActivityTaskCompleted) + count(&history, EventType::MarkerRecorded);
        assert_eq!(activities as u64, expected.activities, "{name}");
        assert!(
            expected.events.contains(&events),
            "{name}: {events} events, {expected:?}"
        );
        assert!(
            expected.state_transitions.contains(&transitions),
            "{name}: {transitions} state transitions, {expected:?}"
        );
    }
}

#[tokio::test]
async fn simple_takes_one_task() {
    let bench = Bench::new("simple").await;
    let workers = bench.workers(bench.options()).await;
    let id = bench
        .start(
            0,
            Simple::WORKFLOW_TYPE,
            &SimpleInput {
                payload: "x".repeat(1000),
                ..Default::default()
            },
        )
        .await;
    let history = bench.history(&id).await;
    assert_eq!(end(&history), EventType::WorkflowExecutionCompleted);
    assert_eq!(count(&history, EventType::WorkflowTaskCompleted), 1);
    assert_eq!(bench.recorder.of(&bench.run).len(), 1);
    assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
}

#[tokio::test]
async fn multi_activity_runs_some_in_parallel_then_the_rest_and_repeats() {
    let bench = Bench::new("multi").await;
    let workers = bench.workers(bench.options()).await;
    let input = MultiActivityInput {
        sleep_min_ms: 1,
        sleep_max_ms: 40,
        seed: Some(7),
        ..Default::default()
    };
    let first = bench.start(0, MultiActivity::WORKFLOW_TYPE, &input).await;
    let second = bench.start(1, MultiActivity::WORKFLOW_TYPE, &input).await;
    let unseeded = MultiActivityInput {
        seed: None,
        ..input.clone()
    };
    let third = bench.start(2, MultiActivity::WORKFLOW_TYPE, &unseeded).await;
    let (first, second, third) = (
        bench.history(&first).await,
        bench.history(&second).await,
        bench.history(&third).await,
    );

    assert_eq!(end(&first), EventType::WorkflowExecutionCompleted);
    assert_eq!(count(&first, EventType::ActivityTaskCompleted), 10);
    let sleeps = |history: &[HistoryEvent]| {
        scheduled(history)
            .into_iter()
            .map(|(_, input)| input.sleep_ms)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sleeps(&first),
        (0..10).map(|index| input.sleep_ms(7, index)).collect::<Vec<_>>()
    );
    assert_eq!(sleeps(&first), sleeps(&second));
    let seed = draw::seed_of(&format!("{}/2", bench.run));
    assert_eq!(
        sleeps(&third),
        (0..10).map(|index| input.sleep_ms(seed, index)).collect::<Vec<_>>()
    );

    // The first four are scheduled by the first workflow task, and each later one when all before it completed.
    let scheduled = scheduled(&first);
    assert_eq!(
        scheduled
            .iter()
            .map(|(_, input)| input.activity_index)
            .collect::<Vec<_>>(),
        (0..10).collect::<Vec<_>>()
    );
    let completed: Vec<i64> = ids(&first, EventType::ActivityTaskCompleted);
    assert!(scheduled[3].0 < completed[0], "{scheduled:?} {completed:?}");
    for later in 4..10 {
        assert!(completed[later - 1] < scheduled[later].0, "{scheduled:?} {completed:?}");
    }
    assert_eq!(bench.recorder.of(&bench.run).len(), 3);
    drop(workers);
}

#[tokio::test]
async fn state_transitions_are_ten_activities_with_the_old_names_in_them() {
    let bench = Bench::new("transitions").await;
    let _workers = bench.workers(bench.options()).await;
    let id = bench
        .start(0, StateTransitions::WORKFLOW_TYPE, &StateTransitionsInput::default())
        .await;
    let history = bench.history(&id).await;
    assert_eq!(end(&history), EventType::WorkflowExecutionCompleted);
    assert_eq!(count(&history, EventType::ActivityTaskCompleted), 10);
    for event in &history {
        match event.attributes.as_ref().unwrap() {
            Attributes::ActivityTaskScheduledEventAttributes(scheduled) => {
                assert_eq!(scheduled.activity_type.as_ref().unwrap().name, names::FAST_ACTIVITY);
                assert_eq!(scheduled.start_to_close_timeout.unwrap().seconds, 60);
                let input: serde_json::Value = decode(&scheduled.input.as_ref().unwrap().payloads);
                assert_eq!(
                    input.as_object().unwrap().keys().collect::<Vec<_>>(),
                    ["WorkflowRunID", "ActivityIndex"]
                );
            }
            Attributes::ActivityTaskCompletedEventAttributes(completed) => {
                let output: ActivityOutput = decode(&completed.result.as_ref().unwrap().payloads);
                assert_eq!(
                    (output.task_queue.as_str(), output.workflow_id.as_str()),
                    (&*bench.task_queue, &*id)
                );
                assert_eq!(output.attempt, 1);
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn timer_is_one_durable_timer() {
    let bench = Bench::new("timer").await;
    let _workers = bench.workers(bench.options()).await;
    let id = bench
        .start(
            0,
            Timer::WORKFLOW_TYPE,
            &TimerInput {
                duration_ms: 120,
                ..Default::default()
            },
        )
        .await;
    let history = bench.history(&id).await;
    assert_eq!(end(&history), EventType::WorkflowExecutionCompleted);
    assert_eq!(
        (
            count(&history, EventType::TimerStarted),
            count(&history, EventType::TimerFired)
        ),
        (1, 1)
    );
    let stamp = &bench.recorder.of(&bench.run)[0];
    assert!(stamp.ended_unix_ns - stamp.sent_unix_ns >= 120_000_000, "{stamp:?}");
}

#[tokio::test]
async fn children_run_at_the_same_time_on_the_same_queue_and_are_not_stamped() {
    let bench = Bench::new("children").await;
    let _workers = bench.workers(bench.options()).await;
    let id = bench
        .start(
            0,
            ChildWorkflow::WORKFLOW_TYPE,
            &ChildWorkflowInput {
                child_count: 4,
                ..Default::default()
            },
        )
        .await;
    let history = bench.history(&id).await;
    assert_eq!(end(&history), EventType::WorkflowExecutionCompleted);
    assert_eq!(count(&history, EventType::ChildWorkflowExecutionCompleted), 4);
    let initiated = ids(&history, EventType::StartChildWorkflowExecutionInitiated);
    assert_eq!(
        initiated.last().unwrap() - initiated[0],
        3,
        "all are started by one task: {initiated:?}"
    );
    let mut children = BTreeSet::new();
    for event in &history {
        if let Some(Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(child)) = &event.attributes {
            assert_eq!(child.workflow_type.as_ref().unwrap().name, Simple::WORKFLOW_TYPE);
            assert_eq!(child.task_queue.as_ref().unwrap().name, bench.task_queue);
            assert!(
                !child.workflow_id.starts_with(&bench.run),
                "{} would be counted",
                child.workflow_id
            );
            children.insert(child.workflow_id.clone());
        }
    }
    assert_eq!(children.len(), 4);
    assert_eq!(bench.recorder.stamps().len(), 1);
}

#[tokio::test]
async fn what_is_told_to_fail_fails() {
    let bench = Bench::new("fail").await;
    let _workers = bench.workers(bench.options()).await;
    for (n, (workflow_type, mut input)) in (0..).zip(workloads()) {
        input["fail"] = true.into();
        let id = bench.start(n, workflow_type, &input).await;
        assert_eq!(
            failure_type(&bench.history(&id).await),
            names::INJECTED_FAILURE,
            "{workflow_type}"
        );
    }
    let stamps = bench.recorder.of(&bench.run);
    assert_eq!(stamps.len(), workloads().len());
    for stamp in stamps {
        assert_eq!(stamp.end, WorkflowEnd::Failed);
        assert!(stamp.message.as_ref().unwrap().starts_with("Injected: "), "{stamp:?}");
    }
}

#[tokio::test]
async fn no_input_means_the_defaults_and_bad_input_fails_at_once() {
    let bench = Bench::new("input").await;
    let _workers = bench.workers(bench.options()).await;
    let id = bench
        .start_raw(0, StateTransitions::WORKFLOW_TYPE, vec![], Some(bench.header(0)))
        .await;
    assert_eq!(count(&bench.history(&id).await, EventType::ActivityTaskCompleted), 10);

    let garbage = Payload {
        data: b"{".to_vec(),
        ..json_payload(&()).unwrap()
    };
    let too_many = json_payload(&json!({"activityCount": 4_000_000_000_u32})).unwrap();
    for (n, input) in [(1, garbage), (2, too_many)] {
        let id = bench
            .start_raw(n, StateTransitions::WORKFLOW_TYPE, vec![input], Some(bench.header(n)))
            .await;
        assert_eq!(failure_type(&bench.history(&id).await), names::BAD_INPUT_FAILURE);
    }
    let ends: Vec<WorkflowEnd> = bench.recorder.of(&bench.run).iter().map(|stamp| stamp.end).collect();
    assert_eq!(ends, [WorkflowEnd::Completed, WorkflowEnd::Failed, WorkflowEnd::Failed]);
}

#[tokio::test]
async fn without_a_cache_every_task_replays_and_all_are_stamped_once() {
    let bench = Bench::new("replay").await;
    let mut options = bench.options();
    options.tuning.max_cached_workflows = 0;
    let workers = bench.workers(options).await;
    let mut started = Vec::new();
    // The SDK holds a task back while others wait for local activities and the cache is full (sdk-rust, issue 886), until the
    // server gives the task up after 10 s and sends it again.
    let others = workloads()
        .into_iter()
        .filter(|(name, _)| *name != LocalActivity::WORKFLOW_TYPE);
    for (n, (workflow_type, input)) in (0..).zip(others.cycle().take(15)) {
        started.push(bench.start(n, workflow_type, &input).await);
    }
    for id in &started {
        assert_eq!(end(&bench.history(id).await), EventType::WorkflowExecutionCompleted);
    }
    assert_eq!(workers.shutdown(Duration::from_secs(10)).await, []);
    let stamps = bench.recorder.stamps();
    assert_eq!(
        bench
            .recorder
            .of(&bench.run)
            .iter()
            .map(|stamp| stamp.n)
            .collect::<Vec<_>>(),
        (0..15).collect::<Vec<_>>()
    );
    assert_eq!(stamps.len(), 15);
    assert!(
        stamps
            .iter()
            .all(|stamp| stamp.end == WorkflowEnd::Completed && stamp.ended_unix_ns >= stamp.sent_unix_ns)
    );
}

/// The scheduled activities: event id and input.
fn scheduled(history: &[HistoryEvent]) -> Vec<(i64, ActivityInput)> {
    let input = |event: &HistoryEvent| match event.attributes.as_ref()? {
        Attributes::ActivityTaskScheduledEventAttributes(scheduled) => {
            Some((event.event_id, decode(&scheduled.input.as_ref()?.payloads)))
        }
        _ => None,
    };
    history.iter().filter_map(input).collect()
}

fn ids(history: &[HistoryEvent], kind: EventType) -> Vec<i64> {
    history
        .iter()
        .filter(|event| event.event_type() == kind)
        .map(|event| event.event_id)
        .collect()
}

fn decode<T: serde::de::DeserializeOwned>(payloads: &[Payload]) -> T {
    serde_json::from_slice(&payloads[0].data).unwrap()
}
