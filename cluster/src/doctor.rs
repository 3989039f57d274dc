//! `doctor`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{args::DoctorArgs, session::Session};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn doctor(_session: &Session, _args: &DoctorArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
