//! `timer`: sleeps on a durable timer.

use std::time::Duration;

use benchmark_scenarios::workloads::{Timer, TimerInput};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{TimerResult, WorkflowContext, WorkflowResult, WorkflowTermination};

use crate::{
    input::{self, Input},
    output::Output,
};

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
    #[run(name = Timer::WORKFLOW_TYPE)]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: Input<TimerInput>) -> WorkflowResult<Output> {
        let input = input.read()?;
        match ctx.timer(Duration::from_millis(input.duration_ms)).await {
            TimerResult::Fired => input::end(input.fail, input.result_size),
            TimerResult::Cancelled => Err(WorkflowTermination::cancelled()),
        }
    }
}
