//! `multi-activity`: activities in parallel, a join, then the rest one after the other.
//!
//! Each activity sleeps for a time that is drawn in the workflow, from its input alone: the same input sleeps the same
//! times, in a second run as well as on replay.

use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult, workflows::join_all};

use crate::{
    activities::{Activities, ActivityInput, options},
    draw,
    input::{self, Input},
    output::Output,
    sleep::Sleep,
};

/// Input of [`MultiActivityWorkflow`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MultiActivityInput {
    /// All activities of the workflow.
    pub activity_count: u32,
    /// How many of them run at the same time, first; at most `activity_count`.
    pub parallel_activities: u32,
    /// The shortest sleep, milliseconds.
    pub sleep_min_ms: u64,
    /// The longest sleep, milliseconds; `sleep_min_ms` counts when it is longer.
    pub sleep_max_ms: u64,
    /// The distribution that sleeps are drawn from instead of the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sleep: Option<Sleep>,
    /// Seeds this workflow's sleeps ([`draw::derive`] makes one per arrival); without it they follow from the workflow's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
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

impl Default for MultiActivityInput {
    fn default() -> Self {
        MultiActivityInput {
            activity_count: 10,
            parallel_activities: 4,
            sleep_min_ms: 100,
            sleep_max_ms: 600,
            sleep: None,
            seed: None,
            fail: false,
            payload: String::new(),
            result_size: 0,
            activity_cpu_us: 0,
        }
    }
}

impl MultiActivityInput {
    /// How long the index-th activity of a workflow with this seed sleeps, milliseconds.
    pub fn sleep_ms(&self, seed: u64, index: u32) -> u64 {
        let seed = draw::derive(seed, u64::from(index));
        match self.sleep {
            Some(sleep) => sleep.draw_ms(seed),
            None => draw::uniform(seed, self.sleep_min_ms, self.sleep_max_ms),
        }
    }
}

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
    #[run(name = crate::names::MULTI_ACTIVITY)]
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
