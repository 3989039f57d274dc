//! The two activities. Their input and output have the fields of the replaced runner's, under the same names.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use temporalio_macros::activities;
use temporalio_sdk::{
    ActivityOptions,
    activities::{ActivityContext, ActivityError},
};

use crate::{burn::burn, output::ballast};

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
    /// CPU time that the activity burns, microseconds.
    #[serde(rename = "CpuUs", skip_serializing_if = "is_zero")]
    pub cpu_us: u64,
    /// Bytes of text in its result.
    #[serde(rename = "ResultSize", skip_serializing_if = "is_zero")]
    pub result_size: u32,
}

impl ActivityInput {
    /// The input of the index-th activity of a workflow run.
    pub fn new(workflow_run_id: &str, activity_index: u32) -> Self {
        ActivityInput {
            workflow_run_id: workflow_run_id.to_owned(),
            activity_index,
            ..ActivityInput::default()
        }
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
    /// Ballast: carried, and looked at by nobody.
    #[serde(rename = "Payload", default, skip_serializing_if = "String::is_empty")]
    pub payload: String,
}

/// How long one attempt of an activity may take.
pub(crate) const START_TO_CLOSE: Duration = Duration::from_secs(60);

/// The activities of the workloads.
pub struct Activities;

#[activities]
impl Activities {
    /// Burns and sleeps as long as its input says; ends as cancelled when it is cancelled meanwhile.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[activity(name = crate::names::NO_OP_ACTIVITY)]
    pub async fn no_op(ctx: ActivityContext, input: ActivityInput) -> Result<ActivityOutput, ActivityError> {
        execute(&ctx, &input, Duration::from_millis(input.sleep_ms)).await
    }

    /// Does not sleep, whatever its input says; returns at once when it has nothing to burn.
    #[allow(
        missing_docs,
        reason = "the macro puts a constant of the same name beside the method, without docs"
    )]
    #[activity(name = crate::names::FAST_ACTIVITY)]
    pub async fn fast(ctx: ActivityContext, input: ActivityInput) -> Result<ActivityOutput, ActivityError> {
        execute(&ctx, &input, Duration::ZERO).await
    }
}

/// How the workloads call their activities: one minute from start to close, the server's default retries.
pub(crate) fn options() -> ActivityOptions {
    ActivityOptions::start_to_close_timeout(START_TO_CLOSE)
}

/// Whether a number need not be written.
fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

async fn execute(
    ctx: &ActivityContext,
    input: &ActivityInput,
    sleep: Duration,
) -> Result<ActivityOutput, ActivityError> {
    // Later nobody would take the result.
    let cpu = Duration::from_micros(input.cpu_us).min(START_TO_CLOSE);
    if !(cpu.is_zero() && sleep.is_zero()) {
        let work = async {
            burn(cpu).await;
            tokio::time::sleep(sleep).await;
        };
        tokio::select! {
            () = work => {}
            () = ctx.cancelled() => return Err(ActivityError::cancelled()),
        }
    }
    Ok(output(ctx, input.result_size))
}

fn output(ctx: &ActivityContext, result_size: u32) -> ActivityOutput {
    let info = ctx.info();
    ActivityOutput {
        task_queue: info.task_queue.clone(),
        workflow_id: info.workflow_id.clone().unwrap_or_default(),
        activity_id: info.activity_id.clone(),
        attempt: info.attempt,
        payload: ballast(result_size),
    }
}
