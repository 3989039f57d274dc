//! What is executed: the workflow and activity definitions and their names on the wire.
//!
//! The definitions are plain: what they do follows from their input, and nothing in them knows of being measured. The
//! run and the number of a start travel in its [`header`], and one [`interceptor`] stamps how and when each of these
//! workflows ended.

pub mod activities;
mod burn;
pub mod child_workflow;
pub mod clock;
pub mod draw;
pub mod header;
pub mod input;
pub mod interceptor;
pub mod multi_activity;
pub mod names;
pub mod output;
pub mod register;
pub mod simple;
pub mod sleep;
pub mod stamp;
pub mod state_transitions;
pub mod timer;

pub use child_workflow::{ChildWorkflow, ChildWorkflowInput};
pub use clock::RunClock;
pub use header::RunHeader;
pub use input::Input;
pub use multi_activity::{MultiActivityInput, MultiActivityWorkflow};
pub use names::TASK_QUEUE;
pub use output::Output;
pub use register::register;
pub use simple::{SimpleInput, SimpleWorkflow};
pub use sleep::Sleep;
pub use stamp::{Stamp, StampSink};
pub use state_transitions::{StateTransitionWorkflow, StateTransitionsInput};
pub use timer::{TimerInput, TimerWorkflow};
