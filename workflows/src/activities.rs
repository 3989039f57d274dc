//! The two activities. Their input and output have the fields of the replaced runner's, under the same names.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use temporalio_macros::activities;
use temporalio_sdk::{
    ActivityOptions,
    activities::{ActivityContext, ActivityError},
};

/// Input of both activities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActivityInput {
    /// The run id of the calling workflow.
    #[serde(rename = "WorkflowRunID")]
    pub workflow_run_id: String,
    /// The activity's number in its workflow, from 0.
    #[serde(rename = "ActivityIndex")]
    pub activity_index: u32,
    /// How long `NoOpActivity` sleeps, milliseconds.
    #[serde(rename = "SleepMs", skip_serializing_if = "is_zero")]
    pub sleep_ms: u64,
}

impl ActivityInput {
    /// The input of the index-th activity of a workflow run.
    pub fn new(workflow_run_id: &str, activity_index: u32) -> Self {
        ActivityInput {
            workflow_run_id: workflow_run_id.to_owned(),
            activity_index,
            sleep_ms: 0,
        }
    }

    /// The same input with a sleep, milliseconds.
    pub fn sleeping(self, sleep_ms: u64) -> Self {
        ActivityInput { sleep_ms, ..self }
    }
}

/// Output of both activities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityOutput {
    /// The task queue that the activity was taken from.
    #[serde(rename = "TaskQueue")]
    pub task_queue: String,
    /// The *workflow's* id. The replaced runner misnamed it so, and the name on the wire is kept.
    #[serde(rename = "WorkerID")]
    pub workflow_id: String,
    /// The activity's id.
    #[serde(rename = "ActivityID")]
    pub activity_id: String,
    /// The attempt, from 1.
    #[serde(rename = "Attempt")]
    pub attempt: u32,
}

/// The activities of the workloads.
pub struct Activities;

#[activities]
impl Activities {
    /// Sleeps as long as its input says; ends as cancelled when it is cancelled meanwhile.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[activity(name = crate::names::NO_OP_ACTIVITY)]
    pub async fn no_op(ctx: ActivityContext, input: ActivityInput) -> Result<ActivityOutput, ActivityError> {
        if input.sleep_ms > 0 {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(input.sleep_ms)) => {}
                () = ctx.cancelled() => return Err(ActivityError::cancelled()),
            }
        }
        Ok(output(&ctx))
    }

    /// Returns at once.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[activity(name = crate::names::FAST_ACTIVITY)]
    pub async fn fast(ctx: ActivityContext, _input: ActivityInput) -> Result<ActivityOutput, ActivityError> {
        Ok(output(&ctx))
    }
}

/// How the workloads call their activities: one minute from start to close, the server's default retries.
pub(crate) fn options() -> ActivityOptions {
    ActivityOptions::start_to_close_timeout(Duration::from_secs(60))
}

fn output(ctx: &ActivityContext) -> ActivityOutput {
    let info = ctx.info();
    ActivityOutput {
        task_queue: info.task_queue.clone(),
        workflow_id: info.workflow_id.clone().unwrap_or_default(),
        activity_id: info.activity_id.clone(),
        attempt: info.attempt,
    }
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}
