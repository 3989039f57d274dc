//! Holm's correction for several tests at once: the chance of even one false finding stays below alpha.
//!
//! Source: Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6.
//! Tests are taken from the smallest p; the i-th of m is held against alpha ÷ (m − i + 1), and after the first that fails
//! all others fail with it. The share of alpha that each was held against is kept, so that an interval of that confidence
//! says what the test said.

/// What became of one test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HolmStep {
    /// p with the correction in it: to be held against the whole alpha.
    pub adjusted: f64,
    /// The alpha that the uncorrected p was held against. An interval of confidence 1 − alpha excludes zero exactly when the
    /// test is rejected.
    pub alpha: f64,
    /// Whether it is rejected: a difference was found.
    pub rejected: bool,
}

/// Corrects the p of tests that belong together, in their order.
pub fn holm(p_values: &[f64], alpha: f64) -> Vec<HolmStep> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut steps = vec![
        HolmStep {
            adjusted: 1.0,
            alpha,
            rejected: false
        };
        p_values.len()
    ];
    let mut largest: f64 = 0.0;
    let mut failed_at = None;
    for (taken, index) in order.into_iter().enumerate() {
        let left = (p_values.len() - taken) as f64;
        largest = largest.max((p_values[index] * left).min(1.0));
        // Those after the first failure are held against what it was held against.
        let share = failed_at.unwrap_or(alpha / left);
        if p_values[index] > share {
            failed_at = Some(share);
        }
        steps[index] = HolmStep {
            adjusted: largest,
            alpha: share,
            rejected: failed_at.is_none(),
        };
    }
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn example_by_hand() {
        let steps = holm(&[0.04, 0.001, 0.02], 0.05);
        let adjusted: Vec<_> = steps.iter().map(|step| step.adjusted).collect();
        assert_eq!(adjusted, [0.04, 0.003, 0.04]);
        assert!(steps.iter().all(|step| step.rejected));
        let steps = holm(&[0.03, 0.04, 0.001], 0.05);
        assert_eq!(
            steps.iter().map(|step| step.rejected).collect::<Vec<_>>(),
            [false, false, true]
        );
        assert_eq!(
            steps.iter().map(|step| step.adjusted).collect::<Vec<_>>(),
            [0.06, 0.06, 0.003]
        );
        assert_eq!(
            steps[1].alpha, 0.025,
            "held against what the first failure was held against"
        );
    }

    #[test]
    fn one_test_needs_no_correction() {
        let steps = holm(&[0.049], 0.05);
        assert_eq!(
            (steps[0].adjusted, steps[0].alpha, steps[0].rejected),
            (0.049, 0.05, true)
        );
        assert!(holm(&[], 0.05).is_empty());
    }

    proptest! {
        #[test]
        fn the_three_ways_to_decide_agree(p_values in prop::collection::vec(0.0_f64..0.2, 1..8)) {
            for (p, step) in p_values.iter().zip(holm(&p_values, 0.05)) {
                prop_assume!((step.adjusted - 0.05).abs() > 1e-9);
                prop_assert_eq!(step.rejected, step.adjusted <= 0.05);
                prop_assert_eq!(step.rejected, *p <= step.alpha);
                prop_assert!(step.alpha <= 0.05 && step.alpha >= 0.05 / p_values.len() as f64 - 1e-12);
            }
        }
    }
}
