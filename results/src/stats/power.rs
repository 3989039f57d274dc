//! How many runs would decide.
//!
//! Source: NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.2.2, "Sample sizes required": n such that
//! (t(1 − α/2) + t(power)) × standard error ≤ the difference to be told apart, both t with the degrees of freedom that n
//! gives. The spread is taken as known; it is an estimate, so the number is one too.

use super::student;

/// More runs a side than this are not looked for: nobody makes them.
pub const MOST_RUNS: u32 = 1_000;

/// Probability that the runs decide, if what is assumed of difference and spread is true.
pub const POWER: f64 = 0.8;

/// How the runs belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Pairs; the spread is that of the pairs' differences.
    Pairs,
    /// Two groups; the spread is that of one group.
    Groups,
}

/// Runs a side, at least two, that tell a difference from none at this alpha with probability [`POWER`]. `None` when more
/// than [`MOST_RUNS`] are needed, or when nothing can be said.
pub fn runs_needed(layout: Layout, spread: f64, difference: f64, alpha: f64) -> Option<u32> {
    if !(difference > 0.0 && spread >= 0.0 && spread.is_finite()) {
        return None;
    }
    let enough = |runs: u32| difference_told(layout, spread, runs, alpha) <= difference;
    // Both factors fall with the number of runs, so there is one border and bisection finds it.
    let (mut few, mut many) = (1, MOST_RUNS);
    if !enough(many) {
        return None;
    }
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

/// The difference that so many runs a side, at least two, tell from none at this alpha with probability [`POWER`], in the unit
/// of the spread. Of two it is a rough figure: where the spread itself is known so badly, simulations find half as much again.
pub fn difference_told(layout: Layout, spread: f64, runs: u32, alpha: f64) -> f64 {
    let count = f64::from(runs);
    let (error, freedom) = match layout {
        Layout::Pairs => (spread / count.sqrt(), count - 1.0),
        Layout::Groups => (spread * (2.0 / count).sqrt(), 2.0 * (count - 1.0)),
    };
    (student::quantile(1.0 - alpha / 2.0, freedom) + student::quantile(POWER, freedom)) * error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn textbook_sizes() {
        // Two groups, 80 %, 5 %, a difference of one spread: 17 a group (16 by Lehr's rule of thumb); half: 64; pairs: 10.
        assert_eq!(runs_needed(Layout::Groups, 1.0, 1.0, 0.05), Some(17));
        assert_eq!(runs_needed(Layout::Groups, 1.0, 0.5, 0.05), Some(64));
        assert_eq!(runs_needed(Layout::Pairs, 1.0, 1.0, 0.05), Some(10));
    }

    #[test]
    fn what_is_told_is_what_is_needed() {
        for layout in [Layout::Pairs, Layout::Groups] {
            for runs in [3, 6, 20] {
                let told = difference_told(layout, 0.1, runs, 0.025);
                assert_eq!(runs_needed(layout, 0.1, told * 1.001, 0.025), Some(runs));
                assert_eq!(runs_needed(layout, 0.1, told * 0.999, 0.025), Some(runs + 1));
            }
        }
    }

    #[test]
    fn grows_with_spread_and_with_certainty() {
        let mut before = 0;
        for spread in [0.01, 0.03, 0.05, 0.1, 0.3] {
            let runs = runs_needed(Layout::Groups, spread, 0.05, 0.05).unwrap();
            assert!(runs >= 2 && runs >= before);
            assert!(runs_needed(Layout::Groups, spread, 0.05, 0.05 / 3.0).unwrap() >= runs);
            before = runs;
        }
        assert!(before > 500);
        assert_eq!(runs_needed(Layout::Groups, 10.0, 0.01, 0.05), None);
        assert_eq!(runs_needed(Layout::Groups, f64::NAN, 0.01, 0.05), None);
        assert_eq!(runs_needed(Layout::Groups, 0.1, 0.0, 0.05), None);
        assert_eq!(runs_needed(Layout::Pairs, 0.0, 0.1, 0.05), Some(2));
    }
}
