//! Scrapes of the page: when it was read, and how long until it will be again.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How many are kept: enough to hold a whole round of several scrapers.
const KEPT: usize = 8;

/// When the page was last taken by Prometheus, or by a collector that scrapes as it does: whoever says how long it waits. The
/// instants are those at which what was taken was true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrapes {
    recent: VecDeque<Instant>,
}

impl Scrapes {
    /// The last time.
    pub fn last(&self) -> Option<Instant> {
        self.recent.back().copied()
    }

    /// The longest time without a scrape among the last few, when there were two: two replicas of Prometheus may come within
    /// a moment of each other, and then not for a whole interval.
    pub fn interval(&self) -> Option<Duration> {
        let pairs = self.recent.iter().zip(self.recent.iter().skip(1));
        pairs.map(|(one, next)| next.saturating_duration_since(*one)).max()
    }

    /// One more, of `at`; those that are sent at the same time need not end in order.
    pub fn add(&mut self, at: Instant) {
        let place = self.recent.partition_point(|other| *other <= at);
        self.recent.insert(place, at);
        if self.recent.len() > KEPT {
            self.recent.pop_front();
        }
    }
}

impl FromIterator<Instant> for Scrapes {
    fn from_iter<I: IntoIterator<Item = Instant>>(instants: I) -> Self {
        let mut scrapes = Scrapes::default();
        for at in instants {
            scrapes.add(at);
        }
        scrapes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whoever waits twice the interval sees a scrape, however many scrape and however their instants lie.
        #[test]
        fn twice_the_interval_holds_a_scrape(
            offsets in proptest::collection::btree_set(0_u64..15_000, 1..6),
            finished in 30_000_u64..60_000,
        ) {
            let begin = Instant::now();
            let all = (0..10).flat_map(|round| offsets.iter().map(move |offset| round * 15_000 + offset));
            let (before, after): (Vec<u64>, Vec<u64>) = all.partition(|at| *at < finished);
            let scrapes: Scrapes = before.iter().map(|at| begin + Duration::from_millis(*at)).collect();
            let limit = scrapes.interval().unwrap() * 2;
            prop_assert!(Duration::from_millis(after[0] - finished) <= limit);
            prop_assert!(limit <= Duration::from_secs(30));
        }
    }

    #[test]
    fn the_last_is_the_latest_whichever_ended_last() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let scrapes: Scrapes = [at(0), at(15), at(31), at(30)].into_iter().collect();
        assert_eq!(scrapes.last(), Some(at(31)));
        assert_eq!(scrapes.interval(), Some(Duration::from_secs(15)));
        assert_eq!(Scrapes::from_iter([at(3)]).interval(), None);
        // Long ago it was scraped once a minute.
        let sooner: Scrapes = [0, 60, 120].into_iter().chain((125..=160).step_by(5)).map(at).collect();
        assert_eq!(sooner.interval(), Some(Duration::from_secs(5)));
    }
}
