//! Offsets of a submission window on the process's clock.

mod slew;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use benchmark_fleet::ClockEstimate;
use benchmark_workflows::RunClock;

use slew::Slew;

/// How often a submission window is looked after.
pub const TICK: Duration = Duration::from_millis(250);

/// The leader's clock less this process's, of which there is one, as of [`RunClock`].
static TO_LEADER: Mutex<Slew> = Mutex::new(Slew::new());

/// The instant at which a submission window begins, and the clock that it is told on. All offsets are from it.
///
/// All generators of a run use the leader's clock: what they send, stamp and report is told on it.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    clock: RunClock,
    /// Whether another process leads the run, whose clock this is.
    follows: bool,
    start_unix_ns: u64,
}

impl Timeline {
    /// A window that begins after a delay, nanoseconds.
    pub fn beginning_in(delay: u64) -> Self {
        let clock = RunClock::get();
        Timeline {
            clock,
            follows: false,
            start_unix_ns: clock.now_unix_ns() + delay,
        }
    }

    /// A window that begins at an instant of the leader's clock, Unix nanoseconds, which is ahead of this process's clock
    /// by `to_leader` nanoseconds. The offset is set; from then on it follows [`Timeline::steer`].
    pub fn beginning_at(start_unix_ns: u64, to_leader: i64) -> Self {
        let clock = RunClock::get();
        slew().set(clock.now_unix_ns(), to_leader);
        Timeline {
            clock,
            follows: true,
            start_unix_ns,
        }
    }

    /// Slews the clock towards what is known of the leader's: slowly from the beginning of the measured phase on, an offset.
    /// To be called some times a second.
    pub fn steer(&self, estimate: ClockEstimate, measured_from: u64) {
        if let (true, Some(offset)) = (self.follows, estimate.offset_ns) {
            let is_measured = self.now().is_some_and(|now| now >= measured_from);
            let mut slew = slew();
            slew.steer(self.clock.now_unix_ns(), offset, estimate.uncertainty_ns, is_measured);
        }
    }

    /// The leader's clock less this process's as it is in use now, nanoseconds.
    pub fn to_leader_ns(&self) -> i64 {
        if self.follows {
            slew().at(self.clock.now_unix_ns())
        } else {
            0
        }
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
        if !self.follows {
            return self.clock.now_unix_ns();
        }
        // Read under the lock: what is told later is later, though the rate has changed in between.
        let slew = slew();
        let now = self.clock.now_unix_ns();
        now.saturating_add_signed(slew.at(now))
    }

    /// A Unix time in nanoseconds as an offset; 0 before the beginning.
    pub fn offset_of(&self, unix_ns: u64) -> u64 {
        unix_ns.saturating_sub(self.start_unix_ns)
    }
}

fn slew() -> MutexGuard<'static, Slew> {
    TO_LEADER.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn a_followers_clock_is_slewed_and_the_leaders_own_is_not() {
        let estimate = ClockEstimate {
            offset_ns: Some(3_600 * SECOND as i64),
            uncertainty_ns: 0,
        };
        let own = Timeline::beginning_in(0);
        own.steer(estimate, 0);
        assert_eq!(own.to_leader_ns(), 0);
        // An hour cannot be made good in an instant, and not at all where nothing is known.
        let start = RunClock::get().now_unix_ns() - SECOND;
        let timeline = Timeline::beginning_at(start, 0);
        timeline.steer(ClockEstimate::default(), 0);
        timeline.steer(estimate, 0);
        let before = timeline.now().unwrap();
        assert!((0..SECOND as i64).contains(&timeline.to_leader_ns()));
        assert!(timeline.now().unwrap() >= before && before >= SECOND);
    }
}
