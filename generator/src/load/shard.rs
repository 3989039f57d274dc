//! Shard, the start loop without its clock and its wires: which arrival is sent when, and what is written down of it.
//!
//! A shard owns every `of`-th arrival of the schedule and is driven from outside: [`Shard::poll`] says what to do at an
//! instant, [`Shard::answered`] takes an answer. It never reads a clock and never waits, so stalls, errors and lost
//! answers are scripted in tests that do not sleep, and the thread that runs it in production adds only the waiting.
//!
//! The token bucket is the schedule itself: a token *is* a due arrival and keeps its instant, so waiting shows up as
//! latency and not as a lower rate. The bucket's depth is `max_lag`; arrivals older than that overflow and are counted.

mod cap;
mod stats;

use benchmark_results::schema::Phase;
use benchmark_scenarios::{Load, WhenFull};

pub use stats::{ErrorKey, Pair, PhaseSamples, ShardWindow, StartErrors};

use crate::load::schedule::{Arrival, Cursor, Schedule, Stripe};
use cap::Cap;
use stats::Recorder;

/// What a shard may do, apart from its arrivals. Times in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// Starts that may be unanswered at the same time.
    pub max_in_flight: u64,
    /// What becomes of an arrival that is due while the cap is reached.
    pub when_full: WhenFull,
    /// The age at which a waiting arrival is given up.
    pub max_lag: u64,
}

impl Admission {
    /// The share of a load's cap that goes with one of several stripes: the shares add up to the cap, and none is zero.
    pub fn of_stripe(load: &Load, stripe: Stripe) -> Self {
        let cap = u64::from(load.max_in_flight);
        let share = cap / stripe.of + u64::from(stripe.index < cap % stripe.of);
        Admission {
            max_in_flight: share.max(1),
            when_full: load.when_full,
            max_lag: u64::try_from(load.max_lag.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this arrival, and report its answer with [`Shard::answered`].
    Dispatch(Dispatched),
    /// Nothing until this offset.
    Wait(u64),
    /// An arrival is due but the cap is reached: nothing until an answer comes, or until this offset, at which the
    /// oldest waiting arrival is given up.
    Full(u64),
    /// The cap was reached and the load says that this ends the run. Nothing is sent until it does.
    Abort,
    /// No more arrivals.
    Done,
}

/// A start that was handed to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispatched {
    /// What was due.
    pub arrival: Arrival,
    /// When it was sent, nanoseconds from the beginning of the submission window.
    pub sent: u64,
}

/// The server's answer to a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartAnswer {
    /// The workflow runs.
    Accepted,
    /// The server said no, with the gRPC code and its message.
    Rejected(ErrorKey, String),
    /// No answer came: the workflow may or may not run.
    Unanswered(ErrorKey, String),
}

/// How a start ended, for the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartEnd {
    /// Never sent.
    Dropped,
    /// Taken by the server.
    Accepted,
    /// Refused by the server.
    Rejected,
    /// Answer lost.
    Unknown,
}

/// The start loop of one thread.
#[derive(Debug)]
pub struct Shard {
    cursor: Cursor,
    schedule: Schedule,
    admission: Admission,
    in_flight: u64,
    cap: Cap,
    recorder: Recorder,
    ends: Vec<(u64, StartEnd)>,
    stopped_at: Option<u64>,
    aborted: bool,
}

impl Shard {
    /// A shard that sends a stripe of a schedule.
    pub fn new(schedule: &Schedule, stripe: Stripe, admission: Admission) -> Self {
        Shard {
            cursor: schedule.cursor(stripe),
            schedule: schedule.clone(),
            admission,
            in_flight: 0,
            cap: Cap::default(),
            recorder: Recorder::default(),
            ends: Vec::new(),
            stopped_at: None,
            aborted: false,
        }
    }

    /// What to do at an instant. Call again after each [`Action::Dispatch`].
    pub fn poll(&mut self, now: u64) -> Action {
        self.look(now);
        loop {
            if self.aborted {
                return self.after_abort(now);
            }
            let Some(arrival) = self.due_arrival() else {
                return Action::Done;
            };
            if arrival.due > now {
                return Action::Wait(arrival.due);
            }
            if now - arrival.due > self.admission.max_lag {
                let at_cap = self.cap.held(arrival.due);
                self.drop_arrival(at_cap, |phase| phase.ledger.dropped_lag += 1);
                continue;
            }
            if self.in_flight < self.admission.max_in_flight {
                return Action::Dispatch(self.dispatch(now));
            }
            match self.admission.when_full {
                // Queueing ends for everybody when the run is stopped: nobody waits for a slot of a run that is over.
                WhenFull::Queue if self.stopped_at.is_none() => {
                    self.cap.reached(now);
                    return Action::Full(arrival.due + self.admission.max_lag + 1);
                }
                WhenFull::Queue | WhenFull::Drop => self.drop_arrival(true, |phase| phase.ledger.dropped_cap += 1),
                WhenFull::Abort => {
                    self.drop_arrival(true, |phase| phase.ledger.dropped_cap += 1);
                    self.aborted = true;
                }
            }
        }
    }

    /// What falls due until the run ends found the cap reached as well. That end comes with the stop that follows from the
    /// abort, or else with the schedule's.
    fn after_abort(&mut self, now: u64) -> Action {
        if self.stopped_at.is_none() && now < self.schedule.end() {
            return Action::Abort;
        }
        while self.due_arrival().is_some() {
            self.drop_arrival(true, |phase| phase.ledger.dropped_cap += 1);
        }
        Action::Done
    }

    /// Takes the answer to a start.
    pub fn answered(&mut self, now: u64, start: Dispatched, answer: StartAnswer) {
        self.look(now);
        self.cap.has_place();
        self.in_flight -= 1;
        let phase = self.phase(start.arrival);
        let end = self.recorder.answered(phase, now, start, answer);
        self.ends.push((start.arrival.n, end));
    }

    /// Ends the submission early: arrivals due until now are dispatched or dropped by further [`Shard::poll`]s, later
    /// ones are no arrivals.
    pub fn stop(&mut self, now: u64) {
        self.stopped_at.get_or_insert(now);
    }

    /// Closes the seconds that are over, without doing anything else.
    pub fn tick(&mut self, now: u64) {
        self.look(now);
    }

    /// Unanswered starts.
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// The seconds that are over, oldest first.
    pub fn take_windows(&mut self) -> Vec<ShardWindow> {
        self.recorder.take_windows()
    }

    /// The last, unfinished second too: when nothing will be answered any more.
    pub fn finish(&mut self) -> Vec<ShardWindow> {
        self.recorder.finish(self.in_flight)
    }

    /// How starts ended since the last call: number and end.
    pub fn take_ends(&mut self) -> Vec<(u64, StartEnd)> {
        std::mem::take(&mut self.ends)
    }

    /// Start errors since the last call.
    pub fn take_errors(&mut self) -> StartErrors {
        self.recorder.take_errors()
    }

    /// Notes how the cap stands, and closes the seconds that are over.
    fn look(&mut self, now: u64) {
        self.cap.look(now);
        let (cap, cursor) = (&self.cap, &self.cursor);
        let held = |at: u64| cap.held_until(at).map_or(0, |until| cursor.waiting(until));
        self.recorder.advance(now, self.in_flight, held);
    }

    fn due_arrival(&mut self) -> Option<Arrival> {
        let arrival = self.cursor.peek()?;
        match self.stopped_at {
            Some(stopped_at) if arrival.due > stopped_at => None,
            _ => Some(arrival),
        }
    }

    fn dispatch(&mut self, now: u64) -> Dispatched {
        let arrival = self
            .cursor
            .take()
            .expect("the arrival that was peeked at is there to be taken");
        let phase = self.phase(arrival);
        self.in_flight += 1;
        let start = Dispatched { arrival, sent: now };
        let sent_in = self.schedule.phase_at(now);
        let held = self.cap.held(arrival.due);
        self.recorder.dispatched(phase, sent_in, start, self.in_flight, held);
        start
    }

    fn drop_arrival(&mut self, at_cap: bool, count: impl FnOnce(&mut PhaseSamples)) {
        let arrival = self
            .cursor
            .take()
            .expect("the arrival that was peeked at is there to be taken");
        let phase = self.phase(arrival);
        self.recorder.dropped(phase, at_cap, count);
        self.ends.push((arrival.n, StartEnd::Dropped));
    }

    fn phase(&self, arrival: Arrival) -> Phase {
        self.schedule.phase_at(arrival.due)
    }
}

#[cfg(test)]
mod tests;
