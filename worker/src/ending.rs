//! How the workers' threads ended, for whoever asks: at once or by waiting.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

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
    sender: Arc<watch::Sender<Ends>>,
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
            sender: self.sender.clone(),
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
    /// Runs a worker and tells how it ended, by a panic too. The thread must do nothing after this.
    pub(crate) fn tell_of(self, worker: u32, work: impl FnOnce() -> Result<(), WorkerFailure>) {
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let message = format!("it panicked: {}", panic_message(panic.as_ref()));
            Err(WorkerFailure { worker, message })
        });
        self.sender.send_modify(|ends| {
            ends.ended += 1;
            ends.failures.extend(result.err());
        });
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn failure(worker: u32) -> WorkerFailure {
        WorkerFailure {
            worker,
            message: "the server said no".to_owned(),
        }
    }

    #[test]
    fn nothing_is_told_before_it_happens() {
        let endings = Endings::new();
        assert_eq!(endings.failures(), []);
        assert_eq!(endings.failed().now_or_never(), None);
        assert_eq!(endings.ended(1).now_or_never(), None);
        endings.ending().tell_of(0, || Ok(()));
        assert_eq!(endings.ended(1).now_or_never(), Some(()));
        assert_eq!(endings.failed().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_failure_reaches_who_waits_and_who_asks_later() {
        let endings = Endings::new();
        let ending = endings.ending();
        let thread = std::thread::spawn(move || ending.tell_of(3, || Err(failure(3))));
        assert_eq!(endings.failed().await, failure(3));
        thread.join().unwrap();
        assert_eq!(endings.failed().await, failure(3));
        assert_eq!(endings.failures(), [failure(3)]);
    }

    #[test]
    fn a_panic_is_a_failure_and_an_end() {
        let endings = Endings::new();
        endings.ending().tell_of(0, || panic!("a defect in worker {}", 0));
        endings.ending().tell_of(1, || panic!("another"));
        let messages: Vec<String> = endings.failures().iter().map(WorkerFailure::to_string).collect();
        assert_eq!(
            messages,
            [
                "worker 0 ended: it panicked: a defect in worker 0",
                "worker 1 ended: it panicked: another"
            ]
        );
        assert_eq!(endings.ended(2).now_or_never(), Some(()));
    }
}
