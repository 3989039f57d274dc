//! Clock offset, how far the leader's clock is from ours, from the round trips of exchanges.
//!
//! As NTP does it (RFC 5905, 10): the answer carries the leader's time, which was read somewhere between sending and
//! receiving, so that half the round trip is the most by which the middle can be wrong. The best of the last samples is
//! the one that is least wrong, older ones getting worse by what clocks of machines drift apart.
//!
//! Where two samples cannot both be true, one of the clocks was stepped in between, or slewed faster than clocks drift: a
//! machine that was paused, or whose time was set right. Then what is older is of another clock and is forgotten, and how
//! far it was off is told.

use std::collections::VecDeque;

use crate::limits::DRIFT_PPM;

/// Samples that are looked at: at two exchanges a second, the last 32 seconds.
const SAMPLES: usize = 64;

/// The leader's clock as seen from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockEstimate {
    /// The leader's clock minus ours, nanoseconds; `None` before the first answer.
    pub offset_ns: Option<i64>,
    /// How wrong that can be, nanoseconds.
    pub uncertainty_ns: u64,
}

/// The leader's clock as it was when instants were told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToldClock {
    pub(crate) estimate: ClockEstimate,
    /// What was added to the instants, nanoseconds.
    pub(crate) used_ns: i64,
    /// The largest step that was found since something was told, nanoseconds; 0 for none.
    pub(crate) step_ns: u64,
}

impl ClockEstimate {
    /// Both are the same clock.
    pub const SAME: ClockEstimate = ClockEstimate {
        offset_ns: Some(0),
        uncertainty_ns: 0,
    };

    /// What to add to our instants, nanoseconds: the offset where it is larger than its uncertainty. A smaller one may
    /// be nothing but the network's, and correcting by it would only add noise.
    pub fn to_leader_ns(&self) -> i64 {
        self.offset_ns
            .filter(|offset| offset.unsigned_abs() > self.uncertainty_ns)
            .unwrap_or(0)
    }
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    received: u64,
    offset: i64,
    half: u64,
}

impl Sample {
    /// How wrong it can be at an instant of our clock.
    fn uncertainty(&self, now: u64) -> u64 {
        let age = now.saturating_sub(self.received);
        let drift = u128::from(age) * u128::from(DRIFT_PPM) / 1_000_000;
        self.half.saturating_add(u64::try_from(drift).unwrap_or(u64::MAX))
    }

    /// Whether the clocks cannot have stood to each other as both samples say.
    fn contradicts(&self, newer: &Sample) -> bool {
        let room = self.uncertainty(newer.received).saturating_add(newer.half);
        self.offset.abs_diff(newer.offset) > room
    }
}

/// The last samples.
#[derive(Debug, Default)]
pub(super) struct Offset {
    samples: VecDeque<Sample>,
    /// The largest step since it was asked for.
    step: u64,
}

impl Offset {
    /// Takes one round trip: our clock when the request was sent and when the answer came, and the leader's in between.
    pub(super) fn sample(&mut self, sent: u64, received: u64, leader: u64) {
        // A clock that was set back in between tells nothing.
        let Some(round_trip) = received.checked_sub(sent) else {
            return;
        };
        let middle = i128::from(sent) + i128::from(round_trip / 2);
        let Ok(offset) = i64::try_from(i128::from(leader) - middle) else {
            return;
        };
        let sample = Sample {
            received,
            offset,
            half: round_trip.div_ceil(2),
        };
        if self.samples.iter().any(|older| older.contradicts(&sample)) {
            let before = self.estimate(received).offset_ns.unwrap_or(offset);
            self.step = self.step.max(before.abs_diff(offset));
            self.samples.clear();
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The largest step since the last call, nanoseconds; 0 for none.
    pub(super) fn take_step(&mut self) -> u64 {
        std::mem::take(&mut self.step)
    }

    /// The best estimate at this instant of our clock.
    pub(super) fn estimate(&self, now: u64) -> ClockEstimate {
        self.samples
            .iter()
            .map(|sample| (sample.uncertainty(now), sample.offset))
            .min_by_key(|(uncertainty, _)| *uncertainty)
            .map_or_else(ClockEstimate::default, |(uncertainty_ns, offset)| ClockEstimate {
                offset_ns: Some(offset),
                uncertainty_ns,
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    proptest! {
        #[test]
        fn the_truth_is_within_the_uncertainty(
            truth in -10 * SECOND as i64..10 * SECOND as i64,
            trips in prop::collection::vec((0..SECOND / 2, 0..SECOND / 2), 1..100),
        ) {
            let mut offset = Offset::default();
            let mut now = 1_000 * SECOND;
            for (there, back) in trips {
                let leader = (now + there).checked_add_signed(truth).unwrap();
                offset.sample(now, now + there + back, leader);
                now += SECOND;
            }
            let estimate = offset.estimate(now);
            let wrong = estimate.offset_ns.unwrap().abs_diff(truth);
            prop_assert!(wrong <= estimate.uncertainty_ns, "{wrong} > {}", estimate.uncertainty_ns);
        }

        #[test]
        fn any_clocks_are_taken(trips: Vec<(u64, u64, u64)>, now: u64) {
            let mut offset = Offset::default();
            for (sent, received, leader) in trips {
                offset.sample(sent, received, leader);
            }
            offset.estimate(now).to_leader_ns();
        }
    }

    #[test]
    fn the_shortest_round_trip_counts_and_ages() {
        let mut offset = Offset::default();
        offset.sample(0, 2_000_000, 5_000_000);
        offset.sample(SECOND, SECOND + 100_000, SECOND + 4_050_000);
        let estimate = offset.estimate(SECOND + 100_000);
        assert_eq!(estimate.offset_ns, Some(4_000_000));
        assert_eq!(estimate.uncertainty_ns, 50_000);
        assert_eq!(offset.estimate(2 * SECOND + 100_000).uncertainty_ns, 80_000);
    }

    /// Samples of half a second each: our clock, the leader's less ours, and half of the round trip.
    fn sample(offset: &mut Offset, at: u64, truth: i64, half: u64) {
        let leader = (at + half).checked_add_signed(truth).unwrap();
        offset.sample(at, at + 2 * half, leader);
    }

    #[test]
    fn a_step_is_seen_with_the_first_sample_after_it() {
        const STEP: i64 = 300_000_000;
        let mut offset = Offset::default();
        for n in 0..64 {
            sample(&mut offset, n * SECOND / 2, 0, 60_000);
        }
        assert_eq!(
            (offset.estimate(32 * SECOND).offset_ns, offset.take_step()),
            (Some(0), 0)
        );
        for n in 64..94 {
            sample(&mut offset, n * SECOND / 2, STEP, 80_000);
            let estimate = offset.estimate(n * SECOND / 2 + 160_000);
            assert_eq!((estimate.offset_ns, estimate.uncertainty_ns), (Some(STEP), 80_000));
        }
        // Told once, with its size.
        assert_eq!((offset.take_step(), offset.take_step()), (STEP as u64, 0));
        // And back again, which is as large.
        sample(&mut offset, 47 * SECOND, 0, 80_000);
        assert_eq!(
            (offset.estimate(48 * SECOND).offset_ns, offset.take_step()),
            (Some(0), STEP as u64)
        );
    }

    #[test]
    fn clocks_that_drift_within_bounds_do_not_step_and_such_as_are_slewed_do() {
        for (ppm, steps) in [(30, false), (-30, false), (200, true), (-500, true)] {
            let mut offset = Offset::default();
            let mut told = false;
            for n in 0..200 {
                let truth = n * 500 * ppm;
                sample(&mut offset, n as u64 * SECOND / 2, truth, 50_000);
                let estimate = offset.estimate(n as u64 * SECOND / 2 + 100_000);
                let wrong = estimate.offset_ns.unwrap().abs_diff(truth);
                // Half a round trip of both samples, and a half second's drift.
                assert!(wrong <= 400_000, "{ppm} ppm: {wrong}");
                told |= offset.take_step() > 0;
            }
            assert_eq!(told, steps, "{ppm} ppm");
        }
    }

    #[test]
    fn a_late_answer_contradicts_nothing() {
        let mut offset = Offset::default();
        sample(&mut offset, 0, 5, 60_000);
        // All of the delay on one way: the middle is wrong by half of it, and that is what it says of itself.
        offset.sample(SECOND, 3 * SECOND, SECOND + 5);
        assert_eq!(
            (offset.take_step(), offset.estimate(3 * SECOND).offset_ns),
            (0, Some(5))
        );
    }

    #[test]
    fn an_offset_within_its_uncertainty_is_not_corrected() {
        let estimate = |offset, uncertainty_ns| ClockEstimate {
            offset_ns: Some(offset),
            uncertainty_ns,
        };
        assert_eq!(estimate(-50, 50).to_leader_ns(), 0);
        assert_eq!(estimate(-51, 50).to_leader_ns(), -51);
        assert_eq!(ClockEstimate::default().to_leader_ns(), 0);
        assert_eq!(ClockEstimate::SAME.to_leader_ns(), 0);
    }
}
