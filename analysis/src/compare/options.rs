//! Options of a comparison: how runs are compared.

use std::str::FromStr;

use benchmark_scenarios::units;

use super::{
    margin::{LARGEST_SHARE, Margins},
    metric::Metric,
    noise::NoiseFile,
    order::Pairing,
    refusal::UsageError,
};

/// How to compare.
#[derive(Clone, Debug)]
pub struct Options {
    /// Changes that make no difference. Noise is no part of them.
    pub margins: Margins,
    /// What decides.
    pub primary: Vec<Metric>,
    /// How runs are put together.
    pub pairing: Pairing,
    /// Keys that differ on purpose.
    pub factors: Vec<String>,
    /// Keys that may differ besides.
    pub allowed: Vec<String>,
    /// Noise profiles; each must fit one of the sides.
    pub noise: Vec<NoiseFile>,
    /// How much worse it may be at most, where it is a gate.
    pub at_most_worse: Option<AtMostWorse>,
    /// Whether it is a failure when a primary metric cannot be told.
    pub strict: bool,
    /// Whether nobody reads what is said, so that the exit code must say it.
    pub unattended: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            margins: Margins::default(),
            primary: Metric::PRIMARY.to_vec(),
            pairing: Pairing::Auto,
            factors: Vec::new(),
            allowed: Vec::new(),
            noise: Vec::new(),
            at_most_worse: None,
            strict: false,
            unattended: false,
        }
    }
}

/// How much worse a side may be at a gate: a share above 0 and up to [`LARGEST_SHARE`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtMostWorse(f64);

impl AtMostWorse {
    /// As a share: 0.1 for 10 %.
    pub fn share(self) -> f64 {
        self.0
    }
}

impl FromStr for AtMostWorse {
    type Err = UsageError;

    /// Reads a share as people write it: `0.1` or `10%`.
    fn from_str(text: &str) -> Result<Self, UsageError> {
        units::parse_ratio(text)
            .filter(|share| *share > 0.0 && *share <= LARGEST_SHARE)
            .map(AtMostWorse)
            .ok_or_else(|| UsageError::AtMostWorse { given: text.to_owned() })
    }
}
