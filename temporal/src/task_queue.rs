//! Who polls a task queue, and over how many partitions it is spread.

use std::collections::BTreeSet;

use futures::{FutureExt, future::BoxFuture};
use temporalio_common::protos::temporal::api::{
    enums::v1::TaskQueueType,
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{DescribeTaskQueueRequest, DescribeTaskQueueResponse, ListTaskQueuePartitionsRequest},
};

use crate::{call, call::CallError, connection::Server};

/// Who polls a task queue. The server remembers a poller for about five minutes after its last poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pollers {
    /// Identities that poll for workflow tasks.
    pub workflow: BTreeSet<String>,
    /// Identities that poll for activity tasks.
    pub activity: BTreeSet<String>,
}

impl Pollers {
    /// Different identities, whatever they poll for.
    pub fn count(&self) -> u32 {
        u32::try_from(self.workflow.union(&self.activity).count()).unwrap_or(u32::MAX)
    }
}

/// Partitions of a task queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// For workflow tasks.
    pub workflow: u32,
    /// For activity tasks.
    pub activity: u32,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Workflow,
    Activity,
}

/// Who polls the task queue.
pub fn pollers(server: &Server, task_queue: &str) -> BoxFuture<'static, Result<Pollers, CallError>> {
    let (server, task_queue) = (server.clone(), task_queue.to_owned());
    async move {
        let identities =
            |answer: DescribeTaskQueueResponse| answer.pollers.into_iter().map(|poller| poller.identity).collect();
        let (workflow, activity) = futures::join!(
            describe(&server, &task_queue, Kind::Workflow),
            describe(&server, &task_queue, Kind::Activity)
        );
        Ok(Pollers {
            workflow: identities(workflow?),
            activity: identities(activity?),
        })
    }
    .boxed()
}

/// Over how many partitions the task queue is spread. With fewer pollers than partitions, tasks wait on
/// partitions that nobody polls.
pub fn partitions(server: &Server, task_queue: &str) -> BoxFuture<'static, Result<Partitions, CallError>> {
    let (server, task_queue) = (server.clone(), task_queue.to_owned());
    async move {
        let request = ListTaskQueuePartitionsRequest {
            namespace: server.namespace().to_owned(),
            task_queue: Some(TaskQueue {
                name: task_queue,
                ..Default::default()
            }),
        };
        let mut service = server.service();
        let answer = service.list_task_queue_partitions(call::request(request));
        let answer = call::answer(&server, "ListTaskQueuePartitions", answer).await?;
        let count = |list: &[_]| u32::try_from(list.len()).unwrap_or(u32::MAX);
        Ok(Partitions {
            workflow: count(&answer.workflow_task_queue_partitions),
            activity: count(&answer.activity_task_queue_partitions),
        })
    }
    .boxed()
}

pub(crate) async fn describe(
    server: &Server,
    task_queue: &str,
    kind: Kind,
) -> Result<DescribeTaskQueueResponse, CallError> {
    let kind = match kind {
        Kind::Workflow => TaskQueueType::Workflow,
        Kind::Activity => TaskQueueType::Activity,
    };
    let request = DescribeTaskQueueRequest {
        namespace: server.namespace().to_owned(),
        task_queue: Some(TaskQueue {
            name: task_queue.to_owned(),
            ..Default::default()
        }),
        task_queue_type: kind.into(),
        ..Default::default()
    };
    let mut service = server.service();
    call::answer(
        server,
        "DescribeTaskQueue",
        service.describe_task_queue(call::request(request)),
    )
    .await
}
