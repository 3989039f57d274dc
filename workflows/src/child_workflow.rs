//! `child-workflow`: starts children that return at once and waits for all of them.
//!
//! A child's id is the SDK's: a UUID drawn from the workflow's own random stream. It therefore does not begin with the
//! parent's id, and counts by the prefix of a run's workflow ids hold only the workflows that the run started itself.

use benchmark_scenarios::workloads::{ChildWorkflow, ChildWorkflowInput, SimpleInput};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{ChildWorkflowOptions, WorkflowContext, WorkflowResult, workflows::join_all};

use crate::{
    input::{self, Input},
    output::Output,
    simple::SimpleWorkflow,
};

/// Starts children that return at once and waits for all of them.
#[workflow]
#[derive(Default)]
pub struct ParentWorkflow;

#[workflow_methods]
impl ParentWorkflow {
    /// Runs the workflow.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[run(name = ChildWorkflow::WORKFLOW_TYPE)]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: Input<ChildWorkflowInput>) -> WorkflowResult<Output> {
        let input = input.read()?;
        input::check_steps("childCount", input.child_count)?;
        // The default options leave the task queue to the parent's.
        let start = |_| {
            ctx.start_child_workflow(
                SimpleWorkflow::run,
                SimpleInput::default(),
                ChildWorkflowOptions::default(),
            )
        };
        let children = join_all((0..input.child_count).map(start))
            .await
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        for result in join_all(children.into_iter().map(|child| child.result())).await {
            result?;
        }
        input::end(input.fail, input.result_size)
    }
}
