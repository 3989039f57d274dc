//! `database`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::args::DatabaseCommand;

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn run(_args: &DatabaseCommand) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
