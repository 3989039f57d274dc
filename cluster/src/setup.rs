//! `setup`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::SetupArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn setup(_session: &Session, _args: &SetupArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
