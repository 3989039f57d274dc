//! `multi-activity`: activities in parallel, a join, then the rest one after the other.
//!
//! Each activity sleeps for a time that is drawn in the workflow, from its input alone: the same input sleeps the same
//! times, in a second run as well as on replay.

use benchmark_scenarios::{
    draw,
    workloads::{MultiActivity, MultiActivityInput},
};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult, workflows::join_all};

use crate::{
    activities::{Activities, ActivityInput, options},
    input::{self, Input},
    output::Output,
};

/// Activities in parallel, then one after the other.
#[workflow]
#[derive(Default)]
pub struct MultiActivityWorkflow;

#[workflow_methods]
impl MultiActivityWorkflow {
    /// Runs the workflow.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[run(name = MultiActivity::WORKFLOW_TYPE)]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: Input<MultiActivityInput>) -> WorkflowResult<Output> {
        let input = input.read()?;
        input::check_steps("activityCount", input.activity_count)?;
        let seed = input.seed.unwrap_or_else(|| draw::seed_of(ctx.workflow_id()));
        let activity = |index| {
            let activity = ActivityInput {
                sleep_ms: input.sleep_ms(seed, index),
                cpu_us: input.activity_cpu_us,
                result_size: input.result_size,
                ..ActivityInput::new(ctx.run_id(), index)
            };
            ctx.execute_activity(Activities::no_op, activity, options())
        };

        let parallel = input.parallel_activities.min(input.activity_count);
        for result in join_all((0..parallel).map(activity)).await {
            result?;
        }
        for index in parallel..input.activity_count {
            activity(index).await?;
        }
        input::end(input.fail, input.result_size)
    }
}
