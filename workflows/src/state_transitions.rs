//! `state-transitions`: instant activities one after the other, so that nearly all of the time is the server's.

use benchmark_scenarios::workloads::{StateTransitions, StateTransitionsInput};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult};

use crate::{
    activities::{Activities, ActivityInput, options},
    input::{self, Input},
    output::Output,
};

/// Instant activities one after the other.
#[workflow]
#[derive(Default)]
pub struct StateTransitionsWorkflow;

#[workflow_methods]
impl StateTransitionsWorkflow {
    /// Runs the workflow.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[run(name = StateTransitions::WORKFLOW_TYPE)]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: Input<StateTransitionsInput>) -> WorkflowResult<Output> {
        let input = input.read()?;
        input::check_steps("activityCount", input.activity_count)?;
        for index in 0..input.activity_count {
            let activity = ActivityInput {
                cpu_us: input.activity_cpu_us,
                result_size: input.result_size,
                ..ActivityInput::new(ctx.run_id(), index)
            };
            ctx.execute_activity(Activities::fast, activity, options()).await?;
        }
        input::end(input.fail, input.result_size)
    }
}
