//! `child-workflow`: starts children that return at once and waits for all of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Common, Configured, Definition, HistorySize, ReplacedOptions, WorkloadKind, json};
use crate::{
    options::{Key, opt},
    problem::Problem,
    resolve::reader::Reader,
};

/// Starts children that return at once and waits for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "camelCase")]
pub struct ChildWorkflow {
    /// How many children.
    pub child_count: u32,
}

impl ChildWorkflow {
    /// What is the same in each run.
    pub const DEFINITION: Definition = Definition {
        name: "child-workflow",
        workflow_type: "ChildWorkflow",
        does: "starts children at the same time, each a `SimpleWorkflow`, and waits for all",
        options: &[Key::ChildCount],
        seeded: false,
        resolve,
    };
}

fn resolve(reader: &mut Reader) -> Result<WorkloadKind, Problem> {
    let child_count = reader.read(opt::ChildCount)?;
    Ok(ChildWorkflow { child_count }.into())
}

impl Configured for ChildWorkflow {
    fn input(&self, common: Common) -> Vec<u8> {
        json(&ChildWorkflowInput {
            child_count: self.child_count,
            fail: common.fail,
            payload: common.payload,
            result_size: common.result_size,
        })
    }

    fn history(&self) -> HistorySize {
        // A child is asked for by the first task; that it began and that it ended are two things more.
        let children = u64::from(self.child_count);
        HistorySize::new(0, 3 * children, 2 * children..=2 * children, 1..=2 * children)
    }

    fn replaced(&self) -> ReplacedOptions {
        ReplacedOptions {
            child_count: Some(self.child_count),
            ..ReplacedOptions::default()
        }
    }
}

/// A workflow's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChildWorkflowInput {
    /// How many children.
    pub child_count: u32,
    /// Whether the workflow ends as failed, after its children completed.
    pub fail: bool,
    /// Ballast: carried, and looked at by nobody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// Bytes of text in the workflow's result.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub result_size: u32,
}

impl Default for ChildWorkflowInput {
    fn default() -> Self {
        ChildWorkflowInput {
            child_count: 3,
            fail: false,
            payload: String::new(),
            result_size: 0,
        }
    }
}
