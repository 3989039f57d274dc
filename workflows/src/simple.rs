//! `simple`: returns at once. One workflow task, the least that a server can do for a workflow.

use benchmark_scenarios::workloads::{Simple, SimpleInput};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult};

use crate::{
    input::{self, Input},
    output::Output,
};

/// Returns at once.
#[workflow]
#[derive(Default)]
pub struct SimpleWorkflow;

#[workflow_methods]
impl SimpleWorkflow {
    /// Runs the workflow.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[run(name = Simple::WORKFLOW_TYPE)]
    pub async fn run(_ctx: &mut WorkflowContext<Self>, input: Input<SimpleInput>) -> WorkflowResult<Output> {
        let input = input.read()?;
        input::end(input.fail, input.result_size)
    }
}
