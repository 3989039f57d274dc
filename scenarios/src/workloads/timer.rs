//! `timer`: sleeps on a durable timer.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Common, Configured, Definition, HistorySize, ReplacedOptions, WorkloadKind, json, millis};
use crate::{
    options::{Key, opt},
    problem::Problem,
    resolve::reader::Reader,
    units,
};

/// Sleeps on a durable timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "camelCase")]
pub struct Timer {
    /// How long.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub timer_duration: Duration,
}

impl Timer {
    /// What is the same in each run.
    pub const DEFINITION: Definition = Definition {
        name: "timer",
        workflow_type: "TimerWorkflow",
        does: "sleeps on a durable timer",
        options: &[Key::TimerDuration],
        seeded: false,
        resolve,
    };
}

fn resolve(reader: &mut Reader) -> Result<WorkloadKind, Problem> {
    let timer_duration = reader.read(opt::TimerDuration)?;
    Ok(Timer { timer_duration }.into())
}

impl Configured for Timer {
    fn input(&self, common: Common) -> Vec<u8> {
        json(&TimerInput {
            duration_ms: millis(self.timer_duration),
            fail: common.fail,
            payload: common.payload,
            result_size: common.result_size,
        })
    }

    fn own_duration(&self, _: Duration) -> Duration {
        self.timer_duration
    }

    fn length(&self) -> Option<(Key, Duration)> {
        Some((Key::TimerDuration, self.timer_duration))
    }

    fn durations(&self) -> Vec<(&'static str, Duration)> {
        vec![("timerDuration", self.timer_duration)]
    }

    fn history(&self) -> HistorySize {
        HistorySize::new(0, 2, 1..=1, 1..=1)
    }

    fn replaced(&self) -> ReplacedOptions {
        ReplacedOptions {
            timer_duration: Some(self.timer_duration),
            ..ReplacedOptions::default()
        }
    }
}

/// A workflow's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TimerInput {
    /// How long the timer runs, milliseconds.
    pub duration_ms: u64,
    /// Whether the workflow ends as failed.
    pub fail: bool,
    /// Ballast: carried, and looked at by nobody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// Bytes of text in the workflow's result.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub result_size: u32,
}

impl Default for TimerInput {
    fn default() -> Self {
        TimerInput {
            duration_ms: 1_000,
            fail: false,
            payload: String::new(),
            result_size: 0,
        }
    }
}
