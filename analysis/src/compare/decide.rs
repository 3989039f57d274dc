//! Verdict on a metric, from pure numbers, no files.
//!
//! The run is the sample: what differs between runs of the same thing is what a difference must be held against, and the
//! thousands of workflows inside a run say nothing of it. The primary metrics are tested together ([`crate::stats::holm`]);
//! the interval of each has the confidence that it was tested at, at least 95 %:
//!
//! - *equivalent* when the 90 % interval lies inside of the margin: two one-sided tests at 5 % (TOST). That all metrics are
//!   equivalent is said only when each is, so it needs no correction. It comes first: a difference within the margin is none
//!   that matters.
//! - *improved* or *regressed* when the interval lies beyond the margin.
//! - *slightly better* or *slightly worse* when it excludes zero and reaches into the margin: there is a difference, and whether
//!   it matters cannot be told.
//! - *open* otherwise, with the number of runs that would decide.

use serde::{Deserialize, Serialize};

use super::{
    evidence::{Looked, Method, Question, Ranked, look},
    metric::{Direction, Metric},
};
use crate::stats::{
    Estimate, Interval, holm,
    power::{self, Known},
    ranks, student,
};

/// Chance of a false finding, over all primary metrics together.
pub const ALPHA: f64 = 0.05;

/// Confidence of the interval that must lie inside of the margin.
pub const EQUIVALENCE_CONFIDENCE: f64 = 1.0 - 2.0 * ALPHA;

/// What is said of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MetricVerdict {
    /// Better, by more than the margin.
    Improved,
    /// Better, and perhaps by no more than the margin.
    SlightlyBetter,
    /// Any difference lies inside of the margin.
    Equivalent,
    /// Worse, and perhaps by no more than the margin.
    SlightlyWorse,
    /// Worse, by more than the margin.
    Regressed,
    /// None of these can be said yet.
    Open,
    /// Nothing can be said; the reason stands beside it.
    NoVerdict,
}

impl MetricVerdict {
    /// Whether it says better or worse.
    pub fn differs(self) -> bool {
        self.direction().is_some_and(|direction| direction != 0)
    }

    /// 1 for better, 0 for the same, -1 for worse; `None` where it says none of these.
    pub(super) fn direction(self) -> Option<i8> {
        match self {
            MetricVerdict::Improved | MetricVerdict::SlightlyBetter => Some(1),
            MetricVerdict::Equivalent => Some(0),
            MetricVerdict::Regressed | MetricVerdict::SlightlyWorse => Some(-1),
            MetricVerdict::Open | MetricVerdict::NoVerdict => None,
        }
    }
}

/// What came of one question. Differences are on the scale of the metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The difference of the means and its error; `None` where nothing is known.
    pub estimate: Option<Estimate>,
    /// What more runs would be added to; `None` where there is no test.
    pub known: Option<Known>,
    /// The difference that is told: of the means, or the Hodges–Lehmann estimate where ranks decide.
    pub difference: Option<f64>,
    /// How it was made.
    pub method: Option<Method>,
    /// The interval that tells a difference.
    pub interval: Option<Interval>,
    /// Its confidence, 0 to 1: 0.95 or, of a primary metric, more.
    pub confidence: f64,
    /// The one that tells that there is none, of [`EQUIVALENCE_CONFIDENCE`].
    pub equivalence_interval: Option<Interval>,
    /// p of no difference.
    pub p: Option<f64>,
    /// The same, Holm-corrected for primary metrics.
    pub adjusted_p: Option<f64>,
    /// p of a difference outside of the margin (TOST).
    pub equivalence_p: Option<f64>,
    /// The smallest difference that such runs tell with 80 % probability.
    pub detectable: Option<f64>,
    /// What is said.
    pub verdict: MetricVerdict,
    /// Why there is no verdict.
    pub reason: Option<String>,
}

/// Judges metrics that belong to one comparison: the primary ones together, each other by itself.
pub fn decide(questions: &[Question]) -> Vec<Answer> {
    let primary = level_of(questions);
    let level = |question: &Question| if question.primary { primary } else { ALPHA };
    let looked: Vec<Looked> = questions
        .iter()
        .map(|question| look(question, level(question)))
        .collect();
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
        .map(|((question, looked), step)| answer(question, looked, step, level(question)))
        .collect()
}

/// Alpha that the first of so many primary metrics must come to: Holm's first step.
pub fn level(primary: usize) -> f64 {
    ALPHA / primary.max(1) as f64
}

/// That of the questions of a comparison.
pub(super) fn level_of(questions: &[Question]) -> f64 {
    level(questions.iter().filter(|question| question.primary).count())
}

fn answer(question: &Question, looked: Looked, step: Option<holm::HolmStep>, level: f64) -> Answer {
    let alpha = step.map_or(ALPHA, |step| step.alpha);
    let margin = question.margin;
    let shift = looked
        .groups
        .as_ref()
        .and_then(|(first, second)| ranks::of_groups(first, second, 1.0 - alpha));
    let (difference, interval, confidence) = match (&shift, &looked.estimate) {
        (Some(shift), _) => {
            let (interval, confidence) = shift.interval.unzip();
            (Some(shift.value), interval, confidence.unwrap_or(1.0 - alpha))
        }
        (None, Some(estimate)) if estimate.standard_error.is_finite() => {
            (Some(estimate.value), Some(estimate.interval(1.0 - alpha)), 1.0 - alpha)
        }
        (None, estimate) => (estimate.map(|estimate| estimate.value), None, 1.0 - alpha),
    };
    let tested = looked.testable().filter(|_| step.is_some());
    let equivalence_interval = tested.map(|estimate| estimate.interval(EQUIVALENCE_CONFIDENCE));
    let inside = equivalence_interval.is_some_and(|interval| interval.lies_within(&margin));
    let verdict = match (step, interval, looked.ranked) {
        (None, ..) => MetricVerdict::NoVerdict,
        (Some(_), Some(_), _) if inside => MetricVerdict::Equivalent,
        (Some(_), Some(interval), _) => judged(question.metric, &interval, &margin),
        (Some(step), None, Some(ranked)) if looked.groups.is_none() => beyond(question.metric, ranked, &step),
        (Some(_), None, Some(_)) => MetricVerdict::Open,
        (Some(_), None, None) => MetricVerdict::NoVerdict,
    };
    let known = looked.known.filter(|_| step.is_some());
    Answer {
        detectable: known.map(|known| power::detectable(&known.estimate, level)),
        known,
        method: looked.method,
        p: looked.p_value().filter(|_| step.is_some()),
        adjusted_p: step.map(|step| step.adjusted),
        equivalence_p: tested.map(|estimate| estimate.equivalence_p_value(&margin)),
        reason: question.withheld.clone().or(looked.reason),
        estimate: looked.estimate,
        difference,
        interval,
        confidence,
        equivalence_interval,
        verdict,
    }
}

/// What an interval says that does not lie inside of the margin.
fn judged(metric: Metric, interval: &Interval, margin: &Interval) -> MetricVerdict {
    if interval.contains(0.0) {
        return MetricVerdict::Open;
    }
    let larger = interval.low > 0.0;
    let apart = interval.low > margin.high || interval.high < margin.low;
    directed(metric, larger, apart)
}

/// What is worse than any number differs by more than any margin.
fn beyond(metric: Metric, ranked: Ranked, step: &holm::HolmStep) -> MetricVerdict {
    if ranked.p <= step.alpha {
        directed(metric, ranked.larger, true)
    } else {
        MetricVerdict::Open
    }
}

/// Better or worse, by which side has the larger values, and whether by more than the margin.
fn directed(metric: Metric, larger: bool, apart: bool) -> MetricVerdict {
    let better = larger == (metric.direction() == Direction::Up);
    match (better, apart) {
        (true, true) => MetricVerdict::Improved,
        (true, false) => MetricVerdict::SlightlyBetter,
        (false, true) => MetricVerdict::Regressed,
        (false, false) => MetricVerdict::SlightlyWorse,
    }
}

/// Of a question that is open: how many more runs a side would decide it with 80 % probability, either by an interval without
/// zero or by one that lies inside of the margin. `None` when they are more than anybody makes.
pub(super) fn more_runs(answer: &Answer, margin: &Interval, level: f64) -> Option<u32> {
    let known = answer.known.filter(|_| answer.verdict == MetricVerdict::Open)?;
    known.more_runs(|freedom| {
        let away = student::quantile(1.0 - level / 2.0, freedom);
        let room = student::quantile(1.0 - ALPHA, freedom);
        move |error| {
            [
                Interval::new(f64::NEG_INFINITY, -away * error),
                Interval::new(
                    (margin.low + room * error).max(-away * error),
                    (margin.high - room * error).min(away * error),
                ),
                Interval::new(away * error, f64::INFINITY),
            ]
        }
    })
}
