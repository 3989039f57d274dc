//! Waiting for a condition, with a limit: soon at first, then every few seconds.

use std::time::Duration;

use benchmark_scenarios::Problem;
use tokio::time::{Instant, sleep};

/// First and longest time between two looks. Each look is a call or two, and AWS allows some 20 a second of them.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// A wait that goes on.
#[derive(Debug)]
pub struct Wait {
    until: Instant,
    pause: Duration,
}

impl Wait {
    /// A wait of at most `limit`.
    pub fn new(limit: Duration) -> Wait {
        Wait {
            until: Instant::now() + limit,
            pause: PAUSES.0,
        }
    }

    /// Waits until the next look is due; false when the time is over.
    pub async fn next(&mut self) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        sleep(self.pause.min(left)).await;
        self.pause = self.pause.mul_f64(1.5).min(PAUSES.1);
        true
    }

    /// Does something again until it succeeds.
    ///
    /// # Errors
    /// The last of them when the time is over.
    pub async fn again<T>(&mut self, mut work: impl AsyncFnMut() -> Result<T, Problem>) -> Result<T, Problem> {
        loop {
            match work().await {
                Err(_) if self.next().await => {}
                done => return done,
            }
        }
    }
}
