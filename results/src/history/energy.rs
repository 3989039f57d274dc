//! Change points of a series by E-divisive: where the values before and after are least alike.
//!
//! Source: Matteson and James (2014), "A Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data",
//! Journal of the American Statistical Association 109 (505), 334–345. Two stretches are compared by the energy distance
//! between them (Székely and Rizzo, 2005), which is zero only for equal distributions and assumes nothing of their shape;
//! the split with the largest is tested against those of the values in random order, and found splits are split again.
//! The distance is that of the values themselves (the exponent α of the article is 1).

use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{Rng, SeedableRng},
};

/// How change points are looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Settings {
    /// Probability, 0 to 1, of finding one in a series that has none.
    pub(super) level: f64,
    /// Random orders that a split is tested against.
    pub(super) permutations: u32,
    /// Values on either side of a split at least; 2 or more.
    pub(super) least: usize,
    /// Seeds the random orders.
    pub(super) seed: u64,
}

/// A place at which a series changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    /// Place of the first value after the change.
    pub(super) at: usize,
    /// Probability of a split as clear in a series that has none, given the splits found before it.
    pub(super) p_value: f64,
}

/// The change points of a series of finite values, in order.
pub(super) fn change_points(values: &[f64], settings: Settings) -> Vec<Split> {
    let least = settings.least.max(2);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(settings.seed);
    let mut splits: Vec<Split> = Vec::new();
    loop {
        let ends: Vec<usize> = splits.iter().map(|split| split.at).chain([values.len()]).collect();
        let Some(best) = best_split(values, &ends, least) else {
            return splits;
        };
        let p_value = p_value(values, &ends, best.size, least, settings.permutations, &mut random);
        if p_value > settings.level {
            return splits;
        }
        let place = splits.partition_point(|split| split.at < best.at);
        splits.insert(place, Split { at: best.at, p_value });
    }
}

/// A split and how unlike its two sides are.
#[derive(Clone, Copy)]
struct Candidate {
    at: usize,
    size: f64,
}

/// The clearest split of any of the stretches that end at these places.
fn best_split(values: &[f64], ends: &[usize], least: usize) -> Option<Candidate> {
    let mut begin = 0;
    let mut best: Option<Candidate> = None;
    for end in ends {
        if let Some(found) = split(&values[begin..*end], least)
            && best.is_none_or(|best| found.size > best.size)
        {
            best = Some(Candidate {
                at: begin + found.at,
                ..found
            });
        }
        begin = *end;
    }
    best
}

/// The clearest split of one stretch. The second side may end before the stretch does, so that a rise and a fall that
/// follow one another do not hide each other.
fn split(values: &[f64], least: usize) -> Option<Candidate> {
    let length = values.len();
    if length < 2 * least {
        return None;
    }
    let within = distances(values);
    let mut best: Option<Candidate> = None;
    for at in least..=length - least {
        let before = within[0][at];
        for end in at + least..=length {
            let after = within[at][end - at];
            let between = within[0][end] - before - after;
            let size = unlikeness(before, at, after, end - at, between);
            if best.is_none_or(|best| size > best.size) {
                best = Some(Candidate { at, size });
            }
        }
    }
    best
}

/// The scaled energy distance of two stretches: sums of the distances within each and between them, and their lengths.
fn unlikeness(before: f64, n: usize, after: f64, m: usize, between: f64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let pairs = |count: f64| count * (count - 1.0) / 2.0;
    let energy = 2.0 * between / (n * m) - before / pairs(n) - after / pairs(m);
    n * m / (n + m) * energy
}

/// For each beginning, and each length from there on, the sum of the distances between all pairs in that stretch.
fn distances(values: &[f64]) -> Vec<Vec<f64>> {
    let length = values.len();
    let mut sums: Vec<Vec<f64>> = vec![Vec::new(); length];
    for begin in (0..length).rev() {
        let mut row = vec![0.0; length - begin + 1];
        let mut to_first = 0.0;
        for end in begin + 1..=length {
            to_first += (values[end - 1] - values[begin]).abs();
            // All pairs without the first value, and those with it.
            let rest = sums.get(begin + 1).map_or(0.0, |next| next[end - begin - 1]);
            row[end - begin] = rest + to_first;
        }
        sums[begin] = row;
    }
    sums
}

/// How often values in random order, each within its stretch, can be split as clearly.
fn p_value(
    values: &[f64],
    ends: &[usize],
    size: f64,
    least: usize,
    permutations: u32,
    random: &mut Xoshiro256PlusPlus,
) -> f64 {
    // Sums in another order differ in their last digits; equal is as clear.
    let as_clear = size - size.abs() * 1e-9;
    let mut shuffled = values.to_vec();
    let mut reached = 0_u32;
    for _ in 0..permutations {
        let mut begin = 0;
        for end in ends {
            shuffle(&mut shuffled[begin..*end], random);
            begin = *end;
        }
        if best_split(&shuffled, ends, least).is_some_and(|found| found.size >= as_clear) {
            reached += 1;
        }
    }
    // The order that was observed is one of them (Davison and Hinkley 1997, section 4.2.5), and so p is never 0.
    f64::from(reached + 1) / f64::from(permutations + 1)
}

/// Fisher and Yates: every order as likely as any other, but for what 64 bits leave over.
fn shuffle(values: &mut [f64], random: &mut Xoshiro256PlusPlus) {
    for last in (1..values.len()).rev() {
        let other = (u128::from(random.next_u64()) * (last as u128 + 1)) >> 64;
        values.swap(last, other as usize);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: Settings = Settings {
        level: 0.05,
        permutations: 199,
        least: 5,
        seed: 7,
    };

    /// Values around 1 with this relative spread: sums of twelve uniform numbers are nearly normal.
    fn noise(random: &mut Xoshiro256PlusPlus, spread: f64, count: usize) -> Vec<f64> {
        let mut uniform = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        (0..count)
            .map(|_| 1.0 + spread * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0))
            .collect()
    }

    fn places(values: &[f64]) -> Vec<usize> {
        change_points(values, SETTINGS).iter().map(|split| split.at).collect()
    }

    #[test]
    fn false_alarms_are_as_rare_as_the_level_says() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let alarms = (0..200)
            .filter(|_| !places(&noise(&mut random, 0.03, 30)).is_empty())
            .count();
        // 5 % of 200 are 10; 2 to 19 is where 99.8 % of all such counts lie.
        assert!((2..=19).contains(&alarms), "{alarms} of 200");
    }

    #[test]
    fn a_step_of_ten_per_cent_is_found_at_its_place() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(2);
        let found = (0..100)
            .filter(|trial| {
                let at = 8 + trial % 15;
                let mut values = noise(&mut random, 0.03, 30);
                values[at..].iter_mut().for_each(|value| *value *= 1.1);
                matches!(places(&values)[..], [found] if found.abs_diff(at) <= 2)
            })
            .count();
        assert!(found > 80, "{found} of 100");
    }

    #[test]
    fn a_rise_and_a_fall_are_two() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut values = noise(&mut random, 0.02, 45);
        values[15..30].iter_mut().for_each(|value| *value *= 1.15);
        assert!(matches!(places(&values)[..], [15, 30]), "{:?}", places(&values));
        let mut stairs = noise(&mut random, 0.02, 45);
        stairs[15..].iter_mut().for_each(|value| *value *= 1.1);
        stairs[30..].iter_mut().for_each(|value| *value *= 1.1);
        assert!(matches!(places(&stairs)[..], [15, 30]), "{:?}", places(&stairs));
    }

    #[test]
    fn what_never_changes_has_no_change() {
        assert!(places(&[5.0; 40]).is_empty());
        assert!(places(&[]).is_empty());
        assert!(places(&[1.0, 2.0]).is_empty());
        // Ties: two values in turn are the same everywhere.
        let ties: Vec<f64> = (0..40).map(|n| f64::from(n % 2)).collect();
        assert!(places(&ties).is_empty());
    }

    #[test]
    fn a_step_without_noise_is_exact() {
        let mut values = vec![5.0; 30];
        values[11..].fill(6.0);
        let splits = change_points(&values, SETTINGS);
        assert_eq!(splits.len(), 1);
        assert_eq!(splits[0].at, 11);
        assert_eq!(splits[0].p_value, 1.0 / 200.0);
    }

    #[test]
    fn the_same_seed_gives_the_same_answer() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(4);
        let values = noise(&mut random, 0.1, 60);
        assert_eq!(change_points(&values, SETTINGS), change_points(&values, SETTINGS));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn sums_are_those_of_all_pairs(values in prop::collection::vec(-1e3..1e3_f64, 0..14)) {
            let sums = distances(&values);
            for begin in 0..values.len() {
                for end in begin..=values.len() {
                    let stretch = &values[begin..end];
                    let pairs = |i: usize| stretch[i + 1..].iter().map(move |other| (stretch[i] - other).abs());
                    let expected: f64 = (0..stretch.len()).flat_map(pairs).sum();
                    prop_assert!((sums[begin][end - begin] - expected).abs() < 1e-6);
                }
            }
        }

        /// Neither the unit nor the zero of the scale matters, and no stretch is shorter than it may be. Powers of two, so that
        /// splits that are equally clear stay so.
        #[test]
        fn the_scale_does_not_matter(
            values in prop::collection::vec(0..50_i32, 0..40), factor in 0..9_u32, shift in -99..99_i32,
        ) {
            let as_floats = |scale: i32, shift: i32| -> Vec<f64> {
                values.iter().map(|value| f64::from(value * scale + shift)).collect()
            };
            let found = places(&as_floats(1, 0));
            prop_assert_eq!(&found, &places(&as_floats(1 << factor, shift)));
            if !found.is_empty() {
                let ends: Vec<usize> = [0].into_iter().chain(found).chain([values.len()]).collect();
                prop_assert!(ends.windows(2).all(|ends| ends[1] - ends[0] >= 5), "{:?}", ends);
            }
        }
    }
}
