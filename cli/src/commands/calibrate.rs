//! `calibrate`: the highest rate that this machine can send, and the frontend that it is measured against.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use benchmark_command_line::{print, printed};
use benchmark_generator::{
    calibrate::{self, CalibrateError, CalibrateOptions, Console, null_frontend},
    stop::{self, StopReason},
};
use benchmark_scenarios::{Context, Problem};

use crate::{
    INVALID,
    args::{CalibrateArgs, NullFrontendArgs},
    console::{complain, end_at_once},
    given::process_environment,
    prepared::{block_on, calibration},
};

/// Finds out what this host can send, and keeps it for later runs.
///
/// # Errors
/// When nothing can be measured, stored or printed.
pub fn calibrate(options: &CalibrateArgs) -> Result<ExitCode, Problem> {
    let file = calibration();
    let asked = CalibrateOptions {
        rates: options.rate.clone(),
        seconds: options.seconds,
        ramp_up: options.ramp_up,
        max_rate: options.max_rate,
        connections: options.connections,
        threads: options.threads,
        environment: process_environment(),
    };
    let (mut out, mut err, mut progress) = (anstream::stdout(), anstream::stderr(), anstream::stderr());
    let rows: &mut dyn Write = if options.json { &mut err } else { &mut out };
    let progress = std::io::stderr()
        .is_terminal()
        .then_some(&mut progress as &mut dyn Write);
    let mut console = Console::new(rows, progress);
    let calibrated = block_on(async {
        let (stopper, stop) = stop::channel();
        stopper.listen(|_| {}, end_at_once).map_err(Problem::from)?;
        calibrate::run(&asked, file.as_deref(), stop, &mut console).await
    })?;
    console.clear();
    let calibration = match calibrated {
        Ok(calibration) => calibration,
        Err(CalibrateError::Interrupted(StopReason::Signal(signal))) => {
            complain("interrupted; nothing was stored");
            return Ok(ExitCode::from(signal.exit_code()));
        }
        Err(CalibrateError::Failed(problem)) => return Err(problem),
        Err(error) => return Err(error.into()),
    };
    let given = !options.rate.is_empty();
    console.conclude(&calibration, given);
    let rows = console.written();
    if options.json {
        let json = calibration.to_json().context("the calibration cannot be printed")?;
        print(&json)?;
    } else {
        printed(rows)?;
    }
    Ok(ExitCode::from(if given || calibration.ceiling.is_some() {
        0
    } else {
        INVALID
    }))
}

/// A frontend that does nothing, as a process of its own: what `calibrate` measures this host against.
///
/// # Errors
/// When it cannot listen.
pub fn serve_nothing(options: &NullFrontendArgs) -> Result<ExitCode, Problem> {
    let options = null_frontend::Options {
        listen: options.listen,
        ..null_frontend::Options::default()
    };
    null_frontend::run(options, &mut std::io::stdout())
        .map(|()| ExitCode::SUCCESS)
        .map_err(Problem::from)
}
