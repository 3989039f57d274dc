//! Draws of how long an activity sleeps, when that is no plain range: from a distribution, the same for the same seed.

use serde::{Deserialize, Serialize};

use crate::{ActivityDuration, draw};

/// The longest sleep that is drawn, milliseconds.
const LONGEST_MS: u64 = ActivityDuration::LONGEST.as_millis() as u64;

/// Draws that are outside what can be slept are drawn again, this often at the most. Options allow nothing of which
/// fewer than a third of the draws is inside.
const TRIES: u64 = 64;

/// A distribution of sleeps, cut off at 0 and at [`LONGEST_MS`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Sleep {
    /// A bell curve.
    Normal {
        /// Its middle, milliseconds.
        mean_ms: f64,
        /// Its standard deviation, milliseconds.
        deviation_ms: f64,
    },
    /// A long tail to the right.
    Lognormal {
        /// Half of the sleeps are shorter, milliseconds.
        median_ms: f64,
        /// Standard deviation of the sleep's natural logarithm.
        sigma: f64,
    },
}

impl Sleep {
    /// The sleep that follows from the seed, whole milliseconds.
    pub fn draw_ms(&self, seed: u64) -> u64 {
        let limit = LONGEST_MS as f64;
        let mut drawn = 0.0;
        for attempt in 0..TRIES {
            let normal = draw::standard_normal(draw::derive(seed, attempt));
            drawn = match self {
                Sleep::Normal { mean_ms, deviation_ms } => mean_ms + deviation_ms * normal,
                Sleep::Lognormal { median_ms, sigma } => median_ms * (sigma * normal).exp(),
            };
            if (0.0..=limit).contains(&drawn) {
                break;
            }
        }
        // An input written by hand may ask for what is never inside.
        drawn.clamp(0.0, limit).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u64 = 200_000;

    fn draws(sleep: Sleep) -> Vec<f64> {
        let mut draws: Vec<f64> = (0..DRAWS).map(|n| sleep.draw_ms(draw::derive(3, n)) as f64).collect();
        draws.sort_by(f64::total_cmp);
        draws
    }

    fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        (mean, variance.sqrt())
    }

    fn at(sorted: &[f64], share: f64) -> f64 {
        sorted[(share * sorted.len() as f64) as usize]
    }

    #[test]
    fn normal_sleeps_have_the_mean_and_the_deviation_asked_for() {
        let draws = draws(Sleep::Normal {
            mean_ms: 2_000.0,
            deviation_ms: 300.0,
        });
        let (mean, deviation) = mean_and_deviation(&draws);
        // Standard errors of 0.7 and 0.5.
        assert!((mean - 2_000.0).abs() < 4.0, "{mean}");
        assert!((deviation - 300.0).abs() < 3.0, "{deviation}");
        // One, two and three deviations out, as the bell curve has it.
        for (share, deviations) in [(0.158_66, -1.0), (0.5, 0.0), (0.977_25, 2.0), (0.998_65, 3.0)] {
            let expected = 2_000.0 + deviations * 300.0;
            assert!(
                (at(&draws, share) - expected).abs() < 25.0,
                "{share}: {}",
                at(&draws, share)
            );
        }
    }

    #[test]
    fn what_would_be_negative_is_drawn_again() {
        let draws = draws(Sleep::Normal {
            mean_ms: 0.0,
            deviation_ms: 1_000.0,
        });
        let (mean, _) = mean_and_deviation(&draws);
        // The half that is left has its mean at sqrt(2 / pi) deviations and does not pile up at 0.
        assert!((mean - 797.9).abs() < 15.0, "{mean}");
        assert!(at(&draws, 0.01) > 5.0, "{}", at(&draws, 0.01));
    }

    #[test]
    fn lognormal_sleeps_have_the_median_and_the_spread_asked_for() {
        let (median, sigma) = (500.0, 0.7);
        let draws = draws(Sleep::Lognormal {
            median_ms: median,
            sigma,
        });
        let logarithms: Vec<f64> = draws.iter().map(|drawn| drawn.max(0.5).ln()).collect();
        let (mean, deviation) = mean_and_deviation(&logarithms);
        assert!((mean - median.ln()).abs() < 0.015, "{mean}");
        assert!((deviation - sigma).abs() < 0.01, "{deviation}");
        let mean = mean_and_deviation(&draws).0;
        let expected = median * (sigma * sigma / 2.0).exp();
        assert!((mean / expected - 1.0).abs() < 0.02, "{mean} {expected}");
    }

    #[test]
    fn no_sleep_is_longer_than_an_activity_may_take() {
        for sleep in [
            Sleep::Normal {
                mean_ms: 30_000.0,
                deviation_ms: 30_000.0,
            },
            Sleep::Lognormal {
                median_ms: 30_000.0,
                sigma: 5.0,
            },
        ] {
            let draws = draws(sleep);
            assert!(draws.iter().all(|drawn| *drawn <= LONGEST_MS as f64));
            assert!(at(&draws, 0.99) < LONGEST_MS as f64, "nothing piles up at the limit");
        }
        let endless = Sleep::Normal {
            mean_ms: 1e300,
            deviation_ms: 0.0,
        };
        assert_eq!(endless.draw_ms(1), LONGEST_MS);
    }

    #[test]
    fn the_same_seed_sleeps_the_same() {
        let sleep = Sleep::Normal {
            mean_ms: 2_000.0,
            deviation_ms: 300.0,
        };
        // Results of different versions are compared, so these must not change.
        let drawn: Vec<u64> = (0..4).map(|n| sleep.draw_ms(draw::derive(42, n))).collect();
        assert_eq!(drawn, [2_248, 2_143, 2_283, 1_727]);
    }
}
