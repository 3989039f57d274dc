//! Shutdown: being told to stop by a signal, or by something else that ends the process in order.

use benchmark_results::thresholds::Signal;
use tokio::{sync::watch, time::Instant};

/// Tells whether the process should stop, why, and since when. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Stop<R = Signal> {
    reason: watch::Receiver<Option<(R, Instant)>>,
}

/// Makes the process stop.
#[derive(Clone, Debug)]
pub struct Stopper<R = Signal> {
    reason: watch::Sender<Option<(R, Instant)>>,
}

/// The two ends.
pub fn channel<R>() -> (Stopper<R>, Stop<R>) {
    let (sender, receiver) = watch::channel(None);
    (Stopper { reason: sender }, Stop { reason: receiver })
}

impl<R> Stopper<R> {
    /// Stops the process in order; the first reason stays.
    pub fn stop(&self, reason: R) {
        self.reason.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some((reason, Instant::now()));
            }
            first
        });
    }
}

impl<R: From<Signal> + Clone + Send + Sync + 'static> Stopper<R> {
    /// Listens for signals: the first stops in order, and is `told`; `again` is called when it is to end at once.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn listen(
        &self,
        told: impl FnOnce(Signal) + Send + 'static,
        again: impl FnOnce(Signal) + Send + 'static,
    ) -> std::io::Result<()> {
        let stopper = self.clone();
        let first = move |signal: Signal| {
            stopper.stop(signal.into());
            told(signal);
        };
        on_signals(first, again)
    }
}

impl<R: Clone> Stop<R> {
    /// Why it should stop, if it should.
    pub fn reason(&self) -> Option<R> {
        self.reason.borrow().as_ref().map(|(reason, _)| reason.clone())
    }

    /// Since when it should.
    pub fn since(&self) -> Option<Instant> {
        self.reason.borrow().as_ref().map(|(_, since)| *since)
    }

    /// Waits until it should.
    pub async fn requested(&mut self) -> R {
        match self.reason.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some((reason, _))) => reason,
            // Nobody can stop the process any more.
            _ => std::future::pending().await,
        }
    }
}

/// Listens for SIGINT, SIGTERM, SIGHUP and SIGQUIT on the current runtime: `first` is called at the first of them, and
/// `again` at the second, or at once when it is SIGQUIT. SIGHUP is not listened for where it is ignored when the process
/// starts, as under `nohup`.
///
/// # Errors
/// When the handlers cannot be installed.
fn on_signals(
    first: impl FnOnce(Signal) + Send + 'static,
    again: impl FnOnce(Signal) + Send + 'static,
) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut quit = signal(SignalKind::quit())?;
    let mut hang_up = match is_hang_up_ignored() {
        true => None,
        false => Some(signal(SignalKind::hangup())?),
    };
    tokio::spawn(async move {
        let mut first = Some(first);
        loop {
            let hung_up = async {
                match &mut hang_up {
                    Some(hang_up) => hang_up.recv().await,
                    None => std::future::pending().await,
                }
            };
            let signal = tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
                _ = quit.recv() => Signal::Quit,
                _ = hung_up => Signal::HangUp,
            };
            match (meaning(signal, first.is_none()), first.take()) {
                (Meaning::First, Some(first)) => first(signal),
                (Meaning::AtOnce, _) => return again(signal),
                // `first` was called before.
                (Meaning::First | Meaning::Nothing, _) => {}
            }
        }
    });
    Ok(())
}

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// End in order.
    First,
    /// End at once.
    AtOnce,
    /// Nothing new.
    Nothing,
}

fn meaning(signal: Signal, is_ending: bool) -> Meaning {
    match (signal, is_ending) {
        (Signal::Quit, _) | (Signal::Interrupt | Signal::Terminate, true) => Meaning::AtOnce,
        // A terminal that is closed sends it twice, by its shell and by the kernel, and nobody means the second.
        (Signal::HangUp, true) => Meaning::Nothing,
        (Signal::Interrupt | Signal::Terminate | Signal::HangUp, false) => Meaning::First,
    }
}

/// Whether the process was started with SIGHUP ignored. Asked of the system before any handler is installed; where it does
/// not tell, SIGHUP is listened for.
fn is_hang_up_ignored() -> bool {
    const HANG_UP: u64 = 1;
    let status = procfs::process::Process::myself().and_then(|process| process.status());
    status.is_ok_and(|status| status.sigign & (1 << (HANG_UP - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_second_signal_ends_at_once_but_a_terminal_hangs_up_twice() {
        use {Meaning::*, Signal::*};
        for (signal, first, second) in [
            (Interrupt, First, AtOnce),
            (Terminate, First, AtOnce),
            (HangUp, First, Nothing),
            (Quit, AtOnce, AtOnce),
        ] {
            assert_eq!(
                (meaning(signal, false), meaning(signal, true)),
                (first, second),
                "{signal:?}"
            );
        }
    }

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
