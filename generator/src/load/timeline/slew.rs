//! The leader's clock as a further generator has it: slewed after the estimate, never set.
//!
//! Two clocks drift apart, so that an offset which was true at the beginning is not after an hour. Setting it anew would
//! tell two instants in the wrong order, or make a second in which too much is due. So the offset in use follows the
//! estimate at a bounded rate, as adjtime(3) does it, and what is left of the difference is told.

/// The most by which the rate of the clock is changed while it is measured, parts in a thousand million: 500 ppm, which is
/// what NTP slews by at most, and far more than two clocks of machines differ. It makes 400 starts a second 400.2.
const MEASURED_PPB: i64 = 500_000;

/// The same in ramp and warm-up, of which no figure is reported: 5 %, so that a step of 300 ms is made good in ten seconds
/// and not in ten minutes.
const UNMEASURED_PPB: i64 = 50_000_000;

/// The time in which a small difference is made good, nanoseconds: two renewals of the estimate. A clock that drifts is
/// behind by what it drifts in this time, which at 200 ppm is 0.2 ms.
const HORIZON: u64 = 1_000_000_000;

/// An offset that changes slowly. All times are nanoseconds of this process's clock.
#[derive(Debug)]
pub(super) struct Slew {
    base: i64,
    since: u64,
    rate_ppb: i64,
}

impl Slew {
    /// No offset.
    pub(super) const fn new() -> Self {
        Slew {
            base: 0,
            since: 0,
            rate_ppb: 0,
        }
    }

    /// Sets the offset, between windows.
    pub(super) fn set(&mut self, now: u64, offset: i64) {
        (self.base, self.since, self.rate_ppb) = (offset, now, 0);
    }

    /// The offset in use.
    pub(super) fn at(&self, now: u64) -> i64 {
        // It stops where it was headed for, should nobody steer any more.
        let passed = now.saturating_sub(self.since).min(HORIZON);
        let change = i128::from(self.rate_ppb) * i128::from(passed) / 1_000_000_000;
        // At most UNMEASURED_PPB of HORIZON: 50 ms.
        self.base.saturating_add(change as i64)
    }

    /// Heads for an offset that is known to an uncertainty. What lies within it may be nothing but the network's, and is
    /// let be. It goes there slowly where it is measured.
    pub(super) fn steer(&mut self, now: u64, offset: i64, uncertainty: u64, is_measured: bool) {
        let most = i128::from(if is_measured { MEASURED_PPB } else { UNMEASURED_PPB });
        let used = self.at(now);
        let off = i128::from(offset) - i128::from(used);
        let rate = if off.unsigned_abs() <= u128::from(uncertainty) {
            0
        } else {
            (off * 1_000_000_000 / i128::from(HORIZON)).clamp(-most, most)
        };
        // Within UNMEASURED_PPB.
        (self.base, self.since, self.rate_ppb) = (used, now, rate as i64);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MILLI: u64 = 1_000_000;
    const SECOND: u64 = 1_000 * MILLI;

    /// A clock that was stepped and drifts by so many ppm, looked after four times a second, and the largest difference that
    /// was left.
    fn follow(drift_ppm: i64, step: i64, seconds: u64, is_measured: bool) -> (i64, Slew) {
        let mut slew = Slew::new();
        let (mut worst, mut told) = (0, 0);
        for tick in 0..seconds * 4 {
            let now = tick * SECOND / 4;
            let truth = step + (now as i64 / 1_000_000) * drift_ppm;
            worst = worst.max((truth - slew.at(now)).abs());
            let instant = now as i64 + slew.at(now);
            assert!(tick == 0 || instant > told, "told {instant} after {told}");
            told = instant;
            slew.steer(now, truth, 50_000, is_measured);
        }
        (worst, slew)
    }

    #[test]
    fn a_clock_that_drifts_by_200_ppm_is_followed_to_a_third_of_a_millisecond() {
        for drift in [200, -200] {
            let (worst, _) = follow(drift, 0, 3_600, true);
            // 0.7 s in the hour, of which what the horizon and the uncertainty leave is seen.
            assert!(worst < 333_000, "{worst}");
        }
    }

    #[test]
    fn a_step_is_made_good_slowly_where_it_is_measured_and_soon_before() {
        let step = 300 * MILLI as i64;
        let (_, slew) = follow(0, step, 60, true);
        let after = slew.at(60 * SECOND);
        // 500 ppm of a minute.
        assert!((29_800_000..=30_000_000).contains(&after), "{after}");
        let (_, slew) = follow(0, -step, 660, true);
        assert!((slew.at(660 * SECOND) + step).abs() <= 60_000);
        for step in [step, -step] {
            let (_, slew) = follow(0, step, 12, false);
            let left = (step - slew.at(12 * SECOND)).abs();
            assert!(left < MILLI as i64, "{left}");
        }
    }

    #[test]
    fn what_may_be_the_networks_is_let_be_and_a_slew_ends_by_itself() {
        let mut slew = Slew::new();
        slew.set(SECOND, 40);
        slew.steer(2 * SECOND, 140, 100, true);
        assert_eq!(slew.at(10 * SECOND), 40);
        slew.steer(2 * SECOND, 400_040, 100, true);
        assert_eq!(slew.at(2 * SECOND), 40);
        assert_eq!(slew.at(2 * SECOND + SECOND / 2), 200_040);
        assert_eq!((slew.at(3 * SECOND), slew.at(60 * SECOND)), (400_040, 400_040));
    }

    proptest! {
        #[test]
        fn the_clock_goes_forward_and_never_by_more_than_its_rate(
            steers in prop::collection::vec((1..5 * SECOND, any::<i64>(), any::<u32>(), any::<bool>()), 1..20),
        ) {
            let mut slew = Slew::new();
            let mut now = SECOND;
            for (wait, offset, uncertainty, is_measured) in steers {
                slew.steer(now, offset, u64::from(uncertainty), is_measured);
                let (before, after) = (slew.at(now), slew.at(now + wait));
                let most = wait as i64 / if is_measured { 2_000 } else { 20 } + 1;
                prop_assert!((after - before).abs() <= most, "{} in {wait}", after - before);
                now += wait;
            }
        }
    }
}
