//! Tuning of workers: a profile's values, and on top of them what was asked for one by one.

use super::reader::Reader;
use crate::{
    Pollers, SlotKind, Slots, WorkerProfile, WorkerTuning,
    options::{Group, Key, Opt, opt},
    problem::Problem,
};

const FIXED_ONLY: [Key; 3] = [Key::WorkflowSlots, Key::ActivitySlots, Key::LocalActivitySlots];
const RESOURCE_ONLY: [Key; 2] = [Key::TargetCpu, Key::TargetMemory];

/// Refuses the options of workers where there are none.
pub(crate) fn refuse(reader: &mut Reader, why: &str, remedy: &str) -> Result<(), Problem> {
    let tuning = Group::Workers.options().filter(|key| *key != Key::Workers);
    reader.refuse(tuning, why, |problem| problem.remedy(remedy))
}

/// The tuning as asked for, with the profile that an option names.
pub(crate) fn resolve(reader: &mut Reader, profile: impl Opt<Value = WorkerProfile>) -> Result<WorkerTuning, Problem> {
    let profile = reader.read(profile)?;
    let from_profile = || format!("profile {profile}").into();
    let base = profile.tuning();
    let slots = slots(reader, profile)?;
    let workflow_pollers = pollers(reader, opt::WorkflowPollers, profile, base.workflow_pollers)?;
    let activity_pollers = pollers(reader, opt::ActivityPollers, profile, base.activity_pollers)?;
    let max_cached_workflows = reader.read_or(opt::CacheSize, || (base.max_cached_workflows, from_profile()))?;
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
    let why = "a version of a worker deployment is its name and a build";
    reader.together([Key::Deployment, Key::BuildId], "NAME", why)?;
    Ok(WorkerTuning {
        profile,
        slots,
        workflow_pollers,
        activity_pollers,
        max_cached_workflows,
        sticky_timeout: reader.read(opt::StickyTimeout)?,
        eager_activities: reader.read(opt::EagerActivities)?,
        activities_per_second: reader.read_given(opt::ActivitiesPerSecond)?,
        deployment: reader.read_given(opt::Deployment)?,
        build_id: reader.read_given(opt::BuildId)?,
        graceful_shutdown: reader.read(opt::GracefulShutdown)?,
    })
}

fn slots(reader: &mut Reader, profile: WorkerProfile) -> Result<Slots, Problem> {
    let default = || (profile.slots(), format!("profile {profile}").into());
    match reader.read(opt::Slots)? {
        SlotKind::Fixed => {
            let why = "slots are fixed";
            reader.refuse(RESOURCE_ONLY, why, |problem| problem.remedy("--slots resource"))?;
            Ok(Slots::Fixed {
                workflow: reader.read_or(opt::WorkflowSlots, default)?,
                activity: reader.read_or(opt::ActivitySlots, default)?,
                local_activity: reader.read_or(opt::LocalActivitySlots, default)?,
            })
        }
        SlotKind::Resource => {
            let why = "slots follow the machine's CPU and memory";
            reader.refuse(FIXED_ONLY, why, |problem| problem.remedy("--slots fixed"))?;
            Ok(Slots::Resource {
                cpu: reader.read(opt::TargetCpu)?,
                memory: reader.read(opt::TargetMemory)?,
            })
        }
    }
}

fn pollers<O: Opt<Value = Pollers>>(
    reader: &mut Reader,
    option: O,
    profile: WorkerProfile,
    base: Pollers,
) -> Result<Pollers, Problem> {
    let key = O::KEY;
    let pollers = reader.read_or(option, || (base, format!("profile {profile}").into()))?;
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
