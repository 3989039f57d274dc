//! What a person sees while a run goes on.
//!
//! On a terminal one block is redrawn in place; in a pipe or in CI a plain line appears every 10 s. All of it goes to
//! stderr, so that stdout stays free for the result. The texts come from pure functions ([`render`], [`line`],
//! [`header`]); [`Screen`] decides when they are shown and [`terminal`] how.

mod header;
mod line;
mod render;
mod row;
mod screen;
mod terminal;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use header::header;
pub use line::line;
pub use render::render;
pub use screen::Screen;
pub use terminal::{LogWriter, leave};

/// What stands above everything else: what is run against what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The workload's name.
    pub workload: String,
    /// The rate asked for, with its unit: `400/s`.
    pub rate: String,
    /// The length of the submission window: `5m`.
    pub duration: String,
    /// The id of the run.
    pub run_id: String,
    /// The plan's hash, shortened.
    pub plan_hash: String,
    /// What the load goes to, line by line.
    pub server: Vec<String>,
}

/// Where a run is. Finer than [`benchmark_results::schema::Phase`]: what follows the load takes time as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LivePhase {
    /// The rate grows.
    Ramp,
    /// At the full rate, not yet measured.
    WarmUp,
    /// At the full rate, measured.
    Measure,
    /// Nothing is started any more; starts that are under way may be answered.
    Answers,
    /// What is open may end.
    Drain,
    /// The server is asked what it counted.
    Settle,
    /// What is still open of this run is terminated.
    CleanUp,
}

impl LivePhase {
    /// The phase in a word of at most eight letters.
    pub fn name(self) -> &'static str {
        match self {
            LivePhase::Ramp => "ramp",
            LivePhase::WarmUp => "warm-up",
            LivePhase::Measure => "measure",
            LivePhase::Answers => "answers",
            LivePhase::Drain => "drain",
            LivePhase::Settle => "settle",
            LivePhase::CleanUp => "clean-up",
        }
    }
}

/// A run at an instant. What is not known is `None` and shown as a dash, never as zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Where the run is.
    pub phase: LivePhase,
    /// Time since the phase began.
    pub elapsed: Duration,
    /// How long the phase takes, where that is known.
    pub length: Option<Duration>,
    /// The iteration, counted from 1, and how many there are, where there are several.
    pub iteration: Option<(u32, u32)>,
    /// Starts a second that the schedule asks for now.
    pub asked: f64,
    /// Starts a second that are sent.
    pub started: f64,
    /// Completions a second; `None` where no worker stamps them.
    pub completed: Option<f64>,
    /// Workflows accepted and not yet ended; `None` where no worker stamps them.
    pub backlog: Option<u64>,
    /// Starts and workflows that went wrong, in any way, since the iteration began.
    pub errors: u64,
    /// Median of `start_response` so far, in milliseconds.
    pub start_p50_ms: Option<f64>,
    /// 99th percentile of `start_response` so far, in milliseconds.
    pub start_p99_ms: Option<f64>,
    /// Median of `e2e_response` so far, in milliseconds.
    pub e2e_p50_ms: Option<f64>,
    /// 99th percentile of `e2e_response` so far, in milliseconds.
    pub e2e_p99_ms: Option<f64>,
    /// 99th percentile of the generator's lag so far, in milliseconds.
    pub lag_p99_ms: Option<f64>,
    /// CPU that this process uses, in cores.
    pub cores: Option<f64>,
    /// Starts sent and not yet answered.
    pub in_flight: u64,
}

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One block, redrawn in place.
    Terminal,
    /// A plain line from time to time.
    Lines,
    /// Not at all.
    Silent,
}

impl Mode {
    /// The mode for `--quiet`, for what stderr is and for whether `TERM` is `dumb`, which cannot move the cursor.
    pub fn choose(quiet: bool, stderr_is_terminal: bool, term_dumb: bool) -> Mode {
        match (quiet, stderr_is_terminal && !term_dumb) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Terminal,
            (false, false) => Mode::Lines,
        }
    }
}
