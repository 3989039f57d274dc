//! Whether the server sees the workers poll.
//!
//! The SDK does not tell when its first poll is out. The server does: it keeps the identities of those who poll each
//! partition of a task queue. A worker need not be found on every one of them, so all are looked at.

use std::{collections::BTreeSet, time::Duration};

use benchmark_temporal::Server;
use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use temporalio_client::{
    Connection,
    tonic::{Code, Request},
};
use temporalio_common::protos::temporal::api::{
    enums::v1::TaskQueueType,
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{DescribeTaskQueueRequest, ListTaskQueuePartitionsRequest},
};
use tokio::sync::watch;

/// How long is waited between two looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// The deadline of one look.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The names of a task queue's partitions, for each kind of task.
#[derive(Clone, Debug)]
pub(crate) struct Partitions {
    workflow: Vec<String>,
    activity: Vec<String>,
    known: bool,
}

impl Partitions {
    /// Partitions for the kind of task that has more of them; `None` when the server does not tell.
    pub(crate) fn count(&self) -> Option<u32> {
        let most = self.workflow.len().max(self.activity.len());
        self.known.then(|| u32::try_from(most).unwrap_or(u32::MAX))
    }
}

/// Asks for the partitions of a task queue. A server that does not tell (the call may be forbidden) is looked at as if it
/// had one.
pub(crate) fn partitions(server: &Server, task_queue: &str) -> BoxFuture<'static, Partitions> {
    let (connection, namespace) = (server.sdk_connection(), server.namespace().to_owned());
    let task_queue = task_queue.to_owned();
    async move {
        let request = ListTaskQueuePartitionsRequest {
            namespace,
            task_queue: Some(TaskQueue {
                name: task_queue.clone(),
                ..Default::default()
            }),
        };
        let answer = connection
            .workflow_service()
            .list_task_queue_partitions(within(request))
            .await;
        match answer.map(|answer| answer.into_inner()) {
            Ok(answer) if !answer.workflow_task_queue_partitions.is_empty() => Partitions {
                workflow: answer
                    .workflow_task_queue_partitions
                    .into_iter()
                    .map(|partition| partition.key)
                    .collect(),
                activity: answer
                    .activity_task_queue_partitions
                    .into_iter()
                    .map(|partition| partition.key)
                    .collect(),
                known: true,
            },
            _ => Partitions {
                workflow: vec![task_queue.clone()],
                activity: vec![task_queue],
                known: false,
            },
        }
    }
    .boxed()
}

/// A task queue and who is to poll it.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) partitions: Partitions,
    pub(crate) identities: BTreeSet<String>,
}

/// Waits until each identity polls its task queue for workflow tasks and for activities; never returns if one does not, but
/// at once where the server refuses to tell who does.
/// Those that are still missing are told in `missing`.
pub(crate) fn wait(
    server: &Server,
    queues: Vec<Queue>,
    missing: watch::Sender<BTreeSet<String>>,
) -> BoxFuture<'static, ()> {
    let (connection, namespace) = (server.sdk_connection(), server.namespace().to_owned());
    async move {
        for Queue { partitions, identities } in queues {
            until_seen(&connection, &namespace, &partitions, identities, &missing).await;
        }
    }
    .boxed()
}

async fn until_seen(
    connection: &Connection,
    namespace: &str,
    partitions: &Partitions,
    mut unseen: BTreeSet<String>,
    missing: &watch::Sender<BTreeSet<String>>,
) {
    loop {
        let (workflow, activity) = tokio::join!(
            pollers(connection, namespace, &partitions.workflow, TaskQueueType::Workflow),
            pollers(connection, namespace, &partitions.activity, TaskQueueType::Activity),
        );
        let (Ok(workflow), Ok(activity)) = (workflow, activity) else {
            // Whoever may not know who polls cannot wait for it.
            missing.send_modify(|missing| missing.retain(|identity| !unseen.contains(identity)));
            return;
        };
        unseen.retain(|identity| {
            let seen = workflow.contains(identity) && activity.contains(identity);
            if seen {
                missing.send_modify(|missing| {
                    missing.remove(identity);
                });
            }
            !seen
        });
        if unseen.is_empty() {
            return;
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// The server does not tell who polls, and will not.
struct NotTold;

async fn pollers(
    connection: &Connection,
    namespace: &str,
    names: &[String],
    kind: TaskQueueType,
) -> Result<BTreeSet<String>, NotTold> {
    let looks = names.iter().map(|name| {
        let request = DescribeTaskQueueRequest {
            namespace: namespace.to_owned(),
            task_queue: Some(TaskQueue {
                name: name.clone(),
                ..Default::default()
            }),
            task_queue_type: kind.into(),
            ..Default::default()
        };
        async move { connection.workflow_service().describe_task_queue(within(request)).await }
    });
    // A look that failed is made again; that it never succeeds shows as a worker that is not seen.
    let answers = join_all(looks).await;
    let for_good = |code| {
        matches!(
            code,
            Code::PermissionDenied | Code::Unauthenticated | Code::Unimplemented
        )
    };
    if answers
        .iter()
        .any(|answer| answer.as_ref().is_err_and(|status| for_good(status.code())))
    {
        return Err(NotTold);
    }
    let pollers = answers
        .into_iter()
        .flatten()
        .flat_map(|answer| answer.into_inner().pollers);
    Ok(pollers.map(|poller| poller.identity).collect())
}

fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}
