//! What is typed and seen: the command lines of both programs, the environment, the terminal, and a file for each command.
//!
//! Nothing below this crate knows clap, but for what the command lines of all programs have in common; what is typed becomes
//! a plan, and after it no flag and no variable is read.

pub mod args;
pub mod commands;
pub mod console;
pub mod flags;
pub mod found;
pub mod given;
pub mod live;
pub mod logging;
pub mod prepared;
mod secret;
mod series;
pub mod worker_args;

/// Exit code of a measurement that cannot be believed.
pub const INVALID: u8 = 3;
