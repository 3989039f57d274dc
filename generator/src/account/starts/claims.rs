//! Claims of a generator, what it has told in all: a part of the schedule has so many arrivals, and nobody can have
//! sent more.
//!
//! Each number of a message may be possible by itself and their sum not. Sums are what a results file is made of, so they
//! are held to what the run has.

use benchmark_fleet::wire;
use benchmark_results::Histogram;

use super::{Bounds, phase_from};

/// Seconds that a thread may be ahead with: the one that has begun, and a minute of a clock that is wrong, which another
/// check judges.
const AHEAD: u64 = 61;

/// What one generator has told of an iteration so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Seconds of threads.
    seconds: u64,
    /// Sums over seconds: dispatched, dropped, accepted, rejected, unknown, sent by phase.
    in_time: [u64; 6],
    /// Sums over phases: arrivals, dispatched, dropped for lag and for the cap, accepted, rejected, unknown.
    when_due: [u64; 7],
    /// Starts whose end was told one by one.
    pub(super) ends: u64,
    /// Errors, and polls of the sample.
    pub(super) errors: u64,
    pub(super) polls: u64,
}

impl Claims {
    /// Looks at everything in a second, and adds it.
    pub(super) fn second(&mut self, second: &wire::StartSecond, bounds: Bounds) -> Result<(), String> {
        let begun = bounds.now / 1_000_000_000;
        self.seconds += 1;
        let most = u64::from(bounds.threads).saturating_mul(begun.saturating_add(AHEAD));
        if self.seconds > most {
            return Err(format!("more seconds than {} threads have had", bounds.threads));
        }
        for in_flight in [second.in_flight, second.peak_in_flight] {
            if in_flight > u64::from(bounds.max_in_flight) {
                return Err(format!(
                    "{in_flight} unanswered starts, where the cap is {}",
                    bounds.max_in_flight
                ));
            }
        }
        let counts = [
            second.dispatched,
            second.dropped,
            second.accepted,
            second.rejected,
            second.unknown,
        ];
        for (sum, count) in self.in_time.iter_mut().zip(counts) {
            add(sum, count, bounds)?;
        }
        for at_cap in [second.waited_at_cap, second.held_at_cap] {
            bounds.count(at_cap)?;
        }
        let mut phases = Vec::new();
        for sent in &second.sent_in {
            phases.push(phase_from(sent.phase)?);
            add(&mut self.in_time[5], sent.count, bounds)?;
        }
        once(&mut phases)?;
        for samples in &second.phases {
            phases.push(phase_from(samples.phase)?);
            self.samples(samples, bounds)?;
        }
        once(&mut phases)
    }

    fn samples(&mut self, samples: &wire::PhaseSamples, bounds: Bounds) -> Result<(), String> {
        let counts = [
            samples.arrivals,
            samples.dispatched,
            samples.dropped_lag,
            samples.dropped_cap,
            samples.accepted,
            samples.rejected,
            samples.unknown,
        ];
        for (sum, count) in self.when_due.iter_mut().zip(counts) {
            add(sum, count, bounds)?;
        }
        // Of each start there is one latency of each kind, recorded together with its count.
        agrees("lag", &samples.lag, samples.dispatched)?;
        let at_cap = held(&samples.lag_at_cap)?;
        if at_cap > samples.dispatched {
            return Err(format!(
                "{at_cap} waited at the cap, of {} that were dispatched",
                samples.dispatched
            ));
        }
        for (of, pair, count) in [
            ("accepted starts", &samples.accepted_latency, samples.accepted),
            ("refused starts", &samples.rejected_latency, samples.rejected),
            ("unanswered starts", &samples.unanswered_latency, samples.unknown),
        ] {
            let empty = wire::Pair::default();
            let pair = pair.as_ref().unwrap_or(&empty);
            agrees(of, &pair.service, count)?;
            agrees(of, &pair.response, count)?;
        }
        Ok(())
    }
}

/// Adds a count to what was told before.
pub(super) fn add(sum: &mut u64, count: u64, bounds: Bounds) -> Result<(), String> {
    *sum = sum.saturating_add(bounds.count(count)?);
    bounds.count(*sum).map(|_| ())
}

/// How many latencies a histogram holds.
fn held(histogram: &[u8]) -> Result<u64, String> {
    match histogram {
        [] => Ok(0),
        bytes => Histogram::count_bytes(bytes).map_err(|error| error.to_string()),
    }
}

fn agrees(of: &str, histogram: &[u8], count: u64) -> Result<(), String> {
    let held = held(histogram)?;
    if held == count {
        return Ok(());
    }
    Err(format!("latencies of {held} {of}, of which there are {count}"))
}

/// Empties the list; each phase may be in it once.
fn once(phases: &mut Vec<benchmark_results::schema::Phase>) -> Result<(), String> {
    let count = phases.len();
    phases.sort_unstable();
    phases.dedup();
    let twice = phases.len() < count;
    phases.clear();
    if twice {
        return Err("a second has a phase twice".into());
    }
    Ok(())
}
