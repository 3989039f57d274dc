//! The workload: which workflow, and only the options that belong to it.

use std::{fmt, time::Duration};

use super::{form::Form, reader::Reader};
use crate::{SleepRange, Workload, WorkloadKind, asked::Key, problem::Problem, units};

/// Names that can be typed after `--workflow-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Simple,
    MultiActivity,
    Timer,
    ChildWorkflow,
    StateTransitions,
}

impl Name {
    const ALL: [Name; 5] = [
        Name::Simple,
        Name::MultiActivity,
        Name::Timer,
        Name::ChildWorkflow,
        Name::StateTransitions,
    ];

    /// The options that belong to it alone.
    fn options(self) -> &'static [Key] {
        match self {
            Name::Simple => &[],
            Name::StateTransitions => &[Key::ActivityCpu],
            Name::MultiActivity => &[
                Key::ActivityCount,
                Key::ParallelActivities,
                Key::ActivityDuration,
                Key::ActivityCpu,
            ],
            Name::Timer => &[Key::TimerDuration],
            Name::ChildWorkflow => &[Key::ChildCount],
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Name::Simple => "simple",
            Name::MultiActivity => "multi-activity",
            Name::Timer => "timer",
            Name::ChildWorkflow => "child-workflow",
            Name::StateTransitions => "state-transitions",
        })
    }
}

/// The replaced runner ran ten activities, four of them in parallel, each asleep for 100 to 600 ms.
const DEFAULT_ACTIVITIES: u32 = 10;
const DEFAULT_PARALLEL: u32 = 4;
const DEFAULT_SLEEP: SleepRange = SleepRange {
    min: Duration::from_millis(100),
    max: Duration::from_millis(600),
};
/// With the longest sleep still within the activities' start-to-close timeout of a minute.
const LONGEST_BURN: Duration = Duration::from_secs(20);
/// Activities of one `state-transitions` workflow.
const STATE_TRANSITIONS: u32 = 10;
/// Temporal ends a workflow whose history is larger, by default.
const MAX_HISTORY: u64 = 50 << 20;
/// Temporal's own limit of a payload is 2 MiB by default.
const MAX_PAYLOAD: u32 = 1 << 20;

/// The workload as asked for, defaults filled in.
pub(crate) fn resolve(reader: &mut Reader) -> Result<Workload, Problem> {
    const NAMES: &[Name] = &Name::ALL;
    let name = reader.read(Key::WorkflowType, &Form::choice(NAMES), || (Name::Simple, "".into()))?;
    let mut refused = name.options().to_vec();
    for other in Name::ALL {
        let why = format!("{name} has no such option, {other} has");
        let remedy = format!("--workflow-type {other}");
        for key in other.options() {
            if !refused.contains(key) {
                refused.push(*key);
                reader.refuse(&[*key], &why, |problem| problem.remedy(&remedy))?;
            }
        }
    }
    let workload = Workload {
        kind: kind(reader, name)?,
        payload_size: reader.read(Key::PayloadSize, &Form::bytes(MAX_PAYLOAD), || (0, "".into()))?,
        failure_ratio: reader.read(Key::FailureRatio, &Form::ratio(), || (0.0, "".into()))?,
        result_size: reader.read(Key::ResultSize, &Form::bytes(MAX_PAYLOAD), || (0, "".into()))?,
        activity_cpu: match name.options().contains(&Key::ActivityCpu) {
            true => reader.read(Key::ActivityCpu, &Form::span(Duration::ZERO..=LONGEST_BURN), || {
                (Duration::ZERO, "".into())
            })?,
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

fn kind(reader: &mut Reader, name: Name) -> Result<WorkloadKind, Problem> {
    Ok(match name {
        Name::Simple => WorkloadKind::Simple,
        Name::StateTransitions => WorkloadKind::StateTransitions,
        Name::MultiActivity => multi_activity(reader)?,
        Name::Timer => {
            let span = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);
            let timer_duration = reader.read(Key::TimerDuration, &Form::span(span), || {
                (Duration::from_secs(1), "".into())
            })?;
            WorkloadKind::Timer { timer_duration }
        }
        Name::ChildWorkflow => {
            let child_count = reader.read(Key::ChildCount, &Form::whole(1..=100, "children"), || (3, "".into()))?;
            WorkloadKind::ChildWorkflow { child_count }
        }
    })
}

fn multi_activity(reader: &mut Reader) -> Result<WorkloadKind, Problem> {
    let activity_count = reader.read(Key::ActivityCount, &Form::whole(1..=100, "activities"), || {
        (DEFAULT_ACTIVITIES, "".into())
    })?;
    let from_environment = reader
        .given(Key::ActivityCount)
        .is_some_and(|given| !given.source.is_flag());
    if from_environment && activity_count != DEFAULT_ACTIVITIES {
        reader.note(format!(
            "{} now sets the number of activities; the replaced runner always ran {DEFAULT_ACTIVITIES}",
            reader.quote(Key::ActivityCount)
        ));
    }
    let most = Form::whole(0..=activity_count, &format!("the {activity_count} activities"));
    let parallel_activities = reader.read(Key::ParallelActivities, &most, || {
        (activity_count.min(DEFAULT_PARALLEL), "".into())
    })?;
    let activity_duration = reader.read(Key::ActivityDuration, &Form::activity_duration(), || {
        (DEFAULT_SLEEP.into(), "".into())
    })?;
    Ok(WorkloadKind::MultiActivity {
        activity_count,
        parallel_activities,
        activity_duration,
    })
}
