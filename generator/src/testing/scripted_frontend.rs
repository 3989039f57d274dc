//! A null frontend that answers starts as a test says: late, not at all, with refusals, or with answers that are lost.

#![allow(dead_code, reason = "each of those that include it uses its part")]

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use benchmark_generator::calibrate::null_frontend::{self, FrontendAnswer, NullFrontend, Options};
use benchmark_temporal::BoxFuture;
use tokio::sync::watch;
use tonic::Code;

/// A frontend that answers so, until it is told otherwise.
pub(crate) fn behaving(behaviour: Behaviour) -> (NullFrontend, Control) {
    set_up(behaviour, Options::default())
}

/// The same with more options.
pub(crate) fn set_up(behaviour: Behaviour, options: Options) -> (NullFrontend, Control) {
    let control = Control::default();
    control.set(behaviour);
    let frontend = NullFrontend::start(Options {
        behaviour: Some(Arc::new(control.clone())),
        ..options
    });
    (frontend.unwrap(), control)
}

/// Changes how a null frontend answers while it runs. What it is told holds for starts that arrive from then on, except
/// for stalls, which hold for answers that have not left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Control {
    script: Arc<Mutex<Script>>,
    /// Whether answers to starts are held back until they are not any more.
    stalled: Arc<watch::Sender<bool>>,
    held: Arc<AtomicU64>,
}

impl Control {
    /// Answers as told from now on.
    pub(crate) fn set(&self, behaviour: Behaviour) {
        *self.script() = Script {
            behaviour,
            ..Script::default()
        };
    }

    /// Answers starts this much later than they arrive, rounded up to the timer's milliseconds. All else stays.
    pub(crate) fn set_delay(&self, delay: Duration) {
        self.script().behaviour.delay = delay;
    }

    /// Stops answering starts; connections stay open, and requests are read and counted.
    pub(crate) fn stall(&self) {
        self.stalled.send_replace(true);
    }

    /// Ends a stall: everything that was held back and is due leaves at once.
    pub(crate) fn resume(&self) {
        self.stalled.send_replace(false);
    }

    /// Answers that are held back now, by a delay or a stall.
    pub(crate) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }
}

impl null_frontend::Behaviour for Control {
    fn answer(&self) -> BoxFuture<'static, FrontendAnswer> {
        let mut script = self.script();
        let (answer, delay) = (script.decide(), script.behaviour.delay);
        let (mut stalled, held) = (self.stalled.subscribe(), Arc::clone(&self.held));
        held.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            // When nobody can end a stall any more, it is over.
            let _ = stalled.wait_for(|stalled| !stalled).await;
            held.fetch_sub(1, Ordering::Relaxed);
            answer
        })
    }
}

/// How starts are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Behaviour {
    /// How long each answer is held back.
    pub(crate) delay: Duration,
    /// Starts whose answer is lost; drawn first.
    pub(crate) lose: Option<Lose>,
    /// Starts that are refused; drawn from those whose answer is not lost.
    pub(crate) refuse: Option<Refuse>,
}

/// Starts that are refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Refuse {
    /// Their share, 0 to 1, evenly spread.
    pub(crate) share: f64,
    /// The gRPC code that they are refused with.
    pub(crate) code: Code,
}

/// Starts that are taken and whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lose {
    /// Their share, 0 to 1, evenly spread.
    pub(crate) share: f64,
    /// How it is lost.
    pub(crate) how: FrontendAnswer,
}

/// Decides start by start: pure, so that a share of them means the same ones in every test.
#[derive(Debug, Default)]
struct Script {
    behaviour: Behaviour,
    to_lose: Spread,
    to_refuse: Spread,
}

impl Script {
    fn decide(&mut self) -> FrontendAnswer {
        if let Some(lose) = self.behaviour.lose
            && self.to_lose.next(lose.share)
        {
            return lose.how;
        }
        if let Some(refuse) = self.behaviour.refuse
            && self.to_refuse.next(refuse.share)
        {
            return FrontendAnswer::Refuse(refuse.code);
        }
        FrontendAnswer::Accept
    }
}

/// Spreads a share evenly: of the first n, `floor(n * share)` are chosen.
#[derive(Debug, Default)]
struct Spread {
    seen: u64,
}

impl Spread {
    fn next(&mut self, share: f64) -> bool {
        // Computed from n and never accumulated, so that a tenth of a million is exactly 100,000.
        let chosen = |n: u64| (n as f64 * share).floor();
        self.seen += 1;
        chosen(self.seen) > chosen(self.seen - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(behaviour: Behaviour, starts: u32) -> (u32, u32, u32) {
        let mut script = Script {
            behaviour,
            ..Script::default()
        };
        let (mut accepted, mut refused, mut lost) = (0, 0, 0);
        for _ in 0..starts {
            match script.decide() {
                FrontendAnswer::Accept => accepted += 1,
                FrontendAnswer::Refuse(_) => refused += 1,
                _ => lost += 1,
            }
        }
        (accepted, refused, lost)
    }

    #[test]
    fn shares_are_exact() {
        let refuse = |share| Behaviour {
            refuse: Some(Refuse {
                share,
                code: Code::ResourceExhausted,
            }),
            ..Behaviour::default()
        };
        assert_eq!(tally(Behaviour::default(), 1000), (1000, 0, 0));
        assert_eq!(tally(refuse(0.0), 1000), (1000, 0, 0));
        assert_eq!(tally(refuse(0.1), 1_000_000), (900_000, 100_000, 0));
        assert_eq!(tally(refuse(1.0), 1000), (0, 1000, 0));
    }

    #[test]
    fn refusals_are_drawn_from_what_is_not_lost() {
        let both = Behaviour {
            lose: Some(Lose {
                share: 0.5,
                how: FrontendAnswer::Reset,
            }),
            refuse: Some(Refuse {
                share: 0.5,
                code: Code::Unavailable,
            }),
            ..Behaviour::default()
        };
        assert_eq!(tally(both, 1000), (250, 250, 500));
    }

    #[test]
    fn chosen_starts_are_spread_evenly() {
        let mut spread = Spread::default();
        let chosen: Vec<usize> = (0..12).filter(|_| spread.next(0.25)).collect();
        assert_eq!(chosen, [3, 7, 11]);
    }
}
