//! How workers are tuned: a profile's values, and on top of them what was asked for one by one.

use std::{fmt, time::Duration};

use super::{form::Form, reader::Reader};
use crate::{Pollers, Slots, WorkerProfile, WorkerTuning, asked::Key, problem::Problem, units};

/// The options that say how workers are tuned, the profile apart.
const OPTIONS: [Key; 15] = [
    Key::Slots,
    Key::WorkflowSlots,
    Key::ActivitySlots,
    Key::LocalActivitySlots,
    Key::TargetCpu,
    Key::TargetMemory,
    Key::WorkflowPollers,
    Key::ActivityPollers,
    Key::CacheSize,
    Key::StickyTimeout,
    Key::EagerActivities,
    Key::ActivitiesPerSecond,
    Key::Deployment,
    Key::BuildId,
    Key::GracefulShutdown,
];
const FIXED_ONLY: [Key; 3] = [Key::WorkflowSlots, Key::ActivitySlots, Key::LocalActivitySlots];
const RESOURCE_ONLY: [Key; 2] = [Key::TargetCpu, Key::TargetMemory];

const MAX_SLOTS: u32 = 100_000;
const MAX_POLLERS: u32 = 1_000;
/// Some 40 KiB each.
const MAX_CACHE: u32 = 1_000_000;
/// The SDK's own examples; memory that is full is fatal, a CPU that is full only slow.
const TARGET_CPU: f64 = 0.9;
const TARGET_MEMORY: f64 = 0.8;

/// What `auto` stands for: twice the partitions of a server that was not told otherwise, at the least.
const AUTO: Pollers = Pollers::between(8, 100);

/// What is typed after `--slots`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SlotKind {
    Fixed,
    Resource,
}

impl fmt::Display for SlotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SlotKind::Fixed => "fixed",
            SlotKind::Resource => "resource",
        })
    }
}

/// Refuses the options of workers where there are none.
pub(crate) fn refuse(reader: &mut Reader, why: &str, remedy: &str) -> Result<(), Problem> {
    for options in [&[Key::WorkerProfile][..], &OPTIONS] {
        reader.refuse(options, why, |problem| problem.remedy(remedy))?;
    }
    Ok(())
}

/// The tuning as asked for, with the profile that `key` names or another one.
pub(crate) fn resolve(reader: &mut Reader, key: Key, default: WorkerProfile) -> Result<WorkerTuning, Problem> {
    const PROFILES: &[WorkerProfile] = &WorkerProfile::ALL;
    let profile = reader.read(key, &Form::choice(PROFILES), || (default, "".into()))?;
    let from_profile = || format!("profile {profile}").into();
    let base = profile.tuning();
    let slots = slots(reader, profile)?;
    let workflow_pollers = pollers(reader, Key::WorkflowPollers, 2, profile, base.workflow_pollers)?;
    let activity_pollers = pollers(reader, Key::ActivityPollers, 1, profile, base.activity_pollers)?;
    let max_cached_workflows = reader.read(Key::CacheSize, &Form::whole(0..=MAX_CACHE, "workflows"), || {
        (base.max_cached_workflows, from_profile())
    })?;
    if let Slots::Fixed { workflow: 1, .. } = slots
        && max_cached_workflows > 0
    {
        return Err(Problem::new(format!(
            "{} is too few while {} keeps workflows in memory",
            reader.quote(Key::WorkflowSlots),
            reader.quote(Key::CacheSize)
        ))
        .explain("one slot is for the worker's own sticky queue, another one for the task queue")
        .remedy("--workflow-slots 2")
        .remedy("--cache-size 0"));
    }
    let sticky = Form::span(Duration::from_millis(100)..=Duration::from_secs(3600));
    let grace = Form::span(Duration::ZERO..=Duration::from_secs(3600));
    let per_second = Form::number(0.1..=1_000_000.0, "activities a second");
    let name = || {
        Form::text("a name of 1 to 255 characters without blanks", |text| {
            (1..=255).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        })
    };
    for (one, other) in [(Key::Deployment, Key::BuildId), (Key::BuildId, Key::Deployment)] {
        if reader.given(one).is_some() && reader.given(other).is_none() {
            return Err(
                Problem::new(format!("{} needs {} NAME as well", reader.quote(one), other.flag()))
                    .explain("a version of a worker deployment is its name and a build"),
            );
        }
    }
    Ok(WorkerTuning {
        profile,
        slots,
        workflow_pollers,
        activity_pollers,
        max_cached_workflows,
        sticky_timeout: reader.read(Key::StickyTimeout, &sticky, || (base.sticky_timeout, "".into()))?,
        eager_activities: reader.read(Key::EagerActivities, &Form::on_or_off(), || {
            (base.eager_activities, "".into())
        })?,
        activities_per_second: reader.read_given(Key::ActivitiesPerSecond, &per_second)?,
        deployment: reader.read_given(Key::Deployment, &name())?,
        build_id: reader.read_given(Key::BuildId, &name())?,
        graceful_shutdown: reader.read(Key::GracefulShutdown, &grace, || (base.graceful_shutdown, "".into()))?,
    })
}

fn slots(reader: &mut Reader, profile: WorkerProfile) -> Result<Slots, Problem> {
    let kind = reader.read(
        Key::Slots,
        &Form::choice(&[SlotKind::Fixed, SlotKind::Resource]),
        || (SlotKind::Fixed, "".into()),
    )?;
    match kind {
        SlotKind::Fixed => {
            let why = "slots are fixed";
            reader.refuse(&RESOURCE_ONLY, why, |problem| problem.remedy("--slots resource"))?;
            let form = Form::whole(1..=MAX_SLOTS, "slots");
            let mut read = |key| reader.read(key, &form, || (profile.slots(), format!("profile {profile}").into()));
            Ok(Slots::Fixed {
                workflow: read(Key::WorkflowSlots)?,
                activity: read(Key::ActivitySlots)?,
                local_activity: read(Key::LocalActivitySlots)?,
            })
        }
        SlotKind::Resource => {
            let why = "slots follow the machine's CPU and memory";
            reader.refuse(&FIXED_ONLY, why, |problem| problem.remedy("--slots fixed"))?;
            let share = Form::target();
            Ok(Slots::Resource {
                cpu: reader.read(Key::TargetCpu, &share, || (TARGET_CPU, "".into()))?,
                memory: reader.read(Key::TargetMemory, &share, || (TARGET_MEMORY, "".into()))?,
            })
        }
    }
}

fn pollers(
    reader: &mut Reader,
    key: Key,
    least: u32,
    profile: WorkerProfile,
    base: Pollers,
) -> Result<Pollers, Problem> {
    let pollers = reader.read(key, &Form::pollers(least), || {
        (base, format!("profile {profile}").into())
    })?;
    let Pollers::Autoscaling {
        initial,
        minimum,
        maximum,
    } = pollers
    else {
        return Ok(pollers);
    };
    let wrong = if minimum > maximum {
        format!("its minimum of {minimum} is above its maximum of {maximum}")
    } else if !(minimum..=maximum).contains(&initial) {
        format!("its initial {initial} is outside of {minimum} to {maximum}")
    } else {
        return Ok(pollers);
    };
    let (low, high) = (minimum.min(maximum), minimum.max(maximum));
    // Where nothing else was asked for, it begins at the minimum.
    let initial = if initial == minimum {
        low
    } else {
        initial.clamp(low, high)
    };
    let instead = Pollers::Autoscaling {
        initial,
        minimum: low,
        maximum: high,
    };
    Err(Problem::new(format!("{} is not allowed: {wrong}", reader.quote(key)))
        .remedy(format!("{} {instead}", key.flag())))
}

impl Form<Pollers> {
    /// A fixed number, or a range for the server's hints. That the numbers of a range are in order is checked later, in
    /// words of its own.
    fn pollers(least: u32) -> Self {
        let allowed = format!(
            "a fixed number from {least} to {MAX_POLLERS}, auto, auto:MIN-MAX or auto:MIN-MAX:INITIAL, with numbers from 1 to \
             {MAX_POLLERS}"
        );
        Form::new(allowed, move |text| parse_pollers(text, least), Pollers::to_string)
    }
}

fn parse_pollers(text: &str, least: u32) -> Option<Pollers> {
    let number = |text: &str, least: u32| {
        let whole = Form::whole(least..=MAX_POLLERS, "polls");
        (whole.parse)(text)
    };
    let text = text.trim();
    if text == "auto" {
        return Some(AUTO);
    }
    let Some(range) = text.strip_prefix("auto:") else {
        return number(text, least).map(|count| Pollers::Fixed { count });
    };
    let (range, initial) = match range.split_once(':') {
        Some((range, initial)) => (range, Some(number(initial, 1)?)),
        None => (range, None),
    };
    let (minimum, maximum) = range.split_once('-')?;
    let (minimum, maximum) = (number(minimum, 1)?, number(maximum, 1)?);
    Some(Pollers::Autoscaling {
        initial: initial.unwrap_or(minimum),
        minimum,
        maximum,
    })
}

impl Form<f64> {
    /// A share of the machine that is aimed at.
    fn target() -> Self {
        let allowed = "a share above 0 and up to 1 or 100%, as in 0.8 or 80%";
        let parse = |text: &str| units::parse_ratio(text).filter(|share| *share > 0.0);
        Form::new(allowed, parse, |share| units::format_ratio(*share))
    }
}

impl Form<bool> {
    /// A switch with words of its own.
    fn on_or_off() -> Self {
        let parse = |text: &str| match text.trim() {
            "on" => Some(true),
            "off" => Some(false),
            other => super::parse_switch(other),
        };
        Form::new("on or off", parse, |on| if *on { "on" } else { "off" }.to_owned())
    }
}
