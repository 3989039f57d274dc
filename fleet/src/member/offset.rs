//! How far the leader's clock is from ours, from the round trips of exchanges.
//!
//! As NTP does it (RFC 5905, 10): the answer carries the leader's time, which was read somewhere between sending and
//! receiving, so that half the round trip is the most by which the middle can be wrong. The best of the last samples is
//! the one that is least wrong, older ones getting worse by what clocks of machines drift apart.

use std::collections::VecDeque;

/// Samples that are looked at: at two exchanges a second, the last 32 seconds.
const SAMPLES: usize = 64;
/// What two clocks may drift apart, parts per million (RFC 5905 reckons with 15 for one clock).
const DRIFT_PPM: u64 = 30;

/// The leader's clock as seen from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockEstimate {
    /// The leader's clock minus ours, nanoseconds; `None` before the first answer.
    pub offset_ns: Option<i64>,
    /// How wrong that can be, nanoseconds.
    pub uncertainty_ns: u64,
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

/// The last samples.
#[derive(Debug, Default)]
pub(super) struct Offset {
    samples: VecDeque<Sample>,
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
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            received,
            offset,
            half: round_trip.div_ceil(2),
        });
    }

    /// The best estimate at this instant of our clock.
    pub(super) fn estimate(&self, now: u64) -> ClockEstimate {
        self.samples
            .iter()
            .map(|sample| {
                let age = now.saturating_sub(sample.received);
                let drift = u128::from(age) * u128::from(DRIFT_PPM) / 1_000_000;
                let drift = u64::try_from(drift).unwrap_or(u64::MAX);
                (sample.half.saturating_add(drift), sample.offset)
            })
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
