//! Outliers: runs that lie far from the others of their side, and what would be said without them.
//!
//! Three median absolute deviations, scaled to the spread of a normal distribution: Leys et al. (2013), "Detecting outliers:
//! do not use standard deviation around the mean, use absolute deviation around the median", J. Exp. Soc. Psychol. 49. Nothing
//! is left out for it: an odd run is a run.

use super::{
    decide::{Answer, decide},
    evidence::{Evidence, Question},
};
use crate::stats::{Interval, median};

/// Values from which one can be odd: of three, any is.
const LEAST: usize = 4;

/// A median absolute deviation as a standard deviation of the normal distribution.
const TO_DEVIATION: f64 = 1.482_602_218_505_602;

const DEVIATIONS: f64 = 3.0;

/// Which runs of either side are odd, by their indices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Odd {
    pub(super) first: Vec<usize>,
    pub(super) second: Vec<usize>,
}

/// The odd runs of a question's evidence; `None` where there are none, or where it is not of several runs a side.
pub(super) fn odd(question: &Question) -> Option<Odd> {
    let (first, second): (Vec<f64>, Vec<f64>) = match &question.evidence {
        Evidence::Turns(turns) => turns.iter().map(|turn| (turn.first, turn.second)).unzip(),
        Evidence::Groups { first, second } => (first.clone(), second.clone()),
        _ => return None,
    };
    let of = |values: &[f64]| {
        let scaled: Option<Vec<_>> = values.iter().map(|value| question.metric.to_scale(*value)).collect();
        far(&scaled.unwrap_or_default(), &question.margin)
    };
    let odd = Odd {
        first: of(&first),
        second: of(&second),
    };
    (!odd.first.is_empty() || !odd.second.is_empty()).then_some(odd)
}

/// Those that lie far from the median, by more than what makes a difference at all.
fn far(values: &[f64], margin: &Interval) -> Vec<usize> {
    if values.len() < LEAST {
        return Vec::new();
    }
    let Some(middle) = median(&mut values.to_vec()) else {
        return Vec::new();
    };
    let mut deviations: Vec<_> = values.iter().map(|value| (value - middle).abs()).collect();
    let limit = DEVIATIONS * TO_DEVIATION * median(&mut deviations).unwrap_or(0.0);
    let is_odd = |value: f64| (value - middle).abs() > limit && !margin.contains(value - middle);
    (0..values.len()).filter(|at| is_odd(values[*at])).collect()
}

/// What would be said of a question among its others if its odd runs had not been. Of a turn both runs go.
pub(super) fn without(questions: &[Question], at: usize, odd: &Odd) -> Answer {
    let mut questions = questions.to_vec();
    let kept = |values: &[f64], odd: &[usize]| {
        let numbered = values.iter().enumerate();
        numbered
            .filter(|(index, _)| !odd.contains(index))
            .map(|(_, value)| *value)
            .collect()
    };
    questions[at].evidence = match &questions[at].evidence {
        Evidence::Turns(turns) => {
            let numbered = turns.iter().enumerate();
            let kept = numbered.filter(|(index, _)| !odd.first.contains(index) && !odd.second.contains(index));
            Evidence::Turns(kept.map(|(_, turn)| *turn).collect())
        }
        Evidence::Groups { first, second } => Evidence::Groups {
            first: kept(first, &odd.first),
            second: kept(second, &odd.second),
        },
        other => other.clone(),
    };
    decide(&questions).swap_remove(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Interval = Interval { low: -0.03, high: 0.03 };

    #[test]
    fn what_lies_far_from_the_others_is_odd() {
        assert_eq!(far(&[1.0, 1.01, 0.99, 1.005, 1.7], &MARGIN), [4]);
        assert_eq!(far(&[0.2, 1.01, 0.99, 1.005, 1.0], &MARGIN), [0]);
        // Spread as they are, none is.
        assert_eq!(far(&[1.0, 1.3, 0.7, 1.1, 0.85], &MARGIN), [0; 0]);
        // What makes no difference is not odd, however alike the others are.
        assert_eq!(far(&[1.0, 1.0, 1.0, 1.0, 1.02], &MARGIN), [0; 0]);
        assert_eq!(far(&[1.0, 1.0, 9.0], &MARGIN), [0; 0]);
    }
}
