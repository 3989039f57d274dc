//! `local-activity`: activities that the workflow's own worker executes within the workflow task, without the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Common, Configured, Definition, History, json};

/// Local activities of one workflow, as many as `state-transitions` has of the other kind: what lies between the two is what
/// the server does for activities.
const ACTIVITIES: u32 = 10;

/// Ten instant local activities one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct LocalActivity {}

impl LocalActivity {
    /// What is the same in each run.
    pub const DEFINITION: Definition = Definition {
        name: "local-activity",
        workflow_type: "LocalActivityWorkflow",
        does: "10 local activities one after the other that return at once, all within one workflow task",
        options: &[],
        seeded: false,
        resolve: |_| Ok(LocalActivity {}.into()),
    };
}

impl Configured for LocalActivity {
    fn input(&self, common: Common) -> Vec<u8> {
        json(&LocalActivityInput {
            activity_count: ACTIVITIES,
            fail: common.fail,
            payload: common.payload,
            result_size: common.result_size,
        })
    }

    fn history(&self) -> History {
        // Each leaves a marker.
        let count = u64::from(ACTIVITIES);
        History::new(count, count, 0..=0, 0..=0)
    }
}

/// A workflow's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalActivityInput {
    /// How many local activities run.
    pub activity_count: u32,
    /// Whether the workflow ends as failed.
    pub fail: bool,
    /// Ballast: carried, and looked at by nobody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// Bytes of text in the workflow's result, and in each of its activities'.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub result_size: u32,
}

impl Default for LocalActivityInput {
    fn default() -> Self {
        LocalActivityInput {
            activity_count: ACTIVITIES,
            fail: false,
            payload: String::new(),
            result_size: 0,
        }
    }
}
