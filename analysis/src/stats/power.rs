//! Power of a test: what so many runs can tell, and how many would decide.
//!
//! Sources: NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.2.2, "Sample sizes required", for the smallest difference that
//! is told with a given probability; Spiegelhalter, Abrams and Myles, *Bayesian Approaches to Clinical Trials and Health-Care
//! Evaluation*, 6.5.3, for the probability that further runs decide, given those that there are: neither the difference nor
//! the spread is taken to be what it looks like.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{Estimate, Interval, student};

/// More runs a side than this are not looked for: nobody makes them.
pub const MOST_RUNS: u32 = 1_000;

/// Probability that the runs decide.
pub const POWER: f64 = 0.8;

/// Quantiles at which the unknown spread is taken: the middles of so many equal parts.
const SPREADS: usize = 16;

/// How the runs belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Turns, with an order term.
    Turns,
    /// Two groups.
    Groups,
}

/// What the runs that there are say of a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// How they belong together.
    pub layout: Layout,
    /// Runs a side; of unequal sides, of two equal ones that would know as much.
    pub runs: f64,
    /// The difference and its error.
    pub estimate: Estimate,
}

/// The smallest difference that is found with probability [`POWER`] at this alpha (two-sided), on the scale of the estimate.
pub fn detectable(estimate: &Estimate, alpha: f64) -> f64 {
    let t = student::quantile(1.0 - alpha / 2.0, estimate.freedom) + student::quantile(POWER, estimate.freedom);
    t * estimate.standard_error
}

impl Known {
    /// Turns that are yet to be made, at this spread of single runs: each difference has the error of two. `None` of fewer than
    /// three, of which nothing is left beside the difference and the order.
    pub fn of_turns(spread: f64, turns: u32) -> Option<Self> {
        let freedom = f64::from(turns.checked_sub(2).filter(|freedom| *freedom > 0)?);
        Some(Known {
            layout: Layout::Turns,
            runs: f64::from(turns),
            estimate: Estimate {
                value: 0.0,
                standard_error: spread * (2.0 / f64::from(turns)).sqrt(),
                freedom,
            },
        })
    }

    /// The spread that the error of so many runs rests on: of one group, or of the turns' differences.
    pub fn spread(&self) -> f64 {
        self.estimate.standard_error * (self.runs / self.parts()).sqrt()
    }

    /// How the error of a difference is made of one run's.
    fn parts(&self) -> f64 {
        match self.layout {
            Layout::Turns => 1.0,
            Layout::Groups => 2.0,
        }
    }

    /// Standard error and degrees of freedom that so many runs a side have at this spread.
    fn error(&self, runs: f64, spread: f64) -> (f64, f64) {
        let freedom = match self.layout {
            Layout::Turns => runs - 2.0,
            Layout::Groups => 2.0 * (runs - 1.0),
        };
        (spread * (self.parts() / runs).sqrt(), freedom)
    }

    /// Runs a side that tell this difference from none with probability [`POWER`]; `None` when they are more than
    /// [`MOST_RUNS`].
    pub fn runs_to_detect(&self, difference: f64, alpha: f64) -> Option<u32> {
        let spread = self.spread();
        fewest(|runs| {
            let (standard_error, freedom) = self.error(f64::from(runs), spread);
            let estimate = Estimate {
                standard_error,
                freedom,
                ..self.estimate
            };
            freedom >= 1.0 && detectable(&estimate, alpha) <= difference
        })
    }

    /// More runs a side until it is decided with probability [`POWER`]. What decides depends on the error that is reached:
    /// `deciding` gives, for its degrees of freedom and then for a standard error, the estimates that do, as intervals that do
    /// not overlap. `None` when more than [`MOST_RUNS`] would be needed.
    pub fn more_runs<const N: usize, D: Fn(f64) -> [Interval; N]>(&self, deciding: impl Fn(f64) -> D) -> Option<u32> {
        let freedom = self.estimate.freedom;
        if !(self.estimate.standard_error > 0.0 && self.spread().is_finite() && freedom.is_finite() && freedom > 0.0) {
            return None;
        }
        // With so many degrees of freedom, the spread is known to this factor.
        let distribution = ChiSquared::new(freedom).ok()?;
        let spreads: Vec<f64> = (0..SPREADS)
            .map(|part| distribution.inverse_cdf((part as f64 + 0.5) / SPREADS as f64))
            .map(|quantile| self.spread() * (freedom / quantile).sqrt())
            .collect();
        let probability = |more: f64| -> f64 {
            let runs = self.runs + more;
            let deciding = deciding(self.error(runs, 1.0).1.max(1.0));
            let decided = spreads.iter().map(|spread| {
                let (error, _) = self.error(runs, *spread);
                // Where the estimate will be, seen from where it is: the further runs scatter around a truth that is known no
                // better than the runs so far tell it.
                let scatter = spread * (self.parts() * more / (self.runs * runs)).sqrt();
                let below = |value: f64| 1.0 - student::above((value - self.estimate.value) / scatter, f64::INFINITY);
                let inside = |part: &Interval| (below(part.high) - below(part.low)).max(0.0);
                deciding(error).iter().map(inside).sum::<f64>()
            });
            decided.sum::<f64>() / spreads.len() as f64
        };
        fewest(|more| probability(f64::from(more)) >= POWER)
    }
}

/// The smallest number up to [`MOST_RUNS`] that is enough, of what is enough from some number on.
fn fewest(enough: impl Fn(u32) -> bool) -> Option<u32> {
    if !enough(MOST_RUNS) {
        return None;
    }
    let (mut few, mut many) = (0, MOST_RUNS);
    while many - few > 1 {
        let middle = few + (many - few) / 2;
        if enough(middle) {
            many = middle;
        } else {
            few = middle;
        }
    }
    Some(many)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(layout: Layout, runs: f64, value: f64, spread: f64) -> Known {
        let parts = if layout == Layout::Turns { 1.0 } else { 2.0_f64 };
        let freedom = if layout == Layout::Turns {
            runs - 2.0
        } else {
            2.0 * runs - 2.0
        };
        let estimate = Estimate {
            value,
            standard_error: spread * (parts / runs).sqrt(),
            freedom,
        };
        Known { layout, runs, estimate }
    }

    #[test]
    fn textbook_sizes() {
        // Two groups, 80 %, 5 %, a difference of one spread: 17 a group (16 by Lehr's rule of thumb); half: 64; pairs: 10, and
        // one more for the order.
        let groups = known(Layout::Groups, 5.0, 0.0, 1.0);
        assert_eq!(groups.runs_to_detect(1.0, 0.05), Some(17));
        assert_eq!(groups.runs_to_detect(0.5, 0.05), Some(64));
        let turns = known(Layout::Turns, 5.0, 0.0, 1.0);
        assert_eq!(turns.runs_to_detect(1.0, 0.05), Some(11));
        assert_eq!(groups.runs_to_detect(0.001, 0.05), None);
        // And back.
        let seventeen = known(Layout::Groups, 17.0, 0.0, 1.0).estimate;
        assert!((0.9..=1.0).contains(&detectable(&seventeen, 0.05)));
    }

    #[test]
    fn more_are_needed_where_less_is_known() {
        let away_from_zero = |freedom: f64| {
            let t = student::quantile(0.975, freedom);
            move |error: f64| {
                [
                    Interval {
                        low: f64::NEG_INFINITY,
                        high: -t * error,
                    },
                    Interval {
                        low: t * error,
                        high: f64::INFINITY,
                    },
                ]
            }
        };
        let mut before = 0;
        for spread in [0.01, 0.02, 0.04, 0.08] {
            let more = known(Layout::Groups, 5.0, 0.03, spread)
                .more_runs(away_from_zero)
                .unwrap();
            assert!(more >= before.max(1), "{more} after {before}");
            before = more;
        }
        assert!(before > 30, "{before}");
        // Nothing to be seen: the truth may still be elsewhere, and that takes many.
        let nothing = known(Layout::Groups, 5.0, 0.0, 0.03).more_runs(away_from_zero);
        assert!(nothing.is_none_or(|more| more > 20), "{nothing:?}");
        assert_eq!(known(Layout::Groups, 5.0, 0.03, 0.0).more_runs(away_from_zero), None);
    }
}
