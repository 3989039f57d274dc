//! Estimate of a difference: how wrong it can be, and what follows: interval, p, equivalence.
//!
//! Sources: Student (1908) for pairs; Welch (1947), "The generalization of 'Student's' problem when several different
//! population variances are involved", Biometrika 34, with the degrees of freedom of Satterthwaite (1946), Biometrics
//! Bulletin 2, for two groups; Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, for equivalence by two one-sided tests.

use serde::{Deserialize, Serialize};

use super::{mean, student, variance};

/// From and to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// From its lower end to its upper one.
    pub fn new(low: f64, high: f64) -> Self {
        Interval { low, high }
    }

    /// Whether the value lies in it, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Whether it lies in the other one, ends included.
    pub fn lies_within(&self, outer: &Interval) -> bool {
        outer.low <= self.low && self.high <= outer.high
    }

    /// Both ends through a rising function.
    pub fn map(self, rising: impl Fn(f64) -> f64) -> Interval {
        Interval::new(rising(self.low), rising(self.high))
    }
}

/// An estimated difference. Its error is t-distributed with these degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The difference.
    pub value: f64,
    /// Its standard error, 0 or more.
    pub standard_error: f64,
    /// Degrees of freedom of the standard error.
    pub freedom: f64,
}

impl Estimate {
    /// From differences of pairs; `None` of fewer than two.
    pub fn paired(differences: &[f64]) -> Option<Self> {
        let count = differences.len() as f64;
        Some(Estimate {
            value: mean(differences),
            standard_error: (variance(differences)? / count).sqrt(),
            freedom: count - 1.0,
        })
    }

    /// From differences of turns in which now the one and now the other came first: what comes of the place in the turn, such
    /// as drift, is the same in all turns and drops out (a cross-over with an order term). `None` where either order is missing,
    /// or of fewer than three turns.
    ///
    /// Source: Jones and Kenward, *Design and Analysis of Cross-Over Trials* (3rd ed.), 2.3.
    pub fn turns(differences: &[f64], came_first: &[bool]) -> Option<Self> {
        let of_order = |order: bool| -> Vec<f64> {
            let both = differences.iter().zip(came_first);
            both.filter(|(_, first)| **first == order)
                .map(|(difference, _)| *difference)
                .collect()
        };
        let (one, other) = (of_order(true), of_order(false));
        let freedom = differences.len() as f64 - 2.0;
        if one.is_empty() || other.is_empty() || freedom < 1.0 {
            return None;
        }
        let squares = |values: &[f64]| variance(values).unwrap_or(0.0) * (values.len() as f64 - 1.0);
        let variance = (squares(&one) + squares(&other)) / freedom;
        Some(Estimate {
            value: (mean(&one) + mean(&other)) / 2.0,
            standard_error: (variance * (1.0 / one.len() as f64 + 1.0 / other.len() as f64)).sqrt() / 2.0,
            freedom,
        })
    }

    /// From differences of pairs: with an order term where both orders occur often enough ([`Estimate::turns`]), which the
    /// second value says, else without. `None` of fewer than two.
    pub fn of_pairs(differences: &[f64], came_first: &[bool]) -> Option<(Self, bool)> {
        match Estimate::turns(differences, came_first) {
            Some(estimate) => Some((estimate, true)),
            None => Some((Estimate::paired(differences)?, false)),
        }
    }

    /// Mean of the second group minus that of the first, each with a spread of its own; `None` when one has fewer than
    /// two values.
    pub fn welch(first: &[f64], second: &[f64]) -> Option<Self> {
        let (a, b) = (first.len() as f64, second.len() as f64);
        let (error_a, error_b) = (variance(first)? / a, variance(second)? / b);
        let value = mean(second) - mean(first);
        let within = [(error_a, a - 1.0), (error_b, b - 1.0)];
        Some(Estimate::of_variances(value, &within))
    }

    /// As [`Estimate::welch`]; but where one group is smaller, a spread of it that is less than the other's is pooled with it.
    /// Of three values the spread is often far too small by chance, and Welch's test then finds a difference in 3 against 10
    /// values in 7.5 % of the cases instead of 5 %. A smaller group that is the wilder one stays so.
    pub fn groups(first: &[f64], second: &[f64]) -> Option<Self> {
        let (few, many) = if first.len() <= second.len() {
            (first, second)
        } else {
            (second, first)
        };
        let (of_few, of_many) = (variance(few)?, variance(many)?);
        if few.len() == many.len() || of_few >= of_many {
            return Estimate::welch(first, second);
        }
        let (a, b) = (few.len() as f64, many.len() as f64);
        let (freedom, other) = (a - 1.0, b - 1.0);
        let weight = 1.0 / (a * (freedom + other));
        let parts = [
            (freedom * weight * of_few, freedom),
            ((other * weight + 1.0 / b) * of_many, other),
        ];
        Some(Estimate::of_variances(mean(second) - mean(first), &parts))
    }

    /// The same where one group has a single value: its spread is taken to be the other's. `None` when both have, or one is
    /// empty.
    pub fn pooled(first: &[f64], second: &[f64]) -> Option<Self> {
        let (a, b) = (first.len() as f64, second.len() as f64);
        let freedom = a + b - 2.0;
        if first.is_empty() || second.is_empty() || freedom < 1.0 {
            return None;
        }
        let squares = variance(first).unwrap_or(0.0) * (a - 1.0) + variance(second).unwrap_or(0.0) * (b - 1.0);
        Some(Estimate {
            value: mean(second) - mean(first),
            standard_error: (squares / freedom * (1.0 / a + 1.0 / b)).sqrt(),
            freedom,
        })
    }

    /// A value whose error is the sum of independent ones, each given as its variance and the degrees of freedom that it
    /// was estimated with (Welch–Satterthwaite).
    pub fn of_variances(value: f64, parts: &[(f64, f64)]) -> Self {
        let total: f64 = parts.iter().map(|(variance, _)| variance).sum();
        let fourth: f64 = parts
            .iter()
            .map(|(variance, freedom)| variance * variance / freedom)
            .sum();
        let freedom = if fourth > 0.0 {
            total * total / fourth
        } else {
            // No spread at all: there is nothing to weigh by.
            parts.iter().map(|(_, freedom)| freedom).sum()
        };
        Estimate {
            value,
            standard_error: total.sqrt(),
            freedom,
        }
    }

    /// The interval that holds the true difference with this confidence, 0 to 1.
    pub fn interval(&self, confidence: f64) -> Interval {
        // A t of many thousand times no error is no error.
        let reach = if self.standard_error > 0.0 {
            student::quantile(0.5 + confidence / 2.0, self.freedom) * self.standard_error
        } else {
            0.0
        };
        Interval::new(self.value - reach, self.value + reach)
    }

    /// The probability of an estimate at least as far from zero if the true difference is zero; two-sided.
    pub fn p_value(&self) -> f64 {
        (2.0 * self.tail(self.value.abs())).min(1.0)
    }

    /// The probability of an estimate as well inside if the true difference lies outside of the margin (TOST): the larger of
    /// the two one-sided p.
    pub fn equivalence_p_value(&self, margin: &Interval) -> f64 {
        self.tail(self.value - margin.low)
            .max(self.tail(margin.high - self.value))
    }

    /// The probability of an error of at least this distance to one side.
    fn tail(&self, distance: f64) -> f64 {
        if self.standard_error > 0.0 {
            student::above(distance / self.standard_error, self.freedom)
        } else if distance > 0.0 {
            0.0
        } else {
            1.0
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-6 * expected.abs().max(1e-3),
            "{found} for {expected}"
        );
    }

    #[test]
    fn pairs_are_students_sleep_data() {
        // Student (1908): additional hours of sleep by two drugs in ten patients; t = 4.0621, p = 0.002833 in every
        // textbook.
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let differences: Vec<_> = first.iter().zip(second).map(|(a, b)| b - a).collect();
        let paired = Estimate::paired(&differences).unwrap();
        close(paired.value, 1.58);
        assert!((paired.value / paired.standard_error - 4.0621).abs() < 5e-5);
        assert!((paired.p_value() - 0.002833).abs() < 5e-7);
        let interval = paired.interval(0.95);
        assert!((interval.low - 0.7001142).abs() < 5e-7 && (interval.high - 2.4598858).abs() < 5e-7);
        // The same as groups: t = 1.8608, df = 17.776, p = 0.07939.
        let welch = Estimate::welch(&first, &second).unwrap();
        assert!((welch.value / welch.standard_error - 1.8608).abs() < 5e-5);
        assert!((welch.freedom - 17.776).abs() < 5e-4);
        assert!((welch.p_value() - 0.07939).abs() < 5e-6);
    }

    #[test]
    fn what_the_place_in_a_turn_makes_drops_out() {
        // A difference of 1, and 5 more for whoever comes second.
        let (differences, first) = (
            [6.0, -4.1, 6.1, -4.0, 5.9, -3.9],
            [true, false, true, false, true, false],
        );
        let turns = Estimate::turns(&differences, &first).unwrap();
        close(turns.value, 1.0);
        assert_eq!(turns.freedom, 4.0);
        // Two groups of three with variance 0.01: sqrt(0.01 × 2/3) ÷ 2.
        close(turns.standard_error, (0.01_f64 * 2.0 / 3.0).sqrt() / 2.0);
        // Without an order it is taken for spread.
        assert!(Estimate::paired(&differences).unwrap().standard_error > 2.0);
        let odd = Estimate::turns(&differences[..5], &first[..5]).unwrap();
        close(odd.value, (6.0 - 4.05) / 2.0);
        assert_eq!(Estimate::turns(&differences[..2], &first[..2]), None);
        assert_eq!(Estimate::turns(&differences, &[true; 6]), None);
    }

    #[test]
    fn too_few_values_have_no_estimate() {
        assert_eq!(Estimate::paired(&[1.0]), None);
        assert_eq!(Estimate::welch(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(Estimate::pooled(&[1.0], &[2.0]), None);
        assert_eq!(Estimate::pooled(&[], &[2.0, 3.0, 4.0]), None);
        let pooled = Estimate::pooled(&[1.0], &[2.0, 4.0]).unwrap();
        assert_eq!((pooled.value, pooled.freedom), (2.0, 1.0));
        close(pooled.standard_error, (2.0_f64 * 1.5).sqrt());
    }

    #[test]
    fn a_small_group_is_not_taken_to_be_quieter_than_a_large_one() {
        let (few, many) = ([1.0, 1.01], [1.0, 2.0, 3.0, 4.0]);
        let (found, welch) = (
            Estimate::groups(&few, &many).unwrap(),
            Estimate::welch(&few, &many).unwrap(),
        );
        assert_eq!(found.value, welch.value);
        // Pooled: (0.00005 + 3 × 1.6667) ÷ 4 for the two, 1.6667 for the four.
        close(
            found.standard_error.powi(2),
            (0.00005 + 5.0) / 4.0 / 2.0 + 5.0 / 3.0 / 4.0,
        );
        let back = Estimate::groups(&many, &few).unwrap();
        close(back.standard_error, found.standard_error);
        assert_eq!(back.value, -found.value);
        // The wilder one stays wild, and equal numbers are Welch's.
        let (wild, calm) = ([1.0, 9.0], [1.0, 1.1, 1.2]);
        assert_eq!(Estimate::groups(&wild, &calm), Estimate::welch(&wild, &calm));
        assert_eq!(Estimate::groups(&few, &wild), Estimate::welch(&few, &wild));
        assert_eq!(Estimate::groups(&[1.0], &many), None);
    }

    #[test]
    fn without_any_spread_the_difference_is_exact() {
        let same = Estimate::welch(&[5.0, 5.0], &[5.0, 5.0]).unwrap();
        assert_eq!(same.interval(0.95), Interval { low: 0.0, high: 0.0 });
        assert_eq!((same.p_value(), same.freedom), (1.0, 2.0));
        let other = Estimate::welch(&[5.0, 5.0], &[6.0, 6.0]).unwrap();
        assert_eq!(other.interval(0.95), Interval { low: 1.0, high: 1.0 });
        assert_eq!(other.p_value(), 0.0);
        assert_eq!(other.equivalence_p_value(&Interval { low: -2.0, high: 2.0 }), 0.0);
        assert_eq!(other.equivalence_p_value(&Interval { low: -0.5, high: 0.5 }), 1.0);
    }

    proptest! {
        #[test]
        fn interval_and_p_decide_alike(
            a in prop::collection::vec(-1.0_f64..1.0, 2..8),
            b in prop::collection::vec(-0.5_f64..1.5, 2..8),
            alpha in 0.005_f64..0.3,
        ) {
            let estimate = Estimate::welch(&a, &b).unwrap();
            // At the border itself the last digit decides.
            prop_assume!((estimate.p_value() - alpha).abs() > 1e-6);
            prop_assert_eq!(estimate.p_value() > alpha, estimate.interval(1.0 - alpha).contains(0.0));
        }

        #[test]
        fn equivalence_is_the_interval_inside(
            a in prop::collection::vec(-1.0_f64..1.0, 2..8),
            margin in 0.05_f64..2.0,
            alpha in 0.005_f64..0.3,
        ) {
            let estimate = Estimate::paired(&a).unwrap();
            let margin = Interval { low: -margin, high: margin };
            let p = estimate.equivalence_p_value(&margin);
            prop_assume!((p - alpha).abs() > 1e-6);
            prop_assert_eq!(p <= alpha, estimate.interval(1.0 - 2.0 * alpha).lies_within(&margin));
        }

        #[test]
        fn swapped_groups_swap_the_sign(
            a in prop::collection::vec(-1.0_f64..1.0, 2..8),
            b in prop::collection::vec(-1.0_f64..1.0, 2..8),
        ) {
            let (there, back) = (Estimate::welch(&a, &b).unwrap(), Estimate::welch(&b, &a).unwrap());
            prop_assert!((there.value + back.value).abs() < 1e-12);
            prop_assert!((there.standard_error - back.standard_error).abs() < 1e-12);
            prop_assert!((there.freedom - back.freedom).abs() < 1e-6);
        }
    }
}
