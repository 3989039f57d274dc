//! Liveness of the server: whether it answers at all.

use std::sync::Arc;

use tokio::{sync::watch, time::Instant};

/// Since when the server has answered nothing although it was asked. Cloning is cheap.
///
/// Calls of the control plane are what is looked at: a refusal is an answer, a call that failed on its way is none. Starts
/// have connections and deadlines of their own.
#[derive(Clone, Debug, Default)]
pub struct Silence(Arc<watch::Sender<Option<Instant>>>);

impl Silence {
    /// A call is made: without an answer the silence has begun now, unless it lasts already.
    pub fn asked(&self) {
        self.0.send_if_modified(|since| {
            let begins = since.is_none();
            if begins {
                *since = Some(Instant::now());
            }
            begins
        });
    }

    /// The server has answered.
    pub fn heard(&self) {
        self.0.send_if_modified(|since| since.take().is_some());
    }

    /// Since when it lasts.
    pub fn since(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Waits until it begins or ends, from this call on.
    pub fn changes(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut changes = self.0.subscribe();
        let sender = Arc::clone(&self.0);
        async move {
            // There is a sender here: the channel is open.
            let _ = changes.changed().await;
            drop(sender);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn it_lasts_from_the_first_question_without_an_answer() {
        let silence = Silence::default();
        assert_eq!(silence.since(), None);
        silence.asked();
        let since = silence.since();
        assert!(since.is_some());
        silence.asked();
        assert_eq!(silence.since(), since);
        silence.heard();
        assert_eq!(silence.since(), None);
    }

    #[tokio::test]
    async fn who_waits_hears_of_its_beginning_and_of_its_end() {
        let silence = Silence::default();
        for change in [Silence::asked, Silence::heard] {
            let mut changes = std::pin::pin!(silence.changes());
            assert_eq!(changes.as_mut().now_or_never(), None);
            // What was so already is no change.
            change(&silence);
            changes.await;
            assert_eq!(silence.changes().now_or_never(), None);
            change(&silence);
        }
    }
}
