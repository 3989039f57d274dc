//! `simple`: returns at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Common, Configured, Definition, HistorySize, json};

/// Returns at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Simple {}

impl Simple {
    /// What is the same in each run.
    pub const DEFINITION: Definition = Definition {
        name: "simple",
        workflow_type: "SimpleWorkflow",
        does: "returns at once: one workflow task",
        options: &[],
        seeded: false,
        resolve: |_| Ok(Simple {}.into()),
    };
}

impl Configured for Simple {
    fn input(&self, common: Common) -> Vec<u8> {
        json(&SimpleInput {
            fail: common.fail,
            payload: common.payload,
            result_size: common.result_size,
        })
    }

    fn history(&self) -> HistorySize {
        HistorySize::new(0, 0, 0..=0, 0..=0)
    }
}

/// A workflow's input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SimpleInput {
    /// Whether the workflow ends as failed.
    pub fail: bool,
    /// Ballast: carried, and looked at by nobody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// Bytes of text in the workflow's result.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub result_size: u32,
}
