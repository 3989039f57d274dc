//! Being told to stop by a signal.

use benchmark_results::thresholds::Signal;
use tokio::sync::watch;

/// Tells whether the process should stop. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Stop {
    signal: watch::Receiver<Option<Signal>>,
}

/// Makes the process stop.
#[derive(Clone, Debug)]
pub struct Stopper {
    signal: watch::Sender<Option<Signal>>,
}

/// The two ends.
pub fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(None);
    (Stopper { signal: sender }, Stop { signal: receiver })
}

impl Stopper {
    /// Stops the process in order; the first signal stays.
    pub fn stop(&self, signal: Signal) {
        self.signal.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(signal);
            }
            first
        });
    }

    /// Listens for SIGINT and SIGTERM: the first stops in order; `again` is called at the second.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn listen(&self, again: impl FnOnce(Signal) + Send + 'static) -> std::io::Result<()> {
        let stopper = self.clone();
        on_signals(move |signal| stopper.stop(signal), again)
    }
}

/// Listens for SIGINT and SIGTERM on the current runtime: `first` is called at the first of them, `again` at the second.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn on_signals(
    first: impl FnOnce(Signal) + Send + 'static,
    again: impl FnOnce(Signal) + Send + 'static,
) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
            }
        };
        first(next().await);
        again(next().await);
    });
    Ok(())
}

impl Stop {
    /// Waits until the process should stop.
    pub async fn requested(&mut self) -> Signal {
        match self.signal.wait_for(Option::is_some).await.map(|signal| *signal) {
            Ok(Some(signal)) => signal,
            // Nobody can stop the process any more.
            _ => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_first_signal_is_told_to_whoever_asks() {
        let (stopper, stop) = channel();
        assert_eq!(stop.clone().requested().now_or_never(), None);
        stopper.stop(Signal::Terminate);
        stopper.stop(Signal::Interrupt);
        assert_eq!(stop.clone().requested().now_or_never(), Some(Signal::Terminate));
        drop(stopper);
        assert_eq!(stop.clone().requested().now_or_never(), Some(Signal::Terminate));
    }
}
