//! The workload: which workflow, and only the options that belong to it.

use std::{fmt, time::Duration};

use super::{form::Form, reader::Reader};
use crate::{SleepRange, Workload, WorkloadKind, asked::Key, problem::Problem};

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
            Name::Simple | Name::StateTransitions => &[],
            Name::MultiActivity => &[Key::ActivityCount, Key::ParallelActivities, Key::ActivityDuration],
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
/// Half of the activities' start-to-close timeout of a minute, so that a busy worker does not turn sleeps into timeouts.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// Temporal's own limit of a payload is 2 MiB by default.
const MAX_PAYLOAD: u32 = 1 << 20;

/// The workload as asked for, defaults filled in.
pub(crate) fn resolve(reader: &mut Reader) -> Result<Workload, Problem> {
    const NAMES: &[Name] = &Name::ALL;
    let name = reader.read(Key::WorkflowType, &Form::choice(NAMES), || (Name::Simple, "".into()))?;
    for other in Name::ALL.iter().filter(|other| **other != name) {
        let why = format!("{name} has no such option, {other} has");
        let remedy = format!("--workflow-type {other}");
        reader.refuse(other.options(), &why, |problem| problem.remedy(&remedy))?;
    }
    Ok(Workload {
        kind: kind(reader, name)?,
        payload_size: reader.read(Key::PayloadSize, &Form::bytes(MAX_PAYLOAD), || (0, "".into()))?,
        failure_ratio: reader.read(Key::FailureRatio, &Form::ratio(), || (0.0, "".into()))?,
        result_size: 0,
        activity_cpu: Duration::ZERO,
    })
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
    let activity_duration = reader.read(Key::ActivityDuration, &Form::sleep_range(LONGEST_SLEEP), || {
        (DEFAULT_SLEEP, "".into())
    })?;
    Ok(WorkloadKind::MultiActivity {
        activity_count,
        parallel_activities,
        activity_duration: activity_duration.into(),
    })
}
