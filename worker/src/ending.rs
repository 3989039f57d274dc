//! Joining of the workers' threads: how they ended, for whoever asks: at once or by waiting.

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

/// Where each thread tells its end, and the pool reads the ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endings(Arc<watch::Sender<Ends>>);

impl Endings {
    /// The failures so far.
    pub(crate) fn failures(&self) -> Vec<WorkerFailure> {
        self.0.borrow().failures.clone()
    }

    /// Waits for the first failure.
    pub(crate) async fn failed(&self) -> WorkerFailure {
        let mut ends = self.0.subscribe();
        let failed = ends.wait_for(|ends| !ends.failures.is_empty()).await;
        match failed.map(|ends| ends.failures[0].clone()) {
            Ok(failure) => failure,
            // The sender lives as long as `self`.
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits until that many threads ended.
    pub(crate) async fn ended(&self, threads: usize) {
        let _ = self.0.subscribe().wait_for(|ends| ends.ended >= threads).await;
    }

    /// Runs a worker and tells how it ended, by a panic too. The thread must do nothing after this.
    pub(crate) fn tell_of(&self, worker: u32, work: impl FnOnce() -> Result<(), WorkerFailure>) {
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let message = format!("it panicked: {}", panic_message(panic.as_ref()));
            Err(WorkerFailure { worker, message })
        });
        self.0.send_modify(|ends| {
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
        let endings = Endings::default();
        assert_eq!(endings.failures(), []);
        assert_eq!(endings.failed().now_or_never(), None);
        assert_eq!(endings.ended(1).now_or_never(), None);
        endings.tell_of(0, || Ok(()));
        assert_eq!(endings.ended(1).now_or_never(), Some(()));
        assert_eq!(endings.failed().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_failure_reaches_who_waits_and_who_asks_later() {
        let endings = Endings::default();
        let ending = endings.clone();
        let thread = std::thread::spawn(move || ending.tell_of(3, || Err(failure(3))));
        assert_eq!(endings.failed().await, failure(3));
        thread.join().unwrap();
        assert_eq!(endings.failed().await, failure(3));
        assert_eq!(endings.failures(), [failure(3)]);
    }

    #[test]
    fn a_panic_is_a_failure_and_an_end() {
        let endings = Endings::default();
        endings.tell_of(0, || panic!("a defect in worker {}", 0));
        endings.tell_of(1, || panic!("another"));
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
