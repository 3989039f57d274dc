//! Block bootstrap: how wrong a ratio of sums over time is, when neighbours in time resemble each other.
//!
//! Seconds of a run are no independent draws: a slow one is followed by a slow one, and a test that ignores it calls
//! everything significant. So blocks of neighbouring seconds are drawn, not seconds. Sources: Künsch (1989), "The jackknife
//! and the bootstrap for general stationary observations", Ann. Statist. 17, for moving blocks; Politis and Romano (1992)
//! for letting them run round the end, so that every second is drawn equally often; Politis and White (2004), "Automatic
//! block-length selection for the dependent bootstrap", Econometric Reviews 23, with the correction by Patton, Politis and
//! White (2009), for the length of a block; Lahiri (2003), *Resampling Methods for Dependent Data*, 5.2, for what the cuts
//! between blocks leave out of the variance, which is put back.

use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{Rng, SeedableRng},
};

use super::mean;

/// Repetitions: the error's own relative error is 1/√(2 × 400), 3.5 %, far below what the few blocks of a run leave open.
pub const REPETITIONS: u32 = 400;

/// Observations that a bootstrap needs at least: with fewer there are too few blocks to draw from.
pub const LEAST: usize = 10;

/// What a bootstrap found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatioError {
    /// The ratio of the sums.
    pub ratio: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Observations in a block.
    pub block: usize,
    /// Degrees of freedom: independent blocks, less one.
    pub freedom: f64,
}

/// The error of Σ numerators ÷ Σ denominators. `None` with fewer than [`LEAST`] observations, of unequal numbers, or where
/// the ratio is none.
pub fn of_ratio(numerators: &[f64], denominators: &[f64], seed: u64) -> Option<RatioError> {
    let count = numerators.len();
    let (sum, of) = (numerators.iter().sum::<f64>(), denominators.iter().sum::<f64>());
    let ratio = sum / of;
    if count < LEAST || denominators.len() != count || !ratio.is_finite() {
        return None;
    }
    // What each observation moves the ratio by: its dependence over time is the ratio's.
    let influence: Vec<f64> = numerators
        .iter()
        .zip(denominators)
        .map(|(n, d)| n - ratio * d)
        .collect();
    let Dependence { block, left_out } = dependence(&influence);
    let (upper, lower) = (running_sums(numerators, block), running_sums(denominators, block));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut total, mut squares) = (0.0, 0.0);
    let mut drawn = 0.0;
    for _ in 0..REPETITIONS {
        let (mut numerator, mut denominator) = (0.0, 0.0);
        let mut left = count;
        while left > 0 {
            let start = below(&mut random, count);
            let length = block.min(left);
            numerator += upper[start + length] - upper[start];
            denominator += lower[start + length] - lower[start];
            left -= length;
        }
        // A draw of seconds in which nothing happened at all has no ratio.
        let error = numerator / denominator - ratio;
        if error.is_finite() {
            total += error;
            squares += error * error;
            drawn += 1.0;
        }
    }
    if drawn < 2.0 {
        return None;
    }
    let variance = ((squares - total * total / drawn) / (drawn - 1.0)).max(0.0);
    Some(RatioError {
        ratio,
        standard_error: (variance / (1.0 - left_out)).sqrt(),
        block,
        freedom: (count as f64 / block as f64 - 1.0).max(1.0),
    })
}

/// How neighbours of a series resemble each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dependence {
    /// The length of a block that makes the error of the error smallest, for the circular block bootstrap: Politis and White's
    /// rule. 1 for series without dependence, at most min(3√n, n/3).
    pub block: usize,
    /// Share of the variance, 0 to [`MOST_LEFT_OUT`], that blocks of this length miss, since neighbours on both sides of a cut
    /// are drawn apart: Σ|k|R(k) ÷ (block × ΣR(k)).
    pub left_out: f64,
}

/// Largest correction for what blocks leave out: where they miss more, the series is too short to tell how much.
pub const MOST_LEFT_OUT: f64 = 0.5;

/// Looks how far the values of a series depend on those before.
pub fn dependence(series: &[f64]) -> Dependence {
    const NONE: Dependence = Dependence {
        block: 1,
        left_out: 0.0,
    };
    let count = series.len();
    if count < LEAST {
        return NONE;
    }
    let n = count as f64;
    let centre = mean(series);
    let covariance = |lag: usize| {
        let products = series
            .iter()
            .zip(&series[lag..])
            .map(|(a, b)| (a - centre) * (b - centre));
        products.sum::<f64>() / n
    };
    let spread = covariance(0);
    // The squares of a constant's rounding errors are no variance.
    if spread <= (f64::EPSILON * centre).powi(2) * n {
        return NONE;
    }
    // The first lag after which so many in a row are nothing but noise.
    let in_a_row = (n.log10().sqrt().ceil() as usize).max(5);
    let noise = 2.0 * (n.log10() / n).sqrt();
    let longest = ((n.sqrt().ceil() as usize) + in_a_row).min(count - 1);
    let mut quiet = 0;
    let mut last_loud = 0;
    let mut covariances = vec![spread];
    for lag in 1..=longest {
        covariances.push(covariance(lag));
        if (covariances[lag] / spread).abs() < noise {
            quiet += 1;
            if quiet == in_a_row {
                break;
            }
        } else {
            quiet = 0;
            last_loud = lag;
        }
    }
    let bandwidth = (2 * last_loud.max(1)).min(longest);
    let (mut spectrum, mut slope) = (spread, 0.0);
    for lag in 1..=bandwidth {
        let covariance = covariances.get(lag).copied().unwrap_or_else(|| covariance(lag));
        // Flat to the half, then falling to zero: Politis and Romano's flat-top window.
        let weight = (2.0 * (1.0 - lag as f64 / bandwidth as f64)).min(1.0);
        spectrum += 2.0 * weight * covariance;
        slope += 2.0 * weight * lag as f64 * covariance;
    }
    let optimal = (1.5 * (slope / spectrum).powi(2) * n).cbrt();
    let most = (3.0 * n.sqrt()).min(n / 3.0).ceil();
    let block = if optimal.is_finite() {
        optimal.ceil().clamp(1.0, most)
    } else {
        most
    };
    let left_out = slope / spectrum / block;
    Dependence {
        block: block as usize,
        left_out: if left_out.is_finite() {
            left_out.clamp(0.0, MOST_LEFT_OUT)
        } else {
            MOST_LEFT_OUT
        },
    }
}

/// Sums of the first k values, going round once more for as many as a block has.
fn running_sums(values: &[f64], block: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len() + block + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for value in values.iter().chain(values.iter().cycle().take(block)) {
        sum += value;
        sums.push(sum);
    }
    sums
}

/// A number from 0 to `end`, exclusive. Its bias is below 2⁻⁴⁰ for the lengths of runs.
fn below(random: &mut Xoshiro256PlusPlus, end: usize) -> usize {
    ((u128::from(random.next_u64()) * end as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{student, variance};

    fn uniform(random: &mut Xoshiro256PlusPlus) -> f64 {
        (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A series in which each value is `memory` times the one before and noise of variance 1, around `centre`.
    fn series(random: &mut Xoshiro256PlusPlus, count: usize, memory: f64, centre: f64) -> Vec<f64> {
        let mut value = 0.0;
        let mut next = || {
            let noise = student::quantile(uniform(random).clamp(1e-9, 1.0 - 1e-9), f64::INFINITY);
            value = memory * value + noise;
            centre + value
        };
        // It starts anywhere within its spread and not at its centre.
        (0..50).for_each(|_| {
            next();
        });
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(20_261_123);
        let (trials, count) = (300, 240);
        let ones = vec![1.0; count];
        let (mut covered, mut covered_naively) = (0, 0);
        for seed in 0..trials {
            let values = series(&mut random, count, 0.6, 100.0);
            let error = of_ratio(&values, &ones, seed).unwrap();
            let reach = student::quantile(0.975, error.freedom) * error.standard_error;
            covered += u32::from((error.ratio - 100.0).abs() <= reach);
            let naive = 1.96 * (variance(&values).unwrap() / count as f64).sqrt();
            covered_naively += u32::from((error.ratio - 100.0).abs() <= naive);
        }
        let share = |number| f64::from(number) / trials as f64;
        assert!((0.91..=0.975).contains(&share(covered)), "{}", share(covered));
        assert!(
            share(covered_naively) < 0.75,
            "this series does need blocks: {}",
            share(covered_naively)
        );
    }

    #[test]
    fn blocks_grow_with_memory() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let mut mean_length = |memory| {
            let lengths = (0..20).map(|_| dependence(&series(&mut random, 1_000, memory, 0.0)).block);
            lengths.sum::<usize>() as f64 / 20.0
        };
        let (none, some, much) = (mean_length(0.0), mean_length(0.5), mean_length(0.9));
        assert!(none < 4.0 && none < some && some < much, "{none} {some} {much}");
        // The true optimum of an AR(1) series: (2 G² / D)^(1/3) n^(1/3) with G/g = 2φ/(1 − φ²).
        let optimal = (1.5 * (2.0 * 0.5_f64 / (1.0 - 0.25)).powi(2) * 1_000.0).cbrt();
        assert!((some / optimal - 1.0).abs() < 0.35, "{some} for {optimal}");
    }

    #[test]
    fn degenerate_series_end_well() {
        assert_eq!(dependence(&[5.0; 100]).block, 1);
        assert_eq!(dependence(&[]).block, 1);
        let constant = of_ratio(&[0.1; 60], &[1.0; 60], 1).unwrap();
        assert!(constant.standard_error < 1e-12);
        assert!(of_ratio(&[1.0; 5], &[1.0; 5], 1).is_none(), "too short");
        assert!(of_ratio(&[1.0; 50], &[0.0; 50], 1).is_none(), "no ratio");
        assert!(of_ratio(&[1.0; 50], &[1.0; 49], 1).is_none(), "unequal");
        // All that happened, happened in one second: draws without it have no ratio.
        let mut lonely = vec![0.0; 50];
        lonely[3] = 4.0;
        assert!(of_ratio(&lonely, &lonely, 1).is_some());
        let rising: Vec<f64> = (0..500).map(f64::from).collect();
        assert!(dependence(&rising).block <= 68);
    }

    #[test]
    fn the_seed_decides() {
        let values: Vec<f64> = (0..100).map(|n| f64::from(n * 37 % 11)).collect();
        let ones = vec![1.0; 100];
        assert_eq!(of_ratio(&values, &ones, 3), of_ratio(&values, &ones, 3));
        assert_ne!(of_ratio(&values, &ones, 3), of_ratio(&values, &ones, 4));
    }
}
