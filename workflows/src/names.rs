//! The names on the wire besides those of workflow types, which each workload's definition has.

/// The task queue on which everything runs unless another one is asked for.
pub const TASK_QUEUE: &str = "benchmark-task-queue";

/// Activity type of the activity that sleeps as long as its input says.
pub const NO_OP_ACTIVITY: &str = "NoOpActivity";
/// Activity type of the activity that returns at once.
pub const FAST_ACTIVITY: &str = "FastActivity";

/// Type of the failure with which a workflow ends that was told to fail.
pub const INJECTED_FAILURE: &str = "Injected";
/// Type of the failure with which a workflow ends whose input cannot be read or asks for too much.
pub const BAD_INPUT_FAILURE: &str = "BadInput";
