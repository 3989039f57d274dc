//! Stamps: what is known of a workflow at its end, and where that goes.

use benchmark_results::WorkflowEnd;

/// The end of one workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The run that the workflow belongs to, as its start's header said.
    pub run: String,
    /// The arrival's number.
    pub n: u64,
    /// When the start was handed to a connection, nanoseconds since the Unix epoch on the starter's clock.
    pub sent_unix_ns: u64,
    /// When the workflow's code returned, nanoseconds since the Unix epoch on this process's [`crate::RunClock`]. The
    /// server learns of it one call later.
    pub ended_unix_ns: u64,
    /// How it ended, as far as the worker that ends it can know: timeouts and terminations are the server's doing and
    /// reach no worker.
    pub end: WorkflowEnd,
    /// Why, when it failed.
    pub message: Option<String>,
}

/// Takes stamps.
///
/// Called on the thread that runs a worker's workflow code, once for each workflow. It must return soon: every workflow
/// of that worker waits for it. A workflow is stamped twice when the server refused or lost the answer to its last task
/// and gave the task out again; `run` and `n` tell such a stamp.
pub trait StampSink: Send + Sync {
    /// Takes one stamp.
    fn stamp(&self, stamp: Stamp);
}
