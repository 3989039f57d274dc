//! `status`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::StatusArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn status(_session: &Session, _args: &StatusArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
