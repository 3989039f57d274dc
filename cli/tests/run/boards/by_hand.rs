//! What no worker and no workload of ours does, done beside a run by hand, as a client of the server: a workflow that goes on as
//! a new one and cancels its activity, an activity that fails by itself, an answer that comes too late, more tasks than the
//! database may take, and a shard that is closed under its tasks.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use benchmark_temporal::testing;
use benchmark_workflows::{TASK_QUEUE, names};
use http::uri::PathAndQuery;
use serde_json::json;
use temporalio_common::protos::{
    coresdk::AsJsonPayloadExt as _,
    temporal::api::{
        command::v1::{
            CompleteWorkflowExecutionCommandAttributes, ContinueAsNewWorkflowExecutionCommandAttributes,
            RequestCancelActivityTaskCommandAttributes, ScheduleActivityTaskCommandAttributes, command::Attributes,
        },
        common::v1::{ActivityType, Payloads, RetryPolicy, WorkflowType},
        history::v1::history_event,
        taskqueue::v1::TaskQueue,
        workflowservice::v1::{
            PollActivityTaskQueueRequest, PollWorkflowTaskQueueRequest, PollWorkflowTaskQueueResponse,
            RespondActivityTaskCanceledRequest, RespondWorkflowTaskCompletedRequest, StartWorkflowExecutionRequest,
            workflow_service_client::WorkflowServiceClient,
        },
    },
};
use tonic::{Request, Response, Status, transport::Channel};
use tonic_prost::ProstCodec;

use super::{bystander::until, pages};
use crate::{
    bench::LIMIT,
    server::{NAMESPACE, block_on},
};

/// The task queue of what is done by hand.
const QUEUE: &str = "by-hand";

/// A namespace that every dev server has, and that no run uses.
const OTHER: &str = "default";

/// How long an activity takes that is not waited for.
const LATE: Duration = Duration::from_secs(3);

/// How often a page is looked at.
const LOOK: Duration = Duration::from_millis(100);

fn queue(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue {
        name: name.to_owned(),
        ..TaskQueue::default()
    })
}

fn kind() -> Option<WorkflowType> {
    Some(WorkflowType {
        name: "ByHand".to_owned(),
    })
}

/// A long poll, which must say how long it may take.
fn long<T>(request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.set_timeout(Duration::from_secs(60));
    request
}

/// A client of a server.
struct Client(WorkflowServiceClient<Channel>);

impl Client {
    async fn of(server: &str) -> Client {
        Client(
            WorkflowServiceClient::connect(format!("http://{server}"))
                .await
                .unwrap(),
        )
    }

    async fn start(&mut self, namespace: &str, id: &str, queue_name: &str) -> Result<(), Status> {
        let request = StartWorkflowExecutionRequest {
            namespace: namespace.to_owned(),
            workflow_id: id.to_owned(),
            workflow_type: kind(),
            task_queue: queue(queue_name),
            request_id: testing::unique("request"),
            ..StartWorkflowExecutionRequest::default()
        };
        self.0.start_workflow_execution(request).await.map(drop)
    }

    /// The next workflow task.
    async fn task(&mut self) -> PollWorkflowTaskQueueResponse {
        loop {
            let request = PollWorkflowTaskQueueRequest {
                namespace: NAMESPACE.to_owned(),
                task_queue: queue(QUEUE),
                identity: QUEUE.to_owned(),
                ..PollWorkflowTaskQueueRequest::default()
            };
            let task = self
                .0
                .poll_workflow_task_queue(long(request))
                .await
                .unwrap()
                .into_inner();
            // An empty answer asks to poll again.
            if !task.task_token.is_empty() {
                return task;
            }
        }
    }

    /// The token of the next activity.
    async fn activity(&mut self) -> Vec<u8> {
        loop {
            let request = PollActivityTaskQueueRequest {
                namespace: NAMESPACE.to_owned(),
                task_queue: queue(QUEUE),
                identity: QUEUE.to_owned(),
                ..PollActivityTaskQueueRequest::default()
            };
            let task = self
                .0
                .poll_activity_task_queue(long(request))
                .await
                .unwrap()
                .into_inner();
            if !task.task_token.is_empty() {
                return task.task_token;
            }
        }
    }

    async fn complete(&mut self, task: PollWorkflowTaskQueueResponse, commands: Vec<Attributes>) -> Result<(), Status> {
        let request = RespondWorkflowTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token,
            identity: QUEUE.to_owned(),
            commands: commands.into_iter().map(Into::into).collect(),
            ..RespondWorkflowTaskCompletedRequest::default()
        };
        self.0.respond_workflow_task_completed(request).await.map(drop)
    }
}

/// An activity that is tried once.
fn activity(id: &str, name: &str, queue_name: &str, input: serde_json::Value) -> Attributes {
    // Also where workers are slow to come.
    let long = LIMIT.try_into().ok();
    Attributes::ScheduleActivityTaskCommandAttributes(ScheduleActivityTaskCommandAttributes {
        activity_id: id.to_owned(),
        activity_type: Some(ActivityType { name: name.to_owned() }),
        task_queue: queue(queue_name),
        input: Some(Payloads {
            payloads: vec![input.as_json_payload().unwrap()],
        }),
        schedule_to_close_timeout: long,
        start_to_close_timeout: long,
        retry_policy: Some(RetryPolicy {
            maximum_attempts: 1,
            ..RetryPolicy::default()
        }),
        ..ScheduleActivityTaskCommandAttributes::default()
    })
}

/// The activities of a workflow so far: the events that scheduled them, by their ids.
fn scheduled(task: &PollWorkflowTaskQueueResponse) -> BTreeMap<String, i64> {
    let events = task.history.iter().flat_map(|history| &history.events);
    let activities = events.filter_map(|event| match &event.attributes {
        Some(history_event::Attributes::ActivityTaskScheduledEventAttributes(activity)) => {
            Some((activity.activity_id.clone(), event.event_id))
        }
        _ => None,
    });
    activities.collect()
}

/// A workflow beside a run. Workers of the run must poll, sooner or later; their pages are looked at.
pub fn work(server: &str, workers: &[String]) {
    until("an answer that is too late", |attempt| {
        block_on(one_workflow(server, &format!("{QUEUE}-{attempt}")));
        // The activity that nobody waits for ends, unless it had not begun.
        let seen = |page: &String| pages::of(page).contains("\ntemporal_request_failure_total{");
        let until = Instant::now() + LATE * 2;
        while Instant::now() < until {
            if workers.iter().any(seen) {
                return true;
            }
            thread::sleep(LOOK);
        }
        false
    });
}

async fn one_workflow(server: &str, id: &str) {
    let mut client = Client::of(server).await;
    client.start(NAMESPACE, id, QUEUE).await.unwrap();
    let task = client.task().await;
    let again = ContinueAsNewWorkflowExecutionCommandAttributes {
        workflow_type: kind(),
        task_queue: queue(QUEUE),
        ..ContinueAsNewWorkflowExecutionCommandAttributes::default()
    };
    let again = Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(again);
    client.complete(task, vec![again]).await.unwrap();

    let task = client.task().await;
    let nothing = json!({});
    let activities = vec![
        activity("cancelled", names::NO_OP_ACTIVITY, QUEUE, nothing.clone()),
        activity(
            "late",
            names::NO_OP_ACTIVITY,
            TASK_QUEUE,
            json!({ "SleepMs": LATE.as_millis() as u64 }),
        ),
        // The workers answer that they have none of this name.
        activity("fails", "NoSuchActivity", TASK_QUEUE, nothing),
    ];
    client.complete(task, activities).await.unwrap();
    let begun = client.activity().await;

    // One has failed.
    let task = client.task().await;
    let cancel = RequestCancelActivityTaskCommandAttributes {
        scheduled_event_id: scheduled(&task)["cancelled"],
    };
    let cancel = Attributes::RequestCancelActivityTaskCommandAttributes(cancel);
    client.complete(task, vec![cancel]).await.unwrap();
    let cancelled = RespondActivityTaskCanceledRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: begun,
        identity: QUEUE.to_owned(),
        ..RespondActivityTaskCanceledRequest::default()
    };
    client.0.respond_activity_task_canceled(cancelled).await.unwrap();

    // The workflow ends without the last one. Where that came first, there is another task, and it is not late.
    let end =
        Attributes::CompleteWorkflowExecutionCommandAttributes(CompleteWorkflowExecutionCommandAttributes::default());
    loop {
        let task = client.task().await;
        if client.complete(task, vec![end.clone()]).await.is_ok() {
            break;
        }
    }
}

/// Gives matching more tasks to store than its database may take, and closes the only shard under the load of a run, until the
/// server's page tells of both.
pub fn trouble(server: &str, page: &str) {
    let told = |series: [&str; 2]| {
        let page = pages::of(page);
        series.iter().all(|series| page.contains(&format!("\n{series}{{")))
    };
    until("a limit of the database", |attempt| {
        block_on(async {
            let mut client = Client::of(server).await;
            for number in 0..40 {
                // Some are refused: the limit on requests holds in each namespace.
                let _ = client
                    .start(OTHER, &format!("stored-{attempt}-{number}"), "nobody-polls")
                    .await;
            }
        });
        told(["persistence_errors_resource_exhausted", "task_errors_throttled"])
    });
    // Of some ten times that the shard goes, one takes a task with it that is being carried out.
    until("a shard that is removed, and a task that fails by it", |_| {
        block_on(close_shard(server));
        thread::sleep(LOOK);
        told(["sharditem_removed_count", "task_errors"])
    });
}

/// The request of the server's own tools that lets go of a shard. Whoever asks for it next loads it anew.
#[derive(Clone, PartialEq, prost::Message)]
struct CloseShardRequest {
    #[prost(int32, tag = "1")]
    shard_id: i32,
}

async fn close_shard(server: &str) {
    let channel = Channel::from_shared(format!("http://{server}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/temporal.server.api.adminservice.v1.AdminService/CloseShard");
    let request = Request::new(CloseShardRequest { shard_id: 1 });
    let _: Response<()> = client.unary(request, path, ProstCodec::default()).await.unwrap();
}
