//! Messages of starts: what a generator tells of them, and back.
//!
//! What comes back from a message was written by another process: every number is checked against the run before the
//! account sees it, so that a message of nonsense is refused as a whole. Seconds stay as they came, a few bytes each,
//! until the account writes them down one by one: with its histograms a second takes megabytes.

mod claims;

use std::collections::BTreeMap;

use benchmark_fleet::{bounded, columns, wire};
use benchmark_results::{Histogram, Ledger, WorkflowEnd, schema::Phase};
use benchmark_temporal::start::TRANSPORT_CODES;

use crate::{
    account::{
        accountant::{PolledEnd, StartReport},
        accounts::{Closed, SampledEnd},
    },
    load::{
        schedule::Stripe,
        shard::{ErrorKey, Pair, PhaseSamples, ShardWindow, StartEnd, StartErrors},
    },
};

pub use claims::Claims;

/// gRPC codes by name, as `tonic::Code` has them and [`StartErrors`] names them.
const CODES: [ErrorKey; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// What a code is called that is neither gRPC's nor one of [`TRANSPORT_CODES`].
const OTHER_CODE: ErrorKey = "OTHER";

/// Errors that one message may hold, and examples of each. There are far fewer codes.
const MAX_ERRORS: usize = 64;

/// Examples of one error that are sent: as many as the account keeps.
const EXAMPLES: usize = 10;

/// What no message of a generator can be beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Arrivals of the schedule.
    pub arrivals: u64,
    /// Its part of them.
    pub part: Stripe,
    /// Threads that it sends with, at most.
    pub threads: u32,
    /// Its cap on unanswered starts, at most.
    pub max_in_flight: u32,
    /// Offset from the beginning of the iteration at which the message came, nanoseconds.
    pub now: u64,
}

/// A second of a generator as it came, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Second {
    message: wire::StartSecond,
    bounds: Bounds,
}

impl Second {
    /// What it tells, with its histograms.
    pub fn open(self) -> ShardWindow {
        // Everything in it was looked at before it was kept.
        second_from(self.message, self.bounds).unwrap_or_default()
    }
}

/// Puts reports into one message.
pub fn to_message(reports: Vec<StartReport>) -> wire::Starts {
    let mut message = wire::Starts::default();
    let (mut numbers, mut ends) = (Vec::new(), Vec::new());
    // Every thread tells of each code twenty times a second, and a message holds each once.
    let mut errors: BTreeMap<ErrorKey, wire::StartError> = BTreeMap::new();
    for report in reports {
        match report {
            StartReport::Starts(starts) => {
                for (n, end) in starts {
                    numbers.push(n);
                    ends.push(start_end_to(end).into());
                }
            }
            StartReport::Windows(windows) => message.seconds.extend(windows.iter().map(second_to)),
            StartReport::Seconds(seconds) => message.seconds.extend(seconds.into_iter().map(|second| second.message)),
            StartReport::StartErrors(told) => {
                for (code, (count, examples)) in told {
                    let error = errors.entry(code).or_insert_with(|| wire::StartError {
                        code: code.to_owned(),
                        ..Default::default()
                    });
                    error.count += count;
                    let room = EXAMPLES.saturating_sub(error.examples.len());
                    let examples = examples.into_iter().take(room);
                    error.examples.extend(examples.map(|(n, message)| wire::ErrorExample {
                        n,
                        message: bounded::line(&message),
                    }));
                }
            }
            StartReport::Poll(poll) => message.polls.push(sampled_to(poll)),
        }
    }
    message.errors = errors.into_values().collect();
    if !numbers.is_empty() {
        message.ends = Some(wire::StartEnds {
            n: columns::encode(numbers),
            end: ends,
        });
    }
    message
}

/// Takes a message apart. `claims` is what its sender told before, and is added to.
///
/// # Errors
/// Says what makes no sense in it; `claims` means nothing then.
pub fn from_message(message: wire::Starts, bounds: Bounds, claims: &mut Claims) -> Result<Vec<StartReport>, String> {
    let mut reports = Vec::new();
    if let Some(ends) = message.ends {
        let numbers = columns::decode(&ends.n).map_err(|error| error.to_string())?;
        if numbers.len() != ends.end.len() {
            return Err("the columns of the starts differ in length".into());
        }
        claims::add(&mut claims.ends, numbers.len() as u64, bounds)?;
        let starts = numbers
            .into_iter()
            .zip(ends.end)
            .map(|(n, end)| Ok((bounds.arrival(n)?, start_end_from(end)?)))
            .collect::<Result<Vec<_>, String>>()?;
        reports.push(StartReport::Starts(starts));
    }
    if !message.seconds.is_empty() {
        for second in &message.seconds {
            claims.second(second, bounds)?;
        }
        let seconds = message.seconds.into_iter();
        let seconds = seconds.map(|message| Second { message, bounds }).collect();
        reports.push(StartReport::Seconds(seconds));
    }
    if message.errors.len() > MAX_ERRORS {
        return Err(format!("{} kinds of errors", message.errors.len()));
    }
    let mut errors = StartErrors::new();
    for error in message.errors {
        if error.examples.len() > MAX_ERRORS {
            return Err(format!("{} examples of one error", error.examples.len()));
        }
        let (count, examples) = errors.entry(code_from(&error.code)).or_default();
        claims::add(&mut claims.errors, error.count, bounds)?;
        *count += error.count;
        for example in error.examples {
            examples.push((bounds.arrival(example.n)?, bounded::line(&example.message)));
        }
    }
    if !errors.is_empty() {
        reports.push(StartReport::StartErrors(errors));
    }
    claims::add(&mut claims.polls, message.polls.len() as u64, bounds)?;
    for poll in message.polls {
        reports.push(StartReport::Poll(sampled_from(poll, bounds)?));
    }
    Ok(reports)
}

impl Bounds {
    fn arrival(&self, n: u64) -> Result<u64, String> {
        if n >= self.arrivals {
            return Err(format!("arrival {n} of a schedule with {}", self.arrivals));
        }
        if n % self.part.of != self.part.index {
            return Err(format!(
                "arrival {n}, which is not of its part: those with n mod {} = {}",
                self.part.of, self.part.index
            ));
        }
        Ok(n)
    }

    /// Arrivals of its part.
    fn of_part(&self) -> u64 {
        match self.arrivals.checked_sub(self.part.index + 1) {
            Some(rest) => rest / self.part.of + 1,
            None => 0,
        }
    }

    fn count(&self, count: u64) -> Result<u64, String> {
        if count <= self.of_part() {
            Ok(count)
        } else {
            Err(format!("a count of {count} in a part with {} arrivals", self.of_part()))
        }
    }
}

fn second_to(window: &ShardWindow) -> wire::StartSecond {
    wire::StartSecond {
        second: window.second,
        dispatched: window.dispatched,
        dropped: window.dropped,
        accepted: window.accepted,
        rejected: window.rejected,
        unknown: window.unknown,
        in_flight: window.in_flight,
        peak_in_flight: window.peak_in_flight,
        waited_at_cap: window.waited_at_cap,
        held_at_cap: window.held_at_cap,
        sent_in: window
            .sent_in
            .iter()
            .map(|(phase, count)| wire::SentIn {
                phase: phase_to(*phase).into(),
                count: *count,
            })
            .collect(),
        phases: window
            .phases
            .iter()
            .map(|(phase, samples)| samples_to(*phase, samples))
            .collect(),
    }
}

/// The histograms and phases of a second whose counts were looked at by [`Claims::second`].
fn second_from(second: wire::StartSecond, bounds: Bounds) -> Result<ShardWindow, String> {
    let sent_in = second.sent_in.into_iter();
    let phases = second.phases.into_iter();
    Ok(ShardWindow {
        // A generator whose clock is ahead tells of a second that has not come yet: what happened has happened by now, and
        // of the clock another check judges.
        second: second.second.min(bounds.now / 1_000_000_000 + 1),
        dispatched: second.dispatched,
        dropped: second.dropped,
        accepted: second.accepted,
        rejected: second.rejected,
        unknown: second.unknown,
        in_flight: second.in_flight,
        peak_in_flight: second.peak_in_flight,
        waited_at_cap: second.waited_at_cap,
        held_at_cap: second.held_at_cap,
        sent_in: sent_in
            .map(|sent| Ok((phase_from(sent.phase)?, sent.count)))
            .collect::<Result<_, String>>()?,
        phases: phases
            .map(|samples| Ok((phase_from(samples.phase)?, Box::new(samples_from(samples)?))))
            .collect::<Result<_, String>>()?,
    })
}

fn samples_to(phase: Phase, samples: &PhaseSamples) -> wire::PhaseSamples {
    let ledger = &samples.ledger;
    wire::PhaseSamples {
        phase: phase_to(phase).into(),
        arrivals: ledger.arrivals,
        dispatched: ledger.dispatched,
        dropped_lag: ledger.dropped_lag,
        dropped_cap: ledger.dropped_cap,
        accepted: ledger.accepted,
        rejected: ledger.rejected,
        unknown: ledger.unknown,
        lag: histogram_to(&samples.lag),
        lag_at_cap: samples.lag_at_cap.as_ref().map(histogram_to).unwrap_or_default(),
        dropped_at_cap: samples.dropped_at_cap,
        rejected_by: samples
            .rejected_by
            .iter()
            .map(|(code, count)| wire::CodeCount {
                code: (*code).to_owned(),
                count: *count,
            })
            .collect(),
        accepted_latency: Some(pair_to(&samples.accepted)),
        rejected_latency: samples.rejected.as_ref().map(pair_to),
        unanswered_latency: samples.unanswered.as_ref().map(pair_to),
    }
}

fn samples_from(samples: wire::PhaseSamples) -> Result<PhaseSamples, String> {
    Ok(PhaseSamples {
        ledger: Ledger {
            arrivals: samples.arrivals,
            dispatched: samples.dispatched,
            dropped_lag: samples.dropped_lag,
            dropped_cap: samples.dropped_cap,
            accepted: samples.accepted,
            rejected: samples.rejected,
            unknown: samples.unknown,
            ..Ledger::default()
        },
        lag: histogram_from(&samples.lag)?,
        lag_at_cap: match &samples.lag_at_cap[..] {
            [] => None,
            bytes => Some(histogram_from(bytes)?),
        },
        // Of those that were given up.
        dropped_at_cap: samples
            .dropped_at_cap
            .min(samples.dropped_lag.saturating_add(samples.dropped_cap)),
        rejected_by: codes_from(samples.rejected_by, samples.rejected),
        accepted: samples.accepted_latency.map(pair_from).transpose()?.unwrap_or_default(),
        rejected: samples.rejected_latency.map(pair_from).transpose()?,
        unanswered: samples.unanswered_latency.map(pair_from).transpose()?,
    })
}

/// Refused starts by code; the codes of more than were refused are not believed.
fn codes_from(told: Vec<wire::CodeCount>, rejected: u64) -> BTreeMap<ErrorKey, u64> {
    let mut codes = BTreeMap::<_, u64>::new();
    let mut rest = rejected;
    for wire::CodeCount { code, count } in told {
        let count = count.min(rest);
        rest -= count;
        if count > 0 {
            *codes.entry(code_from(&code)).or_default() += count;
        }
    }
    codes
}

fn code_from(name: &str) -> ErrorKey {
    let known = CODES.into_iter().chain(TRANSPORT_CODES).find(|code| *code == name);
    known.unwrap_or(OTHER_CODE)
}

fn pair_to(pair: &Pair) -> wire::Pair {
    wire::Pair {
        service: histogram_to(&pair.service),
        response: histogram_to(&pair.response),
    }
}

fn pair_from(pair: wire::Pair) -> Result<Pair, String> {
    Ok(Pair {
        service: histogram_from(&pair.service)?,
        response: histogram_from(&pair.response)?,
    })
}

fn histogram_to(histogram: &Histogram) -> Vec<u8> {
    if histogram.is_empty() {
        Vec::new()
    } else {
        histogram.to_bytes()
    }
}

fn histogram_from(bytes: &[u8]) -> Result<Histogram, String> {
    if bytes.is_empty() {
        return Ok(Histogram::new());
    }
    Histogram::from_bytes(bytes).map_err(|error| error.to_string())
}

fn phase_to(phase: Phase) -> wire::Phase {
    match phase {
        Phase::Ramp => wire::Phase::Ramp,
        Phase::WarmUp => wire::Phase::WarmUp,
        Phase::Measure => wire::Phase::Measure,
        Phase::Drain => wire::Phase::Drain,
    }
}

fn phase_from(phase: i32) -> Result<Phase, String> {
    match wire::Phase::try_from(phase) {
        Ok(wire::Phase::Ramp) => Ok(Phase::Ramp),
        Ok(wire::Phase::WarmUp) => Ok(Phase::WarmUp),
        Ok(wire::Phase::Measure) => Ok(Phase::Measure),
        Ok(wire::Phase::Drain) => Ok(Phase::Drain),
        Ok(wire::Phase::Unspecified) | Err(_) => Err(format!("phase {phase}")),
    }
}

fn start_end_to(end: StartEnd) -> wire::StartEnd {
    match end {
        StartEnd::Dropped => wire::StartEnd::Dropped,
        StartEnd::Accepted => wire::StartEnd::Accepted,
        StartEnd::Rejected => wire::StartEnd::Rejected,
        StartEnd::Unknown => wire::StartEnd::Unknown,
    }
}

fn start_end_from(end: i32) -> Result<StartEnd, String> {
    match wire::StartEnd::try_from(end) {
        Ok(wire::StartEnd::Dropped) => Ok(StartEnd::Dropped),
        Ok(wire::StartEnd::Accepted) => Ok(StartEnd::Accepted),
        Ok(wire::StartEnd::Rejected) => Ok(StartEnd::Rejected),
        Ok(wire::StartEnd::Unknown) => Ok(StartEnd::Unknown),
        Ok(wire::StartEnd::Unspecified) | Err(_) => Err(format!("end {end} of a start")),
    }
}

fn sampled_to(poll: PolledEnd) -> wire::Poll {
    let (end, seen, asked) = match poll.told {
        SampledEnd::Polled(end, seen) => (polled_to(end), seen, false),
        SampledEnd::Asked(end, ended) => (polled_to(end), ended, true),
        SampledEnd::Open => (wire::PolledEnd::Open, poll.sent, true),
    };
    wire::Poll {
        n: poll.n,
        end: end.into(),
        sent: poll.sent,
        seen,
        asked,
        closed: poll.closed.map(|closed| closed.at),
        closed_wrong: poll.closed.map_or(0, |closed| closed.wrong),
    }
}

fn sampled_from(poll: wire::Poll, bounds: Bounds) -> Result<PolledEnd, String> {
    let (sent, seen) = (poll.sent.min(bounds.now), poll.seen.min(bounds.now));
    let told = match polled_from(poll.end)? {
        Some(end) if poll.asked => SampledEnd::Asked(end, seen),
        Some(end) => SampledEnd::Polled(end, seen),
        None => SampledEnd::Open,
    };
    Ok(PolledEnd {
        n: bounds.arrival(poll.n)?,
        sent,
        told,
        closed: poll.closed.map(|at| Closed {
            at: at.min(bounds.now),
            wrong: poll.closed_wrong,
        }),
    })
}

fn polled_to(end: WorkflowEnd) -> wire::PolledEnd {
    match end {
        WorkflowEnd::Completed => wire::PolledEnd::Completed,
        WorkflowEnd::Failed => wire::PolledEnd::Failed,
        WorkflowEnd::TimedOut => wire::PolledEnd::TimedOut,
        WorkflowEnd::Terminated => wire::PolledEnd::Terminated,
        WorkflowEnd::Cancelled => wire::PolledEnd::Cancelled,
    }
}

fn polled_from(end: i32) -> Result<Option<WorkflowEnd>, String> {
    match wire::PolledEnd::try_from(end) {
        Ok(wire::PolledEnd::Completed) => Ok(Some(WorkflowEnd::Completed)),
        Ok(wire::PolledEnd::Failed) => Ok(Some(WorkflowEnd::Failed)),
        Ok(wire::PolledEnd::TimedOut) => Ok(Some(WorkflowEnd::TimedOut)),
        Ok(wire::PolledEnd::Terminated) => Ok(Some(WorkflowEnd::Terminated)),
        Ok(wire::PolledEnd::Cancelled) => Ok(Some(WorkflowEnd::Cancelled)),
        Ok(wire::PolledEnd::Open) => Ok(None),
        Ok(wire::PolledEnd::Unspecified) | Err(_) => Err(format!("end {end} of a workflow")),
    }
}

#[cfg(test)]
mod tests;
