//! Accounts of the members, what each process of a run did, beside the whole: so that one slow worker is seen and not
//! averaged away, and the part of a generator that was lost can be closed.

use std::collections::{BTreeMap, HashSet};

use benchmark_results::{Histogram, Ledger, WorkflowEnd, merge, schema::Phase};

use super::{Accounts, Progress};
use crate::load::{
    schedule::Stripe,
    shard::{Pair, ShardWindow, StartEnd},
};

/// A process of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// This process, which leads the run.
    Leader,
    /// A member of the fleet, by its number.
    Member(u32),
}

/// What one process did.
#[derive(Clone, Debug, Default)]
pub struct MemberAccount {
    /// Its starts by the phase in which they were due, as its seconds count them; how workflows end is not in here.
    pub starts: BTreeMap<Phase, Ledger>,
    /// Latencies of its starts, measured phase; `None` for a process that sends none.
    pub start_latency: Option<Box<StartLatencyHistograms>>,
    /// Arrivals that were never told of, because the process was lost.
    pub missing: u64,
    /// Ends that it stamped first.
    pub stamped: u64,
    /// Of these, workflows that completed.
    pub completed: u64,
    /// Of these, stamps in the measured phase: workflows that were due in it.
    pub stamped_in_measure: u64,
    /// Latency of completed workflows, measured phase; `None` for a process that stamped none.
    pub ends: Option<Box<Pair>>,
    /// How its starts ended by the phase in which they were due, told arrival by arrival.
    told: BTreeMap<Phase, Told>,
}

/// Latencies of starts.
#[derive(Clone, Debug, Default)]
pub struct StartLatencyHistograms {
    /// Dispatched − due.
    pub lag: Histogram,
    /// Of accepted starts.
    pub accepted: Pair,
}

/// How starts ended, told arrival by arrival: ahead of the seconds, which come when they are over.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    dropped: u64,
    accepted: u64,
    rejected: u64,
    unknown: u64,
}

impl MemberAccount {
    /// Its starts, all phases.
    pub fn ledger(&self) -> Ledger {
        merge::ledgers(self.starts.values())
    }

    pub(super) fn add_window(&mut self, window: &ShardWindow) {
        for (phase, samples) in &window.phases {
            self.starts.entry(*phase).or_default().add(&samples.ledger);
            if *phase == Phase::Measure {
                let latency = self.start_latency.get_or_insert_default();
                latency.lag.add(&samples.lag);
                latency.accepted.add(&samples.accepted);
            }
        }
    }

    pub(super) fn add_start(&mut self, phase: Phase, end: StartEnd) {
        let told = self.told.entry(phase).or_default();
        match end {
            StartEnd::Dropped => told.dropped += 1,
            StartEnd::Accepted => told.accepted += 1,
            StartEnd::Rejected => told.rejected += 1,
            StartEnd::Unknown => told.unknown += 1,
        }
    }

    pub(super) fn add_end(&mut self, phase: Phase, end: WorkflowEnd, due: u64, sent: u64, ended: u64) {
        let completed = end == WorkflowEnd::Completed;
        self.stamped += 1;
        self.completed += u64::from(completed);
        if phase == Phase::Measure {
            self.stamped_in_measure += 1;
            if completed {
                self.ends.get_or_insert_default().record(due, sent, ended);
            }
        }
    }
}

/// Arrivals of a lost generator whose start was never told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Those of which nothing is known.
    pub unheard: Numbers,
    /// Those whose workflow ended: the server took them, or nobody could have stamped the end.
    pub ended: Numbers,
}

/// Ascending numbers of one stripe as runs: of a generator that is lost nearly all from some number on are missing, for a
/// day that may be a hundred million.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// First, distance, and how many.
    runs: Vec<(u64, u64, u64)>,
}

impl Numbers {
    /// Puts a number behind the others; `step` from its predecessor in the stripe.
    fn push(&mut self, n: u64, step: u64) {
        match self.runs.last_mut() {
            Some((first, distance, count)) if *distance == step && *first + *count * step == n => *count += 1,
            _ => self.runs.push((n, step, 1)),
        }
    }

    /// How many they are.
    pub fn len(&self) -> u64 {
        self.runs.iter().map(|(_, _, count)| count).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.runs
            .iter()
            .flat_map(|&(first, step, count)| (0..count).map(move |at| first + at * step))
    }
}

impl Accounts {
    /// The arrivals of a stripe, due not later than `until`, of which no generator told how their start ended.
    pub fn missing(&self, stripe: Stripe, until: u64) -> Missing {
        let mut missing = Missing::default();
        let due = self.schedule.count_before(until.saturating_add(1));
        let mut n = stripe.index;
        while n < due {
            match self.table.get(n) {
                Progress::Pending => missing.unheard.push(n, stripe.of),
                Progress::EndedUnanswered => missing.ended.push(n, stripe.of),
                _ => {}
            }
            n += stripe.of;
        }
        missing
    }

    /// Closes the part of a generator that was lost, so that every arrival of it ends in exactly one place: what it told
    /// stands; of what it did not tell, the workflows that the server knows (`found`) were accepted, and all others were
    /// never sent and are dropped.
    ///
    /// Its seconds are corrected by the difference: the last one may be missing although single starts of it were told.
    pub fn close_lost(&mut self, origin: Origin, missing: &Missing, found: &HashSet<u64>) {
        let mut untold: BTreeMap<Phase, (u64, u64)> = BTreeMap::new();
        for n in missing.unheard.iter().chain(missing.ended.iter()) {
            let (there, lost) = untold.entry(self.schedule.phase_of(n)).or_default();
            let before = self.table.get(n);
            if before == Progress::EndedUnanswered || found.contains(&n) {
                *there += 1;
                self.open += 1;
                let after = if before == Progress::EndedUnanswered {
                    Progress::Settled
                } else {
                    Progress::Open
                };
                self.table.set(n, after);
            } else {
                *lost += 1;
                self.table.set(n, Progress::Settled);
            }
        }
        let member = self.members.entry(origin).or_default();
        member.missing += missing.unheard.len() + missing.ended.len();
        let phases: HashSet<Phase> = member
            .told
            .keys()
            .chain(untold.keys())
            .chain(member.starts.keys())
            .copied()
            .collect();
        for phase in phases {
            let told = member.told.get(&phase).copied().unwrap_or_default();
            let (there, lost) = untold.get(&phase).copied().unwrap_or_default();
            let counted = member.starts.entry(phase).or_default();
            let dropped_cap = counted.dropped_cap.min(told.dropped);
            let dispatched = told.accepted + told.rejected + told.unknown + there;
            let closed = Ledger {
                arrivals: dispatched + told.dropped + lost,
                dispatched,
                dropped_lag: told.dropped - dropped_cap + lost,
                dropped_cap,
                rejected: told.rejected,
                unknown: told.unknown,
                accepted: told.accepted + there,
                ..Ledger::default()
            };
            let ledger = &mut self.phases.entry(phase).or_default().starts.ledger;
            replace(ledger, counted, &closed);
            *counted = closed;
        }
    }

    /// What each process did.
    pub fn members(&self) -> &BTreeMap<Origin, MemberAccount> {
        &self.members
    }
}

/// Takes one part out of a sum and puts another in its place.
fn replace(sum: &mut Ledger, part: &Ledger, by: &Ledger) {
    for (sum, part, by) in [
        (&mut sum.arrivals, part.arrivals, by.arrivals),
        (&mut sum.dispatched, part.dispatched, by.dispatched),
        (&mut sum.dropped_lag, part.dropped_lag, by.dropped_lag),
        (&mut sum.dropped_cap, part.dropped_cap, by.dropped_cap),
        (&mut sum.rejected, part.rejected, by.rejected),
        (&mut sum.unknown, part.unknown, by.unknown),
        (&mut sum.accepted, part.accepted, by.accepted),
    ] {
        *sum = sum.saturating_sub(part) + by;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_are_the_numbers_that_were_put_in(
            index in 0..5_u64,
            of in 1..5_u64,
            taken in prop::collection::vec(any::<bool>(), 0..60),
        ) {
            let wanted: Vec<u64> =
                (0..).zip(&taken).filter(|(_, taken)| **taken).map(|(at, _): (u64, _)| index + at * of).collect();
            let mut numbers = Numbers::default();
            wanted.iter().for_each(|n| numbers.push(*n, of));
            prop_assert_eq!(numbers.iter().collect::<Vec<_>>(), wanted.clone());
            prop_assert_eq!(numbers.len(), wanted.len() as u64);
            prop_assert_eq!(numbers.is_empty(), wanted.is_empty());
        }
    }

    #[test]
    fn a_whole_part_is_one_run() {
        let mut numbers = Numbers::default();
        (0..100_000).for_each(|at| numbers.push(3 + at * 8, 8));
        assert_eq!(numbers.runs, [(3, 8, 100_000)]);
        assert!(Numbers::default().is_empty() && !numbers.is_empty());
    }
}
