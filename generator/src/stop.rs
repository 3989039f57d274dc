//! Being told to stop: by a signal, or by something that ends the run.

pub mod deadline;

use std::fmt;

use benchmark_results::thresholds::Signal;
use benchmark_worker::process::on_signals;
use tokio::{sync::watch, time::Instant};

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

/// Tells whether the run should end. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Stop {
    reason: watch::Receiver<Option<(StopReason, Instant)>>,
}

/// Makes the run end.
#[derive(Clone, Debug)]
pub struct Stopper {
    reason: watch::Sender<Option<(StopReason, Instant)>>,
}

/// The two ends.
pub fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(None);
    (Stopper { reason: sender }, Stop { reason: receiver })
}

impl Stopper {
    /// Ends the run; the first reason stays.
    pub fn stop(&self, reason: StopReason) {
        self.reason.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some((reason, Instant::now()));
            }
            first
        });
    }

    /// Listens for signals: the first ends the run in order, and is `told`; `again` is called when it is to end at once.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn listen(
        &self,
        told: impl FnOnce(Signal) + Send + 'static,
        again: impl FnOnce(Signal) + Send + 'static,
    ) -> std::io::Result<()> {
        let stopper = self.clone();
        let first = move |signal| {
            stopper.stop(StopReason::Signal(signal));
            told(signal);
        };
        on_signals(first, again)
    }
}

impl Stop {
    /// Why the run should end, if it should.
    pub fn reason(&self) -> Option<StopReason> {
        self.reason.borrow().as_ref().map(|(reason, _)| reason.clone())
    }

    /// Since when it should end.
    pub fn since(&self) -> Option<Instant> {
        self.reason.borrow().as_ref().map(|(_, since)| *since)
    }

    /// Waits until the run should end.
    pub async fn requested(&mut self) -> StopReason {
        match self.reason.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some((reason, _))) => reason,
            // Nobody can stop the run any more.
            _ => std::future::pending().await,
        }
    }
}
