//! A server that a test owns or shares, and a client of the test's own.

use std::{collections::HashMap, time::Duration};

use benchmark_temporal::ConnectOptions;
use benchmark_workflows::{RunClock, RunHeader, header::HEADER_KEY, payload::json_payload};
use temporalio_client::{Connection, tonic::Request};
use temporalio_common::protos::temporal::api::{
    common::v1::{Header, Payloads, WorkflowExecution, WorkflowType},
    enums::v1::{EventType, HistoryEventFilterType},
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{
        GetWorkflowExecutionHistoryRequest, RegisterNamespaceRequest, StartWorkflowExecutionRequest,
    },
};

use crate::child::LIMIT;
pub use crate::owned::{block_on, options, start};

/// A client of one namespace.
pub struct Client {
    connection: Connection,
    namespace: String,
}

impl Client {
    /// Connects.
    pub async fn new(address: &str, namespace: &str) -> Client {
        let server = benchmark_temporal::connect(&ConnectOptions::new(address, namespace))
            .await
            .unwrap();
        Client {
            connection: server.sdk_connection(),
            namespace: namespace.to_owned(),
        }
    }

    /// Makes the namespace.
    pub async fn register(&self) {
        let request = RegisterNamespaceRequest {
            namespace: self.namespace.clone(),
            workflow_execution_retention_period: Duration::from_secs(24 * 3600).try_into().ok(),
            ..Default::default()
        };
        let service = self.connection.workflow_service();
        service.clone().register_namespace(Request::new(request)).await.unwrap();
    }

    /// Starts arrival `n` of a run with the workflow's defaults; returns its workflow id.
    pub async fn start(&self, run: &str, n: u64, task_queue: &str, workflow_type: &str) -> String {
        self.start_with(run, n, task_queue, workflow_type, &serde_json::json!({}))
            .await
    }

    /// The same with an input.
    pub async fn start_with(
        &self,
        run: &str,
        n: u64,
        task_queue: &str,
        workflow_type: &str,
        input: &serde_json::Value,
    ) -> String {
        let now = RunClock::get().now_unix_ns();
        let header = RunHeader {
            run: run.into(),
            n,
            sent_unix_ns: now,
        };
        let workflow_id = format!("{run}/{n}");
        let request = StartWorkflowExecutionRequest {
            namespace: self.namespace.clone(),
            workflow_id: workflow_id.clone(),
            workflow_type: Some(WorkflowType {
                name: workflow_type.to_owned(),
            }),
            task_queue: Some(TaskQueue {
                name: task_queue.to_owned(),
                ..Default::default()
            }),
            input: Some(Payloads {
                payloads: vec![json_payload(input).unwrap()],
            }),
            header: Some(Header {
                fields: HashMap::from([(HEADER_KEY.to_owned(), header.to_payload())]),
            }),
            request_id: workflow_id.clone(),
            ..Default::default()
        };
        let mut service = self.connection.workflow_service();
        service.start_workflow_execution(Request::new(request)).await.unwrap();
        workflow_id
    }

    /// Waits for the end of a workflow and says how it ended.
    pub async fn end(&self, workflow_id: &str) -> EventType {
        let closed = async {
            loop {
                let mut request = Request::new(GetWorkflowExecutionHistoryRequest {
                    namespace: self.namespace.clone(),
                    execution: Some(WorkflowExecution {
                        workflow_id: workflow_id.to_owned(),
                        ..Default::default()
                    }),
                    wait_new_event: true,
                    history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
                    ..Default::default()
                });
                request.set_timeout(LIMIT);
                let mut service = self.connection.workflow_service();
                let answer = service.get_workflow_execution_history(request).await.unwrap();
                let events = answer.into_inner().history.unwrap_or_default().events;
                if let Some(event) = events.last() {
                    return event.event_type();
                }
            }
        };
        tokio::time::timeout(LIMIT, closed)
            .await
            .unwrap_or_else(|_| panic!("{workflow_id} did not end"))
    }
}
