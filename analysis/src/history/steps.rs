//! Change detection, where the level of a series changes: a t-test for runs that are not independent, repeated with
//! each run that arrives.
//!
//! A history is looked at after each run, and so it is read here: from left to right, each time with the values so far, and
//! what was found then is found for good. Among the latest values a step is looked for at one level, and at a stronger one at
//! the places before, which had their turns: there it takes what so many more looks must not find by chance. The spread is that within the stretches of the last [`CHANGES_WINDOW`] values, of either side of the step and of
//! what lies before the step before. Values of runs over weeks follow one another: with a correlation of φ between
//! neighbours (a first-order autoregression) the variance of a mean is (1 + φ) ÷ (1 − φ) times that of independent values,
//! and by as much the variance is widened here, for a φ that is taken for granted. To estimate it would take hundreds of
//! values, and of few it comes out too small just where a chance run of values looks like a step.
//!
//! How often that is wrong, and how soon right, is simulated in this module's tests.

use std::ops::Range;

use crate::limits::{
    CHANGES_CORRELATION, CHANGES_LATEST, CHANGES_LEVEL, CHANGES_LEVEL_AGAIN, CHANGES_MIN_AFTER, CHANGES_MIN_BEFORE,
    CHANGES_MIN_RUNS, CHANGES_PLACE, CHANGES_WINDOW,
};
use crate::stats::{self, student};

/// A place at which the level of a series changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LevelShift {
    /// The likeliest first value after the change.
    pub(super) at: usize,
    /// First and last place where it may be.
    pub(super) range: (usize, usize),
    /// Probability of a difference as large where there is none, when it was found.
    pub(super) p_value: f64,
}

/// How much wider the variance of a mean is than that of independent values.
fn widening() -> f64 {
    (1.0 + CHANGES_CORRELATION) / (1.0 - CHANGES_CORRELATION)
}

/// The steps of a series of finite values, in order. `matters` says of the levels before and after whether their difference
/// is large enough to be told.
pub(super) fn steps(values: &[f64], matters: impl Fn(f64, f64) -> bool) -> Vec<LevelShift> {
    let sums = Sums::of(values);
    let mut found = found(&sums, &matters);
    settle(&sums, &mut found, &matters);
    let mut begin = 0;
    let mut steps = Vec::with_capacity(found.len());
    for (index, (at, p_value)) in found.iter().enumerate() {
        let end = found.get(index + 1).map_or(values.len(), |(next, _)| *next);
        let (at, range) = place(&sums, begin, *at, end);
        steps.push(LevelShift {
            at,
            range,
            p_value: *p_value,
        });
        begin = at;
    }
    steps
}

/// How many values there were when a step was found for the first time, also one that later values take back.
#[cfg(test)]
pub(super) fn first_found(values: &[f64], matters: impl Fn(f64, f64) -> bool) -> Option<usize> {
    let sums = Sums::of(values);
    (CHANGES_MIN_RUNS..=values.len()).find(|end| look(&sums, &[], *end, &matters).is_some())
}

/// What is found with each value that arrives, and how unlikely it was.
fn found(sums: &Sums, matters: &impl Fn(f64, f64) -> bool) -> Vec<(usize, f64)> {
    let mut found: Vec<(usize, f64)> = Vec::new();
    for end in CHANGES_MIN_RUNS..=sums.count() {
        let begins: Vec<usize> = found.iter().map(|(at, _)| *at).collect();
        found.extend(look(sums, &begins, end, matters));
    }
    found
}

/// Sums up to each place, of the values less the first of them: of logarithms that are nearly alike, without loss.
struct Sums(Vec<(f64, f64)>, f64);

impl Sums {
    fn of(values: &[f64]) -> Self {
        let first = values.first().copied().unwrap_or(0.0);
        let mut sums = Vec::with_capacity(values.len() + 1);
        let (mut sum, mut squares) = (0.0, 0.0);
        sums.push((sum, squares));
        for value in values {
            sum += value - first;
            squares += (value - first).powi(2);
            sums.push((sum, squares));
        }
        Sums(sums, first)
    }

    fn count(&self) -> usize {
        self.0.len() - 1
    }

    /// Mean of a stretch that is not empty.
    fn mean(&self, begin: usize, end: usize) -> f64 {
        self.1 + (self.0[end].0 - self.0[begin].0) / (end - begin) as f64
    }

    /// Sum of the squares of what the values of a stretch differ from its mean.
    fn squares(&self, begin: usize, end: usize) -> f64 {
        if begin >= end {
            return 0.0;
        }
        let (sum, squares) = (self.0[end].0 - self.0[begin].0, self.0[end].1 - self.0[begin].1);
        (squares - sum * sum / (end - begin) as f64).max(0.0)
    }
}

/// The clearest step among the values before `end`, when it is clear enough.
fn look(sums: &Sums, begins: &[usize], end: usize, matters: &impl Fn(f64, f64) -> bool) -> Option<(usize, f64)> {
    let window = end.saturating_sub(CHANGES_WINDOW);
    let begin = begins.last().map_or(window, |last| (*last).max(window));
    // The stretches before this one, as far as they lie in the window.
    let (mut earlier, mut stretches) = (0.0, 1.0);
    let mut from = window;
    for to in begins.iter().copied().filter(|at| *at > window) {
        earlier += sums.squares(from, to);
        stretches += 1.0;
        from = to;
    }
    let freedom = (end - window) as f64 - stretches - 1.0;
    let t_at = |at: usize| {
        let (before, after) = (sums.mean(begin, at), sums.mean(at, end));
        let squares = earlier + sums.squares(begin, at) + sums.squares(at, end);
        let of_means = 1.0 / (at - begin) as f64 + 1.0 / (end - at) as f64;
        let error = (squares / freedom * of_means * widening()).sqrt();
        matters(before, after).then(|| ((after - before).abs() / error, at))
    };
    let last = end - CHANGES_MIN_AFTER;
    let clear = |places: Range<usize>, level: f64| {
        let (t, at) = places.filter_map(t_at).max_by(|one, other| one.0.total_cmp(&other.0))?;
        // No t distribution has less beyond it than the normal one: nearly all looks end here.
        if t < student::quantile(1.0 - level / 2.0, f64::INFINITY) {
            return None;
        }
        // One odd run at the end, or two, with an ordinary one before: not yet the level of three.
        let left = |at: usize| sums.squares(begin, at) + sums.squares(at, end);
        if at == last && (at + 1..end).any(|later| left(later) < left(at)) {
            return None;
        }
        let p_value = 2.0 * student::above(t, freedom);
        (p_value <= level).then_some((at, p_value))
    };
    let first = begin + CHANGES_MIN_BEFORE;
    let latest = first.max(end - CHANGES_LATEST);
    clear(latest..last + 1, CHANGES_LEVEL).or_else(|| clear(first..latest, CHANGES_LEVEL_AGAIN))
}

/// Leaves out what later runs took back: steps between levels whose difference does not matter any more.
fn settle(sums: &Sums, found: &mut Vec<(usize, f64)>, matters: &impl Fn(f64, f64) -> bool) {
    let length = sums.count();
    let faded = |found: &[(usize, f64)]| {
        (0..found.len()).find(|index| {
            let begin = index.checked_sub(1).map_or(0, |before| found[before].0);
            let end = found.get(index + 1).map_or(length, |next| next.0);
            let at = found[*index].0;
            !matters(sums.mean(begin, at), sums.mean(at, end))
        })
    };
    while let Some(index) = faded(found) {
        found.remove(index);
    }
}

/// The likeliest place of a step between the ones beside it, and the places about as likely: by the squares that are left
/// when it is put there. Its neighbours up to the ends of the stretch are among them, also where a step would not have been
/// found: the likeliest place may be the last possible one and not the true one.
fn place(sums: &Sums, begin: usize, at: usize, end: usize) -> (usize, (usize, usize)) {
    let begin = begin.max(at.saturating_sub(CHANGES_WINDOW));
    let end = end.min(at + CHANGES_WINDOW);
    let left = |at: usize| sums.squares(begin, at) + sums.squares(at, end);
    let likeliest = (begin + CHANGES_MIN_BEFORE..=end - CHANGES_MIN_AFTER)
        .min_by(|one, other| left(*one).total_cmp(&left(*other)))
        .unwrap_or(at);
    // −2 ln of the likelihood of normal values of unknown spread is n ln of what is left, and of widened ones that much less.
    let most = left(likeliest) * (2.0 * CHANGES_PLACE * widening() / (end - begin) as f64).exp();
    let first = (begin + 1..=likeliest).rev().take_while(|at| left(*at) <= most).last();
    let last = (likeliest..end).take_while(|at| left(*at) <= most).last();
    (likeliest, (first.unwrap_or(likeliest), last.unwrap_or(likeliest)))
}

/// The difference of the levels before and after a step, with the error of values that follow one another.
pub(super) fn difference(before: &[f64], after: &[f64]) -> Option<stats::Estimate> {
    let independent = stats::Estimate::pooled(before, after)?;
    Some(stats::Estimate {
        standard_error: independent.standard_error * widening().sqrt(),
        ..independent
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any(before: f64, after: f64) -> bool {
        before != after
    }

    fn places(values: &[f64]) -> Vec<usize> {
        steps(values, any).iter().map(|step| step.at).collect()
    }

    #[test]
    fn what_never_changes_has_no_step() {
        assert!(places(&[5.0; 40]).is_empty());
        assert!(places(&[]).is_empty());
        assert!(places(&[1.0, 2.0]).is_empty());
        let in_turn: Vec<f64> = (0..40).map(|n| f64::from(n % 2)).collect();
        assert!(places(&in_turn).is_empty());
    }

    #[test]
    fn a_step_without_noise_is_exact_from_the_third_value_on() {
        let mut values = vec![5.0; 30];
        values[27..].fill(6.0);
        assert_eq!(
            steps(&values, any),
            [LevelShift {
                at: 27,
                range: (27, 27),
                p_value: 0.0
            }]
        );
        assert!(places(&values[..29]).is_empty(), "two are too few");
        assert!(places(&values[16..]).is_empty(), "and so are fourteen in all");
        assert!(steps(&values, |_, _| false).is_empty(), "too small to be told");
    }

    #[test]
    fn what_later_values_take_back_is_none() {
        let mut values = vec![5.0; 60];
        values[20..23].fill(9.0);
        let told = |values: &[f64]| steps(values, |before, after| (after - before).abs() > 0.5).len();
        assert_eq!(told(&values[..23]), 1);
        // It is mended, and both are told; where only the mean fades, neither is.
        assert_eq!(told(&values), 2);
        values[20..23].fill(5.6);
        values[23..].fill(5.2);
        assert_eq!((told(&values[..23]), told(&values)), (1, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Neither the unit nor the zero of the scale matters, no stretch is shorter than it may be, and each place lies in its
        /// range. Powers of two, so that steps that are equally clear stay so.
        #[test]
        fn the_scale_does_not_matter(
            values in prop::collection::vec(0..50_i32, 0..60), factor in 0..9_u32, shift in -99..99_i32,
        ) {
            let as_floats = |scale: i32, shift: i32| -> Vec<f64> {
                values.iter().map(|value| f64::from(value * scale + shift)).collect()
            };
            let found = steps(&as_floats(1, 0), any);
            let places: Vec<usize> = found.iter().map(|step| step.at).collect();
            let scaled: Vec<usize> = steps(&as_floats(1 << factor, shift), any).iter().map(|step| step.at).collect();
            prop_assert_eq!(&places, &scaled);
            let mut begin = 0;
            for step in &found {
                prop_assert!(step.at >= begin + CHANGES_MIN_BEFORE && step.at + CHANGES_MIN_AFTER <= values.len());
                prop_assert!(begin < step.range.0 && step.range.0 <= step.at && step.at <= step.range.1);
                prop_assert!(step.range.1 < values.len() && step.p_value <= CHANGES_LEVEL);
                begin = step.at;
            }
        }
    }
}
