//! Readiness of workers: whether the server sees them poll.
//!
//! The SDK does not tell when its first poll is out. The server does: it keeps the identities of those who poll each
//! partition of a task queue. A worker need not be found on every one of them, so all are looked at.

use std::{collections::BTreeSet, time::Duration};

use benchmark_temporal::{
    CallError, Server,
    task_queue::{self, TaskQueueType},
};
use futures::future::join_all;
use temporalio_client::tonic::Code;
use tokio::sync::watch;

/// How long is waited between two looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// The names of a task queue's partitions, for each kind of task.
#[derive(Clone, Debug)]
pub(crate) struct Partitions {
    names: task_queue::Partitions,
    known: bool,
}

impl Partitions {
    /// Partitions for the kind of task that has more of them; `None` when the server does not tell.
    pub(crate) fn count(&self) -> Option<u32> {
        let most = self.names.workflow.len().max(self.names.activity.len());
        self.known.then(|| u32::try_from(most).unwrap_or(u32::MAX))
    }
}

/// Asks for the partitions of a task queue. A server that does not tell (the call may be forbidden) is looked at as if it
/// had one.
pub(crate) async fn partitions(server: &Server, task_queue: &str) -> Partitions {
    match task_queue::partitions(server, task_queue).await {
        Ok(names) if !names.workflow.is_empty() => Partitions { names, known: true },
        _ => Partitions {
            names: task_queue::Partitions {
                workflow: vec![task_queue.to_owned()],
                activity: vec![task_queue.to_owned()],
            },
            known: false,
        },
    }
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
pub(crate) async fn wait(server: &Server, queues: Vec<Queue>, missing: watch::Sender<BTreeSet<String>>) {
    for Queue { partitions, identities } in queues {
        until_seen(server, &partitions.names, identities, &missing).await;
    }
}

async fn until_seen(
    server: &Server,
    partitions: &task_queue::Partitions,
    mut unseen: BTreeSet<String>,
    missing: &watch::Sender<BTreeSet<String>>,
) {
    loop {
        let (workflow, activity) = tokio::join!(
            pollers(server, &partitions.workflow, TaskQueueType::Workflow),
            pollers(server, &partitions.activity, TaskQueueType::Activity),
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

async fn pollers(server: &Server, names: &[String], kind: TaskQueueType) -> Result<BTreeSet<String>, NotTold> {
    // A look that failed is made again; that it never succeeds shows as a worker that is not seen.
    let looks = names.iter().map(|name| task_queue::pollers_for(server, name, kind));
    let answers = join_all(looks).await;
    let for_good = |error: &CallError| {
        matches!(
            error.code,
            Code::PermissionDenied | Code::Unauthenticated | Code::Unimplemented
        )
    };
    if answers.iter().any(|answer| answer.as_ref().is_err_and(for_good)) {
        return Err(NotTold);
    }
    Ok(answers.into_iter().flatten().flatten().collect())
}
