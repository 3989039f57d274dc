//! From the values of the runs to verdicts: pure numbers, no files.
//!
//! The run is the sample: what differs between runs of the same thing is what a difference must be held against, and the
//! thousands of workflows inside a run say nothing of it. The primary metrics are tested together ([`crate::stats::holm`]);
//! the interval of each has the confidence that it was tested at, at least 95 %:
//!
//! - *equivalent* when the 90 % interval lies inside of the margin: two one-sided tests at 5 % (TOST). That all metrics are
//!   equivalent is said only when each is, so it needs no correction. It comes first: a difference within the margin is none
//!   that matters.
//! - *improved* or *regressed* when the interval excludes zero.
//! - *inconclusive* otherwise, with the number of runs that would decide.

use serde::{Deserialize, Serialize};

use super::{
    metric::{Direction, Metric},
    noise::Spread,
};
use crate::stats::{
    self, Estimate, Interval,
    bootstrap::RatioError,
    holm,
    power::{self, Layout},
    ranks,
};

/// Chance of a false finding, over all primary metrics together.
pub const ALPHA: f64 = 0.05;

/// Confidence of the interval that must lie inside of the margin.
pub const EQUIVALENCE_CONFIDENCE: f64 = 1.0 - 2.0 * ALPHA;

/// Largest margin that may be asked for: beyond a half, *equivalent* would say nothing.
pub const LARGEST_MARGIN: f64 = 0.5;

/// What is known of one metric on both sides. Values as measured, in the metric's unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// Runs made in turn: first of the baseline, second of the other side.
    Pairs(Vec<(f64, f64)>),
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

/// One metric to be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The metric.
    pub metric: Metric,
    /// Whether it decides.
    pub primary: bool,
    /// Change that makes no difference, as a share: 0.03.
    pub margin: f64,
    /// How far runs of the same plan differ, where it was measured and is asked for.
    pub noise: Option<Spread>,
    /// What is known.
    pub evidence: Evidence,
    /// Why there shall be no verdict although there is evidence.
    pub withheld: Option<String>,
}

/// What is said of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Better, by more than chance.
    Improved,
    /// Worse, by more than chance.
    Regressed,
    /// Any difference lies inside of the margin.
    Equivalent,
    /// Neither can be said yet.
    Inconclusive,
    /// Nothing can be said; the reason stands beside it.
    NoVerdict,
}

/// How an interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// Paired t.
    PairedT,
    /// Welch's t; where one side has fewer runs, their spread is no less than pooled with the other's.
    WelchT,
    /// t with the spread of the side that has several runs, for both.
    PooledT,
    /// t with the spread of the noise profile, pooled with that of the runs where there are several.
    NoiseProfile,
    /// Bootstrap within single runs: no word of how much runs differ.
    WithinRun,
    /// Exact rank sum test, where some values are beyond every number.
    RankSum,
}

/// What came of one question. Differences are on the scale of the metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The difference and its error; `None` where nothing is known.
    pub estimate: Option<Estimate>,
    /// How it was made.
    pub method: Option<Method>,
    /// The interval that tells a difference.
    pub interval: Option<Interval>,
    /// The one that tells that there is none, of [`EQUIVALENCE_CONFIDENCE`].
    pub equivalence_interval: Option<Interval>,
    /// Its confidence, 0 to 1: 0.95 or, of a primary metric, more.
    pub confidence: f64,
    /// p of no difference.
    pub p: Option<f64>,
    /// The same, Holm-corrected for primary metrics.
    pub adjusted_p: Option<f64>,
    /// p of a difference outside of the margin (TOST).
    pub equivalence_p: Option<f64>,
    /// The Hodges–Lehmann estimate, where there are several runs.
    pub hodges_lehmann: Option<ranks::Shift>,
    /// What is said.
    pub verdict: Verdict,
    /// Of an inconclusive one: how many more runs a side would decide. `None` when it is more than anybody makes.
    pub more_runs: Option<u32>,
    /// Why there is no verdict.
    pub reason: Option<String>,
}

/// Judges metrics that belong to one comparison: the primary ones together, each other by itself.
pub fn decide(questions: &[Question]) -> Vec<Answer> {
    let looked: Vec<Looked> = questions.iter().map(look).collect();
    let tested = |primary: bool| {
        let looked = looked.iter().zip(questions).enumerate();
        looked.filter_map(move |(index, (looked, question))| {
            let p = looked.p_value()?;
            (question.primary == primary && question.withheld.is_none()).then_some((index, p))
        })
    };
    let mut steps = vec![None; questions.len()];
    let family: Vec<_> = tested(true).collect();
    let p_values: Vec<_> = family.iter().map(|(_, p)| *p).collect();
    for ((index, _), step) in family.iter().zip(holm::holm(&p_values, ALPHA)) {
        steps[*index] = Some(step);
    }
    for (index, p) in tested(false) {
        steps[index] = holm::holm(&[p], ALPHA).pop();
    }
    let judged = questions.iter().zip(looked).zip(steps);
    judged
        .map(|((question, looked), step)| answer(question, looked, step))
        .collect()
}

/// A question's evidence, on the scale of its metric.
#[derive(Default)]
struct Looked {
    estimate: Option<Estimate>,
    method: Option<Method>,
    differences: Differences,
    /// Layout, spread and number of the runs, for how many more it takes.
    runs: Option<(Layout, f64, u32)>,
    reason: Option<String>,
    /// p and direction of a test that has no estimate.
    ranked: Option<Ranked>,
}

/// What ranks say.
#[derive(Clone, Copy)]
struct Ranked {
    p: f64,
    /// Whether the second side has the larger ones.
    larger: bool,
}

/// What the Hodges–Lehmann estimate is made of.
#[derive(Default)]
enum Differences {
    Pairs(Vec<f64>),
    Groups(Vec<f64>, Vec<f64>),
    #[default]
    None,
}

impl Looked {
    /// The estimate, if its error holds between runs.
    fn testable(&self) -> Option<&Estimate> {
        let between_runs = self.method.is_some_and(|method| method != Method::WithinRun);
        self.estimate.as_ref().filter(|_| between_runs)
    }

    fn p_value(&self) -> Option<f64> {
        let ranked = self.ranked.map(|ranked| ranked.p);
        ranked.or_else(|| self.testable().map(Estimate::p_value))
    }

    fn nothing(reason: impl Into<String>) -> Self {
        Looked {
            reason: Some(reason.into()),
            ..Looked::default()
        }
    }
}

const NO_SCALE: &str = "a value of zero has no ratio to anything";
const TOO_FEW: &str = "fewer than two runs a side";

fn look(question: &Question) -> Looked {
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
        Evidence::Pairs(pairs) => {
            let (first, second): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            let (Some(first), Some(second)) = (scaled(&first), scaled(&second)) else {
                return Looked::nothing(NO_SCALE);
            };
            let differences: Vec<_> = first.iter().zip(&second).map(|(a, b)| b - a).collect();
            let Some(estimate) = Estimate::paired(&differences) else {
                return Looked::nothing(TOO_FEW);
            };
            let (estimate, method) = match &question.noise {
                Some(noise) => {
                    // Each difference has the error of two runs.
                    let variance = 2.0 * noise.spread.powi(2);
                    let mut parts = NoiseParts::new(variance, noise.freedom);
                    parts.side(&differences);
                    (parts.estimate(estimate.value), Method::NoiseProfile)
                }
                None => (estimate, Method::PairedT),
            };
            let spread = stats::variance(&differences).unwrap_or(0.0).sqrt();
            Looked {
                estimate: Some(estimate),
                method: Some(method),
                runs: Some((Layout::Pairs, spread, differences.len() as u32)),
                differences: Differences::Pairs(differences),
                ..Looked::default()
            }
        }
        Evidence::Groups { first, second } => {
            let (Some(first), Some(second)) = (scaled(first), scaled(second)) else {
                return Looked::nothing(NO_SCALE);
            };
            groups(first, second, question.noise.as_ref())
        }
        Evidence::Single { first, second } => {
            let (Some(a), Some(b)) = (metric.to_scale(first.value), metric.to_scale(second.value)) else {
                return Looked::nothing(NO_SCALE);
            };
            single(b - a, first.within, second.within, question.noise.as_ref())
        }
    }
}

fn groups(first: Vec<f64>, second: Vec<f64>, noise: Option<&Spread>) -> Looked {
    let pooled = noise.map(|noise| with_noise(&first, &second, noise));
    let found = pooled
        .map(|estimate| (estimate, Method::NoiseProfile))
        .or_else(|| Some((Estimate::groups(&first, &second)?, Method::WelchT)))
        .or_else(|| Some((Estimate::pooled(&first, &second)?, Method::PooledT)));
    let Some((estimate, method)) = found else {
        return Looked::nothing(TOO_FEW);
    };
    let variances: Vec<_> = [&first, &second]
        .into_iter()
        .filter_map(|side| stats::variance(side))
        .collect();
    let spread = stats::mean(&variances).sqrt();
    let fewer = first.len().min(second.len()) as u32;
    Looked {
        estimate: Some(estimate),
        method: Some(method),
        runs: Some((Layout::Groups, spread, fewer)),
        differences: Differences::Groups(first, second),
        ..Looked::default()
    }
}

/// The difference of two groups of which the spread of each is pooled with the profile's.
fn with_noise(first: &[f64], second: &[f64], noise: &Spread) -> Estimate {
    let mut parts = NoiseParts::new(noise.spread.powi(2), noise.freedom);
    parts.side(first);
    parts.side(second);
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

    /// Adds the mean of values. Those that are wilder than the profile are as wild as they are: pooled, a noisy side would be
    /// taken for a quiet one.
    fn side(&mut self, values: &[f64]) {
        let count = values.len() as f64;
        match stats::variance(values) {
            Some(own) if own > self.variance => self.own.push((own / count, count - 1.0)),
            Some(own) => {
                let freedom = count - 1.0 + self.freedom;
                self.own.push(((count - 1.0) * own / freedom / count, count - 1.0));
                self.shared += self.freedom * self.variance / freedom / count;
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
    Looked {
        estimate: Some(Estimate {
            value,
            standard_error: (variance(first) + variance(second)).sqrt(),
            freedom: noise.freedom,
        }),
        method: Some(Method::NoiseProfile),
        runs: Some((Layout::Groups, noise.spread, 1)),
        ..Looked::default()
    }
}

fn answer(question: &Question, looked: Looked, step: Option<holm::Step>) -> Answer {
    let alpha = step.map_or(ALPHA, |step| step.alpha);
    let confidence = 1.0 - alpha;
    let margin = question.metric.margin(question.margin);
    let interval = looked
        .estimate
        .filter(|estimate| estimate.standard_error.is_finite())
        .map(|estimate| estimate.interval(confidence));
    let equivalence_interval = looked
        .testable()
        .filter(|_| step.is_some())
        .map(|estimate| estimate.interval(EQUIVALENCE_CONFIDENCE));
    let inside = equivalence_interval.is_some_and(|interval| interval.lies_within(&margin));
    let verdict = match (step, interval, looked.estimate) {
        _ if looked.ranked.is_some() => ranked_verdict(question.metric, looked.ranked, step),
        (Some(_), Some(_), _) if inside => Verdict::Equivalent,
        (Some(_), Some(interval), Some(_)) if interval.contains(0.0) => Verdict::Inconclusive,
        (Some(_), Some(_), Some(estimate)) => directed(question.metric, estimate.value > 0.0),
        _ => Verdict::NoVerdict,
    };
    let more_runs = (verdict == Verdict::Inconclusive)
        .then(|| more_runs(&looked, &margin, alpha))
        .flatten();
    let tested = looked.testable().filter(|_| step.is_some());
    Answer {
        method: looked.method,
        p: looked.p_value().filter(|_| step.is_some()),
        adjusted_p: step.map(|step| step.adjusted),
        equivalence_p: tested.map(|estimate| estimate.equivalence_p_value(&margin)),
        hodges_lehmann: match &looked.differences {
            Differences::Pairs(differences) => ranks::of_pairs(differences, confidence),
            Differences::Groups(first, second) => ranks::of_groups(first, second, confidence),
            Differences::None => None,
        },
        reason: (verdict == Verdict::NoVerdict || looked.ranked.is_some())
            .then(|| question.withheld.clone().or(looked.reason))
            .flatten(),
        estimate: looked.estimate,
        interval,
        equivalence_interval,
        confidence,
        verdict,
        more_runs,
    }
}

/// What is worse than any number differs by more than any margin.
fn ranked_verdict(metric: Metric, ranked: Option<Ranked>, step: Option<holm::Step>) -> Verdict {
    match (ranked, step) {
        (Some(ranked), Some(step)) if ranked.p <= step.alpha => directed(metric, ranked.larger),
        (_, Some(_)) => Verdict::Inconclusive,
        _ => Verdict::NoVerdict,
    }
}

/// Better or worse, by which side has the larger values.
fn directed(metric: Metric, larger: bool) -> Verdict {
    match (metric.direction(), larger) {
        (Direction::Up, true) | (Direction::Down, false) => Verdict::Improved,
        _ => Verdict::Regressed,
    }
}

/// More runs a side until either verdict is likely, if the difference is as large as it looks: zero must drop out of the
/// interval, or the interval must fit into the margin, whichever comes first.
fn more_runs(looked: &Looked, margin: &Interval, alpha: f64) -> Option<u32> {
    let (layout, spread, runs) = looked.runs?;
    let value = looked.estimate?.value;
    let to_margin = (value - margin.low).min(margin.high - value);
    let needed = power::runs_needed(layout, spread, value.abs().max(to_margin), alpha)?;
    // Where the few there are were unlucky, the formula says that they are enough: they were not.
    Some(needed.saturating_sub(runs).max(1))
}
