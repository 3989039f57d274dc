//! How starts are answered: pure, so that a share of them means the same ones in every test.

use std::time::Duration;

use tonic::Code;

/// How starts are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Behaviour {
    /// How long each answer is held back.
    pub delay: Duration,
    /// Starts whose answer is lost; drawn first.
    pub lose: Option<Lose>,
    /// Starts that are refused; drawn from those whose answer is not lost.
    pub refuse: Option<Refuse>,
}

/// Starts that are refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refuse {
    /// Their share, 0 to 1, evenly spread.
    pub share: f64,
    /// The gRPC code that they are refused with.
    pub code: Code,
}

/// Starts that are taken and whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lose {
    /// Their share, 0 to 1, evenly spread.
    pub share: f64,
    /// How it is lost.
    pub how: LostAnswer,
}

/// How an answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostAnswer {
    /// The stream is reset with INTERNAL_ERROR, as by a proxy that lost its upstream.
    Reset,
    /// The connection is closed, and with it the answers to everything else that is unanswered on it.
    Close,
    /// Nothing is sent at all; the caller's deadline ends it.
    Silence,
}

/// What becomes of one start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Accept,
    Refuse(Code),
    Lose(LostAnswer),
}

/// Decides start by start.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) behaviour: Behaviour,
    to_lose: Spread,
    to_refuse: Spread,
}

impl Script {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Script {
            behaviour,
            ..Script::default()
        }
    }

    /// Whether every start is accepted at once, so that nothing needs deciding.
    pub(super) fn is_plain(&self) -> bool {
        self.behaviour == Behaviour::default()
    }

    pub(super) fn decide(&mut self) -> Decision {
        if let Some(lose) = self.behaviour.lose
            && self.to_lose.next(lose.share)
        {
            return Decision::Lose(lose.how);
        }
        if let Some(refuse) = self.behaviour.refuse
            && self.to_refuse.next(refuse.share)
        {
            return Decision::Refuse(refuse.code);
        }
        Decision::Accept
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
        let mut script = Script::new(behaviour);
        let (mut accepted, mut refused, mut lost) = (0, 0, 0);
        for _ in 0..starts {
            match script.decide() {
                Decision::Accept => accepted += 1,
                Decision::Refuse(_) => refused += 1,
                Decision::Lose(_) => lost += 1,
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
                how: LostAnswer::Reset,
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
