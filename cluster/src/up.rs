//! `up`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::UpArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn up(_session: &Session, _args: &UpArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
