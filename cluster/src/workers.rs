//! `workers`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::WorkersArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn workers(_session: &Session, _args: &WorkersArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
