//! The account of a run: every arrival from its start to its workflow's end, counted once.
//!
//! One owner, fed with what happens: seconds of shards, ends of starts, stamps of workers, long polls, look-ups. It reads
//! no clock. Offsets are nanoseconds from the beginning of the submission window.

mod cut;
mod cut_off;
mod ends;
mod members;
mod observers;
mod plausible;
mod seconds;
mod table;

use std::collections::BTreeMap;

use benchmark_results::{
    Ledger, WorkflowEnd, merge,
    schema::{Phase, SampleEnds},
};

use cut::LatestEnds;
pub use cut::{Cut, KnownLatencies, LATENCIES, LatencyKind, OwnLoad, PhaseCut};
use cut_off::AccountCutOff;
pub use ends::EndSamples;
pub use members::{MemberAccount, Missing, Numbers, Origin, StartLatencyHistograms};
pub use observers::{Closed, Observers, SampledEnd};
use observers::{Observation, Pairing, Seen};
use plausible::Doubt;
pub use seconds::{Seconds, SecondsReport};
pub use table::{ArrivalTable, Progress};

use crate::load::{
    sample::HashedSample,
    schedule::{Offsets, Schedule},
    shard::{PhaseSamples, ShardWindow, StartEnd, StartErrors},
};

/// Examples kept of each kind of error.
const EXAMPLES: usize = 10;

/// How long it is known in which second a workflow ended, nanoseconds: whoever looks asks for the last one.
const LATEST: u64 = 2_000_000_000;

/// A workflow's end as a worker stamped it.
#[derive(Clone, Debug)]
pub struct StampedEnd {
    /// The arrival's number.
    pub n: u64,
    /// When the start was handed to a connection.
    pub sent: u64,
    /// When the workflow ended.
    pub ended: u64,
    /// How.
    pub end: WorkflowEnd,
    /// Why, when it failed. Boxed: there may be very many of these at a time.
    pub message: Option<Box<str>>,
    /// When it was told.
    pub told: u64,
    /// How wrong these instants may be, since they are of several clocks.
    pub wrong: u64,
}

/// What a phase came to.
#[derive(Clone, Debug, Default)]
pub struct PhaseAccount {
    /// Starts that were due in it.
    pub starts: PhaseSamples,
    /// Ends of workflows that were due in it.
    pub ends: EndSamples,
    /// Starts sent in its time, whenever they were due.
    pub sent_in_time: u64,
    /// Workflows that completed in its time, whenever they were due; where nobody stamps `None` until the server has told.
    pub completed_in_time: Option<u64>,
    /// Starts whose answer was lost and that were found on the server.
    pub unknown_found: u64,
    /// Starts whose answer was lost and that the server does not know.
    pub unknown_not_found: u64,
    /// Starts that were refused and whose workflow ended all the same: the server had taken them.
    pub refused_and_ran: u64,
    /// Whether the server told how its workflows ended, where nobody stamps.
    ends_told: bool,
    /// What became of the sample; what is missing is [`PhaseAccount::sample_ends`]'s to say.
    sample: SampleEnds,
}

impl PhaseAccount {
    /// The ledger: what the shards counted, with lost answers resolved as far as they could be.
    pub fn ledger(&self) -> Ledger {
        let mut ledger = self.starts.ledger;
        let resolved = self.unknown_found + self.unknown_not_found;
        ledger.unknown = ledger.unknown.saturating_sub(resolved);
        ledger.accepted += self.unknown_found + self.refused_and_ran;
        ledger.rejected = (ledger.rejected + self.unknown_not_found).saturating_sub(self.refused_and_ran);
        self.ends.count_into(&mut ledger);
        ledger.open = ledger.accepted.saturating_sub(ledger.ended());
        ledger
    }

    /// What became of the sample, when nothing more will be told of it.
    pub fn sample_ends(&self) -> SampleEnds {
        let SampleEnds {
            accepted,
            polled,
            asked,
            open,
            ..
        } = self.sample;
        SampleEnds {
            missing: accepted.saturating_sub(polled + asked + open),
            ..self.sample
        }
    }
}

/// Errors by operation and code: how often, and examples with the arrival's number.
pub type Errors = BTreeMap<(&'static str, String), (u64, Vec<(u64, String)>)>;

/// The account of one submission window.
#[derive(Debug)]
pub struct Accounts {
    schedule: Schedule,
    offsets: Offsets,
    sample: HashedSample,
    stamps: bool,
    table: ArrivalTable,
    phases: BTreeMap<Phase, PhaseAccount>,
    seconds: Seconds,
    errors: Errors,
    observers: Observers,
    pairing: Pairing,
    members: BTreeMap<Origin, MemberAccount>,
    open: i64,
    cut_off: Option<AccountCutOff>,
    latest: LatestEnds,
    own: OwnLoad,
}

impl Accounts {
    /// An empty account of a schedule. `stamps` says whether workers of this run stamp ends; else long polls time them.
    pub fn new(schedule: &Schedule, sample: HashedSample, drain_seconds: u64, stamps: bool) -> Self {
        Accounts {
            schedule: schedule.clone(),
            offsets: Offsets::new(schedule),
            sample,
            stamps,
            table: ArrivalTable::default(),
            phases: BTreeMap::new(),
            seconds: Seconds::new(schedule, drain_seconds),
            errors: Errors::new(),
            observers: Observers::default(),
            pairing: Pairing::default(),
            members: BTreeMap::new(),
            open: 0,
            cut_off: None,
            latest: LatestEnds::default(),
            own: OwnLoad::default(),
        }
    }

    /// Takes one second of one shard.
    pub fn add_window(&mut self, origin: Origin, window: &ShardWindow) {
        self.members.entry(origin).or_default().add_window(window);
        self.seconds.add_window(window);
        if origin == Origin::Leader {
            self.own.add(window);
        }
        for (phase, sent) in &window.sent_in {
            self.phases.entry(*phase).or_default().sent_in_time += sent;
        }
        for (phase, samples) in &window.phases {
            self.phases.entry(*phase).or_default().starts.add(samples);
        }
    }

    /// Takes the end of a start.
    pub fn add_start(&mut self, origin: Origin, n: u64, end: StartEnd) {
        let phase = self.schedule.phase_of(n);
        self.members.entry(origin).or_default().add_start(phase, end);
        let before = self.table.get(n);
        let after = match (before, end) {
            (Progress::Pending, StartEnd::Dropped | StartEnd::Rejected) => Progress::Settled,
            (Progress::Pending, StartEnd::Accepted) => {
                self.open += 1;
                Progress::Open
            }
            (Progress::Pending, StartEnd::Unknown) => Progress::Unknown,
            (Progress::EndedUnanswered, StartEnd::Accepted) => {
                self.open += 1;
                Progress::Settled
            }
            // The workflow ran, so the start was taken, whatever became of its answer.
            (Progress::EndedUnanswered, StartEnd::Unknown) => {
                self.open += 1;
                self.account(n).unknown_found += 1;
                Progress::Settled
            }
            (Progress::EndedUnanswered, StartEnd::Rejected) => {
                self.open += 1;
                self.account(n).refused_and_ran += 1;
                let message = "refused, and the workflow ran".to_owned();
                self.add_error("StartWorkflowExecution", "refused-and-ran".to_owned(), n, message);
                Progress::Settled
            }
            // Never sent, and a workflow of this number ended: that breaks the ledger, but nothing is open.
            (Progress::EndedUnanswered, StartEnd::Dropped) => {
                self.open += 1;
                Progress::Settled
            }
            (settled, _) => settled,
        };
        self.table.set(n, after);
        if end == StartEnd::Accepted && before != after && self.sample.contains(n) {
            self.account(n).sample.accepted += 1;
        }
    }

    /// Takes start errors.
    pub fn add_start_errors(&mut self, errors: StartErrors) {
        for (code, (count, examples)) in errors {
            self.add_errors("StartWorkflowExecution", code.to_owned(), count, examples);
        }
    }

    /// Takes a workflow's end as a worker stamped it. A stamp of a workflow that has ended already is only counted as such.
    pub fn add_stamp(&mut self, origin: Origin, stamp: StampedEnd) {
        let due = self.offsets.get(stamp.n);
        let doubt = plausible::doubt(due, &stamp);
        if doubt == Some(Doubt::NotDue) {
            self.observers.implausible += 1;
            return;
        }
        if self.is_late(stamp.n, stamp.ended) {
            return;
        }
        if !self.end(stamp.n) {
            self.observers.stamped_twice += 1;
            return;
        }
        self.observers.stamped += 1;
        if doubt.is_some() {
            // The workflow has ended; when is not known.
            self.observers.implausible += 1;
            self.count_end(stamp.n, stamp.end, stamp.message.map(String::from));
            return;
        }
        let phase = self.schedule.phase_of(stamp.n);
        let member = self.members.entry(origin).or_default();
        member.add_end(phase, stamp.end, due, stamp.sent, stamp.ended);
        self.latest.add(phase, stamp.end, due, stamp.sent, stamp.ended);
        self.count_end(stamp.n, stamp.end, stamp.message.map(String::from));
        self.time_end(stamp.n, stamp.end, stamp.sent, stamp.ended);
        if stamp.end == WorkflowEnd::Completed {
            let phase = self.phases.entry(self.schedule.phase_at(stamp.ended)).or_default();
            *phase.completed_in_time.get_or_insert_default() += 1;
        }
        if self.sample.contains(stamp.n) {
            let seen = Observation::Stamped(stamp.end, stamp.ended, stamp.wrong);
            self.pairing.observe(stamp.n, seen, &mut self.observers);
        }
    }

    /// Takes what the server told of a workflow of the sample, and when it ended by the server's clock, where that is known.
    /// Where nobody stamps, this is what times its end.
    pub fn add_sampled(&mut self, n: u64, sent: u64, told: SampledEnd, closed: Option<Closed>) {
        if !self.sample.contains(n) {
            return;
        }
        let told = match told {
            // Open in the account, and so in the sample.
            SampledEnd::Polled(_, at) | SampledEnd::Asked(_, at) if !self.stamps && self.is_after_the_cut_off(at) => {
                SampledEnd::Open
            }
            told => told,
        };
        let sample = &mut self.account(n).sample;
        let (end, at, seen) = match told {
            SampledEnd::Polled(end, seen) => {
                sample.polled += 1;
                (end, seen, Some(seen))
            }
            SampledEnd::Asked(end, ended) => {
                sample.asked += 1;
                (end, ended, None)
            }
            SampledEnd::Open => {
                sample.open += 1;
                return;
            }
        };
        self.observers.polled += 1;
        // What the server's clock says of an end that a worker stamped is in no latency.
        let is_timed = seen.is_some() || !self.stamps;
        if sent < self.offsets.get(n) || (is_timed && at < sent) {
            self.observers.implausible += 1;
        } else if self.stamps {
            let seen = Observation::Polled(Seen {
                end,
                at: seen,
                sent,
                closed,
            });
            self.pairing.observe(n, seen, &mut self.observers);
        } else {
            self.time_end(n, end, sent, at);
        }
    }

    /// Resolves a lost answer by what the server says: whether it knows the workflow.
    pub fn resolve_unknown(&mut self, n: u64, found: bool) {
        if self.table.get(n) != Progress::Unknown {
            return;
        }
        if found {
            self.open += 1;
            let sampled = self.sample.contains(n);
            let account = self.account(n);
            account.unknown_found += 1;
            // Nobody followed it: its answer was lost.
            account.sample.accepted += u64::from(sampled);
            self.table.set(n, Progress::Open);
        } else {
            self.account(n).unknown_not_found += 1;
            self.table.set(n, Progress::Settled);
        }
    }

    /// Takes the end of a workflow that no worker stamped: one that the server timed out, that somebody terminated, or
    /// whose worker died between the end and the stamp. It has no latency.
    pub fn add_unstamped_end(&mut self, n: u64, end: WorkflowEnd, message: Option<String>) {
        if self.table.get(n) == Progress::Open && self.end(n) {
            self.observers.not_stamped += 1;
            self.count_end(n, end, message);
        }
    }

    /// Takes the server's own counts of ends in a phase, where nobody stamps. Ends beyond the starts that were answered
    /// belong to starts whose answer was lost and that could not be looked up in time: the server took those.
    pub fn set_ends(&mut self, phase: Phase, counts: &BTreeMap<WorkflowEnd, u64>) {
        let account = self.phases.entry(phase).or_default();
        account.ends.set_counts(counts);
        account.ends_told = true;
        let ledger = account.ledger();
        account.unknown_found += ledger.ended().saturating_sub(ledger.accepted).min(ledger.unknown);
    }

    /// Sets how many workflows completed in a phase's time, where nobody stamps.
    pub fn set_completed_in_time(&mut self, phase: Phase, completed: u64) {
        self.phases.entry(phase).or_default().completed_in_time = Some(completed);
    }

    /// How many workflows completed in a phase's time; `None` where nobody stamps and the server has not told.
    pub fn completed_in_time(&self, phase: Phase) -> Option<u64> {
        let told = self.phases.get(&phase).and_then(|phase| phase.completed_in_time);
        told.or(self.stamps.then_some(0))
    }

    /// Closes the seconds that ended before an offset.
    pub fn advance(&mut self, now: u64) {
        self.seconds.advance(now);
        self.latest.forget_until(now.saturating_sub(LATEST));
    }

    /// Accepted and not yet ended.
    pub fn backlog(&self) -> u64 {
        u64::try_from(self.open).unwrap_or(0)
    }

    /// Numbers of the first lost answers not yet resolved.
    pub fn unknown(&self, limit: usize) -> Vec<u64> {
        self.table.find(Progress::Unknown, 0, limit)
    }

    /// Numbers of the first workflows from a number on that are accepted and not known to have ended.
    pub fn open_from(&self, from: u64, limit: usize) -> Vec<u64> {
        self.table.find(Progress::Open, from, limit)
    }

    /// The phases, each with its counts and samples.
    pub fn phases(&self) -> &BTreeMap<Phase, PhaseAccount> {
        &self.phases
    }

    /// Counts of a phase, for the result: where nobody stamps and the server has not told how workflows ended, that is not
    /// known.
    pub fn known_ledger(&self, phase: Phase) -> Ledger {
        let Some(account) = self.phases.get(&phase) else {
            return Ledger::default();
        };
        let mut ledger = account.ledger();
        if !self.stamps && !account.ends_told {
            ledger.forget_ends();
        }
        ledger
    }

    /// Counts of all phases.
    pub fn ledger(&self) -> Ledger {
        merge::ledgers(self.phases.values().map(PhaseAccount::ledger))
    }

    /// Errors so far.
    pub fn errors(&self) -> &Errors {
        &self.errors
    }

    /// How far the observers agree.
    pub fn observers(&self) -> &Observers {
        &self.observers
    }

    /// The seconds so far.
    pub fn seconds(&self) -> &Seconds {
        &self.seconds
    }

    /// Notes an error that is no start's and no workflow's end.
    pub fn add_error(&mut self, operation: &'static str, code: String, n: u64, message: String) {
        self.add_errors(operation, code, 1, [(n, message)]);
    }

    fn add_errors(
        &mut self,
        operation: &'static str,
        code: String,
        count: u64,
        examples: impl IntoIterator<Item = (u64, String)>,
    ) {
        let (sum, kept) = self.errors.entry((operation, code)).or_default();
        *sum += count;
        let room = EXAMPLES.saturating_sub(kept.len());
        kept.extend(examples.into_iter().take(room));
    }

    /// Moves an arrival to its end; false when it had ended already.
    fn end(&mut self, n: u64) -> bool {
        match self.table.get(n) {
            Progress::Settled | Progress::EndedUnanswered => return false,
            Progress::Pending => self.table.set(n, Progress::EndedUnanswered),
            Progress::Open => self.table.set(n, Progress::Settled),
            Progress::Unknown => {
                self.open += 1;
                self.account(n).unknown_found += 1;
                self.table.set(n, Progress::Settled);
            }
        }
        self.open -= 1;
        true
    }

    fn count_end(&mut self, n: u64, end: WorkflowEnd, message: Option<String>) {
        self.account(n).ends.count(end);
        if end != WorkflowEnd::Completed {
            self.add_error("workflow", end.name().to_owned(), n, message.unwrap_or_default());
        }
    }

    fn time_end(&mut self, n: u64, end: WorkflowEnd, sent: u64, ended: u64) {
        let due = self.offsets.get(n);
        self.account(n).ends.time(end, due, sent, ended);
        self.seconds.add_end(end, due, ended);
    }

    fn account(&mut self, n: u64) -> &mut PhaseAccount {
        let phase = self.schedule.phase_of(n);
        self.phases.entry(phase).or_default()
    }
}

#[cfg(test)]
mod tests;
