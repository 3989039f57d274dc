//! `local-activity`: activities that the workflow's own worker executes within the workflow task, without the server.

use benchmark_scenarios::workloads::{LocalActivity, LocalActivityInput};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{LocalActivityOptions, WorkflowContext, WorkflowResult};

use crate::{
    activities::{Activities, ActivityInput, START_TO_CLOSE},
    input::{self, Input},
    output::Output,
};

/// Instant local activities one after the other.
#[workflow]
#[derive(Default)]
pub struct LocalActivityWorkflow;

#[workflow_methods]
impl LocalActivityWorkflow {
    /// Runs the workflow.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[run(name = LocalActivity::WORKFLOW_TYPE)]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: Input<LocalActivityInput>) -> WorkflowResult<Output> {
        let input = input.read()?;
        input::check_steps("activityCount", input.activity_count)?;
        for index in 0..input.activity_count {
            let activity = ActivityInput {
                result_size: input.result_size,
                ..ActivityInput::new(ctx.run_id(), index)
            };
            let options = LocalActivityOptions::builder()
                .start_to_close_timeout(START_TO_CLOSE)
                .build();
            ctx.execute_local_activity(Activities::fast, activity, options).await?;
        }
        input::end(input.fail, input.result_size)
    }
}
