//! The two observers of a workflow's end, stamp and long poll, and which workflows have both.

use std::{collections::HashMap, time::Duration};

use benchmark_results::Histogram;
use benchmark_workflows::draw;

use super::WorkflowEnd;

/// Observations that may wait for the other one at a time, 40 bytes each. Those of what is open at a time wait; a sample of
/// more than this is compared in part only.
const WAITING: usize = 1 << 17;

/// What the server told of a workflow of the sample. Offsets from the beginning of the window, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampledEnd {
    /// A long poll saw how it ended, at this offset.
    Polled(WorkflowEnd, u64),
    /// Asked afterwards: how it ended, and when by the server's clock.
    Asked(WorkflowEnd, u64),
    /// Asked for the last time, it was open.
    Open,
}

/// How far the observers of completion agree.
#[derive(Clone, Debug, Default)]
pub struct Observers {
    /// Ends that were stamped.
    pub stamped: u64,
    /// Stamps of workflows that had ended already.
    pub stamped_twice: u64,
    /// Ends that only the server told.
    pub not_stamped: u64,
    /// Ends of the sample that the server told.
    pub polled: u64,
    /// Of these, other ends than the stamp's.
    pub poll_disagreements: u64,
    /// Ends that were long-polled before they were stamped, by more than the clocks may be wrong.
    pub seen_before_stamp: u64,
    /// Stamps and polls whose instants cannot be: they are in no latency.
    pub implausible: u64,
    /// Seen by long poll − stamped.
    pub poll_delay: Histogram,
}

/// Observations of the sample that wait for the other one.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    waiting: HashMap<u64, Observation>,
}

/// One of the two observations of a sampled workflow: who saw which end, and when. Of one that was asked for afterwards
/// nobody saw when.
#[derive(Clone, Copy, Debug)]
pub(super) enum Observation {
    /// Also how wrong the instant may be.
    Stamped(WorkflowEnd, u64, u64),
    Polled(WorkflowEnd, Option<u64>),
}

impl Pairing {
    /// Takes an observation, and compares it with the other one where that is there.
    pub(super) fn observe(&mut self, n: u64, observation: Observation, observers: &mut Observers) {
        let Some(other) = self.waiting.remove(&n) else {
            if self.waiting.len() < WAITING {
                self.waiting.insert(n, observation);
            }
            return;
        };
        let (stamped, polled) = match (other, observation) {
            (Observation::Stamped(end, at, wrong), Observation::Polled(seen, seen_at))
            | (Observation::Polled(seen, seen_at), Observation::Stamped(end, at, wrong)) => {
                ((end, at, wrong), (seen, seen_at))
            }
            // Somebody told the same twice: neither is the other's witness.
            _ => return,
        };
        if stamped.0 != polled.0 {
            observers.poll_disagreements += 1;
        }
        let Some(seen) = polled.1 else { return };
        if seen.saturating_add(stamped.2) < stamped.1 {
            observers.seen_before_stamp += 1;
            return;
        }
        observers
            .poll_delay
            .record(Duration::from_nanos(seen.saturating_sub(stamped.1)));
    }
}

/// Which workflows are long-polled: a hash of the arrival's number, so that the choice repeats and favours none.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    seed: u64,
    threshold: u64,
}

impl Sample {
    /// A sample of a share, 0 to 1, of all workflows.
    pub fn new(seed: u64, ratio: f64) -> Self {
        // The cast saturates: a ratio of 1 takes every number.
        Sample {
            seed,
            threshold: (ratio.clamp(0.0, 1.0) * u64::MAX as f64) as u64,
        }
    }

    /// Whether arrival `n` is in it.
    pub fn contains(&self, n: u64) -> bool {
        self.threshold > 0 && draw::derive(self.seed, n) <= self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded() {
        let (mut pairing, mut observers) = (Pairing::default(), Observers::default());
        let most = WAITING as u64;
        for n in 0..most + 10 {
            pairing.observe(n, Observation::Stamped(WorkflowEnd::Completed, 5, 0), &mut observers);
        }
        assert_eq!(pairing.waiting.len(), WAITING);
        for n in 0..most {
            pairing.observe(n, Observation::Polled(WorkflowEnd::Completed, Some(7)), &mut observers);
        }
        assert_eq!(observers.poll_delay.count(), most);
        assert!(pairing.waiting.is_empty());
        // The first one that found no room has no pair; the next one finds room again.
        pairing.observe(
            most,
            Observation::Polled(WorkflowEnd::Completed, Some(7)),
            &mut observers,
        );
        assert_eq!((observers.poll_delay.count(), pairing.waiting.len()), (most, 1));
    }

    #[test]
    fn an_end_is_not_seen_before_it_is_stamped() {
        for (seen, wrong, before) in [(99, 0, true), (100, 0, false), (90, 10, false), (89, 10, true)] {
            let (mut pairing, mut observers) = (Pairing::default(), Observers::default());
            pairing.observe(
                1,
                Observation::Polled(WorkflowEnd::Completed, Some(seen)),
                &mut observers,
            );
            pairing.observe(
                1,
                Observation::Stamped(WorkflowEnd::Completed, 100, wrong),
                &mut observers,
            );
            assert_eq!(observers.seen_before_stamp, u64::from(before), "{seen} ± {wrong}");
            assert_eq!(observers.poll_delay.count(), u64::from(!before));
        }
    }

    #[test]
    fn the_same_witness_twice_is_no_pair() {
        let (mut pairing, mut observers) = (Pairing::default(), Observers::default());
        for _ in 0..2 {
            pairing.observe(3, Observation::Polled(WorkflowEnd::Failed, Some(7)), &mut observers);
        }
        assert_eq!((observers.poll_delay.count(), observers.poll_disagreements), (0, 0));
    }
}
