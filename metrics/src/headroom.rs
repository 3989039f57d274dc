//! How much of the workers' capacity is in use, read from the series that the SDK records.

use crate::{families::Families, labels::Labels};

/// Which of the SDK's series a meter records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of them: somebody reads the page.
    All,
    /// Only slots, polls, waits of tasks and evictions: nobody reads the page, but [`crate::Registry::headroom`] and the diagnosis do.
    /// The rest costs next to nothing.
    Headroom,
}

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

/// Series that a run records even when nobody reads the page: of these the headroom is made, of polls their success, and
/// the workers' part of the diagnosis.
const NEEDED: [&str; 10] = [
    SLOTS_USED,
    SLOTS_FREE,
    POLLERS,
    "temporal_workflow_task_queue_poll_succeed",
    "temporal_workflow_task_queue_poll_empty",
    "temporal_activity_task_received",
    "temporal_activity_poll_no_task",
    "temporal_workflow_task_schedule_to_start_latency",
    "temporal_activity_schedule_to_start_latency",
    "temporal_sticky_cache_total_forced_eviction",
];

/// Whether [`Selection::Headroom`] records the series.
pub(crate) fn needs(name: &str) -> bool {
    NEEDED.contains(&name)
}

/// Reads the headroom from the families.
pub(crate) fn read(families: &Families) -> Headroom {
    let mut headroom = Headroom::default();
    for (labels, value) in families.gauges(SLOTS_USED) {
        add_to(slots_of(&mut headroom, &labels).map(|slots| &mut slots.used), value);
    }
    for (labels, value) in families.gauges(SLOTS_FREE) {
        add_to(slots_of(&mut headroom, &labels).map(|slots| &mut slots.free), value);
    }
    for (_, value) in families.gauges(POLLERS) {
        add_to(Some(&mut headroom.polls), value);
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

fn add_to(total: Option<&mut Option<u32>>, value: f64) {
    if let Some(total) = total {
        // The cast saturates at both ends.
        *total = Some(total.unwrap_or(0).saturating_add(value as u32));
    }
}
