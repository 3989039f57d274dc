//! The two observers of a workflow's end, stamp and long poll.

use std::{collections::HashMap, time::Duration};

use benchmark_results::{Histogram, WorkflowEnd};

/// Observations that may wait for the other one at a time, 40 bytes each. Those of what is open at a time wait; a sample of
/// more than this is compared in part only.
const WAITING: usize = 1 << 17;

/// Servers that keep times to the millisecond cut off the rest, nanoseconds.
const GRAIN: u64 = 1_000_000;

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

/// When a workflow ended by the server's clock, told on ours. Offsets from the beginning of the window, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The instant.
    pub at: u64,
    /// How wrong it can be.
    pub wrong: u64,
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
    /// Ends that were long-polled, or that the server had written down, before they were stamped, by more than the clocks
    /// may be wrong.
    pub seen_before_stamp: u64,
    /// Stamps that were compared with when the server wrote the end down.
    pub compared_with_server: u64,
    /// Of these, those that leave out most of the time that the workflow took by the server.
    pub stamped_early: u64,
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

/// One of the two observations of a sampled workflow: who saw which end, and when.
#[derive(Clone, Copy, Debug)]
pub(super) enum Observation {
    /// Also how wrong the instant may be.
    Stamped(WorkflowEnd, u64, u64),
    Polled(Seen),
}

/// What the server told of the end of a sampled workflow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) end: WorkflowEnd,
    /// When a long poll saw it; of one that was asked for afterwards nobody saw when.
    pub(super) at: Option<u64>,
    /// When its start was sent, as the generator knows and not as the stamp says.
    pub(super) sent: u64,
    pub(super) closed: Option<Closed>,
}

/// How a stamp stands to the server's own time of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    /// Before it, as it should be: the worker stamps before it tells the server.
    Before,
    /// After it.
    After,
    /// So long before it that three quarters of the workflow's time by the server are not in its latency. Between stamp and
    /// the server's note lies one call; no queue stands in it that was not in the rest of the workflow as well.
    Early,
}

/// Compares a stamp, which may be wrong by so much, with the server's time of the end of a workflow that was sent then.
fn compare(stamped: u64, wrong: u64, closed: Closed, sent: u64) -> Against {
    let wrong = wrong.saturating_add(closed.wrong).saturating_add(GRAIN);
    if stamped > closed.at.saturating_add(wrong) {
        return Against::After;
    }
    let surely_missing = closed.at.saturating_sub(stamped).saturating_sub(wrong);
    let took = closed.at.saturating_sub(sent);
    match surely_missing > took / 4 * 3 {
        true => Against::Early,
        false => Against::Before,
    }
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
            (Observation::Stamped(end, at, wrong), Observation::Polled(seen))
            | (Observation::Polled(seen), Observation::Stamped(end, at, wrong)) => ((end, at, wrong), seen),
            // Somebody told the same twice: neither is the other's witness.
            _ => return,
        };
        if stamped.0 != polled.end {
            observers.poll_disagreements += 1;
        }
        let against = polled
            .closed
            .map(|closed| compare(stamped.1, stamped.2, closed, polled.sent));
        observers.compared_with_server += u64::from(against.is_some());
        observers.stamped_early += u64::from(against == Some(Against::Early));
        let seen_before = polled.at.is_some_and(|seen| seen.saturating_add(stamped.2) < stamped.1);
        if seen_before || against == Some(Against::After) {
            observers.seen_before_stamp += 1;
            return;
        }
        let Some(seen) = polled.at else { return };
        observers
            .poll_delay
            .record(Duration::from_nanos(seen.saturating_sub(stamped.1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: u64 = 1_000_000;

    fn polled(end: WorkflowEnd, at: u64) -> Observation {
        Observation::Polled(Seen {
            end,
            at: Some(at),
            sent: 0,
            closed: None,
        })
    }

    #[test]
    fn what_waits_is_bounded() {
        let (mut pairing, mut observers) = (Pairing::default(), Observers::default());
        let most = WAITING as u64;
        for n in 0..most + 10 {
            pairing.observe(n, Observation::Stamped(WorkflowEnd::Completed, 5, 0), &mut observers);
        }
        assert_eq!(pairing.waiting.len(), WAITING);
        for n in 0..most {
            pairing.observe(n, polled(WorkflowEnd::Completed, 7), &mut observers);
        }
        assert_eq!(observers.poll_delay.count(), most);
        assert!(pairing.waiting.is_empty());
        // The first one that found no room has no pair; the next one finds room again.
        pairing.observe(most, polled(WorkflowEnd::Completed, 7), &mut observers);
        assert_eq!((observers.poll_delay.count(), pairing.waiting.len()), (most, 1));
    }

    #[test]
    fn an_end_is_not_seen_before_it_is_stamped() {
        for (seen, wrong, before) in [(99, 0, true), (100, 0, false), (90, 10, false), (89, 10, true)] {
            let (mut pairing, mut observers) = (Pairing::default(), Observers::default());
            pairing.observe(1, polled(WorkflowEnd::Completed, seen), &mut observers);
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
    fn a_stamp_lies_between_the_middle_of_the_workflow_and_the_servers_note() {
        // Sent at 100 ms, ended at 200 ms by the server's clock, which is known to 2 ms.
        let closed = Closed {
            at: 200 * MILLI,
            wrong: 2 * MILLI,
        };
        for (stamped, wrong, expected) in [
            (195, 0, Against::Before),
            // Up to what the clocks and the server's milliseconds allow.
            (203, 0, Against::Before),
            (204, 0, Against::After),
            (213, 10, Against::Before),
            (214, 10, Against::After),
            // The call that tells the server takes long, but not longer than all else three times over.
            (150, 0, Against::Before),
            (122, 0, Against::Before),
            (121, 0, Against::Early),
            (100, 0, Against::Early),
            (0, 0, Against::Early),
            (100, 25, Against::Before),
        ] {
            assert_eq!(
                compare(stamped * MILLI, wrong * MILLI, closed, 100 * MILLI),
                expected,
                "{stamped} ± {wrong}"
            );
        }
        // Where the clocks are known worse than the workflow is long nothing can be said.
        let vague = Closed {
            wrong: 100 * MILLI,
            ..closed
        };
        assert_eq!(compare(100 * MILLI, 0, vague, 100 * MILLI), Against::Before);
    }

    #[test]
    fn whichever_comes_first_is_compared_with_the_server() {
        let stamp = |at| Observation::Stamped(WorkflowEnd::Completed, at * MILLI, 0);
        let seen = Observation::Polled(Seen {
            end: WorkflowEnd::Completed,
            at: Some(210 * MILLI),
            sent: 100 * MILLI,
            closed: Some(Closed {
                at: 200 * MILLI,
                wrong: MILLI,
            }),
        });
        for (at, early, after) in [(195, 0, 0), (100, 1, 0), (205, 0, 1)] {
            for pair in [[stamp(at), seen], [seen, stamp(at)]] {
                let (mut pairing, mut observers) = (Pairing::default(), Observers::default());
                pair.into_iter().for_each(|one| pairing.observe(1, one, &mut observers));
                let counts = (observers.stamped_early, observers.seen_before_stamp);
                assert_eq!((counts, observers.compared_with_server), ((early, after), 1), "{at}");
            }
        }
    }

    #[test]
    fn only_other_ends_disagree() {
        for (seen, differ) in [(WorkflowEnd::Completed, 0), (WorkflowEnd::Failed, 1)] {
            let (mut pairing, mut observers) = (Pairing::default(), Observers::default());
            pairing.observe(1, Observation::Stamped(WorkflowEnd::Completed, 100, 0), &mut observers);
            pairing.observe(1, polled(seen, 100), &mut observers);
            assert_eq!(observers.poll_disagreements, differ, "{seen:?}");
        }
    }

    #[test]
    fn the_same_witness_twice_is_no_pair() {
        let (mut pairing, mut observers) = (Pairing::default(), Observers::default());
        for _ in 0..2 {
            pairing.observe(3, polled(WorkflowEnd::Failed, 7), &mut observers);
        }
        assert_eq!((observers.poll_delay.count(), observers.poll_disagreements), (0, 0));
    }
}
