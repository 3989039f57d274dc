//! `simple`: returns at once. One workflow task, the least that a server can do for a workflow.

use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult};

use crate::{
    input::{self, Input},
    output::Output,
};

/// Input of [`SimpleWorkflow`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SimpleInput {
    /// Whether the workflow ends as failed.
    pub fail: bool,
    /// Ballast: carried, and looked at by nobody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// Bytes of text in the workflow's result.
    #[serde(skip_serializing_if = "crate::input::is_zero")]
    pub result_size: u32,
}

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
    #[run(name = crate::names::SIMPLE)]
    pub async fn run(_ctx: &mut WorkflowContext<Self>, input: Input<SimpleInput>) -> WorkflowResult<Output> {
        let input = input.read()?;
        input::end(input.fail, input.result_size)
    }
}
