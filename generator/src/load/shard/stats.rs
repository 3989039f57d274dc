//! Statistics of a shard: counts and histograms of the second that is going on, handed over when it is over.
//!
//! One writer, no locks: the histograms belong to the shard until they are swapped for empty ones.

use std::{collections::BTreeMap, time::Duration};

use benchmark_results::{Histogram, Ledger, schema::Phase};

use super::{Dispatched, StartAnswer, StartEnd};

const SECOND: u64 = 1_000_000_000;

/// Examples kept of each kind of error.
const EXAMPLES: usize = 10;

/// One second of one shard.
#[derive(Debug, Default)]
pub struct ShardWindow {
    /// Second from the beginning of the submission window, from 0.
    pub second: u64,
    /// Starts handed to a connection in this second.
    pub dispatched: u64,
    /// Arrivals given up in this second.
    pub dropped: u64,
    /// Starts accepted in this second.
    pub accepted: u64,
    /// Starts refused in this second.
    pub rejected: u64,
    /// Starts whose answer was given up in this second.
    pub unknown: u64,
    /// Unanswered starts at its end.
    pub in_flight: u64,
    /// Most unanswered starts at one time in it.
    pub peak_in_flight: u64,
    /// Arrivals that were dispatched or given up in it after they had waited at the cap.
    pub waited_at_cap: u64,
    /// Arrivals that the cap kept from being dispatched in it: given up in it, or waiting at its end.
    pub held_at_cap: u64,
    /// Starts handed to a connection in it, by the phase whose time it was, whenever they were due.
    pub sent_in: BTreeMap<Phase, u64>,
    /// What happened in it, by the phase in which the arrival was due.
    pub phases: BTreeMap<Phase, Box<PhaseSamples>>,
}

/// Counts and latencies of starts that were due in one phase.
#[derive(Clone, Debug, Default)]
pub struct PhaseSamples {
    /// The start side of the ledger; how workflows end is not known here.
    pub ledger: Ledger,
    /// Dispatched − due.
    pub lag: Histogram,
    /// The same of those alone that had waited at the cap; made when there is one.
    pub lag_at_cap: Option<Histogram>,
    /// Arrivals given up that had waited at the cap.
    pub dropped_at_cap: u64,
    /// Refused starts by code; of a process that does not tell the codes there are fewer than in the ledger.
    pub rejected_by: BTreeMap<ErrorKey, u64>,
    /// Answer − dispatched and answer − due, of accepted starts.
    pub accepted: Pair,
    /// The same of refused ones; made when there is one, since most runs have none.
    pub rejected: Option<Pair>,
    /// The same of starts whose answer was given up.
    pub unanswered: Option<Pair>,
}

/// Service and response time of the same events.
#[derive(Clone, Debug, Default)]
pub struct Pair {
    /// From the instant at which it was sent.
    pub service: Histogram,
    /// From the instant at which it was due.
    pub response: Histogram,
}

impl Pair {
    /// Adds the samples of another pair.
    pub fn add(&mut self, other: &Pair) {
        self.service.add(&other.service);
        self.response.add(&other.response);
    }

    /// Records an event by the instants at which it was due, sent and over, nanoseconds on one clock.
    pub fn record(&mut self, due: u64, sent: u64, over: u64) {
        self.service.record(Duration::from_nanos(over.saturating_sub(sent)));
        self.response.record(Duration::from_nanos(over.saturating_sub(due)));
    }
}

impl PhaseSamples {
    /// Adds the samples of another shard or second.
    pub fn add(&mut self, other: &PhaseSamples) {
        self.ledger.add(&other.ledger);
        self.lag.add(&other.lag);
        if let Some(lag) = &other.lag_at_cap {
            self.lag_at_cap.get_or_insert_default().add(lag);
        }
        self.dropped_at_cap += other.dropped_at_cap;
        for (code, count) in &other.rejected_by {
            *self.rejected_by.entry(code).or_default() += count;
        }
        self.accepted.add(&other.accepted);
        for (mine, theirs) in [
            (&mut self.rejected, &other.rejected),
            (&mut self.unanswered, &other.unanswered),
        ] {
            if let Some(theirs) = theirs {
                mine.get_or_insert_default().add(theirs);
            }
        }
    }
}

/// The gRPC code of an error, as its name: `RESOURCE_EXHAUSTED`.
pub type ErrorKey = &'static str;

/// Errors by code, each with how often and a few examples: number of the arrival and message.
pub type StartErrors = BTreeMap<ErrorKey, (u64, Vec<(u64, String)>)>;

/// The second that is going on and those that are over.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    current: ShardWindow,
    over: Vec<ShardWindow>,
    errors: StartErrors,
}

impl Recorder {
    /// Closes the seconds that are over at an instant. Each second gets its window, empty ones too. `held` tells how many
    /// arrivals wait at the cap at an offset.
    pub(super) fn advance(&mut self, now: u64, in_flight: u64, held: impl Fn(u64) -> u64) {
        while self.current.second < now / SECOND {
            self.current.held_at_cap += held((self.current.second + 1) * SECOND - 1);
            self.close(in_flight);
        }
    }

    pub(super) fn take_windows(&mut self) -> Vec<ShardWindow> {
        std::mem::take(&mut self.over)
    }

    pub(super) fn finish(&mut self, in_flight: u64) -> Vec<ShardWindow> {
        self.close(in_flight);
        self.take_windows()
    }

    pub(super) fn take_errors(&mut self) -> StartErrors {
        std::mem::take(&mut self.errors)
    }

    pub(super) fn dispatched(&mut self, phase: Phase, sent_in: Phase, start: Dispatched, in_flight: u64, held: bool) {
        self.current.waited_at_cap += u64::from(held);
        self.current.dispatched += 1;
        *self.current.sent_in.entry(sent_in).or_default() += 1;
        self.current.peak_in_flight = self.current.peak_in_flight.max(in_flight);
        let samples = self.phase(phase);
        samples.ledger.arrivals += 1;
        samples.ledger.dispatched += 1;
        let lag = Duration::from_nanos(start.sent.saturating_sub(start.arrival.due));
        samples.lag.record(lag);
        if held {
            samples.lag_at_cap.get_or_insert_default().record(lag);
        }
    }

    pub(super) fn dropped(&mut self, phase: Phase, at_cap: bool, count: impl FnOnce(&mut PhaseSamples)) {
        self.current.dropped += 1;
        self.current.waited_at_cap += u64::from(at_cap);
        self.current.held_at_cap += u64::from(at_cap);
        let samples = self.phase(phase);
        samples.dropped_at_cap += u64::from(at_cap);
        samples.ledger.arrivals += 1;
        count(samples);
    }

    pub(super) fn answered(&mut self, phase: Phase, now: u64, start: Dispatched, answer: StartAnswer) -> StartEnd {
        let (due, sent) = (start.arrival.due, start.sent);
        let end = match &answer {
            StartAnswer::Accepted => {
                self.current.accepted += 1;
                let samples = self.phase(phase);
                samples.ledger.accepted += 1;
                samples.accepted.record(due, sent, now);
                StartEnd::Accepted
            }
            StartAnswer::Rejected(code, _) => {
                self.current.rejected += 1;
                let samples = self.phase(phase);
                samples.ledger.rejected += 1;
                *samples.rejected_by.entry(code).or_default() += 1;
                samples.rejected.get_or_insert_default().record(due, sent, now);
                StartEnd::Rejected
            }
            StartAnswer::Unanswered(..) => {
                self.current.unknown += 1;
                let samples = self.phase(phase);
                samples.ledger.unknown += 1;
                samples.unanswered.get_or_insert_default().record(due, sent, now);
                StartEnd::Unknown
            }
        };
        if let StartAnswer::Rejected(key, message) | StartAnswer::Unanswered(key, message) = answer {
            let (count, examples) = self.errors.entry(key).or_default();
            *count += 1;
            if examples.len() < EXAMPLES {
                examples.push((start.arrival.n, message));
            }
        }
        end
    }

    fn phase(&mut self, phase: Phase) -> &mut PhaseSamples {
        self.current.phases.entry(phase).or_default()
    }

    fn close(&mut self, in_flight: u64) {
        let opened = ShardWindow {
            second: self.current.second + 1,
            peak_in_flight: in_flight,
            ..ShardWindow::default()
        };
        let mut closed = std::mem::replace(&mut self.current, opened);
        closed.in_flight = in_flight;
        self.over.push(closed);
    }
}
