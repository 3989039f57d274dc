//! How the workers' threads ended, for whoever asks: at once or by waiting.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::WorkerFailure;

/// The ends of all workers of a pool.
#[derive(Clone, Debug, Default)]
struct Ends {
    ended: usize,
    failures: Vec<WorkerFailure>,
}

/// Where the pool reads the ends.
#[derive(Debug)]
pub(crate) struct Endings {
    ends: watch::Receiver<Ends>,
    sender: Arc<watch::Sender<Ends>>,
}

/// Where one thread tells its end.
pub(crate) struct Ending {
    ends: Arc<watch::Sender<Ends>>,
}

impl Endings {
    pub(crate) fn new() -> Self {
        let (sender, ends) = watch::channel(Ends::default());
        Endings {
            ends,
            sender: Arc::new(sender),
        }
    }

    /// Another thread's way to tell its end.
    pub(crate) fn ending(&self) -> Ending {
        Ending {
            ends: self.sender.clone(),
        }
    }

    /// The failures so far.
    pub(crate) fn failures(&self) -> Vec<WorkerFailure> {
        self.ends.borrow().failures.clone()
    }

    /// Waits for the first failure.
    pub(crate) async fn failed(&self) -> WorkerFailure {
        let mut ends = self.ends.clone();
        loop {
            if let Some(failure) = ends.borrow_and_update().failures.first() {
                return failure.clone();
            }
            if ends.changed().await.is_err() {
                // The sender lives as long as `self`.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until that many threads ended.
    pub(crate) async fn ended(&self, threads: usize) {
        let _ = self.ends.clone().wait_for(|ends| ends.ended >= threads).await;
    }
}

impl Ending {
    /// Tells how the thread ended. It must do nothing after this.
    pub(crate) fn tell(self, result: Result<(), WorkerFailure>) {
        self.ends.send_modify(|ends| {
            ends.ended += 1;
            ends.failures.extend(result.err());
        });
    }
}
