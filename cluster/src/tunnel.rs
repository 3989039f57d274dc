//! `connect` and `exec`.

use std::process::ExitCode;

use benchmark_scenarios::Problem;

use crate::{
    args::{ConnectArgs, ExecArgs},
    session::Session,
};

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn connect(_session: &Session, _args: &ConnectArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn exec(_session: &Session, _args: &ExecArgs) -> Result<ExitCode, Problem> {
    Err(Problem::new("not there yet"))
}
