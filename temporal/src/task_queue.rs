//! Pollers of a task queue: who polls it, and over how many partitions it is spread.

use std::collections::BTreeSet;

use futures::{FutureExt, future::BoxFuture};
use temporalio_common::protos::temporal::api::{
    taskqueue::v1::{TaskQueue, TaskQueuePartitionMetadata},
    workflowservice::v1::{DescribeTaskQueueRequest, ListTaskQueuePartitionsRequest},
};

pub use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;

use crate::{call, call::CallError, connection::Server};

/// Partitions of a task queue, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// For workflow tasks.
    pub workflow: Vec<String>,
    /// For activity tasks.
    pub activity: Vec<String>,
}

/// Identities that poll the task queue, whatever for.
pub fn pollers(server: &Server, task_queue: &str) -> BoxFuture<'static, Result<BTreeSet<String>, CallError>> {
    let workflow = pollers_for(server, task_queue, TaskQueueType::Workflow);
    let activity = pollers_for(server, task_queue, TaskQueueType::Activity);
    async move {
        let (workflow, activity) = futures::join!(workflow, activity);
        Ok(workflow?.into_iter().chain(activity?).collect())
    }
    .boxed()
}

/// Identities that poll a task queue, or one of its partitions, for one kind of task. The server remembers a poller for
/// about five minutes after its last poll.
pub fn pollers_for(
    server: &Server,
    name: &str,
    kind: TaskQueueType,
) -> BoxFuture<'static, Result<BTreeSet<String>, CallError>> {
    let server = server.clone();
    let request = DescribeTaskQueueRequest {
        namespace: server.namespace().to_owned(),
        task_queue: Some(named(name)),
        task_queue_type: kind.into(),
        ..Default::default()
    };
    async move {
        let mut service = server.service();
        let answer = service.describe_task_queue(call::request(request));
        let answer = call::answer(&server, "DescribeTaskQueue", answer).await?;
        Ok(answer.pollers.into_iter().map(|poller| poller.identity).collect())
    }
    .boxed()
}

/// Over which partitions the task queue is spread. With fewer pollers than partitions, tasks wait on partitions that nobody
/// polls.
pub fn partitions(server: &Server, task_queue: &str) -> BoxFuture<'static, Result<Partitions, CallError>> {
    let server = server.clone();
    let request = ListTaskQueuePartitionsRequest {
        namespace: server.namespace().to_owned(),
        task_queue: Some(named(task_queue)),
    };
    async move {
        let mut service = server.service();
        let answer = service.list_task_queue_partitions(call::request(request));
        let answer = call::answer(&server, "ListTaskQueuePartitions", answer).await?;
        let names = |list: Vec<TaskQueuePartitionMetadata>| list.into_iter().map(|partition| partition.key).collect();
        Ok(Partitions {
            workflow: names(answer.workflow_task_queue_partitions),
            activity: names(answer.activity_task_queue_partitions),
        })
    }
    .boxed()
}

fn named(task_queue: &str) -> TaskQueue {
    TaskQueue {
        name: task_queue.to_owned(),
        ..Default::default()
    }
}
