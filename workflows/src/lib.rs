//! Workflows and activities: the code that is executed.
//!
//! Workflows are plain: what they do follows from their input, and nothing in them knows of being measured. The
//! run and the number of a start travel in its [`header`], and one [`interceptor`] stamps how and when each of these
//! workflows ended.

pub mod activities;
mod burn;
mod child_workflow;
pub mod clock;
pub mod header;
pub mod input;
pub mod interceptor;
mod local_activity;
mod multi_activity;
pub mod names;
pub mod output;
pub mod payload;
pub mod register;
mod simple;
pub mod stamp;
mod state_transitions;
mod timer;

pub use clock::RunClock;
pub use header::RunHeader;
pub use input::Input;
pub use names::TASK_QUEUE;
pub use output::Output;
pub use register::register;
pub use stamp::{Stamp, StampSink};
