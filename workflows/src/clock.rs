//! One clock for due, sent and ended: monotonic, and told in Unix time.
//!
//! Instants travel in headers as Unix nanoseconds, because a worker may run on another machine. Reading the system clock
//! for each of them would put every step that NTP makes into a latency. So Unix time is read once a process, and from
//! then on the monotonic clock counts.

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How often the anchor is read; the reading that took the least time is the most exact.
const ANCHOR_READINGS: u32 = 16;

/// The process's clock. A copy is as good as the original.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    anchor: Instant,
    anchor_unix_ns: u64,
}

impl RunClock {
    /// The clock that all of this process shares; anchored at the first call.
    pub fn get() -> RunClock {
        static CLOCK: OnceLock<RunClock> = OnceLock::new();
        *CLOCK.get_or_init(RunClock::anchored)
    }

    fn anchored() -> RunClock {
        let reading = || {
            let before = Instant::now();
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let took = before.elapsed();
            (
                took,
                RunClock {
                    anchor: before + took / 2,
                    anchor_unix_ns: nanos(unix),
                },
            )
        };
        let first = reading();
        let best = (1..ANCHOR_READINGS)
            .map(|_| reading())
            .fold(first, |a, b| if b.0 < a.0 { b } else { a });
        best.1
    }

    /// Now, in nanoseconds since the Unix epoch.
    pub fn now_unix_ns(&self) -> u64 {
        self.unix_ns_of(Instant::now())
    }

    /// An instant in nanoseconds since the Unix epoch; one before the epoch is the epoch.
    pub fn unix_ns_of(&self, instant: Instant) -> u64 {
        match instant.checked_duration_since(self.anchor) {
            Some(after) => self.anchor_unix_ns.saturating_add(nanos(after)),
            None => self
                .anchor_unix_ns
                .saturating_sub(nanos(self.anchor.duration_since(instant))),
        }
    }

    /// The instant at a Unix time in nanoseconds; `None` when this system's instants do not reach that far.
    pub fn instant_of(&self, unix_ns: u64) -> Option<Instant> {
        match unix_ns.checked_sub(self.anchor_unix_ns) {
            Some(after) => self.anchor.checked_add(Duration::from_nanos(after)),
            None => self
                .anchor
                .checked_sub(Duration::from_nanos(self.anchor_unix_ns - unix_ns)),
        }
    }
}

/// Nanoseconds of a duration; 584 years and more are 2^64 - 1.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_for_the_process() {
        let other = std::thread::spawn(RunClock::get).join().unwrap();
        let instant = Instant::now();
        assert_eq!(RunClock::get().unix_ns_of(instant), other.unix_ns_of(instant));
    }

    #[test]
    fn tells_unix_time() {
        let system = nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
        // An hour: only that it is Unix time at all. How far the system clock is stepped meanwhile is not ours to test.
        assert!(RunClock::get().now_unix_ns().abs_diff(system) < 3_600_000_000_000);
    }

    #[test]
    fn converts_there_and_back_exactly() {
        let clock = RunClock::get();
        for instant in [
            clock.anchor,
            clock.anchor + Duration::from_nanos(1),
            clock.anchor + Duration::from_secs(86_400),
        ] {
            assert_eq!(clock.instant_of(clock.unix_ns_of(instant)), Some(instant));
        }
        let before = clock.anchor_unix_ns - 1;
        assert_eq!(clock.unix_ns_of(clock.instant_of(before).unwrap()), before);
    }

    #[test]
    fn does_not_panic_at_the_ends() {
        let clock = RunClock::get();
        // Whether an instant reaches that far is the system's affair.
        let _ = (clock.instant_of(0), clock.instant_of(u64::MAX));
    }
}
