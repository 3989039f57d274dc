//! Rows of a comparison: from two sides to questions, metric by metric, and from the answers to rows.

use benchmark_results::format::{BEYOND, plural};

use super::{
    comparable,
    comparison::{MetricRow, OddRuns},
    decide::{self, Answer},
    evidence::{Alone, Evidence, Question, Spread, Turn},
    metric::Metric,
    noise::NoiseFile,
    options::Options,
    outliers,
    read::Read,
    side::RunFile,
};
use crate::stats;

/// The primary metrics, then all others.
pub(super) fn metrics(primary: &[Metric]) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for metric in primary.iter().copied().chain(Metric::all()) {
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    metrics
}

/// `pairs` tells of each pair whether the baseline's run came first; `None` of groups.
pub(super) fn question(
    metric: Metric,
    first: &Read,
    second: &Read,
    pairs: Option<&[bool]>,
    options: &Options,
) -> Question {
    let noise = noise_of(metric, first, second, &options.noise);
    let evidence = match (first.values_of(metric), second.values_of(metric)) {
        (Err(reason), _) | (_, Err(reason)) => Evidence::Nothing(reason),
        (Ok(a), Ok(b)) if a.iter().chain(&b).any(|value| *value == BEYOND) => {
            let of = |values: &[f64], side: &Read| {
                let beyond = values.iter().filter(|value| **value == BEYOND).count();
                format!("{beyond} of {} of {}", plural(values.len() as u64, "run"), side.name)
            };
            let reason = format!(
                "in {} and {} it lies among the workflows that did not complete",
                of(&a, first),
                of(&b, second)
            );
            match (a.len(), b.len()) {
                (1, 1) => Evidence::Nothing(reason),
                _ => Evidence::Ranked {
                    first: a,
                    second: b,
                    reason,
                },
            }
        }
        (Ok(a), Ok(b)) => match (a.as_slice(), b.as_slice()) {
            ([value], [other]) => Evidence::Single {
                first: Alone {
                    value: *value,
                    within: first.within[0].get(&metric).copied(),
                },
                second: Alone {
                    value: *other,
                    within: second.within[0].get(&metric).copied(),
                },
            },
            _ => match pairs {
                Some(orders) => {
                    let turns = a.into_iter().zip(b).zip(orders);
                    let turn = |((first, second), baseline_first): ((f64, f64), &bool)| Turn {
                        first,
                        second,
                        baseline_first: *baseline_first,
                    };
                    Evidence::Turns(turns.map(turn).collect())
                }
                None => Evidence::Groups { first: a, second: b },
            },
        },
    };
    let baseline = centre(metric, &first.values_of(metric).unwrap_or_default());
    let withheld = withheld(metric, &first.runs, &second.runs);
    Question {
        metric,
        primary: options.primary.contains(&metric),
        margin: options.margins.of(metric).on(metric, baseline.unwrap_or(f64::NAN)),
        noise,
        evidence,
        withheld,
    }
}

/// Why a rate is no result: in an open load it is what was asked for, as long as the cluster carries it.
fn withheld(metric: Metric, first: &[RunFile], second: &[RunFile]) -> Option<String> {
    if !matches!(metric, Metric::Throughput | Metric::StartRate) {
        return None;
    }
    if !comparable::have_one_load(first, second) {
        return Some("the plans ask for different loads, so it is no result".into());
    }
    let carried = !first.iter().chain(second).any(comparable::is_overloaded);
    carried.then(|| "it is what the plan asks for: every run carried its load".into())
}

/// The largest spread of a metric in the profiles that fit a run of either side. One of the two sides is usually new, and
/// nobody has measured its noise yet: then it is taken to be as noisy as the other.
fn noise_of(metric: Metric, first: &Read, second: &Read, profiles: &[NoiseFile]) -> Option<Spread> {
    let fits = |NoiseFile { profile, .. }: &&NoiseFile| {
        let mut runs = first.runs.iter().chain(&second.runs);
        runs.any(|run| profile.applies_to(run.results).is_ok())
    };
    let spreads = profiles
        .iter()
        .filter(fits)
        .filter_map(|file| file.profile.spreads.get(&metric));
    spreads.max_by(|a, b| a.spread.total_cmp(&b.spread)).copied()
}

/// The odd runs of a question that decides, and what would be said without them.
pub(super) fn odd_runs(questions: &[Question], at: usize) -> Option<OddRuns> {
    let question = questions.get(at).filter(|question| question.primary)?;
    let odd = outliers::odd(question)?;
    let answer = outliers::without(questions, at, &odd);
    let change = |difference: f64| question.metric.to_change(difference);
    Some(OddRuns {
        change: answer.difference.map(change),
        interval: answer.interval.map(|interval| interval.map(change)),
        verdict: answer.verdict,
        baseline: odd.first,
        values: odd.second,
    })
}

/// The mean of values: geometric of ratios; the median where one is beyond every number.
fn centre(metric: Metric, values: &[f64]) -> Option<f64> {
    if values.contains(&BEYOND) {
        return stats::median(&mut values.to_vec());
    }
    let scaled = values
        .iter()
        .map(|value| metric.to_scale(*value))
        .collect::<Option<Vec<_>>>()?;
    (!scaled.is_empty()).then(|| metric.unscaled(stats::mean(&scaled)))
}

pub(super) fn row(
    question: &Question,
    answer: &Answer,
    level: f64,
    first: &Read,
    second: &Read,
    options: &Options,
) -> MetricRow {
    let metric = question.metric;
    let change = |difference: f64| metric.to_change(difference);
    let (baseline_values, values) = (
        first.values_of(metric).unwrap_or_default(),
        second.values_of(metric).unwrap_or_default(),
    );
    let within: Vec<_> = [first, second]
        .into_iter()
        .flat_map(|side| &side.within)
        .map(|errors| Some(errors.get(&metric)?.standard_error.powi(2)))
        .collect();
    let within = within.into_iter().collect::<Option<Vec<_>>>();
    let baseline = centre(metric, &baseline_values);
    MetricRow {
        metric,
        primary: question.primary,
        baseline,
        value: centre(metric, &values),
        baseline_values,
        values,
        baseline_samples: first.samples(metric),
        samples: second.samples(metric),
        change: answer.difference.map(change),
        absolute_change: answer
            .difference
            .and_then(|difference| metric.to_absolute(change(difference), baseline?)),
        interval: answer.interval.map(|interval| interval.map(change)),
        equivalence_interval: answer.equivalence_interval.map(|interval| interval.map(change)),
        confidence: answer.confidence,
        method: answer.method,
        p: answer.p,
        adjusted_p: answer.adjusted_p,
        equivalence_p: answer.equivalence_p,
        margin: question.margin.map(change),
        asked_margin: options.margins.of(metric),
        detectable: answer.detectable.map(change),
        within_run_error: within.map(|squares| stats::mean(&squares).sqrt()),
        odd: None,
        verdict: answer.verdict,
        more_runs: decide::more_runs(answer, &question.margin, level),
        reason: answer.reason.clone(),
    }
}
