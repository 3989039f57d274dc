//! The server's clock against ours, from what it says of workflows that we started.
//!
//! The server took a start between the instant at which we sent it and the one at which its answer was there, so its own
//! time of the start bounds the difference of the clocks from both sides. The bounds of many starts are cut with one
//! another; when nothing is left, a clock was set or has drifted, and it begins anew. F. Cristian, "Probabilistic clock
//! synchronization", Distributed Computing 3 (1989).

use super::Sampled;

/// What is known of the difference between the clocks.
#[derive(Debug, Default)]
pub struct ServerClock {
    /// Server's clock − ours, at least and at most, nanoseconds.
    bounds: Option<(i64, i64)>,
}

impl ServerClock {
    /// When a workflow ended, as an offset on our clock, from the server's times of its start and its end (offsets from the
    /// same beginning, on the server's clock). Exact to within the quickest starts' latency; never outside of what the
    /// workflow's own start allows.
    pub fn ended(&mut self, start: Sampled, started: i64, ended: i64) -> u64 {
        let (sent, answered) = (signed(start.sent), signed(start.answered));
        let own = (started - answered, started - sent);
        let (least, most) = match self.bounds {
            Some((least, most)) if least.max(own.0) <= most.min(own.1) => (least.max(own.0), most.min(own.1)),
            _ => own,
        };
        self.bounds = Some((least, most));
        let difference = least + (most - least) / 2;
        u64::try_from(ended - difference).unwrap_or(0).max(start.sent)
    }
}

fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MILLI: i64 = 1_000_000;

    fn start(sent: i64, answered: i64) -> Sampled {
        Sampled {
            n: 0,
            sent: sent.unsigned_abs(),
            answered: answered.unsigned_abs(),
        }
    }

    proptest! {
        /// Whatever the difference of the clocks and wherever within a start the server noted it: the end is told to within
        /// half of the quickest start so far, and within half of its own start at the worst.
        #[test]
        fn an_end_is_known_to_within_the_quickest_start(
            difference in -3_600_000_000_000_i64..3_600_000_000_000,
            starts in prop::collection::vec((0..60_000_i64, 2..50_i64, 0..=100_i64, 1..30_000_i64), 1..40),
        ) {
            let mut clock = ServerClock::default();
            let mut quickest = i64::MAX;
            for (sent, took, at, lasted) in starts {
                let (sent, answered) = (sent * MILLI, (sent + took) * MILLI);
                quickest = quickest.min(took * MILLI);
                let started = sent + took * MILLI * at / 100;
                let ended = started + lasted * MILLI;
                let told = clock.ended(start(sent, answered), started + difference, ended + difference);
                prop_assert!(ended.abs_diff(told as i64) <= (quickest as u64).div_ceil(2) + 1, "{told} for {ended}");
            }
        }
    }

    #[test]
    fn a_clock_that_was_set_is_learnt_anew() {
        let mut clock = ServerClock::default();
        let one = start(100 * MILLI, 104 * MILLI);
        assert_eq!(clock.ended(one, 102 * MILLI, 202 * MILLI), 202 * MILLI as u64);
        // Set ahead by an hour.
        let hour = 3_600_000 * MILLI;
        let told = clock.ended(one, 103 * MILLI + hour, 203 * MILLI + hour);
        assert_eq!(told, 202 * MILLI as u64);
    }

    #[test]
    fn nothing_ends_before_it_is_sent() {
        let mut clock = ServerClock::default();
        assert_eq!(clock.ended(start(100, 200), 150, -5_000), 100);
    }
}
