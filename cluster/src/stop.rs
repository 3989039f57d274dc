//! `stop`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::StopArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn stop(_session: &Session, _args: &StopArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
