//! `recover`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::RecoverArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn recover(_session: &Session, _args: &RecoverArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
