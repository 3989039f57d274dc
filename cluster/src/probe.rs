//! `probe`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn probe(_url: &str) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
