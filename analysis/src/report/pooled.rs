//! Latencies of one run or several together, of all accepted workflows.

use benchmark_results::{
    Histogram,
    histogram::DecodeError,
    limits::SAMPLES_BEYOND_QUANTILE,
    schema::{PhaseReport, Results},
};

use super::scene::Of;

/// From when a latency counts.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// From the instant at which the start was due.
    Response,
    /// From the one at which it was sent.
    Service,
}

/// What nines are judged by: a little of one is none.
const ROUNDING: f64 = 1e-9;

/// Latencies, with how many had none because they did not complete: those rank beyond all that did.
pub(super) struct Pooled {
    histogram: Histogram,
    completed: u64,
    lost: u64,
}

impl Pooled {
    /// Those of nothing.
    pub(super) fn new() -> Self {
        Pooled {
            histogram: Histogram::new(),
            completed: 0,
            lost: 0,
        }
    }

    /// Those of a run's measured phase, of accepted starts or of accepted workflows.
    ///
    /// # Errors
    /// When the histogram cannot be decoded.
    pub(super) fn of(of: Of, kind: Kind, results: &Results) -> Result<Self, DecodeError> {
        let PhaseReport { latencies, ledger, .. } = &results.phases.measure;
        let (latency, lost) = match (of, kind) {
            // Of an accepted start there is always an answer.
            (Of::Start, Kind::Response) => (&latencies.start_response.accepted, 0),
            (Of::Start, Kind::Service) => (&latencies.start_service.accepted, 0),
            (Of::End, Kind::Response) => (&latencies.e2e_response.completed, ledger.not_completed()),
            (Of::End, Kind::Service) => (&latencies.e2e_service.completed, ledger.not_completed()),
        };
        Ok(Pooled {
            histogram: Histogram::decode(&latency.histogram)?,
            completed: ledger.completed,
            lost,
        })
    }

    /// Adds others.
    pub(super) fn add(&mut self, other: &Pooled) {
        self.histogram.add(&other.histogram);
        self.completed = self.completed.saturating_add(other.completed);
        self.lost = self.lost.saturating_add(other.lost);
    }

    /// Latencies that were recorded.
    pub(super) fn count(&self) -> u64 {
        self.histogram.count()
    }

    /// Those that were recorded: of workflows that completed.
    pub(super) fn recorded(&self) -> &Histogram {
        &self.histogram
    }

    /// The nines that it reaches with enough samples beyond; minus infinity of nothing.
    pub(super) fn reach(&self) -> f64 {
        (self.count() as f64 * self.accepted() / SAMPLES_BEYOND_QUANTILE as f64).log10()
    }

    /// The latency at a number of nines, milliseconds; `None` where there are too few samples, or where it lies among what did
    /// not complete.
    pub(super) fn at(&self, nines: f64) -> Option<f64> {
        self.ranked(nines, 1.0 - 10_f64.powf(-nines))
    }

    /// The latency beyond which one in so many lies; as [`Pooled::at`].
    pub(super) fn beyond_one_in(&self, one_in: u64) -> Option<f64> {
        let one_in = one_in as f64;
        self.ranked(one_in.log10(), 1.0 - 1.0 / one_in)
    }

    fn ranked(&self, nines: f64, share: f64) -> Option<f64> {
        let share = share * self.accepted();
        let is_told = nines <= self.reach() + ROUNDING && share <= 1.0 + ROUNDING;
        is_told.then(|| self.histogram.quantile_ms(share.min(1.0)))?
    }

    /// Accepted workflows for each that completed, 1 or more.
    fn accepted(&self) -> f64 {
        1.0 + self.lost as f64 / self.completed.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooled(from: u64, count: u64, lost: u64) -> Pooled {
        let mut histogram = Histogram::new();
        (from..from + count).for_each(|ms| histogram.record_micros((ms * 1_000) as i64));
        Pooled {
            histogram,
            completed: count,
            lost,
        }
    }

    #[test]
    fn what_did_not_complete_ranks_beyond_in_a_pool_too() {
        let mut both = pooled(1, 500, 0);
        both.add(&pooled(501, 490, 10));
        let near = |found: Option<f64>, ms: f64| (found.unwrap() / ms - 1.0).abs() < 3e-3;
        assert!(near(both.at(1.0), 900.0) && near(both.at(2.0), 990.0));
        assert_eq!((both.at(2.1), both.count()), (None, 990), "beyond");
        assert!((both.reach() - 200_f64.log10()).abs() < 1e-9);
        assert_eq!(pooled(1, 400, 0).at(2.0), None, "too few");
        assert_eq!(Pooled::new().at(0.0), None);
        assert!(near(both.beyond_one_in(10), 900.0));
        assert_eq!(both.beyond_one_in(1_000), None);
    }
}
