//! Seeded draws, the same in every run, on every machine and on every replay.
//!
//! One step of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014) over the seed
//! and an index: pure, without state, so that the draw of activity 7 does not depend on who drew before it.

mod sleep;

pub use sleep::Sleep;

/// The increment of SplitMix64: 2^64 divided by the golden ratio, made odd.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A seed of its own for the index-th of many things that share one seed: a workflow of a run, an activity of a workflow.
pub fn derive(seed: u64, index: u64) -> u64 {
    // The seed is mixed before the index is added: with seeds and indexes both counting from 0, their sum would repeat.
    mix(mix(seed.wrapping_add(GAMMA)).wrapping_add(index.wrapping_add(1).wrapping_mul(GAMMA)))
}

/// A uniform draw from `min` to `max`, both included; `min` when `max` lies below it.
pub fn uniform(seed: u64, min: u64, max: u64) -> u64 {
    let values = u128::from(max.saturating_sub(min)) + 1;
    // Lemire's multiply-shift without the rejection step: biased by at most one part in 2^64 / values.
    min + ((u128::from(seed) * values) >> 64) as u64
}

/// A draw from the normal distribution with mean 0 and standard deviation 1 (Box and Muller, 1958).
///
/// The last bits of a logarithm and a cosine may differ between machines; draws that are rounded to something much coarser
/// are the same everywhere.
pub fn standard_normal(seed: u64) -> f64 {
    // 53 bits each, which is what a float holds; the first never 0, which has no logarithm.
    let unit = |index| ((derive(seed, index) >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    (-2.0 * unit(0).ln()).sqrt() * (std::f64::consts::TAU * unit(1)).cos()
}

/// A seed from a text (FNV-1a), for workflows whose starter gave none.
pub fn seed_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_for_ever() {
        // The generator's published first output for the seed 0.
        assert_eq!(mix(GAMMA), 0xe220_a839_7b1d_cdaf);
        // Results of different versions are compared, so these must not change.
        assert_eq!(derive(0, 0), 0xa706_dd2f_4d19_7e6f);
        assert_eq!(uniform(derive(42, 7), 100, 600), 468);
        assert_eq!(seed_of(""), 0xcbf2_9ce4_8422_2325);
    }

    #[test]
    fn covers_its_range_evenly() {
        let draws: Vec<u64> = (0..50_000).map(|n| uniform(derive(1, n), 100, 599)).collect();
        let (min, max) = (draws.iter().min().unwrap(), draws.iter().max().unwrap());
        assert_eq!((*min, *max), (100, 599));
        let mean = draws.iter().sum::<u64>() as f64 / draws.len() as f64;
        // The mean of 50,000 draws has a standard deviation of 0.65.
        assert!((mean - 349.5).abs() < 3.0, "{mean}");
    }

    #[test]
    fn standard_normals_have_the_moments_of_one() {
        let draws: Vec<f64> = (0..50_000).map(|n| standard_normal(derive(1, n))).collect();
        let moment = |power| draws.iter().map(|draw| draw.powi(power)).sum::<f64>() / draws.len() as f64;
        // Standard errors of 0.0045, 0.0063, 0.017 and 0.044.
        for (power, expected, slack) in [(1, 0.0, 0.02), (2, 1.0, 0.03), (3, 0.0, 0.08), (4, 3.0, 0.2)] {
            assert!((moment(power) - expected).abs() < slack, "{power}: {}", moment(power));
        }
    }

    #[test]
    fn has_edges() {
        assert_eq!(uniform(u64::MAX, 5, 5), 5);
        assert_eq!(uniform(u64::MAX, 7, 5), 7);
        assert_eq!(uniform(u64::MAX, 0, u64::MAX), u64::MAX);
        assert_eq!(uniform(0, 0, u64::MAX), 0);
    }

    #[test]
    fn neighbouring_seeds_share_no_draws() {
        let mut draws: Vec<u64> = (0..100)
            .flat_map(|seed| (0..100).map(move |index| derive(seed, index)))
            .collect();
        draws.sort_unstable();
        draws.dedup();
        assert_eq!(draws.len(), 10_000);
    }
}
