//! Student's t distribution: how far a mean may lie from the truth when the spread is estimated from a few values.
//!
//! Source: Student (1908), "The probable error of a mean", Biometrika 6(1). The distribution is that of `statrs`; here
//! are the two questions that are asked of it, for all input.

use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};

/// Degrees of freedom from which the normal distribution stands in: quantiles differ by less than 0.01 %.
const NORMAL_FROM: f64 = 1e5;

/// Smallest probability whose quantile is told; smaller ones count as it.
const RAREST: f64 = 1e-12;

/// Steps after which the search for a quantile ends; halving alone needs 53.
const MOST_STEPS: u32 = 60;

/// The value that a t-distributed one stays below with this probability, 0 to 1 exclusive. Fewer than one degree of
/// freedom count as one.
///
/// The inverse of [`above`] by Newton's method within bounds: `statrs` inverts the incomplete beta function by steps that leave its range in
/// the far tails.
pub fn quantile(probability: f64, freedom: f64) -> f64 {
    // By symmetry: the tail loses no digits.
    if probability < 0.5 {
        return -quantile(1.0 - probability, freedom);
    }
    let beyond = (1.0 - probability).max(RAREST);
    let Some(distribution) = bounded(freedom) else {
        return -Normal::standard().inverse_cdf(beyond);
    };
    let mut high = 1.0;
    while distribution.cdf(-high) > beyond {
        high *= 2.0;
    }
    let mut low = if high > 1.0 { high / 2.0 } else { 0.0 };
    let mut value = (low + high) / 2.0;
    for _ in 0..MOST_STEPS {
        let excess = distribution.cdf(-value) - beyond;
        if excess > 0.0 {
            low = value;
        } else {
            high = value;
        }
        let step = excess / distribution.pdf(value);
        // Newton's step where it stays between the bounds, the middle where it does not.
        let next = Some(value + step)
            .filter(|next| low < *next && *next < high)
            .unwrap_or((low + high) / 2.0);
        if (next - value).abs() <= f64::EPSILON * value {
            return next;
        }
        value = next;
    }
    value
}

/// The probability, 0 to 1, that a t-distributed value exceeds this one.
pub fn above(value: f64, freedom: f64) -> f64 {
    // The lower tail of the negated value: 1 − cdf would lose the digits of a small one.
    match bounded(freedom) {
        Some(freedom) => freedom.cdf(-value),
        None => Normal::standard().cdf(-value),
    }
}

/// The distribution; `None` where the normal one is as good.
fn bounded(freedom: f64) -> Option<StudentsT> {
    let freedom = if freedom.is_nan() { 1.0 } else { freedom.max(1.0) };
    if freedom >= NORMAL_FROM {
        return None;
    }
    StudentsT::new(0.0, 1.0, freedom).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_those_of_an_arbitrary_precision_library() {
        // mpmath 1.3 with 30 digits, by bisection of the regularised incomplete beta function.
        for (freedom, expected) in [
            (1.0, [1.37638192047, 12.7062047362, 38.188459297, 636.619248769]),
            (2.0, [1.06066017178, 4.30265272975, 7.64880393792, 31.5990545764]),
            (3.0, [0.978472312363, 3.18244630528, 4.85665727277, 12.9239786367]),
            (4.5, [0.928965568576, 2.6589123472, 3.71478345026, 7.58074049937]),
            (8.0, [0.888889517767, 2.3060041352, 3.01576183689, 5.04130543337]),
            (18.0, [0.86204866799, 2.10092204024, 2.63914481942, 3.92164582509]),
            (100.0, [0.845230424491, 1.98397151852, 2.43491902015, 3.39049131116]),
            (1000.5, [0.841980642384, 1.96233789246, 2.39801279785, 3.3002777598]),
        ] {
            for (probability, expected) in [0.8, 0.975, 1.0 - 0.05 / 6.0, 0.9995].into_iter().zip(expected) {
                let found = quantile(probability, freedom);
                assert!(
                    (found / expected - 1.0).abs() < 1e-8,
                    "{found} for {expected} at {freedom}"
                );
            }
        }
        assert!((quantile(0.975, f64::INFINITY) - 1.959963984540).abs() < 1e-9);
    }

    #[test]
    fn tails_are_those_of_an_arbitrary_precision_library() {
        for (value, freedom, both) in [
            (2.0, 4.0, 0.116116523517),
            (0.5, 8.0, 0.630536075557),
            (12.0, 8.0, 2.14386674769e-6),
            (3.3, 2.7, 0.0532421529187),
        ] {
            let found = 2.0 * above(value, freedom);
            assert!((found / both - 1.0).abs() < 1e-9, "{found} for {both}");
        }
    }

    #[test]
    fn senseless_input_has_an_answer() {
        for freedom in [f64::NAN, -3.0, 0.0, 1.0, 5.0, 99_999.0, f64::INFINITY] {
            for probability in [0.0, 1e-300, 0.5, 0.975, 1.0] {
                assert!(quantile(probability, freedom).is_finite(), "{probability} {freedom}");
            }
            for value in [0.0, 1.0, 1e300, f64::INFINITY] {
                assert!((0.0..=1.0).contains(&above(value, freedom)), "{value} {freedom}");
            }
        }
        assert!(quantile(0.0, 5.0) < -100.0 && quantile(1.0, 5.0) > 100.0);
    }

    proptest! {
        #[test]
        fn quantile_and_tail_are_inverse(probability in 0.0005_f64..0.9995, freedom in 1.0_f64..5_000.0) {
            let back = 1.0 - above(quantile(probability, freedom), freedom);
            prop_assert!((back - probability).abs() < 1e-7, "{back} for {probability} at {freedom}");
        }

        #[test]
        fn is_symmetric_and_narrows_with_freedom(probability in 0.51_f64..0.999, freedom in 1.0_f64..1_000.0) {
            let here = quantile(probability, freedom);
            prop_assert!((here + quantile(1.0 - probability, freedom)).abs() < 1e-9 * here.abs().max(1.0));
            prop_assert!(quantile(probability, freedom + 1.0) < here);
        }
    }
}
