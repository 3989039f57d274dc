//! `down`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::DownArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn down(_session: &Session, _args: &DownArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
