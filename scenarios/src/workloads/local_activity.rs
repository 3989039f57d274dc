//! `local-activity`: activities that the workflow's own worker executes within the workflow task, without the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Common, Configured, Definition, HistorySize, WorkloadKind, json};
use crate::{
    options::{Key, opt},
    problem::Problem,
    resolve::reader::Reader,
};

/// Local activities of one workflow unless told, as many as `state-transitions` has of the other kind: what lies between the two is what
/// the server does for activities.
const ACTIVITIES: u32 = 10;

/// Instant local activities one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "camelCase")]
pub struct LocalActivity {
    /// Local activities of one workflow.
    pub local_activity_count: u32,
}

impl LocalActivity {
    /// What is the same in each run.
    pub const DEFINITION: Definition = Definition {
        name: "local-activity",
        workflow_type: "LocalActivityWorkflow",
        does: "local activities one after the other that return at once, all within one workflow task",
        options: &[Key::LocalActivityCount],
        seeded: false,
        resolve,
    };
}

fn resolve(reader: &mut Reader) -> Result<WorkloadKind, Problem> {
    let local_activity_count = reader.read(opt::LocalActivityCount)?;
    Ok(LocalActivity { local_activity_count }.into())
}

impl Configured for LocalActivity {
    fn input(&self, common: Common) -> Vec<u8> {
        json(&LocalActivityInput {
            activity_count: self.local_activity_count,
            fail: common.fail,
            payload: common.payload,
            result_size: common.result_size,
        })
    }

    fn history(&self) -> HistorySize {
        // Each leaves a marker.
        let count = u64::from(self.local_activity_count);
        HistorySize::new(count, count, 0..=0, 0..=0)
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
