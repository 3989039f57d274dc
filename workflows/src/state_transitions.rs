//! `state-transitions`: instant activities one after the other, so that nearly all of the time is the server's.

use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult};

use crate::{
    activities::{Activities, ActivityInput, options},
    input::{self, Input},
    output::Output,
};

/// Input of [`StateTransitionWorkflow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StateTransitionsInput {
    /// How many activities run.
    pub activity_count: u32,
    /// Whether the workflow ends as failed.
    pub fail: bool,
    /// Ballast: carried, and looked at by nobody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// Bytes of text in the workflow's result, and in each of its activities'.
    #[serde(skip_serializing_if = "crate::input::is_zero")]
    pub result_size: u32,
    /// CPU time that each activity burns, microseconds.
    #[serde(rename = "activityCpuUs", skip_serializing_if = "crate::input::is_zero")]
    pub activity_cpu_us: u64,
}

impl Default for StateTransitionsInput {
    fn default() -> Self {
        StateTransitionsInput {
            activity_count: 10,
            fail: false,
            payload: String::new(),
            result_size: 0,
            activity_cpu_us: 0,
        }
    }
}

/// Instant activities one after the other.
#[workflow]
#[derive(Default)]
pub struct StateTransitionWorkflow;

#[workflow_methods]
impl StateTransitionWorkflow {
    /// Runs the workflow.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[run(name = crate::names::STATE_TRANSITIONS)]
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
