//! Offsets of a submission window on the process's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

    /// Now, nanoseconds from the beginning; `None` before it, when nothing is due and no latency can begin.
    pub fn now(&self) -> Option<u64> {
        self.now_unix_ns().checked_sub(self.start_unix_ns)
    }

    /// How much of the window is over, nanoseconds: nothing before it begins.
    pub fn elapsed(&self) -> u64 {
        self.now().unwrap_or(0)
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

    /// An offset as an instant of this system's clock.
    pub fn time_of(&self, offset: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.unix_ns_of(offset))
    }

    fn now_unix_ns(&self) -> u64 {
        self.clock.now_unix_ns().saturating_add_signed(self.to_leader)
    }

    /// A Unix time in nanoseconds as an offset; 0 before the beginning.
    pub fn offset_of(&self, unix_ns: u64) -> u64 {
        unix_ns.saturating_sub(self.start_unix_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn before_the_beginning_there_is_no_offset() {
        let timeline = Timeline::beginning_in(3_600 * SECOND);
        assert_eq!((timeline.now(), timeline.elapsed()), (None, 0));
        assert!((-3_600.0..-3_000.0).contains(&timeline.seconds()));
        let rest = timeline.until(0).unwrap();
        assert!((3_000 * SECOND..=3_600 * SECOND).contains(&rest));
    }

    #[test]
    fn after_the_beginning_offsets_grow_from_it() {
        let start = RunClock::get().now_unix_ns() - 3_600 * SECOND;
        let timeline = Timeline::beginning_at(start, 0);
        let now = timeline.now().unwrap();
        assert!(now >= 3_600 * SECOND && timeline.elapsed() >= now);
        assert!(timeline.seconds() >= 3_600.0);
        assert_eq!(timeline.until(now), None);
        assert!(
            timeline
                .until(now + 3_600 * SECOND)
                .is_some_and(|rest| rest <= 3_600 * SECOND)
        );
        assert_eq!(timeline.unix_ns_of(SECOND), start + SECOND);
        assert_eq!(timeline.offset_of(start + 5), 5);
    }
}
