//! `plan`: what would run, and nothing is run.

use std::process::ExitCode;

use benchmark_command_line::print;
use benchmark_generator::view::plan;
use benchmark_scenarios::{Context, Problem};

use crate::{
    args::RunArgs,
    prepared::{Prepared, prepare},
};

/// Prints the plan with the source of each value.
///
/// # Errors
/// When there is none, or it cannot be printed.
pub fn print_plan(options: &RunArgs) -> Result<ExitCode, Problem> {
    let Prepared { resolved, output, .. } = prepare(options)?;
    let text = if output.json {
        plan::json(&resolved).context("the plan cannot be written")? + "\n"
    } else {
        plan::text(&resolved)
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
