//! Clean-up: what a run left open is terminated, and nothing else.
//!
//! One batch operation terminates everything that a visibility query finds, on the server's side. Visibility is written
//! behind the workflows, so a batch can miss the youngest: the count afterwards says so, and then another batch
//! is run. What is still counted and has ended, as a look-up of it says, is not waited for. Children need no care: they go
//! by the parent-close policy.
//!
//! A server begins a batch when its own worker gets to it, which takes seconds while it is busy. Where there is little time, as
//! after a signal, those that the caller knows to be open go first, by their ids.
//!
//! Where no batch may be run (a namespace allows one at a time), the workflows are listed and terminated one by one; where
//! they cannot even be listed or counted, those go that the caller knows to be open.

use std::time::{Duration, SystemTime};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use temporalio_common::protos::temporal::api::{
    batch::v1::BatchOperationTermination,
    common::v1::WorkflowExecution,
    enums::v1::BatchOperationState,
    workflowservice::v1::{
        DescribeBatchOperationRequest, ListWorkflowExecutionsRequest, StartBatchOperationRequest,
        TerminateWorkflowExecutionRequest, start_batch_operation_request::Operation,
    },
};
use tokio::time::{Instant, sleep};
use tonic::Code;

use crate::{
    call,
    call::CallError,
    connection::{Server, TERMINATIONS_PER_SECOND},
    shown_open,
    status::Status,
    visibility::{count_open, open_query},
};

const REASON: &str = "left open by a run of run-benchmark";
const POLL: Duration = Duration::from_millis(250);

/// Counts above zero and unchanged in a row, after a batch has ended, that call for another one.
const UNCHANGED: u32 = 8;

/// Workflows asked for at once, and terminated at the same time, when there is no batch operation.
const PAGE: i32 = 500;
const AT_ONCE: usize = 16;

/// A batch may take so long before it does anything: seen on a server that shares its cores with the load.
const BATCH_MAY_WAIT: Duration = Duration::from_secs(15);

/// What clean-up did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Open workflows before it; `None` when they could not be counted.
    pub open_before: Option<u64>,
    /// Open workflows after it: 0 when it worked.
    pub open_after: Option<u64>,
    /// What went wrong.
    pub problem: Option<String>,
    /// Something worth saying that is no problem: why it was done one by one.
    pub note: Option<String>,
}

/// Open workflows that the caller knows of, for a server that does not tell, or not soon enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownOpen {
    /// How many.
    pub total: u64,
    /// How many the server counted, when the caller has asked it.
    pub counted: Option<u64>,
    /// Ids of as many of them as can be terminated in the time.
    pub ids: Vec<String>,
}

impl KnownOpen {
    /// How many can be terminated one by one within a time.
    pub fn room(limit: Duration) -> usize {
        // The cast saturates.
        (limit.as_secs_f64() * f64::from(TERMINATIONS_PER_SECOND.get())) as usize
    }
}

/// Terminates the open workflows `prefix/…` and returns when the server counts none of them, when those that it counts have
/// ended all the same, or when `limit` has passed.
/// It always comes back with an account; what went wrong stands in its `problem`.
pub fn terminate_open(server: &Server, prefix: &str, limit: Duration, known: KnownOpen) -> BoxFuture<'static, Cleaned> {
    let (server, prefix) = (server.clone(), prefix.to_owned());
    async move {
        let mut work = Work {
            server,
            query: open_query(&prefix),
            prefix,
            end: Instant::now() + limit,
            none_known: known.total == 0,
            before: None,
            note: None,
        };
        let all_known = known.total > 0 && known.ids.len() as u64 == known.total;
        if limit < BATCH_MAY_WAIT && all_known && work.by_id(&known).await.is_ok() {
            work.before = known.counted.max(Some(known.total));
            work.note = Some(format!("terminated by their ids: there were {limit:?} for it"));
            // Visibility follows; what it says in the end is for the count to tell.
            let _ = work.until_counted().await;
        }
        let mut outcome = work.run().await;
        if let Err(error) = &outcome
            && !error.is_transient()
            && known.total > 0
        {
            work.before.get_or_insert(known.total);
            work.note = Some(format!("terminated by their ids: {error}"));
            outcome = work.by_id(&known).await;
        }
        let (open_after, problem) = match outcome {
            Ok(0) => (Some(0), None),
            Ok(left) => (
                Some(left),
                Some(format!("{left} workflows were still open after {limit:?}")),
            ),
            Err(error) => (None, Some(error.to_string())),
        };
        Cleaned {
            open_before: work.before,
            open_after,
            problem,
            note: work.note,
        }
    }
    .boxed()
}

struct Work {
    server: Server,
    prefix: String,
    query: String,
    end: Instant,
    /// Whether the caller knows of none that is open.
    none_known: bool,
    before: Option<u64>,
    note: Option<String>,
}

impl Work {
    /// Returns how many are open at the end.
    async fn run(&mut self) -> Result<u64, CallError> {
        let mut looks = self.none_known;
        loop {
            let open = self.count().await?;
            let before = *self.before.get_or_insert(open);
            // The first count may be late as well, so that more may turn out to have been open.
            self.before = Some(before.max(open));
            if open == 0 || Instant::now() >= self.end {
                return Ok(open);
            }
            if std::mem::replace(&mut looks, true) && self.are_stale(open).await {
                return Ok(0);
            }
            if self.note.is_some() {
                self.one_by_one().await?;
            } else if let Err(error) = self.batch().await {
                if error.is_transient() && error.code != Code::ResourceExhausted {
                    sleep(POLL).await;
                    continue;
                }
                self.note = Some(format!("terminated one by one: {error}"));
                continue;
            }
            self.until_counted().await?;
        }
    }

    /// Whether all that are counted as open have ended.
    async fn are_stale(&mut self, counted: u64) -> bool {
        if counted > u64::from(shown_open::AT_MOST) {
            return false;
        }
        // What may be counted may not be listed or looked up: then it is waited for.
        let Ok(shown) = shown_open::look_up(&self.server, &self.prefix).await else {
            return false;
        };
        let stale = shown.ended.len() as u64;
        if shown.more || shown.open > 0 || stale < counted {
            return false;
        }
        // What was terminated here was open before.
        let ours = |row: &&shown_open::Stale| row.status == Some(Status::Terminated);
        let others = stale - shown.ended.iter().filter(ours).count() as u64;
        self.before = self.before.map(|before| before.saturating_sub(others));
        self.note = Some(format!(
            "visibility still shows {stale} workflows as open that have ended"
        ));
        true
    }

    /// Terminates what the caller knows to be open. Returns how many that leaves.
    async fn by_id(&self, known: &KnownOpen) -> Result<u64, CallError> {
        let mut left = known.total;
        let mut outcomes = stream::iter(known.ids.clone())
            .map(|workflow_id| {
                self.terminate(WorkflowExecution {
                    workflow_id,
                    run_id: String::new(),
                })
            })
            .buffer_unordered(AT_ONCE);
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(true) => left = left.saturating_sub(1),
                Ok(false) => {}
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(left)
    }

    /// Counts until none is open, the count stops changing, or time is up.
    async fn until_counted(&self) -> Result<(), CallError> {
        let mut last = u64::MAX;
        let mut unchanged = 0;
        while unchanged < UNCHANGED && Instant::now() < self.end {
            let open = self.count().await?;
            if open == 0 {
                return Ok(());
            }
            unchanged = if open == last { unchanged + 1 } else { 0 };
            last = open;
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Counts, and again within the limit where the failure may pass.
    async fn count(&self) -> Result<u64, CallError> {
        loop {
            match count_open(&self.server, &self.prefix).await {
                Err(error) if error.is_transient() && Instant::now() < self.end => sleep(POLL).await,
                other => return other,
            }
        }
    }

    /// Runs one batch operation to its end.
    async fn batch(&self) -> Result<(), CallError> {
        let nanos = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let job_id = format!("run-benchmark-{}-{nanos:x}", self.prefix);
        let request = StartBatchOperationRequest {
            namespace: self.server.namespace().to_owned(),
            visibility_query: self.query.clone(),
            job_id: job_id.clone(),
            reason: REASON.to_owned(),
            operation: Some(Operation::TerminationOperation(BatchOperationTermination {
                identity: self.server.options().identity.clone(),
                ..Default::default()
            })),
            ..Default::default()
        };
        let mut service = self.server.service();
        call::answer(
            &self.server,
            "StartBatchOperation",
            service.start_batch_operation(call::request(request)),
        )
        .await?;
        while Instant::now() < self.end {
            let request = DescribeBatchOperationRequest {
                namespace: self.server.namespace().to_owned(),
                job_id: job_id.clone(),
            };
            let mut service = self.server.service();
            let answer = service.describe_batch_operation(call::request(request));
            match call::answer(&self.server, "DescribeBatchOperation", answer).await {
                Ok(answer) if answer.state == BatchOperationState::Running as i32 => {}
                // It has ended, well or not: the count says what it did.
                Ok(_) => return Ok(()),
                // It is a workflow itself, and may not be known yet.
                Err(error) if error.code == Code::NotFound || error.is_transient() => {}
                Err(error) => return Err(error),
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Terminates page by page. What has ended in the meantime is no failure.
    async fn one_by_one(&self) -> Result<(), CallError> {
        let mut next_page_token = Vec::new();
        loop {
            self.server.until_query_allowed().await;
            let request = ListWorkflowExecutionsRequest {
                namespace: self.server.namespace().to_owned(),
                page_size: PAGE,
                next_page_token,
                query: self.query.clone(),
            };
            let mut service = self.server.service();
            let answer = service.list_workflow_executions(call::request(request));
            let answer = match call::answer(&self.server, "ListWorkflowExecutions", answer).await {
                // What is left is counted, and listed again.
                Err(error) if error.is_transient() => return Ok(()),
                answer => answer?,
            };
            let executions: Vec<_> = answer
                .executions
                .into_iter()
                .filter_map(|info| info.execution)
                .collect();
            let refused = stream::iter(executions)
                .map(|execution| self.terminate(execution))
                .buffer_unordered(AT_ONCE)
                .filter_map(|outcome| async { outcome.err() })
                .collect::<Vec<_>>()
                .await;
            if let Some(error) = refused.into_iter().find(|error| !error.is_transient()) {
                return Err(error);
            }
            next_page_token = answer.next_page_token;
            if next_page_token.is_empty() || Instant::now() >= self.end {
                return Ok(());
            }
        }
    }

    /// Terminates one; false when time is up.
    async fn terminate(&self, execution: WorkflowExecution) -> Result<bool, CallError> {
        self.server.until_termination_allowed().await;
        if Instant::now() >= self.end {
            return Ok(false);
        }
        let request = TerminateWorkflowExecutionRequest {
            namespace: self.server.namespace().to_owned(),
            workflow_execution: Some(execution),
            reason: REASON.to_owned(),
            identity: self.server.options().identity.clone(),
            ..Default::default()
        };
        let mut service = self.server.service();
        let answer = service.terminate_workflow_execution(call::request(request));
        match call::answer(&self.server, "TerminateWorkflowExecution", answer).await {
            Ok(_) => Ok(true),
            Err(error) if error.code == Code::NotFound && !error.no_namespace => Ok(true),
            Err(error) => Err(error),
        }
    }
}
