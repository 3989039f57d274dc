//! Offsets of a submission window on the process's clock.

use benchmark_workflows::RunClock;

/// The instant at which a submission window begins, and the clock that it is told on. All offsets are from it.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    clock: RunClock,
    start_unix_ns: u64,
}

impl Timeline {
    /// A window that begins after a delay, nanoseconds.
    pub fn beginning_in(delay: u64) -> Self {
        let clock = RunClock::get();
        Timeline {
            clock,
            start_unix_ns: clock.now_unix_ns() + delay,
        }
    }

    /// Now, nanoseconds from the beginning; 0 before it.
    pub fn now(&self) -> u64 {
        self.offset_of(self.clock.now_unix_ns())
    }

    /// Nanoseconds until an offset; `None` when it has passed.
    pub fn until(&self, offset: u64) -> Option<u64> {
        self.unix_ns_of(offset)
            .checked_sub(self.clock.now_unix_ns())
            .filter(|rest| *rest > 0)
    }

    /// An offset as Unix time, nanoseconds.
    pub fn unix_ns_of(&self, offset: u64) -> u64 {
        self.start_unix_ns + offset
    }

    /// A Unix time in nanoseconds as an offset; 0 before the beginning.
    pub fn offset_of(&self, unix_ns: u64) -> u64 {
        unix_ns.saturating_sub(self.start_unix_ns)
    }
}
