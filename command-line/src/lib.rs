//! The command lines of all programs: what they have in common, from what is typed to the exit code.

mod manual;
mod output;
mod parse;

use std::process::ExitCode;

use benchmark_scenarios::Problem;
use clap::Error;

pub use manual::Manual;
pub use output::{complain, print, printed};
pub use parse::{definition, parse};

/// Exit code of a command line or an environment that cannot be used.
pub const USAGE: u8 = 2;

/// The course of a program: carries out what was `parsed`, or prints what clap says instead, and complains about what went
/// wrong. The exit code is that of what was carried out; 0 for help and version; [`USAGE`] else.
pub fn run<C>(
    parsed: Result<C, Error>,
    carry_out: impl FnOnce(C) -> Result<ExitCode, Problem>,
    complain: impl FnOnce(&str),
) -> ExitCode {
    let done = match parsed {
        Ok(typed) => carry_out(typed),
        Err(error) => output::print_error(&error).map(|()| match error.use_stderr() {
            true => ExitCode::from(USAGE),
            false => ExitCode::SUCCESS,
        }),
    };
    done.unwrap_or_else(|problem| {
        complain(&problem.report());
        ExitCode::from(USAGE)
    })
}
