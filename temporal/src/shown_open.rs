//! Open workflows as visibility shows them, and which of them have ended.
//!
//! Visibility is written behind the workflows, and a row that is not written stays as it was. A workflow itself is never
//! behind: who looks it up is told whether it runs.

use std::time::SystemTime;

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use temporalio_common::protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;

use crate::{call, call::CallError, connection::Server, lookup, status::Status, visibility::open_query};

/// Rows that are looked at. More are not stale rows, but a visibility that is far behind.
pub const AT_MOST: u32 = 100;

/// Look-ups at the same time.
const AT_ONCE: usize = 16;

/// The workflows that visibility shows as open, looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownOpen {
    /// Those that are.
    pub open: u64,
    /// Those that have ended.
    pub ended: Vec<Stale>,
    /// Whether there are more than [`AT_MOST`], which were not looked at.
    pub more: bool,
}

/// A row that is behind its workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The workflow's id.
    pub workflow_id: String,
    /// How it ended; `None` when it is not there any more.
    pub status: Option<Status>,
    /// When, where the server tells.
    pub close_time: Option<SystemTime>,
}

/// Looks up the workflows `prefix/…` that visibility shows as open.
pub fn look_up(server: &Server, prefix: &str) -> BoxFuture<'static, Result<ShownOpen, CallError>> {
    let (server, query) = (server.clone(), open_query(prefix));
    async move {
        server.until_query_allowed().await;
        let request = ListWorkflowExecutionsRequest {
            namespace: server.namespace().to_owned(),
            page_size: AT_MOST.cast_signed(),
            query,
            ..Default::default()
        };
        let mut service = server.service();
        let answer = service.list_workflow_executions(call::request(request));
        let answer = call::answer(&server, "ListWorkflowExecutions", answer).await?;
        let ids = answer.executions.into_iter().filter_map(|info| info.execution);
        let mut looked_up = stream::iter(ids)
            .map(|execution| async {
                let found = lookup::describe(&server, &execution.workflow_id).await;
                found.map(|found| (execution.workflow_id, found))
            })
            .buffer_unordered(AT_ONCE);
        let mut shown = ShownOpen {
            more: !answer.next_page_token.is_empty(),
            ..ShownOpen::default()
        };
        while let Some(one) = looked_up.next().await {
            let (workflow_id, found) = one?;
            match found {
                Some(found) if !found.status.is_end() => shown.open += 1,
                found => shown.ended.push(Stale {
                    workflow_id,
                    status: found.as_ref().map(|found| found.status),
                    close_time: found.and_then(|found| found.close_time),
                }),
            }
        }
        Ok(shown)
    }
    .boxed()
}
