//! `follow`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::FollowArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn follow(_session: &Session, _args: &FollowArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
