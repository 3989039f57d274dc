//! Interceptor that stamps the end of every workflow that a run started: the one place in which workflows are measured.
//!
//! It wraps the workflow's main function. What the function returns decides:
//!
//! - a result, a failure or a cancellation ends the workflow and is stamped;
//! - continue-as-new does not end it: the header is handed on, and the run that ends at last is stamped;
//! - an error by which the SDK fails the workflow *task* (a payload that does not convert) ends nothing, since the server
//!   will try the task again; a panic and an eviction from the cache drop the future before it returns. No stamp.
//!
//! A replay runs the function again up to where history ends. `is_replaying` is false when the end is reached for the
//! first time, also when everything before it was replayed, and true when an ended workflow is replayed for a query.
//! Children carry no header, so they are not stamped.
//!
//! Reading a clock is no violation of determinism here: nothing of it flows into the workflow.

use std::{cell::OnceCell, sync::Arc};

use benchmark_results::WorkflowEnd;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_sdk::{
    OutgoingWorkflowError, WorkflowTermination,
    workflow_interceptors::{
        ContinueAsNewInput, ContinueAsNewResult, ExecuteWorkflowInput, ExecuteWorkflowResult,
        SyncWorkflowInterceptorContext, WorkflowInterceptor, WorkflowInterceptorConstructor,
        WorkflowInterceptorContext, WorkflowInterceptorFuture, WorkflowNext,
    },
};

use crate::{
    clock::RunClock,
    header::{HEADER_KEY, RunHeader},
    stamp::{Stamp, StampSink},
};

/// The constructor that makes workers stamp into the sink.
pub fn stamping(sink: Arc<dyn StampSink>) -> WorkflowInterceptorConstructor {
    let clock = RunClock::get();
    WorkflowInterceptorConstructor::new(move |_| Stamping {
        sink: sink.clone(),
        clock,
        header: OnceCell::new(),
    })
}

/// Stamps one workflow. The SDK makes one for each workflow in the cache and another one when it is evicted and rebuilt.
struct Stamping {
    sink: Arc<dyn StampSink>,
    clock: RunClock,
    /// The header's entry, when it is one of ours.
    header: OnceCell<Payload>,
}

impl WorkflowInterceptor for Stamping {
    fn execute<'a>(
        &'a self,
        ctx: WorkflowInterceptorContext,
        input: ExecuteWorkflowInput,
        next: WorkflowNext<'a, ExecuteWorkflowInput, WorkflowInterceptorFuture<'a, ExecuteWorkflowResult>>,
    ) -> WorkflowInterceptorFuture<'a, ExecuteWorkflowResult> {
        let entry = input
            .headers()
            .get(HEADER_KEY)
            .filter(|entry| RunHeader::from_payload(entry).is_some());
        let Some(entry) = entry.cloned() else {
            return next.run(input);
        };
        let entry = self.header.get_or_init(|| entry);
        WorkflowInterceptorFuture::new(async move {
            let result = next.run(input).await;
            let ended_unix_ns = self.clock.now_unix_ns();
            if !ctx.is_replaying()
                && let Some((end, message)) = end_of(&result, &ctx)
                && let Some(header) = RunHeader::from_payload(entry)
            {
                self.sink.stamp(Stamp {
                    run: header.run.into_owned(),
                    n: header.n,
                    sent_unix_ns: header.sent_unix_ns,
                    ended_unix_ns,
                    end,
                    message,
                });
            }
            result
        })
    }

    fn continue_as_new(
        &self,
        _: SyncWorkflowInterceptorContext,
        mut input: ContinueAsNewInput,
        next: WorkflowNext<'static, ContinueAsNewInput, ContinueAsNewResult>,
    ) -> ContinueAsNewResult {
        if let Some(entry) = self.header.get() {
            input.headers_mut().insert(HEADER_KEY.to_owned(), entry.clone());
        }
        next.run(input)
    }
}

/// How a workflow whose main function returned this ends; `None` when that does not end it. The cases are those by which
/// the SDK turns the result into a command.
fn end_of(result: &ExecuteWorkflowResult, ctx: &WorkflowInterceptorContext) -> Option<(WorkflowEnd, Option<String>)> {
    match result {
        Ok(_) => Some((WorkflowEnd::Completed, None)),
        Err(WorkflowTermination::Cancelled { .. }) => Some((WorkflowEnd::Cancelled, None)),
        Err(WorkflowTermination::ContinueAsNew(_) | WorkflowTermination::Evicted) => None,
        Err(WorkflowTermination::Failed(OutgoingWorkflowError::PayloadConversion(_))) => None,
        Err(WorkflowTermination::Failed(error)) => {
            // A step that was cancelled because the workflow was is how most workflows answer a cancellation.
            if error.as_cancelled().is_some() && ctx.cancellation_token().is_cancelled() {
                return Some((WorkflowEnd::Cancelled, None));
            }
            let kind = match error {
                OutgoingWorkflowError::Application(failure) => failure.type_name(),
                _ => None,
            };
            let message = match kind {
                Some(kind) => format!("{kind}: {error}"),
                None => error.to_string(),
            };
            Some((WorkflowEnd::Failed, Some(message)))
        }
    }
}
