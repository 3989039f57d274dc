//! Watcher of a run while it goes on: what it is told, and when. The terminal is one of them.

use std::time::Duration;

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

/// Is told what a run does.
pub trait Watcher: Send {
    /// What is run against what.
    fn header(&mut self, what: &Header);
    /// Lines that stay.
    fn say(&mut self, text: &str);
    /// What is being done before or after the load. `detail` is what it last said; it may be of any length and kind, as the
    /// output of another program is.
    fn progress(&mut self, doing: &str, detail: Option<&str>, elapsed: Duration);
    /// Where the run is; told about four times a second.
    fn update(&mut self, frame: &Frame);
    /// That nothing more comes.
    fn finish(&mut self);
}
