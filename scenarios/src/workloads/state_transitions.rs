//! `state-transitions`: instant activities one after the other, so that nearly all of the time is the server's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Common, Configured, Definition, HistorySize, json};
use crate::options::Key;

/// Activities of one workflow.
const ACTIVITIES: u32 = 10;

/// Ten instant activities one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct StateTransitions {}

impl StateTransitions {
    /// What is the same in each run.
    pub const DEFINITION: Definition = Definition {
        name: "state-transitions",
        workflow_type: "StateTransitionWorkflow",
        does: "10 activities one after the other that return at once",
        options: &[Key::ActivityCpu],
        seeded: false,
        resolve: |_| Ok(StateTransitions {}.into()),
    };
}

impl Configured for StateTransitions {
    fn input(&self, common: Common) -> Vec<u8> {
        json(&StateTransitionsInput {
            activity_count: ACTIVITIES,
            fail: common.fail,
            payload: common.payload,
            result_size: common.result_size,
            activity_cpu_us: common.activity_cpu_us,
        })
    }

    fn history(&self) -> HistorySize {
        HistorySize::of_activities(ACTIVITIES, ACTIVITIES)
    }
}

/// A workflow's input.
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
    #[serde(skip_serializing_if = "super::is_zero")]
    pub result_size: u32,
    /// CPU time that each activity burns, microseconds.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub activity_cpu_us: u64,
}

impl Default for StateTransitionsInput {
    fn default() -> Self {
        StateTransitionsInput {
            activity_count: ACTIVITIES,
            fail: false,
            payload: String::new(),
            result_size: 0,
            activity_cpu_us: 0,
        }
    }
}
