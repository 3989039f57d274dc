//! Estimate of a difference from the values of the runs: which method, and on what scale.

use serde::{Deserialize, Serialize};

use super::metric::Metric;
use crate::stats::{
    self, Estimate, Interval,
    bootstrap::RatioError,
    power::{Known, Layout},
    ranks,
};

/// Runs a side from which groups are ranked: one odd run in them then decides nothing.
const RANKED_FROM: usize = 4;

/// One metric to be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The metric.
    pub metric: Metric,
    /// Whether it decides.
    pub primary: bool,
    /// Change that makes no difference, on the scale of the metric.
    pub margin: Interval,
    /// How far runs of the same plan differ, where it was measured and is asked for.
    pub noise: Option<Spread>,
    /// What is known.
    pub evidence: Evidence,
    /// Why there shall be no verdict although there is evidence.
    pub withheld: Option<String>,
}

/// How far runs that should be alike differ in one metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spread {
    /// Standard deviation between runs, on the scale of the metric: relative (0.014 for 1.4 %), or of the share itself.
    pub spread: f64,
    /// Its degrees of freedom.
    pub freedom: f64,
}

/// What is known of one metric on both sides. Values as measured, in the metric's unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// Runs made in turn.
    Turns(Vec<Turn>),
    /// Runs that belong together in no way.
    Groups {
        /// Of the baseline.
        first: Vec<f64>,
        /// Of the other side.
        second: Vec<f64>,
    },
    /// One run a side.
    Single {
        /// Of the baseline.
        first: Alone,
        /// Of the other side.
        second: Alone,
    },
    /// Runs of which some have a value that is worse than any number, and so no mean: they are ranked.
    Ranked {
        /// Of the baseline.
        first: Vec<f64>,
        /// Of the other side.
        second: Vec<f64>,
        /// Why they are.
        reason: String,
    },
    /// There is nothing to judge by, and why.
    Nothing(String),
}

/// Two runs that belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// The value of the baseline.
    pub first: f64,
    /// That of the other side.
    pub second: f64,
    /// Whether the baseline's run began before the other's.
    pub baseline_first: bool,
}

/// The value of a single run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alone {
    /// The value.
    pub value: f64,
    /// Its error from within the run, relative; `None` where it cannot be told.
    pub within: Option<WithinRun>,
}

/// The error of a figure from within its run, on the scale of its metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WithinRun {
    /// Standard error.
    pub standard_error: f64,
    /// Its degrees of freedom.
    pub freedom: f64,
}

impl WithinRun {
    /// The relative error of a ratio.
    pub(super) fn relative(error: &RatioError) -> Option<Self> {
        (error.ratio > 0.0).then(|| WithinRun {
            standard_error: error.standard_error / error.ratio,
            freedom: error.freedom,
        })
    }
}

/// How an interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// t of turns of which either order occurs, with an order term.
    TurnsT,
    /// Paired t, of pairs that were asked for.
    PairedT,
    /// Welch's t; where one side has fewer runs, their spread is no less than pooled with the other's.
    WelchT,
    /// t with the spread of the side that has several runs, for both.
    PooledT,
    /// t with the spread of the noise profile, pooled with that of the runs where there are several.
    NoiseProfile,
    /// Bootstrap within single runs: no word of how much runs differ.
    WithinRun,
    /// Exact rank sum test, with the Hodges–Lehmann estimate of the difference.
    RankSum,
}

/// A question's evidence, on the scale of its metric.
#[derive(Default)]
pub(super) struct Looked {
    /// The difference of the means.
    pub(super) estimate: Option<Estimate>,
    pub(super) method: Option<Method>,
    /// What more runs would be added to.
    pub(super) known: Option<Known>,
    pub(super) reason: Option<String>,
    /// The values, where ranks decide.
    pub(super) groups: Option<(Vec<f64>, Vec<f64>)>,
    /// p and direction of a test that has no estimate.
    pub(super) ranked: Option<Ranked>,
}

/// What ranks say.
#[derive(Clone, Copy)]
pub(super) struct Ranked {
    pub(super) p: f64,
    /// Whether the second side has the larger ones.
    pub(super) larger: bool,
}

impl Looked {
    /// The estimate, if its error holds between runs.
    pub(super) fn testable(&self) -> Option<&Estimate> {
        let between_runs = self.method.is_some_and(|method| method != Method::WithinRun);
        self.estimate.as_ref().filter(|_| between_runs)
    }

    pub(super) fn p_value(&self) -> Option<f64> {
        let ranked = self.ranked.map(|ranked| ranked.p);
        ranked.or_else(|| self.testable().map(Estimate::p_value))
    }

    fn nothing(reason: impl Into<String>) -> Self {
        Looked {
            reason: Some(reason.into()),
            ..Looked::default()
        }
    }

    fn of(estimate: Estimate, method: Method, layout: Layout, runs: f64) -> Self {
        Looked {
            estimate: Some(estimate),
            method: Some(method),
            known: Some(Known { layout, runs, estimate }),
            ..Looked::default()
        }
    }
}

const NO_SCALE: &str = "a value of zero has no ratio to anything";
const TOO_FEW: &str = "fewer than two runs a side";

/// Looks at the evidence of a question. `level` is the p that a finding must come to at most.
pub(super) fn look(question: &Question, level: f64) -> Looked {
    let metric = question.metric;
    let scaled = |values: &[f64]| {
        values
            .iter()
            .map(|value| metric.to_scale(*value))
            .collect::<Option<Vec<_>>>()
    };
    match &question.evidence {
        Evidence::Nothing(reason) => Looked::nothing(reason),
        Evidence::Ranked { first, second, reason } => Looked {
            method: Some(Method::RankSum),
            ranked: ranks::sum_test(first, second).map(|(p, larger)| Ranked { p, larger }),
            ..Looked::nothing(reason)
        },
        Evidence::Turns(turns) => {
            let differences = turns
                .iter()
                .map(|turn| Some(metric.to_scale(turn.second)? - metric.to_scale(turn.first)?));
            let Some(differences) = differences.collect::<Option<Vec<_>>>() else {
                return Looked::nothing(NO_SCALE);
            };
            let orders: Vec<_> = turns.iter().map(|turn| turn.baseline_first).collect();
            in_turn(&differences, &orders, question.noise.as_ref())
        }
        Evidence::Groups { first, second } => {
            let (Some(first), Some(second)) = (scaled(first), scaled(second)) else {
                return Looked::nothing(NO_SCALE);
            };
            groups(first, second, question.noise.as_ref(), level)
        }
        Evidence::Single { first, second } => {
            let (Some(a), Some(b)) = (metric.to_scale(first.value), metric.to_scale(second.value)) else {
                return Looked::nothing(NO_SCALE);
            };
            single(b - a, first.within, second.within, question.noise.as_ref())
        }
    }
}

fn in_turn(differences: &[f64], orders: &[bool], noise: Option<&Spread>) -> Looked {
    let Some((own, has_order)) = Estimate::of_pairs(differences, orders) else {
        return Looked::nothing(TOO_FEW);
    };
    let method = if has_order { Method::TurnsT } else { Method::PairedT };
    let turns = differences.len() as f64;
    let (estimate, method) = match noise {
        Some(noise) => {
            // Each difference has the error of two runs.
            let mut parts = NoiseParts::new(2.0 * noise.spread.powi(2), noise.freedom);
            parts.mean_of(turns, Some((own.standard_error.powi(2) * turns, own.freedom)));
            (parts.estimate(own.value), Method::NoiseProfile)
        }
        None => (own, method),
    };
    Looked::of(estimate, method, Layout::Turns, turns)
}

fn groups(first: Vec<f64>, second: Vec<f64>, noise: Option<&Spread>, level: f64) -> Looked {
    let pooled = noise.map(|noise| with_noise(&first, &second, noise));
    let found = pooled
        .map(|estimate| (estimate, Method::NoiseProfile))
        .or_else(|| Some((Estimate::groups(&first, &second)?, Method::WelchT)))
        .or_else(|| Some((Estimate::pooled(&first, &second)?, Method::PooledT)));
    let Some((estimate, method)) = found else {
        return Looked::nothing(TOO_FEW);
    };
    let (a, b) = (first.len(), second.len());
    let runs = 2.0 / (1.0 / a as f64 + 1.0 / b as f64);
    let mut looked = Looked::of(estimate, method, Layout::Groups, runs);
    // Ranks of so few that no order of them is rare enough could find nothing, whatever there is.
    if method == Method::WelchT && a.min(b) >= RANKED_FROM && ranks::smallest_p(a, b) <= level {
        looked.method = Some(Method::RankSum);
        looked.ranked = ranks::sum_test(&first, &second).map(|(p, larger)| Ranked { p, larger });
        looked.groups = Some((first, second));
    }
    looked
}

/// The difference of two groups of which the spread of each is pooled with the profile's.
fn with_noise(first: &[f64], second: &[f64], noise: &Spread) -> Estimate {
    let mut parts = NoiseParts::new(noise.spread.powi(2), noise.freedom);
    for side in [first, second] {
        let count = side.len() as f64;
        parts.mean_of(count, stats::variance(side).map(|own| (own, count - 1.0)));
    }
    parts.estimate(stats::mean(second) - stats::mean(first))
}

/// Variances of means that rest on their own values and on one profile, which all of them share.
struct NoiseParts {
    variance: f64,
    freedom: f64,
    shared: f64,
    own: Vec<(f64, f64)>,
}

impl NoiseParts {
    fn new(variance: f64, freedom: f64) -> Self {
        NoiseParts {
            variance,
            freedom,
            shared: 0.0,
            own: Vec::new(),
        }
    }

    /// Adds the mean of so many values, with their own variance and its degrees of freedom. Those that are wilder than the
    /// profile are as wild as they are: pooled, a noisy side would be taken for a quiet one.
    fn mean_of(&mut self, count: f64, own: Option<(f64, f64)>) {
        match own {
            Some((own, freedom)) if own > self.variance => self.own.push((own / count, freedom)),
            Some((own, freedom)) => {
                let all = freedom + self.freedom;
                self.own.push((freedom * own / all / count, freedom));
                self.shared += self.freedom * self.variance / all / count;
            }
            None => self.shared += self.variance / count,
        }
    }

    fn estimate(mut self, value: f64) -> Estimate {
        if self.shared > 0.0 {
            self.own.push((self.shared, self.freedom));
        }
        Estimate::of_variances(value, &self.own)
    }
}

fn single(value: f64, first: Option<WithinRun>, second: Option<WithinRun>, noise: Option<&Spread>) -> Looked {
    let Some(noise) = noise else {
        // Between runs nothing is known: what can be told is how wrong each is in itself.
        let estimate = first.zip(second).map(|(first, second)| {
            let part = |within: WithinRun| (within.standard_error.powi(2), within.freedom);
            Estimate::of_variances(value, &[part(first), part(second)])
        });
        return Looked {
            // Without even that, the difference stands alone: an error that is infinite claims nothing.
            estimate: Some(estimate.unwrap_or(Estimate {
                value,
                standard_error: f64::INFINITY,
                freedom: 1.0,
            })),
            method: estimate.map(|_| Method::WithinRun),
            reason: Some("one run a side and no noise profile of this plan".into()),
            ..Looked::default()
        };
    };
    // The spread of A/A runs has their error within in it. A run that is wilder in itself than these were is as wild as it
    // is. Both sides rest on the same estimate of the spread, so its degrees of freedom do not add up.
    let variance = |within: Option<WithinRun>| {
        let within = within.map_or(0.0, |within| within.standard_error);
        noise.spread.max(within).powi(2)
    };
    let estimate = Estimate {
        value,
        standard_error: (variance(first) + variance(second)).sqrt(),
        freedom: noise.freedom,
    };
    Looked::of(estimate, Method::NoiseProfile, Layout::Groups, 1.0)
}
