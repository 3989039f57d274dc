//! Metrics of one run on the page.

use std::collections::BTreeMap;

use benchmark_metrics::{Described, Distribution, Sample, Value};
use benchmark_results::{
    Histogram,
    schema::{Phase, VerdictValue},
};

use super::{
    counts::{ENDS, PhaseCounts, UNANSWERED},
    table,
};
use crate::account::accounts::{Cut, KnownLatencies, LATENCIES, LatencyKind};

/// All phases by name, in their order: those of the schedule, those that follow, and the end.
pub(super) const PHASES: [&str; 7] = ["ramp", "warm_up", "measure", "drain", "settle", "clean_up", "done"];

/// What is known of a run before it begins.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// Its id.
    pub run_id: String,
    /// The workload's name.
    pub workload: String,
    /// The phases of its schedule.
    pub phases: Vec<Phase>,
    /// Whether workers of the run stamp all ends.
    pub stamps: bool,
    /// Whether any ends are timed, by stamps or by long polls of a sample.
    pub times_ends: bool,
}

/// A run as far as the page tells of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) facts: RunFacts,
    /// Iterations that are over.
    over: BTreeMap<Phase, PhaseCounts>,
    /// The one that goes on.
    current: BTreeMap<Phase, PhaseCounts>,
    pub(super) asked: f64,
    throughput: u64,
    pub(super) phase: Option<&'static str>,
    pub(super) begun: BTreeMap<&'static str, f64>,
    /// The labels of `benchmark_run_info` beyond run and workload.
    pub(super) info: Vec<(&'static str, String)>,
    pub(super) verdict: Option<VerdictValue>,
    /// Events of iterations that are over, and of the one that goes on.
    events: [BTreeMap<String, u64>; 2],
    pub(super) members: BTreeMap<(&'static str, &'static str), u64>,
}

impl Run {
    pub(super) fn new(facts: RunFacts) -> Run {
        Run {
            facts,
            ..Run::default()
        }
    }

    /// How many samples of each latency of the present iteration are shown.
    pub(super) fn known(&self) -> KnownLatencies {
        let counts = self.current.iter().flat_map(|(phase, counts)| {
            let latencies = counts.latencies.iter();
            latencies.map(move |(kind, latencies)| ((*phase, *kind), latencies.count()))
        });
        counts.collect()
    }

    /// Takes an account over.
    pub(super) fn take(&mut self, cut: &Cut) {
        for (phase, cut) in &cut.phases {
            self.current.entry(*phase).or_default().take(cut);
        }
        for (phase, kind, samples) in &cut.latencies {
            let counts = self.current.entry(*phase).or_default();
            counts.latencies.insert(*kind, distribution(samples));
        }
        self.throughput = cut.completed_in_second;
    }

    /// Takes the kinds of the present iteration's events over.
    pub(super) fn take_events<'a>(&mut self, kinds: impl Iterator<Item = &'a str>) {
        let mut counts = BTreeMap::new();
        kinds.for_each(|kind| *counts.entry(kind.to_owned()).or_default() += 1);
        self.events[1] = counts;
    }

    /// Closes the present iteration: the next one begins its own account.
    pub(super) fn close(&mut self) {
        for (phase, counts) in std::mem::take(&mut self.current) {
            self.over.entry(phase).or_default().add(&counts);
        }
        let [over, current] = &mut self.events;
        for (kind, count) in std::mem::take(current) {
            *over.entry(kind).or_default() += count;
        }
        self.throughput = 0;
    }

    /// All series, as they stand.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let mut samples = Samples {
            run: &self.facts,
            samples: Vec::new(),
        };
        let phases: BTreeMap<Phase, PhaseCounts> = self
            .facts
            .phases
            .iter()
            .map(|phase| (*phase, self.total(*phase)))
            .collect();
        for (phase, counts) in &phases {
            samples.phase(*phase, counts);
        }
        let sum = |of: fn(&PhaseCounts) -> u64| Value::Count(phases.values().map(of).sum());
        samples.add(&table::UNKNOWN, &[], sum(|counts| counts.unknown));
        samples.add(&table::IN_FLIGHT, &[], sum(PhaseCounts::in_flight));
        samples.add(&table::ASKED, &[], Value::Number(self.asked));
        if self.facts.stamps {
            samples.add(&table::BACKLOG, &[], sum(PhaseCounts::backlog));
            samples.add(&table::THROUGHPUT, &[], Value::Count(self.throughput));
        }
        for phase in PHASES {
            let present = u64::from(self.phase == Some(phase));
            samples.add_to_run(&table::PHASE, &[("phase", phase)], Value::Count(present));
            if let Some(begun) = self.begun.get(phase) {
                samples.add_to_run(&table::PHASE_START, &[("phase", phase)], Value::Number(*begun));
            }
        }
        if !self.info.is_empty() {
            let labels: Vec<(&'static str, &str)> =
                self.info.iter().map(|(name, value)| (*name, value.as_str())).collect();
            samples.add(&table::RUN_INFO, &labels, Value::Count(1));
        }
        if let Some(verdict) = self.verdict {
            for (value, name) in [
                (VerdictValue::Valid, "VALID"),
                (VerdictValue::Overloaded, "OVERLOADED"),
                (VerdictValue::Invalid, "INVALID"),
            ] {
                samples.add(
                    &table::VERDICT,
                    &[("verdict", name)],
                    Value::Count(u64::from(value == verdict)),
                );
            }
        }
        let mut events = self.events[0].clone();
        for (kind, count) in &self.events[1] {
            *events.entry(kind.clone()).or_default() += count;
        }
        for (kind, count) in &events {
            samples.add_to_run(&table::EVENTS, &[("kind", kind)], Value::Count(*count));
        }
        for ((role, presence), count) in &self.members {
            samples.add_to_run(
                &table::MEMBERS,
                &[("role", role), ("presence", presence)],
                Value::Count(*count),
            );
        }
        samples.samples
    }

    fn total(&self, phase: Phase) -> PhaseCounts {
        let mut total = PhaseCounts::default();
        for counts in [&self.over, &self.current] {
            if let Some(counts) = counts.get(&phase) {
                total.add(counts);
            }
        }
        total
    }
}

/// Series of a run under construction.
struct Samples<'a> {
    run: &'a RunFacts,
    samples: Vec<Sample>,
}

impl Samples<'_> {
    /// What was due in a phase.
    fn phase(&mut self, phase: Phase, counts: &PhaseCounts) {
        let phase = name_of(phase);
        self.add(&table::ARRIVALS, &[("phase", phase)], Value::Count(counts.arrivals()));
        self.add(&table::DISPATCHED, &[("phase", phase)], Value::Count(counts.dispatched));
        for (reason, count) in [("lag", counts.dropped_lag), ("cap", counts.dropped_cap)] {
            self.add(
                &table::DROPPED,
                &[("phase", phase), ("reason", reason)],
                Value::Count(count),
            );
        }
        // One code at least, so that a sum over them is 0 and not nothing.
        let mut codes = counts.rejected.clone();
        codes.entry(UNANSWERED).or_default();
        for (code, count) in codes {
            self.add(
                &table::REJECTED,
                &[("phase", phase), ("code", code)],
                Value::Count(count),
            );
        }
        self.add(&table::STARTED, &[("phase", phase)], Value::Count(counts.started));
        if self.run.stamps {
            self.add(&table::COMPLETED, &[("phase", phase)], Value::Count(counts.ends[0]));
            for ((result, outcome), count) in ENDS.into_iter().zip(counts.ends) {
                let labels = [("phase", phase), ("result", result), ("outcome", outcome)];
                self.add(&table::ENDED, &labels, Value::Count(count));
            }
        }
        for kind in LATENCIES {
            let (of, is_of_ends) = match kind {
                LatencyKind::Lag => (&table::LAG, false),
                LatencyKind::StartResponse => (&table::START, false),
                LatencyKind::StartService => (&table::START_SERVICE, false),
                LatencyKind::EndToEndResponse => (&table::END_TO_END, true),
                LatencyKind::EndToEndService => (&table::END_TO_END_SERVICE, true),
            };
            if self.run.times_ends || !is_of_ends {
                let distribution = counts.latencies.get(&kind).cloned().unwrap_or_default();
                self.add(of, &[("phase", phase)], Value::Distribution(Box::new(distribution)));
            }
        }
    }

    /// A series of the run and its workload.
    fn add(&mut self, of: &'static Described, labels: &[(&'static str, &str)], value: Value) {
        let own = [("run_id", &*self.run.run_id), ("workload", &*self.run.workload)];
        self.push(of, own.iter().chain(labels), value);
    }

    /// A series of the run alone.
    fn add_to_run(&mut self, of: &'static Described, labels: &[(&'static str, &str)], value: Value) {
        let own = [("run_id", &*self.run.run_id)];
        self.push(of, own.iter().chain(labels), value);
    }

    fn push<'a>(
        &mut self,
        of: &'static Described,
        labels: impl Iterator<Item = &'a (&'static str, &'a str)>,
        value: Value,
    ) {
        let labels = labels.map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.samples.push(Sample { of, labels, value });
    }
}

/// The same samples in the buckets of the page.
pub(super) fn distribution(samples: &Histogram) -> Distribution {
    let mut distribution = Distribution::default();
    for (ms, count) in samples.recorded() {
        distribution.add(ms / 1e3, count);
    }
    distribution
}

/// A phase's name as a label.
pub(super) fn name_of(phase: Phase) -> &'static str {
    match phase {
        Phase::Ramp => PHASES[0],
        Phase::WarmUp => PHASES[1],
        Phase::Measure => PHASES[2],
        Phase::Drain => PHASES[3],
    }
}
