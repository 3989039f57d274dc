//! `temporal`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn start() -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
