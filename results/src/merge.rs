//! Merging of iterations into totals: counts are added, histograms are added, rates are weighted by their time.
//!
//! Percentiles are never averaged. Any number of iterations gives the figures that one recorder would have given.

mod fleet;

use std::{borrow::Borrow, collections::BTreeMap};

pub use self::fleet::fleets;

use crate::{
    histogram::{DecodeError, Histogram},
    ledger::Ledger,
    limits::SAMPLE_MISSING,
    schema::{
        AtCap, Cleanup, CompletionSource, CutOff, EndLatency, ErrorGroup, Fact, GeneratorHealth, Latencies, Latency,
        MachineUse, PhaseReport, Phases, Reconciliation, SampleEnds, ServerClock, StartConnections, StartLatency,
    },
};

/// Examples that an [`ErrorGroup`] keeps.
pub const MAX_EXAMPLES: usize = 10;

/// The sum of ledgers.
pub fn ledgers(parts: impl IntoIterator<Item: Borrow<Ledger>>) -> Ledger {
    parts.into_iter().fold(Ledger::default(), |mut sum, part| {
        sum.add(part.borrow());
        sum
    })
}

/// The phases of several iterations as one. Nothing gives empty phases.
///
/// # Errors
/// When a histogram cannot be decoded.
pub fn phases<'a>(parts: impl IntoIterator<Item = &'a Phases> + Clone) -> Result<Phases, DecodeError> {
    let of = |phase: fn(&Phases) -> &PhaseReport| phase_reports(parts.clone().into_iter().map(phase));
    Ok(Phases {
        ramp: of(|phases| &phases.ramp)?,
        warm_up: of(|phases| &phases.warm_up)?,
        measure: of(|phases| &phases.measure)?,
    })
}

/// The same phase of several iterations as one: its length is the sum of theirs, its beginning the first one's.
///
/// # Errors
/// When a histogram cannot be decoded.
pub fn phase_reports<'a>(parts: impl IntoIterator<Item = &'a PhaseReport>) -> Result<PhaseReport, DecodeError> {
    let parts: Vec<&PhaseReport> = parts.into_iter().collect();
    if let [only] = parts[..] {
        return Ok(only.clone());
    }
    Ok(PhaseReport {
        start_seconds: parts.first().map_or(0.0, |first| first.start_seconds),
        seconds: parts.iter().map(|part| part.seconds).sum(),
        ledger: ledgers(parts.iter().map(|part| &part.ledger)),
        start_rate: weighted(parts.iter().map(|part| (part.start_rate, part.seconds))),
        completion_rate: weighted(parts.iter().map(|part| (part.completion_rate, part.seconds))),
        at_cap: at_caps(&parts)?,
        latencies: latencies(&parts)?,
    })
}

/// What waited at the cap in all of them; `None` when one of them does not tell.
fn at_caps(parts: &[&PhaseReport]) -> Result<Option<AtCap>, DecodeError> {
    let told: Vec<&AtCap> = parts.iter().filter_map(|part| part.at_cap.as_ref()).collect();
    if told.is_empty() || told.len() < parts.len() {
        return Ok(None);
    }
    Ok(Some(AtCap {
        dropped: told.iter().map(|part| part.dropped).sum(),
        lag: latency(told.iter().map(|part| &part.lag))?,
    }))
}

/// Each distribution of all of them together.
fn latencies<'a>(parts: &[&'a PhaseReport]) -> Result<Latencies, DecodeError> {
    let of = |one: &dyn Fn(&'a Latencies) -> &'a Latency| latency(parts.iter().map(|part| one(&part.latencies)));
    let starts = |starts: fn(&Latencies) -> &StartLatency| -> Result<_, DecodeError> {
        Ok(StartLatency {
            accepted: of(&|all| &starts(all).accepted)?,
            rejected: of(&|all| &starts(all).rejected)?,
            unanswered: of(&|all| &starts(all).unanswered)?,
        })
    };
    let ends = |ends: fn(&Latencies) -> &EndLatency| -> Result<_, DecodeError> {
        Ok(EndLatency {
            completed: of(&|all| &ends(all).completed)?,
            not_completed: of(&|all| &ends(all).not_completed)?,
        })
    };
    Ok(Latencies {
        lag: of(&|all| &all.lag)?,
        start_service: starts(|all| &all.start_service)?,
        start_response: starts(|all| &all.start_response)?,
        e2e_service: ends(|all| &all.e2e_service)?,
        e2e_response: ends(|all| &all.e2e_response)?,
    })
}

/// One distribution of several: their histograms are added. What stands alone stays as it is.
fn latency<'a>(parts: impl IntoIterator<Item = &'a Latency>) -> Result<Latency, DecodeError> {
    let parts: Vec<&Latency> = parts.into_iter().collect();
    if let [only] = parts[..] {
        return Ok(only.clone());
    }
    let mut sum = Histogram::new();
    for part in parts {
        sum.add(&Histogram::decode(&part.histogram)?);
    }
    Ok(sum.to_latency())
}

/// Errors of several iterations: groups of the same operation and code become one, with the first [`MAX_EXAMPLES`]
/// examples; the most frequent come first.
pub fn errors<'a>(parts: impl IntoIterator<Item = &'a ErrorGroup>) -> Vec<ErrorGroup> {
    let mut groups: Vec<ErrorGroup> = Vec::new();
    for part in parts {
        let known = groups
            .iter_mut()
            .find(|group| group.operation == part.operation && group.code == part.code);
        match known {
            Some(group) => {
                group.count += part.count;
                let room = MAX_EXAMPLES.saturating_sub(group.examples.len());
                group.examples.extend(part.examples.iter().take(room).cloned());
            }
            None => groups.push(part.clone()),
        }
    }
    groups.sort_by(|a, b| {
        let key = |group: &ErrorGroup| {
            (
                std::cmp::Reverse(group.count),
                group.operation.clone(),
                group.code.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    groups
}

/// What the generator used over several iterations: times added, shares weighted by time, peaks the largest. `None` for
/// nothing.
pub fn generators<'a>(parts: impl IntoIterator<Item = &'a GeneratorHealth>) -> Option<GeneratorHealth> {
    let parts: Vec<&GeneratorHealth> = parts.into_iter().collect();
    let first = *parts.first()?;
    let share = |of: fn(&GeneratorHealth) -> Option<f64>| weighted(parts.iter().map(|part| (of(part), part.seconds)));
    let most = |of: fn(&GeneratorHealth) -> u64| parts.iter().map(|part| of(part)).max().unwrap_or_default();
    let starts: f64 = parts.iter().filter_map(|part| starts_of(part)).sum();
    let cpu_seconds: f64 = parts.iter().map(|part| part.cpu_seconds).sum();
    let mut merged = GeneratorHealth {
        seconds: parts.iter().map(|part| part.seconds).sum(),
        cpu_seconds,
        cpu_share: share(|part| Some(part.cpu_share)).unwrap_or(first.cpu_share),
        cpu_per_start_us: (starts > 0.0).then(|| cpu_seconds * 1e6 / starts),
        peak_in_flight: most(|part| part.peak_in_flight),
        peak_in_flight_per_connection: most(|part| part.peak_in_flight_per_connection),
        connections: parts.iter().map(|part| part.connections).max().unwrap_or_default(),
        start_connections: parts
            .iter()
            .filter_map(|part| part.start_connections)
            .reduce(StartConnections::and),
        ..first.clone()
    };
    merged.cpu_wait.value = share(|part| part.cpu_wait.value);
    merged.throttled.value = share(|part| part.throttled.value);
    merged.steal.value = share(|part| part.steal.value);
    let of_machine = |of: fn(&MachineUse) -> f64| {
        weighted(
            parts
                .iter()
                .map(|part| (part.machine.value.as_ref().map(of), part.seconds)),
        )
    };
    merged.machine.value = of_machine(|machine| machine.others)
        .zip(of_machine(|machine| machine.idle))
        .map(|(others, idle)| MachineUse { others, idle });
    merged.peak_memory_bytes.value = parts.iter().filter_map(|part| part.peak_memory_bytes.value).max();
    merged.share_of_ceiling.value = parts
        .iter()
        .filter_map(|part| part.share_of_ceiling.value)
        .max_by(f64::total_cmp);
    merged.busiest_thread.value = parts
        .iter()
        .filter_map(|part| part.busiest_thread.value.as_ref())
        .max_by(|a, b| a.share.total_cmp(&b.share))
        .cloned();
    Some(merged)
}

/// How far the observers agree over several iterations: counts added, disagreements listed. Nothing gives
/// [`Reconciliation::not_made`].
///
/// # Errors
/// When a histogram cannot be decoded.
pub fn reconciliations<'a>(parts: impl IntoIterator<Item = &'a Reconciliation>) -> Result<Reconciliation, DecodeError> {
    let parts: Vec<&Reconciliation> = parts.into_iter().collect();
    match parts[..] {
        [] => return Ok(Reconciliation::not_made("no iteration ran")),
        [only] => return Ok(only.clone()),
        _ => {}
    }
    let mut merged = Reconciliation::not_made("");
    let mut server = BTreeMap::new();
    for part in &parts {
        for (status, count) in part.server.value.iter().flatten() {
            *server.entry(status.clone()).or_default() += count;
        }
        merged.disagreements.extend(part.disagreements.iter().cloned());
        merged.stamped += part.stamped;
        merged.stamped_twice += part.stamped_twice;
        for (sum, count) in [
            (&mut merged.implausible, part.implausible),
            (&mut merged.seen_before_stamp, part.seen_before_stamp),
            (&mut merged.compared_with_server, part.compared_with_server),
            (&mut merged.stamped_early, part.stamped_early),
        ] {
            if let Some(count) = count {
                *sum = Some(sum.unwrap_or(0).saturating_add(count));
            }
        }
        merged.not_stamped += part.not_stamped;
        merged.sampled += part.sampled;
        merged.sample_disagreements += part.sample_disagreements;
        if let Some(sample) = &part.sample_ends {
            merged.sample_ends.get_or_insert_default().add(sample);
        }
        merged.unknown_found += part.unknown_found;
        merged.unknown_not_found += part.unknown_not_found;
    }
    merged.poll_delay = latency(parts.iter().map(|part| &part.poll_delay))?;
    // Figures from part of the iterations only would look like totals.
    merged.server = match parts.iter().find(|part| part.server.value.is_none()) {
        Some(missing) => missing.server.clone(),
        None => Fact::found(server, parts[0].server.source.clone()),
    };
    merged.cut_off = cut_off(&parts);
    merged.server_clock = server_clock(parts.iter().filter_map(|part| part.server_clock.as_ref()));
    if parts.iter().any(|part| part.source == CompletionSource::Visibility) {
        merged.source = CompletionSource::Visibility;
    }
    merged.settled_after_seconds = parts
        .iter()
        .filter_map(|part| part.settled_after_seconds)
        .max_by(f64::total_cmp);
    merged.cleanup = Cleanup {
        requested: parts.iter().any(|part| part.cleanup.requested),
        open_before: parts.iter().map(|part| part.cleanup.open_before).sum(),
        open_after: parts.iter().map(|part| part.cleanup.open_after).sum(),
        problem: parts.iter().find_map(|part| part.cleanup.problem.clone()),
    };
    Ok(merged)
}

/// The latest of the instants, each from the beginning of its own iteration; nothing where one of them is not known, since what
/// ended later would look like a total.
fn cut_off(parts: &[&Reconciliation]) -> Option<CutOff> {
    let cuts: Vec<&CutOff> = parts.iter().map(|part| part.cut_off.as_ref()).collect::<Option<_>>()?;
    Some(CutOff {
        seconds: cuts.iter().map(|cut| cut.seconds).max_by(f64::total_cmp)?,
        ended_later: cuts.iter().fold(0, |sum: u64, cut| sum.saturating_add(cut.ended_later)),
        cut_short_by: cuts.iter().find_map(|cut| cut.cut_short_by.clone()),
    })
}

/// The clock that was known worst, of those of several iterations; one of which nothing is known is worse than any.
fn server_clock<'a>(clocks: impl Iterator<Item = &'a Fact<ServerClock>>) -> Option<Fact<ServerClock>> {
    let wrong = |clock: &Fact<ServerClock>| clock.value.map_or(f64::INFINITY, |clock| clock.wrong_ms());
    clocks.max_by(|a, b| wrong(a).total_cmp(&wrong(b))).cloned()
}

impl Reconciliation {
    /// Nobody was asked, and why.
    pub fn not_made(reason: impl Into<String>) -> Self {
        Reconciliation {
            source: CompletionSource::Stamps,
            server: Fact::missing(reason),
            settled_after_seconds: None,
            disagreements: Vec::new(),
            stamped: 0,
            stamped_twice: 0,
            implausible: None,
            seen_before_stamp: None,
            compared_with_server: None,
            stamped_early: None,
            not_stamped: 0,
            sampled: 0,
            sample_disagreements: 0,
            sample_ends: None,
            poll_delay: Latency::empty(),
            unknown_found: 0,
            unknown_not_found: 0,
            cut_off: None,
            server_clock: None,
            cleanup: Cleanup {
                requested: false,
                open_before: None,
                open_after: None,
                problem: None,
            },
        }
    }
}

impl SampleEnds {
    /// Adds what became of another sample.
    pub fn add(&mut self, other: &SampleEnds) {
        self.accepted += other.accepted;
        self.polled += other.polled;
        self.asked += other.asked;
        self.open += other.open;
        self.missing += other.missing;
    }

    /// Those that ended, as far as is known.
    pub fn ended(&self) -> u64 {
        self.accepted.saturating_sub(self.open)
    }

    /// Share, 0 to 1, of the ends that were not learnt.
    pub fn missing_share(&self) -> f64 {
        if self.missing == 0 {
            0.0
        } else {
            self.missing as f64 / self.ended().max(self.missing) as f64
        }
    }

    /// Whether latencies of it say something of all workflows.
    pub fn is_whole_enough(&self) -> bool {
        self.missing_share() <= SAMPLE_MISSING
    }
}

impl GeneratorHealth {
    /// Nothing was observed, and why.
    pub fn not_observed(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        GeneratorHealth {
            seconds: 0.0,
            cpu_seconds: 0.0,
            cpu_share: 0.0,
            busiest_thread: Fact::missing(reason.clone()),
            cpu_wait: Fact::missing(reason.clone()),
            throttled: Fact::missing(reason.clone()),
            steal: Fact::missing(reason.clone()),
            machine: Fact::missing(reason.clone()),
            cpu_per_start_us: None,
            peak_memory_bytes: Fact::missing(reason.clone()),
            peak_in_flight: 0,
            connections: 0,
            peak_in_flight_per_connection: 0,
            start_connections: None,
            share_of_ceiling: Fact::missing(reason.clone()),
            scheduling: Fact::missing(reason),
        }
    }
}

/// Starts that an observation of the generator covers, from its CPU time and its CPU time per start.
fn starts_of(part: &GeneratorHealth) -> Option<f64> {
    part.cpu_per_start_us
        .filter(|us| *us > 0.0)
        .map(|us| part.cpu_seconds * 1e6 / us)
}

/// Mean of the values that there are, weighted by their time.
fn weighted(parts: impl Iterator<Item = (Option<f64>, f64)>) -> Option<f64> {
    let (sum, time) = parts
        .filter_map(|(value, seconds)| Some((value?, seconds)))
        .filter(|(_, seconds)| *seconds > 0.0)
        .fold((0.0, 0.0), |(sum, time), (value, seconds)| {
            (sum + value * seconds, time + seconds)
        });
    (time > 0.0).then(|| sum / time)
}

#[cfg(test)]
mod tests;
