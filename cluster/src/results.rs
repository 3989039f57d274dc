//! `results`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::ResultsCommand, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn results(_session: &Session, _args: &ResultsCommand) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
