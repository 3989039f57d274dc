//! The leader's clock, which tests script.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Reads time.
pub trait Clock: Send + Sync {
    /// Monotonic time since some fixed instant.
    fn now(&self) -> Duration;
    /// Unix time, nanoseconds, on the clock that the run's instants are on.
    fn unix_ns(&self) -> u64;
}

/// The machine's monotonic clock, and Unix time from whoever keeps the run's clock.
#[derive(Clone)]
pub struct SystemClock {
    begun: Instant,
    unix_ns: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl SystemClock {
    /// A clock whose monotonic time begins now and whose Unix nanoseconds `unix_ns` tells.
    pub fn new(unix_ns: Arc<dyn Fn() -> u64 + Send + Sync>) -> SystemClock {
        SystemClock {
            begun: Instant::now(),
            unix_ns,
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn unix_ns(&self) -> u64 {
        (self.unix_ns)()
    }
}
