//! The workloads: one file each, and the list from which both sides follow, what is asked for here and what is executed
//! in the crate `workflows`.

mod child_workflow;
mod local_activity;
mod multi_activity;
mod simple;
mod state_transitions;
mod timer;

use std::{ops::RangeInclusive, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Workload,
    asked::Asked,
    options::{Key, Program},
    problem::Problem,
    resolve::reader::Reader,
};

/// Hands every workload to a macro: `module: Options, Input, Workflow;`. The module is the file's name on both sides; options
/// and input are defined here, the workflow in the crate `workflows`, which does not compile without it.
#[macro_export]
macro_rules! workloads {
    ($expand:ident) => {
        $expand! {
            simple: Simple, SimpleInput, SimpleWorkflow;
            multi_activity: MultiActivity, MultiActivityInput, MultiActivityWorkflow;
            timer: Timer, TimerInput, TimerWorkflow;
            child_workflow: ChildWorkflow, ChildWorkflowInput, ParentWorkflow;
            state_transitions: StateTransitions, StateTransitionsInput, StateTransitionsWorkflow;
            local_activity: LocalActivity, LocalActivityInput, LocalActivityWorkflow;
        }
    };
}

macro_rules! kinds {
    ($($module:ident: $options:ident, $input:ident, $workflow:ident;)*) => {
        $(pub use $module::{$input, $options};)*

        /// The workflows that can be run, with their options.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", tag = "workflowType")]
        #[allow(missing_docs, reason = "what each does is said by its options, and the schema has it from there")]
        pub enum WorkloadKind { $($options($options),)* }

        /// What is the same in each run, of every workload.
        pub const DEFINITIONS: &[Definition] = &[$($options::DEFINITION,)*];

        /// The names that can be typed after `--workflow-type`.
        pub(crate) const NAMES: &[&str] = &[$($options::DEFINITION.name,)*];

        impl WorkloadKind {
            /// What is the same in each run of the workload.
            pub fn definition(&self) -> &'static Definition {
                match self { $(WorkloadKind::$options(_) => const { &$options::DEFINITION },)* }
            }

            fn configured(&self) -> &dyn Configured {
                match self { $(WorkloadKind::$options(options) => options,)* }
            }
        }

        $(
            impl $options {
                /// The name under which workers register the workflow.
                pub const WORKFLOW_TYPE: &'static str = Self::DEFINITION.workflow_type;
            }

            impl From<$options> for WorkloadKind {
                fn from(options: $options) -> Self {
                    WorkloadKind::$options(options)
                }
            }
        )*
    };
}

workloads!(kinds);

/// What is the same in each run of a workload.
#[derive(Debug)]
pub struct Definition {
    /// The name as typed after `--workflow-type`, and in files.
    pub name: &'static str,
    /// The name under which workers register the workflow: that of the replaced runner where it had the workload, so that old
    /// and new results stand side by side.
    pub workflow_type: &'static str,
    /// What a workflow does.
    pub does: &'static str,
    /// The options that belong to it, besides those that belong to every workload; typed with another workload they are
    /// refused.
    pub options: &'static [Key],
    /// Whether the input of each workflow ends with a `seed` of its own.
    pub seeded: bool,
    /// Reads the options.
    pub(crate) resolve: fn(&mut Reader) -> Result<WorkloadKind, Problem>,
}

impl Definition {
    /// The workload as it is when none of its options is asked for.
    pub fn by_default(&self) -> WorkloadKind {
        (self.resolve)(&mut Reader::new(Program::Run, &Asked::new())).expect("what is not asked for is not refused")
    }
}

/// A workload with its options, and what follows from them.
trait Configured {
    /// The options that would be typed otherwise than the plan has them.
    fn typed_otherwise(&self) -> Vec<(Key, String)> {
        Vec::new()
    }

    /// The JSON of a workflow's input.
    fn input(&self, common: Common) -> Vec<u8>;

    /// How long a workflow takes when nothing makes it wait and each activity burns that much CPU.
    fn own_duration(&self, activity_cpu: Duration) -> Duration {
        let _ = activity_cpu;
        Duration::ZERO
    }

    /// The option that alone says how long a workflow is open, where there is one.
    fn length(&self) -> Option<(Key, Duration)> {
        None
    }

    /// The durations among the options, by their keys in the plan.
    fn durations(&self) -> Vec<(&'static str, Duration)> {
        Vec::new()
    }

    /// What a workflow leaves in its history.
    fn history(&self) -> HistorySize;

    /// The options that the replaced runner wrote apart.
    fn replaced(&self) -> ReplacedOptions {
        ReplacedOptions::default()
    }
}

/// What every workload's input is made from.
struct Common {
    fail: bool,
    payload: String,
    result_size: u32,
    activity_cpu_us: u64,
}

/// What a workflow leaves in its history when no attempt at anything fails or times out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySize {
    /// Activities; the history holds their results.
    pub activities: u64,
    /// Events. There are fewer where one workflow task answers to several things at once.
    pub events: RangeInclusive<u64>,
    /// State transitions, of children not. There are fewer, too, where activities start eagerly.
    pub state_transitions: RangeInclusive<u64>,
}

impl HistorySize {
    /// The history of a workflow that does so many activities, timers or children, in tasks that are `fewest` besides the
    /// first when all that runs at the same time ends at the same time.
    ///
    /// Any workflow has five events and three transitions; each task adds three and two.
    fn new(activities: u64, events: u64, transitions: RangeInclusive<u64>, tasks: RangeInclusive<u64>) -> Self {
        HistorySize {
            activities,
            events: 5 + events + 3 * tasks.start()..=5 + events + 3 * tasks.end(),
            state_transitions: 3 + transitions.start() + 2 * tasks.start()..=3 + transitions.end() + 2 * tasks.end(),
        }
    }

    /// With activities, of which at least `rounds` wait for others.
    fn of_activities(count: u32, rounds: u32) -> Self {
        let (count, rounds) = (u64::from(count), u64::from(rounds));
        HistorySize::new(count, 3 * count, count..=2 * count, rounds..=count)
    }
}

/// The options of workloads that the replaced runner wrote under keys of their own. It will have no more of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplacedOptions {
    /// Activities of one workflow.
    pub activity_count: Option<u32>,
    /// How long a timer runs.
    pub timer_duration: Option<Duration>,
    /// Children of one workflow.
    pub child_count: Option<u32>,
}

impl WorkloadKind {
    /// The name as typed after `--workflow-type`.
    pub fn name(&self) -> &'static str {
        self.definition().name
    }

    /// The options that would be typed otherwise than the plan has them, as they would be.
    pub(crate) fn typed_otherwise(&self) -> Vec<(Key, String)> {
        self.configured().typed_otherwise()
    }

    /// The option that alone says how long a workflow is open, where there is one.
    pub fn length(&self) -> Option<(Key, Duration)> {
        self.configured().length()
    }

    /// The durations among the options, by their keys in the plan.
    pub fn durations(&self) -> Vec<(&'static str, Duration)> {
        self.configured().durations()
    }

    /// What a workflow leaves in its history.
    pub fn history(&self) -> HistorySize {
        self.configured().history()
    }

    /// The options that the replaced runner wrote apart.
    pub fn replaced(&self) -> ReplacedOptions {
        self.configured().replaced()
    }
}

impl Workload {
    /// How long a workflow takes when nothing makes it wait.
    pub fn own_duration(&self) -> Duration {
        self.kind.configured().own_duration(self.activity_cpu)
    }

    /// The JSON of a workflow's input, as far as it is the same for all that do or do not fail: an object that is not empty,
    /// to which a `seed` is added where the workload's definition says so.
    pub fn input(&self, fail: bool) -> Vec<u8> {
        self.kind.configured().input(Common {
            fail,
            payload: "x".repeat(self.payload_size as usize),
            result_size: self.result_size,
            activity_cpu_us: u64::try_from(self.activity_cpu.as_micros()).unwrap_or(u64::MAX),
        })
    }
}

fn json<T: Serialize>(input: &T) -> Vec<u8> {
    serde_json::to_vec(input).expect("inputs are numbers, flags and text, which always have a JSON form")
}

/// Whether a number need not be written.
fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_has_the_name_that_is_in_files() {
        for definition in DEFINITIONS {
            let kind = definition.by_default();
            assert_eq!(kind.name(), definition.name);
            let json = serde_json::to_value(&kind).unwrap();
            assert_eq!(json["workflowType"], definition.name);
        }
        let mut types: Vec<&str> = DEFINITIONS.iter().map(|definition| definition.workflow_type).collect();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), DEFINITIONS.len());
    }
}
