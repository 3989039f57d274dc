//! Calibration, what this host's generator can send: rising rates against a frontend that does nothing, until the
//! generator is no longer VALID.
//!
//! Each rate is a submission window as a run at that rate would have it, judged by the same checks. The null frontend is
//! another process on the same host and takes its share of the cores, as a cluster's network does; the ceiling is
//! therefore one that the generator reaches, not one that it would reach alone.

mod console;
mod frontend;
pub mod null_frontend;
mod search;
mod step;
mod table;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use benchmark_results::schema::HostFacts;
use benchmark_scenarios::{Context, Problem, Rate};
use benchmark_temporal::ProcessEnvironment;
use futures::{FutureExt as _, future::LocalBoxFuture};
use serde::Serialize;

pub use console::Console;
pub use frontend::FrontendError;
pub use search::{Found, Search};
pub use step::{CalibrationStep, Memory};

use benchmark_machine::host;

use crate::{
    machine::ceiling::{self, CalibratedHost, Ceiling},
    run::submission::Submission,
    stop::{Stop, StopReason},
};

/// What a calibration came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    /// The program's version.
    pub version: String,
    /// When it was made, RFC 3339.
    pub calibrated_at: String,
    /// The machine.
    pub host: HostFacts,
    /// Every rate that was tried, in order.
    pub steps: Vec<CalibrationStep>,
    /// The highest rate at which the generator was VALID, starts a second; null when none was or only given rates were
    /// measured.
    pub ceiling: Option<Rate>,
    /// Whether that is the highest rate that could be tried, so that the true ceiling may be higher.
    pub at_least: bool,
    /// Where the ceiling is stored; null when it is not.
    pub stored: Option<PathBuf>,
}

impl Calibration {
    /// The calibration as JSON.
    ///
    /// # Errors
    /// When a figure has no JSON form, as NaN.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Why a calibration did not come to its end. Nothing is stored then.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// It was told to stop.
    #[error("interrupted; nothing was stored")]
    Interrupted(StopReason),
    /// Something did not work.
    #[error("{0}")]
    Failed(Problem),
}

impl From<Problem> for CalibrateError {
    fn from(problem: Problem) -> Self {
        CalibrateError::Failed(problem)
    }
}

/// How this machine's ceiling is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalibrateOptions {
    /// Only these rates, in starts a second, and nothing is stored; none: rising ones.
    pub rates: Vec<Rate>,
    /// Seconds that each rate is tried for, ramp-up and warm-up included.
    pub seconds: u32,
    /// Part of these in which the rate rises; a tenth of them when absent.
    pub ramp_up: Option<Duration>,
    /// Highest rate to try.
    pub max_rate: Rate,
    /// HTTP/2 connections; as a run at the same rate when absent.
    pub connections: Option<u32>,
    /// Threads that send starts; as a run at the same rate when absent.
    pub threads: Option<u32>,
    /// What the null frontend's process is made in.
    pub environment: ProcessEnvironment,
}

/// Told what goes on while it does.
pub trait Witness {
    /// A rate is being tried: called about four times a second.
    fn progress(&mut self, rate: Rate, submission: &Submission);

    /// A rate has been tried.
    fn tried(&mut self, step: &CalibrationStep);
}

/// Finds the ceiling and stores it in `file`, or measures the given rates and stores nothing.
///
/// # Errors
/// When it is told to stop, when the null frontend cannot be had, when its count of starts is not the generator's, and
/// when the ceiling cannot be stored.
pub fn run<'a>(
    options: &'a CalibrateOptions,
    file: Option<&'a Path>,
    stop: Stop,
    witness: &'a mut dyn Witness,
) -> LocalBoxFuture<'a, Result<Calibration, CalibrateError>> {
    // Boxed here, or its whole machinery would be compiled into each binary that awaits it.
    calibrate(options, file, stop, witness).boxed_local()
}

async fn calibrate(
    options: &CalibrateOptions,
    file: Option<&Path>,
    stop: Stop,
    witness: &mut dyn Witness,
) -> Result<Calibration, CalibrateError> {
    let facts = host::facts(Path::new("/"));
    let ground = step::Ground::new(options, &facts, stop.clone());
    let mut calibration = Calibration {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        calibrated_at: jiff::Timestamp::now().to_string(),
        host: facts,
        steps: Vec::new(),
        ceiling: None,
        at_least: false,
        stored: None,
    };
    let mut attempt = async |rate: Rate, steps: &mut Vec<CalibrationStep>| -> Result<bool, CalibrateError> {
        let interrupted = |reason: Option<StopReason>| {
            let unexplained = || StopReason::Cause("the submission window ended early".into());
            CalibrateError::Interrupted(reason.unwrap_or_else(unexplained))
        };
        if let reason @ Some(_) = stop.reason() {
            return Err(interrupted(reason));
        }
        let mut on_tick = |submission: &Submission| witness.progress(rate, submission);
        let tried = ground.attempt(rate, &mut on_tick).await;
        let Some(step) = tried.context(format_args!("at {rate} starts a second"))? else {
            return Err(interrupted(stop.reason()));
        };
        witness.tried(&step);
        let held = step.held();
        steps.push(step);
        Ok(held)
    };
    if !options.rates.is_empty() {
        for rate in &options.rates {
            attempt(*rate, &mut calibration.steps).await?;
        }
        return Ok(calibration);
    }
    let mut search = Search::new(options.max_rate);
    while let Some(rate) = search.next() {
        search.tell(attempt(rate, &mut calibration.steps).await?);
    }
    let found = search.found();
    calibration.at_least = matches!(found, Found::AtLeast(_));
    if let Found::Ceiling(rate) | Found::AtLeast(rate) = found {
        calibration.ceiling = Some(rate);
        if let Some(file) = file {
            ceiling::store(file, &stored(&calibration, rate)).map_err(Problem::from)?;
            calibration.stored = Some(file.to_owned());
        }
    }
    Ok(calibration)
}

fn stored(calibration: &Calibration, rate: Rate) -> Ceiling {
    Ceiling {
        rate: rate.per_second(),
        calibrated_at: calibration.calibrated_at.clone(),
        version: calibration.version.clone(),
        host: CalibratedHost::of(&calibration.host),
    }
}
