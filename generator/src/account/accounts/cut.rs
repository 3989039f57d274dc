//! Snapshot of the account as it stood when a second was over, taken out in one piece for whoever watches the run.
//!
//! Starts are told when their second is over, ends as soon as they are stamped. Ends of the second that goes on are left
//! out, of counts and of latencies, so that all sides are of the same instant.

use std::collections::BTreeMap;

use benchmark_results::{Histogram, Ledger, WorkflowEnd, schema::Phase};

use super::{Accounts, PhaseAccount};
use crate::load::shard::{ErrorKey, Pair, ShardWindow};

const SECOND: u64 = 1_000_000_000;

/// A latency of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LatencyKind {
    /// Dispatched − due.
    Lag,
    /// Answer − due, of accepted starts.
    StartResponse,
    /// Answer − dispatched, of accepted starts.
    StartService,
    /// End − due, of workflows that completed.
    EndToEndResponse,
    /// End − dispatched, of workflows that completed.
    EndToEndService,
}

/// All of them.
pub const LATENCIES: [LatencyKind; 5] = [
    LatencyKind::Lag,
    LatencyKind::StartResponse,
    LatencyKind::StartService,
    LatencyKind::EndToEndResponse,
    LatencyKind::EndToEndService,
];

/// How many samples of each latency somebody has seen.
pub type KnownLatencies = BTreeMap<(Phase, LatencyKind), u64>;

/// An account at an instant.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    /// The phases of which something is known.
    pub phases: BTreeMap<Phase, PhaseCut>,
    /// Latencies that have samples which are not known yet.
    pub latencies: Vec<(Phase, LatencyKind, Histogram)>,
    /// Workflows that completed in the last second of which nothing more is expected.
    pub completed_in_second: u64,
    /// What this process's own starts were like in the last second.
    pub own: OwnLoad,
}

/// What a phase came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhaseCut {
    /// The counts. That starts are under way is not known of it: more may be dispatched than ended.
    pub ledger: Ledger,
    /// Refused starts by code; those of the ledger that are not in here were lost, and the server does not know them.
    pub rejected_by: BTreeMap<ErrorKey, u64>,
}

impl Accounts {
    /// The account as it stood at an offset, of which ends may be known that came later.
    pub fn cut(&mut self, at: u64, known: &KnownLatencies) -> Cut {
        self.latest.forget_until(at);
        let mut cut = Cut {
            completed_in_second: self.seconds.latest().1,
            own: self.own,
            ..Cut::default()
        };
        for (phase, account) in &self.phases {
            let mut ledger = account.ledger();
            self.latest.take_out(*phase, &mut ledger);
            let rejected_by = account.starts.rejected_by.clone();
            cut.phases.insert(*phase, PhaseCut { ledger, rejected_by });
            for kind in LATENCIES {
                let Some(samples) = account.latency(kind) else {
                    continue;
                };
                let latest: Vec<&Histogram> = self.latest.latencies(*phase, kind).collect();
                let left_out: u64 = latest.iter().map(|latest| latest.count()).sum();
                if samples.count().saturating_sub(left_out) > known.get(&(*phase, kind)).copied().unwrap_or(0) {
                    let mut samples = samples.clone();
                    latest.into_iter().for_each(|latest| samples.subtract(latest));
                    cut.latencies.push((*phase, kind, samples));
                }
            }
        }
        cut
    }
}

impl PhaseAccount {
    fn latency(&self, kind: LatencyKind) -> Option<&Histogram> {
        let ends = self.ends.completed.as_ref();
        match kind {
            LatencyKind::Lag => Some(&self.starts.lag),
            LatencyKind::StartResponse => Some(&self.starts.accepted.response),
            LatencyKind::StartService => Some(&self.starts.accepted.service),
            LatencyKind::EndToEndResponse | LatencyKind::EndToEndService => of_ends(ends?, kind),
        }
    }
}

fn of_ends(ends: &Pair, kind: LatencyKind) -> Option<&Histogram> {
    match kind {
        LatencyKind::EndToEndResponse => Some(&ends.response),
        LatencyKind::EndToEndService => Some(&ends.service),
        _ => None,
    }
}

/// Ends that were stamped lately, by the second in which they were.
#[derive(Debug, Default)]
pub(super) struct LatestEnds(BTreeMap<(u64, Phase, WorkflowEnd), Latest>);

/// Those of one second.
#[derive(Debug, Default)]
struct Latest {
    count: u64,
    /// How long they took, where they completed.
    times: Option<Pair>,
}

impl LatestEnds {
    /// Takes an end by the instants at which its start was due and sent and the workflow over.
    pub(super) fn add(&mut self, phase: Phase, end: WorkflowEnd, due: u64, sent: u64, ended: u64) {
        let latest = self.0.entry((ended / SECOND, phase, end)).or_default();
        latest.count += 1;
        if end == WorkflowEnd::Completed {
            latest.times.get_or_insert_default().record(due, sent, ended);
        }
    }

    /// The latencies of a phase's workflows that are left out.
    fn latencies(&self, of: Phase, kind: LatencyKind) -> impl Iterator<Item = &Histogram> {
        let of_phase = self.0.iter().filter(move |((_, phase, _), _)| *phase == of);
        of_phase.filter_map(move |(_, latest)| of_ends(latest.times.as_ref()?, kind))
    }

    pub(super) fn forget_until(&mut self, at: u64) {
        self.0.retain(|(second, ..), _| *second >= at / SECOND);
    }

    /// Takes those that are left out of a phase's counts.
    fn take_out(&self, of: Phase, ledger: &mut Ledger) {
        for ((_, phase, end), latest) in &self.0 {
            if *phase == of {
                let counted = ledger.ended_as(*end);
                *counted = counted.saturating_sub(latest.count);
            }
        }
    }
}

/// What the starts of one process were like in its last second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnLoad {
    second: u64,
    /// Unanswered starts at its end.
    pub in_flight: u64,
    /// The longest lag in it, seconds.
    pub lag_max: f64,
}

impl OwnLoad {
    /// Takes one second of one of the process's threads.
    pub fn add(&mut self, window: &ShardWindow) {
        if window.second < self.second {
            return;
        }
        if window.second > self.second {
            *self = OwnLoad {
                second: window.second,
                ..OwnLoad::default()
            };
        }
        self.in_flight += window.in_flight;
        let lags = window.phases.values().filter_map(|samples| samples.lag.max_ms());
        self.lag_max = lags.map(|ms| ms / 1e3).fold(self.lag_max, f64::max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::accounts::{
            Origin, StampedEnd,
            tests::{MILLI, schedule, stamp},
        },
        load::sample::HashedSample,
    };

    /// Ten completed in the first second and three in the next.
    #[test]
    fn a_cut_tells_what_completed_in_the_last_second_that_is_whole() {
        let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
        let completed = |n: u64, ended: u64| StampedEnd {
            ended,
            ..stamp(n, WorkflowEnd::Completed)
        };
        (0..10).for_each(|n| accounts.add_stamp(Origin::Leader, completed(n, 500 * MILLI)));
        (10..13).for_each(|n| accounts.add_stamp(Origin::Leader, completed(n, SECOND + n * MILLI)));
        let mut at = |seconds: u64| {
            accounts.advance(seconds * SECOND);
            accounts
                .cut(seconds * SECOND, &KnownLatencies::new())
                .completed_in_second
        };
        assert_eq!([2, 3, 4, 5].map(&mut at), [0, 10, 3, 0]);
    }

    #[test]
    fn a_latency_is_told_again_only_with_new_samples() {
        let mut accounts = Accounts::new(&schedule(), HashedSample::new(1, 0.0), 60, true);
        let mut window = ShardWindow::default();
        let samples = window.phases.entry(Phase::WarmUp).or_default();
        samples.lag.record(std::time::Duration::from_millis(1));
        accounts.add_window(Origin::Leader, &window);
        let mut told = |known: u64| -> Vec<_> {
            let known = KnownLatencies::from([((Phase::WarmUp, LatencyKind::Lag), known)]);
            let latencies = accounts.cut(0, &known).latencies;
            latencies.into_iter().map(|(phase, kind, _)| (phase, kind)).collect()
        };
        assert_eq!(told(0), [(Phase::WarmUp, LatencyKind::Lag)]);
        assert_eq!(told(1), []);
    }
}
