//! `state-transitions`: instant activities one after the other, so that nearly all of the time is the server's.

use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult};

use crate::{
    activities::{Activities, ActivityInput, options},
    input::{self, Input},
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
}

impl Default for StateTransitionsInput {
    fn default() -> Self {
        StateTransitionsInput {
            activity_count: 10,
            fail: false,
            payload: String::new(),
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
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: Input<StateTransitionsInput>) -> WorkflowResult<()> {
        let input = input.read()?;
        input::check_steps("activityCount", input.activity_count)?;
        for index in 0..input.activity_count {
            let activity = ActivityInput::new(ctx.run_id(), index);
            ctx.execute_activity(Activities::fast, activity, options()).await?;
        }
        input::end(input.fail)
    }
}
