//! Errors of workers: before they poll, and while they do.

use std::time::Duration;

use benchmark_temporal::{CallError, ConnectError};

use crate::options::OptionsError;

/// Why workers could not be started.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The options do not go with the task queue's partitions.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The server could not be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server could not be asked who polls.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The system gave no thread or no runtime.
    #[error("no thread for worker {worker}: {source}")]
    Thread {
        /// The worker, from 0.
        worker: u32,
        /// What the system said.
        source: std::io::Error,
    },
    /// The SDK refused the worker, or the worker ended before it polled.
    #[error(transparent)]
    Failed(#[from] WorkerFailure),
    /// The server did not see all workers poll in time.
    #[error("after {} s the server sees these workers not poll: {}", .timeout.as_secs_f64(), .missing.join(", "))]
    NotPolling {
        /// The time that they had.
        timeout: Duration,
        /// Their identities.
        missing: Vec<String>,
    },
}

/// A worker that ended and should not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("worker {worker} ended: {message}")]
pub struct WorkerFailure {
    /// The worker, from 0.
    pub worker: u32,
    /// Why, with all causes.
    pub message: String,
}
