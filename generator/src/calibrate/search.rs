//! Search for the ceiling, which rate is tried next: up a ladder until one fails, then between the last that held and
//! the first that did not.
//!
//! A pure function of the verdicts so far. A rate that fails is tried once more before it counts as too high: on a
//! machine that is shared with others, one noisy step says nothing about the generator.

use benchmark_scenarios::Rate;

/// The rates of the ladder, starts a second; above them each is twice the one before.
const LADDER: [u64; 4] = [1_000, 2_000, 5_000, 10_000];

/// How close the highest rate that held and the lowest that did not must come, as a share of the former.
const PRECISION: f64 = 0.05;

/// How often a rate is tried before it counts as too high.
const TRIES: u32 = 2;

/// The rate below which nothing is looked for, starts a second: a generator that cannot send ten has another problem.
const LOWEST: f64 = 10.0;

/// The search for the highest rate at which the generator stays valid.
#[derive(Clone, Debug)]
pub struct Search {
    max: Rate,
    held: Option<Rate>,
    failed: Option<Rate>,
    current: Option<Rate>,
    tries: u32,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The highest rate that held; the next one that was tried did not.
    Ceiling(Rate),
    /// The highest rate that may be tried held: the ceiling is at least this.
    AtLeast(Rate),
    /// No rate held.
    Nothing,
}

impl Search {
    /// A search up to a highest rate.
    pub fn new(max: Rate) -> Self {
        let mut search = Search {
            max,
            held: None,
            failed: None,
            current: None,
            tries: 0,
        };
        search.current = search.choose();
        search
    }

    /// The rate to try now; `None` when the search is over.
    pub fn next(&self) -> Option<Rate> {
        self.current
    }

    /// Takes what trying [`Search::next`] came to.
    pub fn tell(&mut self, held: bool) {
        let Some(rate) = self.current else { return };
        self.tries += 1;
        if held {
            self.held = Some(rate);
        } else if self.tries < TRIES {
            return;
        } else {
            self.failed = Some(rate);
        }
        self.tries = 0;
        self.current = self.choose();
    }

    /// What was found so far.
    pub fn found(&self) -> Found {
        match self.held {
            Some(held) if held == self.max => Found::AtLeast(held),
            Some(held) => Found::Ceiling(held),
            None => Found::Nothing,
        }
    }

    fn choose(&self) -> Option<Rate> {
        let (held, failed) = (self.held.map(Rate::per_second), self.failed.map(Rate::per_second));
        match (held, failed) {
            (held, None) if held == Some(self.max.per_second()) => None,
            (held, None) => Some(whole(rung_above(held.unwrap_or(0.0))).map_or(self.max, |rate| rate.min(self.max))),
            (Some(held), Some(failed)) => {
                let between = readable(f64::midpoint(held, failed));
                (failed > held * (1.0 + PRECISION) && between > held && between < failed)
                    .then(|| whole(between))
                    .flatten()
            }
            (None, Some(failed)) => {
                let lower = readable(failed / 2.0);
                if lower < LOWEST { None } else { whole(lower) }
            }
        }
    }
}

/// The first rate of the ladder above one.
fn rung_above(rate: f64) -> f64 {
    match LADDER.iter().find(|rung| **rung as f64 > rate) {
        Some(rung) => *rung as f64,
        None => rate * 2.0,
    }
}

/// A rate of which people need not read every digit: three of them.
fn readable(rate: f64) -> f64 {
    let unit = 10_f64.powf((rate.log10().floor() - 2.0).max(0.0));
    (rate / unit).round() * unit
}

/// `None` when the rate is beyond what a schedule can have.
fn whole(rate: f64) -> Option<Rate> {
    // Rates are below 2⁵³ thousandths, and the cast saturates.
    Rate::from_thousandths((rate * 1000.0).round() as u64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    /// Searches against a generator that does what is told of a rate, and gives what was tried.
    fn search(max: &str, mut holds: impl FnMut(f64) -> bool) -> (Found, Vec<f64>) {
        let mut search = Search::new(rate(max));
        let mut tried = Vec::new();
        while let Some(rate) = search.next() {
            assert!(tried.len() < 100, "the search does not end: {tried:?}");
            tried.push(rate.per_second());
            search.tell(holds(rate.per_second()));
        }
        (search.found(), tried)
    }

    #[test]
    fn climbs_the_ladder_and_closes_in() {
        let (found, tried) = search("50000", |rate| rate <= 31_234.0);
        assert_eq!(tried[..6], [1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 40_000.0]);
        let Found::Ceiling(ceiling) = found else {
            panic!("{found:?}")
        };
        assert!(
            (31_234.0 / 1.05..=31_234.0).contains(&ceiling.per_second()),
            "{ceiling}: {tried:?}"
        );
    }

    #[test]
    fn finds_any_ceiling_within_its_precision() {
        for ceiling in (20..49_000).step_by(237).map(f64::from) {
            let (found, tried) = search("50000", |rate| rate <= ceiling);
            let Found::Ceiling(rate) = found else {
                panic!("{ceiling}: {found:?}")
            };
            let room = ceiling / (1.0 + PRECISION) - 1.0;
            assert!(
                (room..=ceiling).contains(&rate.per_second()),
                "{ceiling}: {rate}, {tried:?}"
            );
            assert!(tried.len() <= 24, "{ceiling}: {tried:?}");
        }
    }

    #[test]
    fn a_generator_that_holds_everything_has_at_least_the_highest_rate() {
        let (found, tried) = search("50000", |_| true);
        assert_eq!(found, Found::AtLeast(Rate::MAX));
        assert_eq!(
            tried,
            [1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 40_000.0, 50_000.0]
        );
        assert_eq!(search("300", |_| true), (Found::AtLeast(rate("300")), vec![300.0]));
    }

    #[test]
    fn one_noisy_step_is_repeated() {
        let mut noisy = true;
        let (found, tried) = search("5000", |rate| rate != 2_000.0 || !std::mem::take(&mut noisy));
        assert_eq!(found, Found::AtLeast(rate("5000")));
        assert_eq!(tried, [1_000.0, 2_000.0, 2_000.0, 5_000.0]);
    }

    #[test]
    fn goes_down_when_the_first_rate_is_too_high_and_gives_up() {
        let (found, _) = search("50000", |rate| rate <= 130.0);
        assert_eq!(found, Found::Ceiling(rate("129")));
        let (found, tried) = search("50000", |_| false);
        assert_eq!(found, Found::Nothing);
        assert_eq!(tried.last(), Some(&16.0));
        assert_eq!(search("0.1", |_| false).0, Found::Nothing);
    }
}
