//! Tuning of a worker: slots, pollers, cache, rates.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units;

/// How each SDK worker is tuned, with the profile's values and everything that was asked for on top of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkerTuning {
    /// Where the values come from that were not asked for one by one.
    pub profile: WorkerProfile,
    /// How much one worker executes at the same time.
    pub slots: Slots,
    /// Polls for workflow tasks that one worker keeps open.
    pub workflow_pollers: Pollers,
    /// Polls for activities that one worker keeps open.
    pub activity_pollers: Pollers,
    /// Workflows that one worker keeps in memory between their tasks; with 0 every task replays.
    pub max_cached_workflows: u32,
    /// How long a task may lie on a worker's own sticky queue before any worker may take it.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub sticky_timeout: Duration,
    /// Whether activities are handed out with the answer to the workflow task that scheduled them.
    pub eager_activities: bool,
    /// Activities a second that one worker executes at the most.
    pub activities_per_second: Option<f64>,
    /// The worker deployment's name; together with `build_id`.
    pub deployment: Option<String>,
    /// The build that the worker says it is; together with `deployment`.
    pub build_id: Option<String>,
    /// How long activities may go on after a shutdown began, before they are cancelled.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub graceful_shutdown: Duration,
}

/// Values that belong together, by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerProfile {
    /// The replaced fleet's: 200 slots of each kind, 32 fixed pollers of each kind, 1,000 cached workflows.
    Default,
    /// For a small task: 20 slots, 8 to 20 pollers, 200 cached workflows.
    Small,
    /// 200 slots, 8 to 100 pollers as the server's hints ask for, 1,000 cached workflows.
    Autoscale,
}

/// How much one worker executes at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Slots {
    /// Always as much.
    #[serde(rename_all = "camelCase")]
    Fixed {
        /// Workflow tasks.
        workflow: u32,
        /// Activities.
        activity: u32,
        /// Local activities.
        local_activity: u32,
    },
    /// As much as the machine has room for.
    Resource {
        /// Share of the CPU, 0 to 1, up to which slots are given out.
        cpu: f64,
        /// Share of the memory, 0 to 1, up to which slots are given out.
        memory: f64,
    },
}

/// What is typed after `--slots`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SlotKind {
    /// Always as much.
    Fixed,
    /// As much as the machine has room for.
    Resource,
}

/// How many polls one worker keeps open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Pollers {
    /// Always as many.
    Fixed {
        /// How many.
        count: u32,
    },
    /// As many as the server's hints ask for.
    Autoscaling {
        /// At the start.
        initial: u32,
        /// At the least.
        minimum: u32,
        /// At the most.
        maximum: u32,
    },
}

impl WorkerProfile {
    /// All profiles.
    pub const ALL: [WorkerProfile; 3] = [WorkerProfile::Default, WorkerProfile::Small, WorkerProfile::Autoscale];

    /// Slots of each kind.
    pub(crate) fn slots(self) -> u32 {
        match self {
            WorkerProfile::Default | WorkerProfile::Autoscale => 200,
            WorkerProfile::Small => 20,
        }
    }

    /// What a worker with this profile runs with when nothing else is asked for.
    pub fn tuning(self) -> WorkerTuning {
        let slots = self.slots();
        let (pollers, max_cached_workflows) = match self {
            WorkerProfile::Default => (Pollers::Fixed { count: 32 }, 1_000),
            WorkerProfile::Small => (Pollers::between(8, 20), 200),
            WorkerProfile::Autoscale => (Pollers::between(8, 100), 1_000),
        };
        WorkerTuning {
            profile: self,
            slots: Slots::Fixed {
                workflow: slots,
                activity: slots,
                local_activity: slots,
            },
            workflow_pollers: pollers,
            activity_pollers: pollers,
            max_cached_workflows,
            sticky_timeout: Duration::from_secs(10),
            eager_activities: true,
            activities_per_second: None,
            deployment: None,
            build_id: None,
            graceful_shutdown: Duration::from_secs(10),
        }
    }
}

impl Pollers {
    /// Autoscaling that begins at its minimum.
    pub(crate) const fn between(minimum: u32, maximum: u32) -> Self {
        Pollers::Autoscaling {
            initial: minimum,
            minimum,
            maximum,
        }
    }
}

/// As a plan has it.
impl fmt::Display for WorkerProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// As a plan has it.
impl fmt::Display for SlotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// As it can be typed: `32`, `auto:8-100`, `auto:8-100:16`.
impl fmt::Display for Pollers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pollers::Fixed { count } => write!(f, "{count}"),
            Pollers::Autoscaling {
                initial,
                minimum,
                maximum,
            } if initial == minimum => write!(f, "auto:{minimum}-{maximum}"),
            Pollers::Autoscaling {
                initial,
                minimum,
                maximum,
            } => write!(f, "auto:{minimum}-{maximum}:{initial}"),
        }
    }
}
