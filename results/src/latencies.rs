//! The eleven histograms of a phase, recorded and merged together.

use crate::{
    histogram::{DecodeError, Histogram},
    ledger::Ledger,
    schema::{EndLatency, Latencies, PhaseReport, Phases, StartLatency},
};

/// What is recorded for the arrivals of one phase: the histograms behind [`Latencies`], about 1.7 MB of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatencyHistograms {
    /// Dispatched − due.
    pub lag: Histogram,
    /// Answer − dispatched.
    pub start_service: StartHistograms,
    /// Answer − due.
    pub start_response: StartHistograms,
    /// End − dispatched.
    pub e2e_service: EndHistograms,
    /// End − due.
    pub e2e_response: EndHistograms,
}

/// Latency of starts by the server's answer; see [`StartLatency`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartHistograms {
    /// Starts that the server took.
    pub accepted: Histogram,
    /// Starts that the server refused.
    pub rejected: Histogram,
    /// Starts whose answer was lost.
    pub unanswered: Histogram,
}

/// Latency of workflows by how they ended; see [`EndLatency`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndHistograms {
    /// Workflows that completed.
    pub completed: Histogram,
    /// Workflows that ended in any other way.
    pub not_completed: Histogram,
}

impl LatencyHistograms {
    /// Empty histograms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds everything that the others recorded: of another shard, window or iteration.
    pub fn add(&mut self, other: &LatencyHistograms) {
        for (mine, theirs) in self.each_mut().into_iter().zip(other.each()) {
            mine.add(theirs);
        }
    }

    /// Forgets everything and keeps the memory.
    pub fn reset(&mut self) {
        self.each_mut().into_iter().for_each(Histogram::reset);
    }

    /// The latencies as they stand in a results file.
    pub fn to_latencies(&self) -> Latencies {
        Latencies {
            lag: self.lag.to_latency(),
            start_service: self.start_service.to_latency(),
            start_response: self.start_response.to_latency(),
            e2e_service: self.e2e_service.to_latency(),
            e2e_response: self.e2e_response.to_latency(),
        }
    }

    /// The histograms back from a results file.
    ///
    /// # Errors
    /// When one of them cannot be decoded.
    pub fn from_latencies(latencies: &Latencies) -> Result<Self, DecodeError> {
        let start = |latency: &StartLatency| -> Result<StartHistograms, DecodeError> {
            Ok(StartHistograms {
                accepted: Histogram::decode(&latency.accepted.histogram)?,
                rejected: Histogram::decode(&latency.rejected.histogram)?,
                unanswered: Histogram::decode(&latency.unanswered.histogram)?,
            })
        };
        let end = |latency: &EndLatency| -> Result<EndHistograms, DecodeError> {
            Ok(EndHistograms {
                completed: Histogram::decode(&latency.completed.histogram)?,
                not_completed: Histogram::decode(&latency.not_completed.histogram)?,
            })
        };
        Ok(LatencyHistograms {
            lag: Histogram::decode(&latencies.lag.histogram)?,
            start_service: start(&latencies.start_service)?,
            start_response: start(&latencies.start_response)?,
            e2e_service: end(&latencies.e2e_service)?,
            e2e_response: end(&latencies.e2e_response)?,
        })
    }

    fn each(&self) -> [&Histogram; 11] {
        [
            &self.lag,
            &self.start_service.accepted,
            &self.start_service.rejected,
            &self.start_service.unanswered,
            &self.start_response.accepted,
            &self.start_response.rejected,
            &self.start_response.unanswered,
            &self.e2e_service.completed,
            &self.e2e_service.not_completed,
            &self.e2e_response.completed,
            &self.e2e_response.not_completed,
        ]
    }

    fn each_mut(&mut self) -> [&mut Histogram; 11] {
        [
            &mut self.lag,
            &mut self.start_service.accepted,
            &mut self.start_service.rejected,
            &mut self.start_service.unanswered,
            &mut self.start_response.accepted,
            &mut self.start_response.rejected,
            &mut self.start_response.unanswered,
            &mut self.e2e_service.completed,
            &mut self.e2e_service.not_completed,
            &mut self.e2e_response.completed,
            &mut self.e2e_response.not_completed,
        ]
    }
}

impl StartHistograms {
    /// The latencies as they stand in a results file.
    pub fn to_latency(&self) -> StartLatency {
        StartLatency {
            accepted: self.accepted.to_latency(),
            rejected: self.rejected.to_latency(),
            unanswered: self.unanswered.to_latency(),
        }
    }
}

impl EndHistograms {
    /// The latencies as they stand in a results file.
    pub fn to_latency(&self) -> EndLatency {
        EndLatency {
            completed: self.completed.to_latency(),
            not_completed: self.not_completed.to_latency(),
        }
    }
}

impl Latencies {
    /// No samples.
    pub fn empty() -> Self {
        LatencyHistograms::new().to_latencies()
    }
}

impl PhaseReport {
    /// A phase in which nothing happened.
    pub fn empty() -> Self {
        PhaseReport {
            start_seconds: 0.0,
            seconds: 0.0,
            ledger: Ledger::default(),
            start_rate: None,
            completion_rate: None,
            at_cap: None,
            latencies: Latencies::empty(),
        }
    }
}

impl Phases {
    /// Phases in which nothing happened.
    pub fn empty() -> Self {
        let empty = PhaseReport::empty();
        Phases {
            ramp: empty.clone(),
            warm_up: empty.clone(),
            measure: empty,
        }
    }
}
