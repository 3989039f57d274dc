//! What a workflow's input can ask of the workers: distributions of sleeps, CPU to burn, results of a size.

use std::time::Duration;

use benchmark_scenarios::{
    draw::Sleep,
    workloads::{
        ChildWorkflow, ChildWorkflowInput, MultiActivity, MultiActivityInput, Simple, SimpleInput, StateTransitions,
        StateTransitionsInput, Timer, TimerInput,
    },
};
use benchmark_workflows::activities::{ActivityInput, ActivityOutput};
use serde::{Serialize, de::DeserializeOwned};
use temporalio_common::protos::temporal::api::{
    common::v1::Payload,
    enums::v1::EventType,
    history::v1::{HistoryEvent, history_event::Attributes},
};

use crate::bench::{Bench, end};

const RESULT: u32 = 5_000;

#[tokio::test]
async fn activities_sleep_burn_and_answer_as_the_input_says() {
    let bench = Bench::new("asked").await;
    let _workers = bench.workers(bench.options()).await;
    let input = MultiActivityInput {
        activity_count: 4,
        parallel_activities: 2,
        sleep: Some(Sleep::Normal {
            mean_ms: 20.0,
            deviation_ms: 8.0,
        }),
        seed: Some(7),
        activity_cpu_us: 30_000,
        result_size: RESULT,
        ..Default::default()
    };
    let id = bench.start(0, MultiActivity::WORKFLOW_TYPE, &input).await;
    let history = bench.history(&id).await;
    assert_eq!(end(&history), EventType::WorkflowExecutionCompleted);

    let asked: Vec<ActivityInput> = history.iter().filter_map(input_of).collect();
    let sleeps: Vec<u64> = asked.iter().map(|asked| asked.sleep_ms).collect();
    assert_eq!(sleeps, (0..4).map(|index| input.sleep_ms(7, index)).collect::<Vec<_>>());
    assert!(asked.iter().all(|asked| asked.cpu_us == 30_000));
    let answers: Vec<ActivityOutput> = history.iter().filter_map(output_of).collect();
    assert_eq!(answers.len(), 4);
    assert!(answers.iter().all(|answer| answer.payload.len() == RESULT as usize));
    assert_eq!(result_of(&history), RESULT as usize);
    // Burning and sleeping take the time that they take, one after the other.
    for (asked, took) in asked.iter().zip(spans(&history)) {
        let least = Duration::from_millis(30 + asked.sleep_ms);
        assert!(took >= least, "{took:?} for {asked:?}");
    }
}

#[tokio::test]
async fn every_workload_returns_as_much_as_its_input_says() {
    let bench = Bench::new("results").await;
    let _workers = bench.workers(bench.options()).await;
    let simple = SimpleInput {
        result_size: RESULT,
        ..Default::default()
    };
    let timer = TimerInput {
        duration_ms: 1,
        result_size: RESULT,
        ..Default::default()
    };
    let children = ChildWorkflowInput {
        child_count: 1,
        result_size: RESULT,
        ..Default::default()
    };
    let transitions = StateTransitionsInput {
        activity_count: 2,
        result_size: RESULT,
        activity_cpu_us: 5_000,
        ..Default::default()
    };
    for (id, activities) in [
        (start(&bench, 0, Simple::WORKFLOW_TYPE, &simple).await, 0),
        (start(&bench, 1, Timer::WORKFLOW_TYPE, &timer).await, 0),
        (start(&bench, 2, ChildWorkflow::WORKFLOW_TYPE, &children).await, 0),
        (start(&bench, 3, StateTransitions::WORKFLOW_TYPE, &transitions).await, 2),
    ] {
        let history = bench.history(&id).await;
        assert_eq!(end(&history), EventType::WorkflowExecutionCompleted, "{id}");
        assert_eq!(result_of(&history), RESULT as usize, "{id}");
        let answers: Vec<ActivityOutput> = history.iter().filter_map(output_of).collect();
        assert_eq!(answers.len(), activities, "{id}");
        assert!(answers.iter().all(|answer| answer.payload.len() == RESULT as usize));
    }
    // Who asks for nothing gets what there always was.
    let id = start(&bench, 4, Simple::WORKFLOW_TYPE, &SimpleInput::default()).await;
    assert_eq!(result_of(&bench.history(&id).await), 0);
}

async fn start<T: Serialize>(bench: &Bench, n: u64, workflow_type: &str, input: &T) -> String {
    bench.start(n, workflow_type, input).await
}

/// What an activity was asked.
fn input_of(event: &HistoryEvent) -> Option<ActivityInput> {
    match event.attributes.as_ref()? {
        Attributes::ActivityTaskScheduledEventAttributes(scheduled) => {
            Some(decode(scheduled.input.as_ref()?.payloads.first()?))
        }
        _ => None,
    }
}

/// What an activity answered.
fn output_of(event: &HistoryEvent) -> Option<ActivityOutput> {
    match event.attributes.as_ref()? {
        Attributes::ActivityTaskCompletedEventAttributes(completed) => {
            Some(decode(completed.result.as_ref()?.payloads.first()?))
        }
        _ => None,
    }
}

/// Bytes of text in the workflow's result.
fn result_of(history: &[HistoryEvent]) -> usize {
    let Some(Attributes::WorkflowExecutionCompletedEventAttributes(completed)) = &history.last().unwrap().attributes
    else {
        panic!("it did not complete: {history:?}");
    };
    let payloads = completed.result.as_ref().map_or(&[][..], |result| &result.payloads);
    match payloads {
        [payload] if !payload.data.is_empty() => decode::<String>(payload).len(),
        _ => 0,
    }
}

/// How long each activity took from its dispatch to its answer, in the order in which they were scheduled.
fn spans(history: &[HistoryEvent]) -> Vec<Duration> {
    let at = |event_id: i64| {
        let event = history.iter().find(|event| event.event_id == event_id).unwrap();
        let time = event.event_time.unwrap();
        Duration::new(time.seconds as u64, time.nanos as u32)
    };
    let mut spans: Vec<(i64, Duration)> = history
        .iter()
        .filter_map(|event| match event.attributes.as_ref()? {
            Attributes::ActivityTaskCompletedEventAttributes(completed) => Some((
                completed.scheduled_event_id,
                at(event.event_id) - at(completed.started_event_id),
            )),
            _ => None,
        })
        .collect();
    spans.sort();
    spans.into_iter().map(|(_, span)| span).collect()
}

fn decode<T: DeserializeOwned>(payload: &Payload) -> T {
    serde_json::from_slice(&payload.data).unwrap()
}
