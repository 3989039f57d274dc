//! Offsets of a submission window on the process's clock.

use benchmark_workflows::RunClock;

/// The instant at which a submission window begins, and the clock that it is told on. All offsets are from it.
///
/// All generators of a run use the leader's clock: what they send, stamp and report is told on it.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    clock: RunClock,
    /// The leader's clock minus this process's, nanoseconds.
    to_leader: i64,
    start_unix_ns: u64,
}

impl Timeline {
    /// A window that begins after a delay, nanoseconds.
    pub fn beginning_in(delay: u64) -> Self {
        let clock = RunClock::get();
        Timeline {
            clock,
            to_leader: 0,
            start_unix_ns: clock.now_unix_ns() + delay,
        }
    }

    /// A window that begins at an instant of the leader's clock, Unix nanoseconds, which is ahead of this process's clock
    /// by `to_leader` nanoseconds.
    pub fn beginning_at(start_unix_ns: u64, to_leader: i64) -> Self {
        Timeline {
            clock: RunClock::get(),
            to_leader,
            start_unix_ns,
        }
    }

    /// When it begins, Unix nanoseconds.
    pub fn start_unix_ns(&self) -> u64 {
        self.start_unix_ns
    }

    /// Now, nanoseconds from the beginning; 0 before it.
    pub fn now(&self) -> u64 {
        self.offset_of(self.now_unix_ns())
    }

    /// Now, seconds from the beginning; negative before it.
    pub fn seconds(&self) -> f64 {
        let (now, start) = (self.now_unix_ns(), self.start_unix_ns);
        if now >= start {
            (now - start) as f64 / 1e9
        } else {
            -((start - now) as f64 / 1e9)
        }
    }

    /// Nanoseconds until an offset; `None` when it has passed.
    pub fn until(&self, offset: u64) -> Option<u64> {
        self.unix_ns_of(offset)
            .checked_sub(self.now_unix_ns())
            .filter(|rest| *rest > 0)
    }

    /// An offset as Unix time, nanoseconds.
    pub fn unix_ns_of(&self, offset: u64) -> u64 {
        self.start_unix_ns + offset
    }

    fn now_unix_ns(&self) -> u64 {
        self.clock.now_unix_ns().saturating_add_signed(self.to_leader)
    }

    /// A Unix time in nanoseconds as an offset; 0 before the beginning.
    pub fn offset_of(&self, unix_ns: u64) -> u64 {
        unix_ns.saturating_sub(self.start_unix_ns)
    }
}
