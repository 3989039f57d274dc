//! How much of the workers' capacity is in use, read from the series that the SDK records.

use crate::{family::Families, labels::Labels};

/// Slots of one kind, summed over the workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotUse {
    /// Slots that hold a task. `None`: no worker has told yet; the SDK tells when it first reserves a slot.
    pub used: Option<u32>,
    /// Slots that could take one. `None`: not told yet, or never, as with slots that depend on free CPU and memory.
    pub free: Option<u32>,
}

/// What the workers of a registry use and have left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headroom {
    /// Slots for workflow tasks.
    pub workflow: SlotUse,
    /// Slots for activities.
    pub activity: SlotUse,
    /// Slots for local activities.
    pub local_activity: SlotUse,
    /// Open polls of all kinds. `None`: no worker has told yet.
    pub polls: Option<u32>,
}

const SLOTS_USED: &str = "temporal_worker_task_slots_used";
const SLOTS_FREE: &str = "temporal_worker_task_slots_available";
const POLLERS: &str = "temporal_num_pollers";

/// Series that a run records even when nobody reads the page: of these the headroom is made, and of polls their success.
const NEEDED: [&str; 7] = [
    SLOTS_USED,
    SLOTS_FREE,
    POLLERS,
    "temporal_workflow_task_queue_poll_succeed",
    "temporal_workflow_task_queue_poll_empty",
    "temporal_activity_task_received",
    "temporal_activity_poll_no_task",
];

/// Whether [`crate::Selection::Headroom`] records the series.
pub(crate) fn needs(name: &str) -> bool {
    NEEDED.contains(&name)
}

/// Reads the headroom from the families.
pub(crate) fn read(families: &Families) -> Headroom {
    let mut headroom = Headroom::default();
    if let Some(used) = families.get(SLOTS_USED) {
        used.gauges(|labels, value| add_to(slots_of(&mut headroom, labels).map(|slots| &mut slots.used), value));
    }
    if let Some(free) = families.get(SLOTS_FREE) {
        free.gauges(|labels, value| add_to(slots_of(&mut headroom, labels).map(|slots| &mut slots.free), value));
    }
    if let Some(pollers) = families.get(POLLERS) {
        pollers.gauges(|_, value| add_to(Some(&mut headroom.polls), value));
    }
    headroom
}

fn slots_of<'a>(headroom: &'a mut Headroom, labels: &Labels) -> Option<&'a mut SlotUse> {
    match labels.get("worker_type")? {
        "WorkflowWorker" => Some(&mut headroom.workflow),
        "ActivityWorker" => Some(&mut headroom.activity),
        "LocalActivityWorker" => Some(&mut headroom.local_activity),
        _ => None,
    }
}

fn add_to(total: Option<&mut Option<u32>>, value: i64) {
    if let Some(total) = total {
        let value = u32::try_from(value.max(0)).unwrap_or(u32::MAX);
        *total = Some(total.unwrap_or(0).saturating_add(value));
    }
}
