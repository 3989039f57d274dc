//! Workers on a task queue of their own, and raw starts for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use benchmark_temporal::testing;
use benchmark_worker::{WorkerOptions, WorkerPool};
use benchmark_workflows::{RunClock, RunHeader, Stamp, StampSink, header::HEADER_KEY, payload::json_payload};
use serde::Serialize;
use temporalio_client::{Connection, tonic::Request};
use temporalio_common::protos::temporal::api::{
    common::v1::{Header, Payload, Payloads, WorkflowExecution, WorkflowType},
    enums::v1::{EventType, HistoryEventFilterType},
    history::v1::{HistoryEvent, history_event::Attributes},
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{
        DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest, StartWorkflowExecutionRequest,
    },
};

/// Longer than anything here should take.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Keeps what was stamped.
#[derive(Default)]
pub struct Recorder(Mutex<Vec<Stamp>>);

impl StampSink for Recorder {
    fn stamp(&self, stamp: Stamp) {
        self.0.lock().unwrap().push(stamp);
    }
}

impl Recorder {
    /// All stamps, in order of arrival.
    pub fn stamps(&self) -> Vec<Stamp> {
        self.0.lock().unwrap().clone()
    }

    /// The stamps of one run, by arrival.
    pub fn of(&self, run: &str) -> Vec<Stamp> {
        let mut stamps: Vec<Stamp> = self.stamps().into_iter().filter(|stamp| stamp.run == run).collect();
        stamps.sort_by_key(|stamp| stamp.n);
        stamps
    }
}

/// A task queue, and whoever starts workflows on it.
pub struct Bench {
    pub run: String,
    pub task_queue: String,
    pub connection: Connection,
    pub recorder: Arc<Recorder>,
}

impl Bench {
    /// A run and a task queue that nobody else has.
    pub async fn new(what: &str) -> Self {
        let server = benchmark_temporal::connect(&testing::options()).await.unwrap();
        Bench {
            run: testing::unique(what),
            task_queue: testing::unique("queue"),
            connection: server.sdk_connection(),
            recorder: Arc::default(),
        }
    }

    /// The default options on this task queue.
    pub fn options(&self) -> WorkerOptions {
        WorkerOptions::new(testing::options(), self.task_queue.clone())
    }

    /// Starts workers that stamp into the recorder.
    pub async fn workers(&self, options: WorkerOptions) -> WorkerPool {
        WorkerPool::start(options, self.recorder.clone()).await.unwrap()
    }

    /// The header of arrival n, sent now.
    pub fn header(&self, n: u64) -> Payload {
        let now = RunClock::get().now_unix_ns();
        RunHeader {
            run: self.run.as_str().into(),
            n,
            sent_unix_ns: now,
        }
        .to_payload()
    }

    /// Starts arrival n with one input; returns its workflow id.
    pub async fn start<T: Serialize>(&self, n: u64, workflow_type: &str, input: &T) -> String {
        self.start_raw(
            n,
            workflow_type,
            vec![json_payload(input).unwrap()],
            Some(self.header(n)),
        )
        .await
    }

    /// Starts arrival n with whatever input and header.
    pub async fn start_raw(&self, n: u64, workflow_type: &str, input: Vec<Payload>, header: Option<Payload>) -> String {
        let workflow_id = format!("{}/{n}", self.run);
        let request = StartWorkflowExecutionRequest {
            namespace: testing::options().namespace,
            workflow_id: workflow_id.clone(),
            workflow_type: Some(WorkflowType {
                name: workflow_type.to_owned(),
            }),
            task_queue: Some(TaskQueue {
                name: self.task_queue.clone(),
                ..Default::default()
            }),
            input: Some(Payloads { payloads: input }),
            header: header.map(|entry| Header {
                fields: HashMap::from([(HEADER_KEY.to_owned(), entry)]),
            }),
            request_id: workflow_id.clone(),
            ..Default::default()
        };
        self.connection
            .workflow_service()
            .start_workflow_execution(Request::new(request))
            .await
            .unwrap();
        workflow_id
    }

    /// Waits for the end of a workflow and of all that it continued as; returns the last run's history.
    pub async fn history(&self, workflow_id: &str) -> Vec<HistoryEvent> {
        let closed = async {
            loop {
                let end = self.page(workflow_id, true).await;
                match end.last().map(HistoryEvent::event_type) {
                    None | Some(EventType::WorkflowExecutionContinuedAsNew) => {}
                    Some(_) => return,
                }
            }
        };
        if tokio::time::timeout(LIMIT, closed).await.is_err() {
            let history = self.page(workflow_id, false).await;
            panic!("{workflow_id} did not end: {history:#?}");
        }
        self.page(workflow_id, false).await
    }

    /// The transitions of a workflow's mutable state that the server has counted so far.
    pub async fn state_transitions(&self, workflow_id: &str) -> u64 {
        let request = Request::new(DescribeWorkflowExecutionRequest {
            namespace: testing::options().namespace,
            execution: Some(WorkflowExecution {
                workflow_id: workflow_id.to_owned(),
                ..Default::default()
            }),
        });
        let answer = self
            .connection
            .workflow_service()
            .describe_workflow_execution(request)
            .await;
        let info = answer.unwrap().into_inner().workflow_execution_info.unwrap();
        info.state_transition_count.try_into().unwrap()
    }

    async fn page(&self, workflow_id: &str, until_closed: bool) -> Vec<HistoryEvent> {
        let filter = match until_closed {
            true => HistoryEventFilterType::CloseEvent,
            false => HistoryEventFilterType::AllEvent,
        };
        let mut request = Request::new(GetWorkflowExecutionHistoryRequest {
            namespace: testing::options().namespace,
            execution: Some(WorkflowExecution {
                workflow_id: workflow_id.to_owned(),
                ..Default::default()
            }),
            wait_new_event: until_closed,
            history_event_filter_type: filter.into(),
            ..Default::default()
        });
        request.set_timeout(LIMIT);
        let answer = self
            .connection
            .workflow_service()
            .get_workflow_execution_history(request)
            .await
            .unwrap();
        answer.into_inner().history.unwrap_or_default().events
    }
}

/// How a history ended.
pub fn end(history: &[HistoryEvent]) -> EventType {
    history.last().unwrap().event_type()
}

/// How often an event happened.
pub fn count(history: &[HistoryEvent], kind: EventType) -> usize {
    history.iter().filter(|event| event.event_type() == kind).count()
}

/// The type of the failure with which a history ended.
pub fn failure_type(history: &[HistoryEvent]) -> String {
    let Some(Attributes::WorkflowExecutionFailedEventAttributes(failed)) = &history.last().unwrap().attributes else {
        panic!("it did not fail: {history:?}");
    };
    let failure = failed.failure.clone().unwrap();
    failure.maybe_application_failure().unwrap().r#type.clone()
}

/// Waits until the condition holds.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait)
        .await
        .unwrap_or_else(|_| panic!("in vain: {what}"));
}
