//! The names on the wire, in one place: whoever starts a workflow and whoever executes it read them here.
//!
//! They are the names of the replaced runner, so that old and new results stand side by side.

/// The task queue on which everything runs unless another one is asked for.
pub const TASK_QUEUE: &str = "benchmark-task-queue";

/// Workflow type of [`crate::SimpleWorkflow`].
pub const SIMPLE: &str = "SimpleWorkflow";
/// Workflow type of [`crate::MultiActivityWorkflow`].
pub const MULTI_ACTIVITY: &str = "MultiActivityWorkflow";
/// Workflow type of [`crate::TimerWorkflow`].
pub const TIMER: &str = "TimerWorkflow";
/// Workflow type of [`crate::ChildWorkflow`].
pub const CHILD_WORKFLOW: &str = "ChildWorkflow";
/// Workflow type of [`crate::StateTransitionWorkflow`].
pub const STATE_TRANSITIONS: &str = "StateTransitionWorkflow";

/// Activity type of the activity that sleeps as long as its input says.
pub const NO_OP_ACTIVITY: &str = "NoOpActivity";
/// Activity type of the activity that returns at once.
pub const FAST_ACTIVITY: &str = "FastActivity";

/// Type of the failure with which a workflow ends that was told to fail.
pub const INJECTED_FAILURE: &str = "Injected";
/// Type of the failure with which a workflow ends whose input cannot be read or asks for too much.
pub const BAD_INPUT_FAILURE: &str = "BadInput";
