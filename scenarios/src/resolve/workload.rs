//! The workload: which workflow, and only the options that belong to it.

use std::time::Duration;

use super::reader::Reader;
use crate::{
    Workload,
    options::{Key, opt},
    problem::Problem,
    units,
    workloads::{DEFINITIONS, Definition},
};

/// Temporal ends a workflow whose history is larger, by default.
const MAX_HISTORY: u64 = 50 << 20;

/// The workload as asked for, defaults filled in.
pub(crate) fn resolve(reader: &mut Reader) -> Result<Workload, Problem> {
    let name = reader.read(opt::WorkflowType)?;
    let definition = DEFINITIONS
        .iter()
        .find(|definition| definition.name == name)
        .expect("the names are those of the definitions");
    refuse_others(reader, definition)?;
    let workload = Workload {
        kind: (definition.resolve)(reader)?,
        payload_size: reader.read(opt::PayloadSize)?,
        failure_ratio: reader.read(opt::FailureRatio)?,
        result_size: reader.read(opt::ResultSize)?,
        activity_cpu: match definition.options.contains(&Key::ActivityCpu) {
            true => reader.read(opt::ActivityCpu)?,
            false => Duration::ZERO,
        },
    };
    note_history(reader, &workload);
    Ok(workload)
}

/// Refuses the options that belong to other workloads.
fn refuse_others(reader: &mut Reader, definition: &Definition) -> Result<(), Problem> {
    let mut refused = definition.options.to_vec();
    for other in DEFINITIONS {
        let why = format!("{} has no such option, {} has", definition.name, other.name);
        let remedy = format!("--workflow-type {}", other.name);
        for key in other.options {
            if !refused.contains(key) {
                refused.push(*key);
                reader.refuse([*key], &why, |problem| problem.remedy(&remedy))?;
            }
        }
    }
    Ok(())
}

/// Says when results come to more than a history holds.
fn note_history(reader: &mut Reader, workload: &Workload) {
    let activities = workload.kind.history().activities;
    let history = u64::from(workload.result_size) * (activities + 1) + u64::from(workload.payload_size);
    if history > MAX_HISTORY {
        reader.note(format!(
            "{} in each of {activities} activities comes to a history of more than {}, at which a server ends a workflow by \
             default",
            reader.quote(Key::ResultSize),
            units::format_bytes(MAX_HISTORY)
        ));
    }
}
