//! Hashed sample: which workflows are long-polled.

use benchmark_scenarios::draw;

/// A sample of the workflows: a hash of the arrival's number, so that the choice repeats and favours none.
#[derive(Clone, Copy, Debug)]
pub struct HashedSample {
    seed: u64,
    threshold: u64,
}

impl HashedSample {
    /// A sample of a share, 0 to 1, of all workflows.
    pub fn new(seed: u64, ratio: f64) -> Self {
        // The cast saturates: a ratio of 1 takes every number.
        HashedSample {
            seed,
            threshold: (ratio.clamp(0.0, 1.0) * u64::MAX as f64) as u64,
        }
    }

    /// Whether arrival `n` is in it.
    pub fn contains(&self, n: u64) -> bool {
        self.threshold > 0 && draw::derive(self.seed, n) <= self.threshold
    }
}
