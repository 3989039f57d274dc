//! How runs are compared.

use super::{margin::Margins, metric::Metric, noise::NoiseFile, order::Pairing};

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
    /// How much worse it may be at most, as a share, where it is a gate.
    pub at_most_worse: Option<f64>,
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
