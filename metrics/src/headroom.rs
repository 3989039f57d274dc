//! How much of the workers' capacity is in use, read from the series that the SDK records.

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
