//! Shutdown of a run, being told to stop: by a signal, or by something that ends the run.

pub mod deadline;

use std::fmt;

use benchmark_results::thresholds::Signal;
use benchmark_worker::process;

/// Why the run should end before its plan does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A signal came.
    Signal(Signal),
    /// Something else: a sentence about it.
    Cause(String),
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopReason::Signal(signal) => f.write_str(signal.name()),
            StopReason::Cause(cause) => f.write_str(cause),
        }
    }
}

impl From<Signal> for StopReason {
    fn from(signal: Signal) -> StopReason {
        StopReason::Signal(signal)
    }
}

/// Tells whether the run should end.
pub type Stop = process::Stop<StopReason>;

/// Makes the run end.
pub type Stopper = process::Stopper<StopReason>;

/// The two ends.
pub fn channel() -> (Stopper, Stop) {
    process::channel()
}
