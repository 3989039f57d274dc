//! The workload: which workflow, and only the options that belong to it.

use std::{fmt, time::Duration};

use super::reader::Reader;
use crate::{
    Workload, WorkloadKind,
    form::Form,
    options::{Key, opt},
    problem::Problem,
    units,
};

/// Names that can be typed after `--workflow-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkloadName {
    Simple,
    MultiActivity,
    Timer,
    ChildWorkflow,
    StateTransitions,
}

impl WorkloadName {
    /// All of them.
    pub const ALL: [WorkloadName; 5] = [
        WorkloadName::Simple,
        WorkloadName::MultiActivity,
        WorkloadName::Timer,
        WorkloadName::ChildWorkflow,
        WorkloadName::StateTransitions,
    ];

    /// The options that belong to it alone.
    fn options(self) -> &'static [Key] {
        match self {
            WorkloadName::Simple => &[],
            WorkloadName::StateTransitions => &[Key::ActivityCpu],
            WorkloadName::MultiActivity => &[
                Key::ActivityCount,
                Key::ParallelActivities,
                Key::ActivityDuration,
                Key::ActivityCpu,
            ],
            WorkloadName::Timer => &[Key::TimerDuration],
            WorkloadName::ChildWorkflow => &[Key::ChildCount],
        }
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WorkloadName::Simple => "simple",
            WorkloadName::MultiActivity => "multi-activity",
            WorkloadName::Timer => "timer",
            WorkloadName::ChildWorkflow => "child-workflow",
            WorkloadName::StateTransitions => "state-transitions",
        })
    }
}

/// What the replaced runner always ran.
const REPLACED_ACTIVITIES: u32 = 10;
const DEFAULT_PARALLEL: u32 = 4;
/// Activities of one `state-transitions` workflow.
const STATE_TRANSITIONS: u32 = 10;
/// Temporal ends a workflow whose history is larger, by default.
const MAX_HISTORY: u64 = 50 << 20;

/// The workload as asked for, defaults filled in.
pub(crate) fn resolve(reader: &mut Reader) -> Result<Workload, Problem> {
    let name = reader.read(opt::WorkflowType)?;
    let mut refused = name.options().to_vec();
    for other in WorkloadName::ALL {
        let why = format!("{name} has no such option, {other} has");
        let remedy = format!("--workflow-type {other}");
        for key in other.options() {
            if !refused.contains(key) {
                refused.push(*key);
                reader.refuse([*key], &why, |problem| problem.remedy(&remedy))?;
            }
        }
    }
    let workload = Workload {
        kind: kind(reader, name)?,
        payload_size: reader.read(opt::PayloadSize)?,
        failure_ratio: reader.read(opt::FailureRatio)?,
        result_size: reader.read(opt::ResultSize)?,
        activity_cpu: match name.options().contains(&Key::ActivityCpu) {
            true => reader.read(opt::ActivityCpu)?,
            false => Duration::ZERO,
        },
    };
    note_history(reader, &workload);
    Ok(workload)
}

/// Says when results come to more than a history holds.
fn note_history(reader: &mut Reader, workload: &Workload) {
    let activities = match workload.kind {
        WorkloadKind::MultiActivity { activity_count, .. } => activity_count,
        WorkloadKind::StateTransitions => STATE_TRANSITIONS,
        WorkloadKind::Simple | WorkloadKind::Timer { .. } | WorkloadKind::ChildWorkflow { .. } => 0,
    };
    let history = u64::from(workload.result_size) * u64::from(activities + 1) + u64::from(workload.payload_size);
    if history > MAX_HISTORY {
        reader.note(format!(
            "{} in each of {activities} activities comes to a history of more than {}, at which a server ends a workflow by \
             default",
            reader.quote(Key::ResultSize),
            units::format_bytes(MAX_HISTORY)
        ));
    }
}

fn kind(reader: &mut Reader, name: WorkloadName) -> Result<WorkloadKind, Problem> {
    Ok(match name {
        WorkloadName::Simple => WorkloadKind::Simple,
        WorkloadName::StateTransitions => WorkloadKind::StateTransitions,
        WorkloadName::MultiActivity => multi_activity(reader)?,
        WorkloadName::Timer => WorkloadKind::Timer {
            timer_duration: reader.read(opt::TimerDuration)?,
        },
        WorkloadName::ChildWorkflow => WorkloadKind::ChildWorkflow {
            child_count: reader.read(opt::ChildCount)?,
        },
    })
}

fn multi_activity(reader: &mut Reader) -> Result<WorkloadKind, Problem> {
    let activity_count = reader.read(opt::ActivityCount)?;
    let from_environment = reader
        .given(Key::ActivityCount)
        .is_some_and(|given| !given.source.is_flag());
    if from_environment && activity_count != REPLACED_ACTIVITIES {
        reader.note(format!(
            "{} now sets the number of activities; the replaced runner always ran {REPLACED_ACTIVITIES}",
            reader.quote(Key::ActivityCount)
        ));
    }
    let most = Form::whole(0..=activity_count, &format!("the {activity_count} activities"));
    let parallel_activities = match reader.read_given_as(Key::ParallelActivities, &most)? {
        Some(asked) => asked,
        None => reader.read_or(opt::ParallelActivities, || {
            (activity_count.min(DEFAULT_PARALLEL), "".into())
        })?,
    };
    let activity_duration = reader.read(opt::ActivityDuration)?;
    Ok(WorkloadKind::MultiActivity {
        activity_count,
        parallel_activities,
        activity_duration,
    })
}
