//! `multi-activity`: activities in parallel, a join, then the rest one after the other.
//!
//! Each activity sleeps for a time that is drawn from the workflow's input alone: the same input sleeps the same times, in
//! a second run as well as on replay.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Common, Configured, Definition, HistorySize, ReplacedOptions, WorkloadKind, json, millis};
use crate::{
    draw::{self, Sleep},
    form::Form,
    options::{Key, opt},
    problem::Problem,
    resolve::reader::Reader,
    sleep::{ActivityDuration, LognormalSleep, NormalSleep, SleepRange},
};

/// What the replaced runner always ran.
const ACTIVITIES: u32 = 10;
const PARALLEL: u32 = 4;

/// Activities in parallel, then one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "camelCase")]
pub struct MultiActivity {
    /// All activities of one workflow.
    pub activity_count: u32,
    /// How many of them run at the same time, first.
    pub parallel_activities: u32,
    /// How long each sleeps; drawn from the seed.
    pub activity_duration: ActivityDuration,
}

impl MultiActivity {
    /// What is the same in each run.
    pub const DEFINITION: Definition = Definition {
        name: "multi-activity",
        workflow_type: "MultiActivityWorkflow",
        does: "activities in parallel, then the others one after the other; each sleeps, for a time drawn from the seed",
        options: &[
            Key::ActivityCount,
            Key::ParallelActivities,
            Key::ActivityDuration,
            Key::ActivityCpu,
        ],
        seeded: true,
        resolve,
    };

    /// Activities that wait for others, the first ones together counted as one.
    fn rounds(&self) -> u32 {
        let parallel = self.parallel_activities.min(self.activity_count);
        self.activity_count - parallel + parallel.min(1)
    }
}

fn resolve(reader: &mut Reader) -> Result<WorkloadKind, Problem> {
    let activity_count = reader.read(opt::ActivityCount)?;
    let from_environment = reader
        .given(Key::ActivityCount)
        .is_some_and(|given| !given.source.is_flag());
    if from_environment && activity_count != ACTIVITIES {
        reader.note(format!(
            "{} now sets the number of activities; the replaced runner always ran {ACTIVITIES}",
            reader.quote(Key::ActivityCount)
        ));
    }
    let most = Form::whole(0..=activity_count, &format!("the {activity_count} activities"));
    let parallel_activities = match reader.read_given_as(Key::ParallelActivities, &most)? {
        Some(asked) => asked,
        None => reader.read_or(opt::ParallelActivities, || (activity_count.min(PARALLEL), "".into()))?,
    };
    let options = MultiActivity {
        activity_count,
        parallel_activities,
        activity_duration: reader.read(opt::ActivityDuration)?,
    };
    Ok(options.into())
}

impl Configured for MultiActivity {
    fn typed_otherwise(&self) -> Vec<(Key, String)> {
        vec![(Key::ActivityDuration, self.activity_duration.to_string())]
    }

    fn input(&self, common: Common) -> Vec<u8> {
        let (range, sleep) = sleeps(&self.activity_duration);
        json(&MultiActivityInput {
            activity_count: self.activity_count,
            parallel_activities: self.parallel_activities,
            sleep_min_ms: millis(range.min),
            sleep_max_ms: millis(range.max),
            sleep,
            seed: None,
            fail: common.fail,
            payload: common.payload,
            result_size: common.result_size,
            activity_cpu_us: common.activity_cpu_us,
        })
    }

    fn own_duration(&self, activity_cpu: Duration) -> Duration {
        let each = self.activity_duration.nearly_longest() + activity_cpu;
        each.saturating_mul(self.rounds())
    }

    fn durations(&self) -> Vec<(&'static str, Duration)> {
        vec![("activityDuration", self.activity_duration.longest_named())]
    }

    fn history(&self) -> HistorySize {
        HistorySize::of_activities(self.activity_count, self.rounds())
    }

    fn replaced(&self) -> ReplacedOptions {
        ReplacedOptions {
            activity_count: Some(self.activity_count),
            ..ReplacedOptions::default()
        }
    }
}

/// The range that sleeps are drawn from, and the distribution instead of it: a worker of a version that knows no
/// distributions sleeps the middle of it.
fn sleeps(duration: &ActivityDuration) -> (SleepRange, Option<Sleep>) {
    let always = |span| SleepRange { min: span, max: span };
    let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
    match *duration {
        ActivityDuration::Uniform(range) => (range, None),
        ActivityDuration::Normal(NormalSleep { mean, deviation }) => (
            always(mean),
            Some(Sleep::Normal {
                mean_ms: millis(mean),
                deviation_ms: millis(deviation),
            }),
        ),
        ActivityDuration::Lognormal(LognormalSleep { median, sigma }) => (
            always(median),
            Some(Sleep::Lognormal {
                median_ms: millis(median),
                sigma,
            }),
        ),
    }
}

/// A workflow's input.
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
    #[serde(skip_serializing_if = "super::is_zero")]
    pub result_size: u32,
    /// CPU time that each activity burns, microseconds.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub activity_cpu_us: u64,
}

impl Default for MultiActivityInput {
    fn default() -> Self {
        MultiActivityInput {
            activity_count: ACTIVITIES,
            parallel_activities: PARALLEL,
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
