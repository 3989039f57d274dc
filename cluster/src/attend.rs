//! `attend`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::args::AttendArgs;

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn attend(_args: &AttendArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
