//! `join`: a part of the starts of a run that another process leads.

use std::{process::ExitCode, sync::Arc};

use benchmark_generator::{
    fleet::{
        follow::Followed,
        join::{self, JoinRequest},
    },
    stop::{self, StopReason},
};
use benchmark_scenarios::Problem;

use crate::{
    args::JoinArgs,
    console::{complain, end_at_once, heard, log_to_stderr},
    given::OwnSurroundings,
    prepared::block_on,
};

/// Sends a part of the starts of a run that another process leads.
///
/// # Errors
/// When it cannot be joined, or was lost.
pub fn join(options: &JoinArgs) -> Result<ExitCode, Problem> {
    let own = OwnSurroundings::read()?;
    let (resolved, secrets) = options.convert(&own.of_command_line())?;
    log_to_stderr(options.log);
    own.notes
        .iter()
        .chain(&resolved.notes)
        .for_each(|note| complain(&format!("note: {note}")));
    let followed = block_on(async {
        let (stopper, stop) = stop::channel();
        stopper.listen(heard(false, None), end_at_once)?;
        let request = JoinRequest {
            join: resolved.options,
            token: secrets.fleet_token,
            api_key: secrets.api_key,
            profile: own.profile,
            say: Arc::new(|line: String| complain(&line)),
        };
        join::run(request, stop).await
    })?;
    match followed {
        Ok(Followed::ToTheEnd) => Ok(ExitCode::SUCCESS),
        Ok(Followed::Stopped(StopReason::Signal(signal))) => Ok(ExitCode::from(signal.exit_code())),
        Ok(Followed::Stopped(StopReason::Cause(cause))) => Err(Problem::new(cause)),
        Err(problem) => Err(problem),
    }
}
