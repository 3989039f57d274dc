//! `run`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::RunArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn run(_session: &Session, _args: &RunArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
