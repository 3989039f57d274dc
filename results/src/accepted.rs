//! Quantiles of all accepted workflows.
//!
//! A workflow that failed, was timed out or is still open took longer than anybody waited for it, so it ranks beyond every
//! one that completed. Without it the slowest would be left out of the very figures that are about the slowest: p99 of what
//! completed falls when the slowest 1 % time out. A quantile that lies among them is [`BEYOND`], which is worse than any
//! number.

use crate::{
    format::{BEYOND, ms, plural},
    histogram::Histogram,
    ledger::Ledger,
    limits::SAMPLES_BEYOND_QUANTILE,
    schema::{Latencies, Latency, PhaseReport},
};

impl Ledger {
    /// Accepted workflows that did not complete; 0 where nobody can tell.
    pub fn not_completed(&self) -> u64 {
        match self.ends_unknown {
            0 => self.accepted.saturating_sub(self.completed),
            _ => 0,
        }
    }

    /// Where the quantile that has one in so many of all accepted workflows beyond it lies among those that completed, 0 to 1;
    /// `None` when it is [`BEYOND`] them.
    pub fn share_of_completed(&self, one_in: u64) -> Option<f64> {
        let lost = self.not_completed();
        if lost.saturating_mul(one_in) > self.accepted {
            return None;
        }
        let share = 1.0 - 1.0 / one_in as f64;
        // Exactly the share itself where all completed: the same bucket as ever.
        Some(match lost {
            0 => share,
            _ => (share * self.accepted as f64 / self.completed as f64).min(1.0),
        })
    }
}

/// The quantile of all accepted workflows of which so many ended as the ledger says, in milliseconds; the histogram is that of
/// those that completed, or of a sample of them. `None` where there are too few for it.
pub fn quantile_ms(completed: &Histogram, ledger: &Ledger, one_in: u64) -> Option<f64> {
    let needed = SAMPLES_BEYOND_QUANTILE.saturating_mul(one_in) as f64;
    let Some(share) = ledger.share_of_completed(one_in) else {
        return (ledger.accepted as f64 >= needed).then_some(BEYOND);
    };
    let lost = ledger.not_completed() as f64;
    // Of a sample, as many as of all.
    let count = completed.count() as f64 * (1.0 + lost / (ledger.completed.max(1) as f64));
    completed.quantile_ms(share).filter(|_| count >= needed)
}

impl Latency {
    /// This distribution of completed workflows with the quantiles of all accepted ones; count, mean and extremes stay those of
    /// the completed. A histogram that cannot be read leaves it as it is.
    pub fn of_accepted(&self, ledger: &Ledger) -> Latency {
        if ledger.not_completed() == 0 {
            return self.clone();
        }
        let Ok(histogram) = Histogram::decode(&self.histogram) else {
            return self.clone();
        };
        let quantile = |one_in| quantile_ms(&histogram, ledger, one_in);
        Latency {
            p50: quantile(2),
            p75: quantile(4),
            p90: quantile(10),
            p95: quantile(20),
            p99: quantile(100),
            p99_9: quantile(1_000),
            p99_99: quantile(10_000),
            ..self.clone()
        }
    }

    /// What can be said of a distribution whose quantile is missing: `max 52ms of 84 samples`.
    pub fn at_worst(&self) -> String {
        match self.max {
            Some(max) => format!("max {} of {}", ms(max), plural(self.count, "sample")),
            None => "not measured".into(),
        }
    }
}

impl PhaseReport {
    /// The latencies, those to the end with the quantiles of all accepted workflows.
    pub fn latencies_of_accepted(&self) -> Latencies {
        let mut latencies = self.latencies.clone();
        for end in [&mut latencies.e2e_service, &mut latencies.e2e_response] {
            end.completed = end.completed.of_accepted(&self.ledger);
        }
        latencies
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ledger(completed: u64, failed: u64) -> Ledger {
        Ledger {
            arrivals: completed + failed,
            dispatched: completed + failed,
            accepted: completed + failed,
            completed,
            failed,
            ..Ledger::default()
        }
    }

    /// Latencies of 1 ms, 2 ms and so on.
    fn rising(count: u64) -> Histogram {
        let mut histogram = Histogram::new();
        (1..=count).for_each(|ms| histogram.record_micros((ms * 1_000) as i64));
        histogram
    }

    #[test]
    fn what_did_not_complete_ranks_beyond_all_that_did() {
        let near = |found: Option<f64>, ms: f64| found.is_some_and(|found| (found / ms - 1.0).abs() < 2e-3);
        assert!(near(quantile_ms(&rising(1_000), &ledger(1_000, 0), 100), 990.0));
        // 990 of 1,000: the 990th is p99.
        assert!(near(quantile_ms(&rising(990), &ledger(990, 10), 100), 990.0));
        assert_eq!(quantile_ms(&rising(989), &ledger(989, 11), 100), Some(BEYOND));
        assert!(near(quantile_ms(&rising(989), &ledger(989, 11), 10), 900.0));
        assert_eq!(quantile_ms(&Histogram::new(), &ledger(0, 1_000), 2), Some(BEYOND));
        // Too few for it, whatever became of them.
        assert_eq!(quantile_ms(&rising(400), &ledger(400, 20), 100), None);
        assert_eq!(quantile_ms(&rising(400), &ledger(400, 0), 100), None);
        // A sample of a twentieth.
        assert!(near(quantile_ms(&rising(1_000), &ledger(20_000, 100), 100), 995.0));
        // Nobody can tell.
        let mut unknown = ledger(990, 11);
        unknown.forget_ends();
        assert!(near(quantile_ms(&rising(1_000), &unknown, 100), 990.0));
    }

    proptest! {
        #[test]
        fn it_is_the_rank_among_all(completed in 1_u64..3_000, failed in 0_u64..60, one_in in prop::sample::select(vec![2_u64, 10, 100])) {
            let all = completed + failed;
            prop_assume!(all >= 5 * one_in);
            let found = quantile_ms(&rising(completed), &ledger(completed, failed), one_in).unwrap();
            // The smallest rank that leaves at most one in so many beyond it.
            let rank = all - all / one_in;
            if rank > completed {
                prop_assert_eq!(found, BEYOND);
            } else {
                prop_assert!((found - rank as f64).abs() <= 1.0 + 2e-3 * rank as f64, "{} for {}", found, rank);
            }
        }
    }
}
