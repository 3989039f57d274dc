//! `timer`: sleeps on a durable timer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{TimerResult, WorkflowContext, WorkflowResult, WorkflowTermination};

use crate::{
    input::{self, Input},
    output::Output,
};

/// Input of [`TimerWorkflow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TimerInput {
    /// How long the timer runs, milliseconds.
    pub duration_ms: u64,
    /// Whether the workflow ends as failed.
    pub fail: bool,
    /// Ballast: carried, and looked at by nobody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// Bytes of text in the workflow's result.
    #[serde(skip_serializing_if = "crate::input::is_zero")]
    pub result_size: u32,
}

impl Default for TimerInput {
    fn default() -> Self {
        TimerInput {
            duration_ms: 1_000,
            fail: false,
            payload: String::new(),
            result_size: 0,
        }
    }
}

/// Sleeps on a durable timer.
#[workflow]
#[derive(Default)]
pub struct TimerWorkflow;

#[workflow_methods]
impl TimerWorkflow {
    /// Runs the workflow.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[run(name = crate::names::TIMER)]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: Input<TimerInput>) -> WorkflowResult<Output> {
        let input = input.read()?;
        match ctx.timer(Duration::from_millis(input.duration_ms)).await {
            TimerResult::Fired => input::end(input.fail, input.result_size),
            TimerResult::Cancelled => Err(WorkflowTermination::cancelled()),
        }
    }
}
