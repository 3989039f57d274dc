//! Whether one configuration is better than another: sizes, intervals and verdicts from results files alone.
//!
//! [`compare`] takes whole runs, asks first whether they may be compared ([`refusal`]), then reads the metrics of each
//! ([`metric`]) and judges them ([`decide`]). [`render_terminal`], [`render_markdown`] and [`to_json`] tell what came out.

pub(crate) mod cells;
mod comparison;
pub mod decide;
pub(crate) mod figures;
mod guards;
mod likeness;
mod markdown;
pub mod metric;
pub mod noise;
mod order;
pub mod refusal;
mod soundness;
pub mod surroundings;
mod terminal;
#[cfg(test)]
mod tests;
mod within;

use std::collections::BTreeMap;

pub use self::{
    comparison::{Candidate, Comparison, NoiseSummary, Outcome, Row, SideSummary},
    decide::{Method, Verdict},
    guards::{Guard, GuardStanding},
    likeness::{Difference, Standing},
    markdown::render_markdown,
    metric::Metric,
    noise::{NoiseFile, NoiseProfile},
    order::Pairing,
    refusal::{CompareError, Refusal, UsageError},
    terminal::render_terminal,
};
use self::{
    decide::{Alone, Answer, Evidence, Question},
    metric::Values,
    noise::Spread,
};
use crate::{Results, accepted::BEYOND, format::plural};

/// Version of the JSON form of a [`Comparison`].
pub const COMPARISON_VERSION: u32 = 1;

/// Change that makes no difference, unless said: 3 %.
pub const DEFAULT_MARGIN: f64 = 0.03;

/// A run and the name of its file, for messages.
#[derive(Clone, Copy, Debug)]
pub struct RunFile<'a> {
    /// The file, as given.
    pub name: &'a str,
    /// What it holds.
    pub results: &'a Results,
}

/// Runs of one configuration.
#[derive(Clone, Debug)]
pub struct Side<'a> {
    /// What it is called in the report: `base`, `new`, a file.
    pub name: String,
    /// Its runs.
    pub runs: Vec<RunFile<'a>>,
}

/// How to compare.
#[derive(Clone, Debug)]
pub struct Options {
    /// Change that makes no difference, as a share: 0.03. Noise is no part of it.
    pub margin: f64,
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
    /// Whether it is a failure when a primary metric cannot be told.
    pub strict: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            margin: DEFAULT_MARGIN,
            primary: Metric::PRIMARY.to_vec(),
            pairing: Pairing::Auto,
            factors: Vec::new(),
            allowed: Vec::new(),
            noise: Vec::new(),
            strict: false,
        }
    }
}

/// The comparison as JSON, with a line break at its end.
///
/// # Errors
/// When a figure has no JSON form; none of [`compare`]'s has not.
pub fn to_json(comparison: &Comparison) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(comparison)? + "\n")
}

/// Compares a baseline with one side or several.
///
/// # Errors
/// When the question makes no sense, or when the runs must not be compared: each reason in one line.
pub fn compare(baseline: &Side, candidates: &[Side], options: &Options) -> Result<Comparison, CompareError> {
    check_usage(baseline, candidates, options)?;
    let mut refusals = Vec::new();
    let runs: Vec<_> = [baseline]
        .into_iter()
        .chain(candidates)
        .flat_map(|side| &side.runs)
        .copied()
        .collect();
    refusals.extend(soundness::refusals(&runs));
    let mut differences = Vec::with_capacity(candidates.len());
    for side in candidates {
        let found = likeness::differences(&baseline.runs, &side.runs, &options.factors, &options.allowed);
        let mut against = likeness::refusals(&found, &options.factors);
        against.extend(soundness::overloaded_at_another_load(&baseline.runs, &side.runs));
        against.retain(|refusal| !refusals.contains(refusal));
        refusals.append(&mut against);
        differences.push(found);
    }
    refusals.extend(foreign_profiles(&runs, &options.noise));
    if !refusals.is_empty() {
        return Err(CompareError::Refused(refusals));
    }

    let disturbed = [baseline]
        .into_iter()
        .chain(candidates)
        .filter_map(|side| soundness::disturbed(&side.name, &side.runs))
        .collect();
    let first = Read::of(baseline)?;
    let read = candidates.iter().map(Read::of).collect::<Result<Vec<_>, _>>()?;
    let pairs: Vec<_> = read.iter().map(|side| paired(&first, side, options.pairing)).collect();
    let metrics = metrics(&options.primary);
    let mut questions = Vec::with_capacity(metrics.len() * read.len());
    for (side, paired) in read.iter().zip(&pairs) {
        questions.extend(
            metrics
                .iter()
                .map(|metric| question(*metric, &first, side, *paired, options)),
        );
    }
    // All candidates are asked at once: the correction is for everything that one comparison claims.
    let answers = decide::decide(&questions);
    let asked = read.iter().zip(pairs).zip(differences);
    let answered = questions.chunks(metrics.len()).zip(answers.chunks(metrics.len()));
    let candidates: Vec<_> = asked
        .zip(answered)
        .map(|(((side, paired), differences), (questions, answers))| {
            let rows = questions
                .iter()
                .zip(answers)
                .map(|(question, answer)| row(question, answer, &first, side))
                .collect();
            candidate(&first, side, paired, rows, differences)
        })
        .collect();
    let noise = options.noise.iter().map(|file| file.summary(&runs, &options.primary));
    let outcome = Outcome::of(&candidates);
    Ok(Comparison {
        comparison_version: COMPARISON_VERSION,
        baseline: first.summary(),
        outcome,
        exit_code: comparison::exit_code(outcome, &candidates, options.strict),
        candidates,
        noise: noise.collect(),
        disturbed,
        alpha: decide::ALPHA,
    })
}

fn check_usage(baseline: &Side, candidates: &[Side], options: &Options) -> Result<(), UsageError> {
    if candidates.is_empty() {
        let side = "the side to be compared".to_owned();
        return Err(UsageError::NoRuns { side });
    }
    if let Some(side) = [baseline]
        .into_iter()
        .chain(candidates)
        .find(|side| side.runs.is_empty())
    {
        let side = side.name.clone();
        return Err(UsageError::NoRuns { side });
    }
    if !(options.margin > 0.0 && options.margin < decide::LARGEST_MARGIN) {
        let given = options.margin;
        return Err(UsageError::Margin { given });
    }
    if options.primary.is_empty() {
        return Err(UsageError::NoPrimary);
    }
    let unpairable = candidates
        .iter()
        .find(|side| side.runs.len() != baseline.runs.len() || side.runs.len() < 2);
    match unpairable.filter(|_| options.pairing == Pairing::Paired) {
        Some(side) => Err(UsageError::Unpairable {
            baseline: baseline.runs.len(),
            other: side.runs.len(),
        }),
        None => Ok(()),
    }
}

/// Profiles that fit none of the runs, by what speaks against the first of them.
fn foreign_profiles(runs: &[RunFile], profiles: &[NoiseFile]) -> Vec<Refusal> {
    let foreign = profiles.iter().filter_map(|NoiseFile { profile, .. }| {
        let mut errors = runs.iter().map(|run| profile.applies_to(run.results));
        if errors.any(|fits| fits.is_ok()) {
            return None;
        }
        runs.first().and_then(|run| profile.applies_to(run.results).err())
    });
    foreign.map(Refusal::from).collect()
}

/// The primary metrics, then all others.
fn metrics(primary: &[Metric]) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for metric in primary.iter().copied().chain(Metric::all()) {
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    metrics
}

/// A side whose figures have been read; runs in the order of time.
struct Read<'a> {
    name: &'a str,
    runs: Vec<RunFile<'a>>,
    values: Vec<Values>,
    /// The errors within a single run.
    within: BTreeMap<Metric, decide::WithinRun>,
}

impl<'a> Read<'a> {
    fn of(side: &'a Side<'a>) -> Result<Self, CompareError> {
        let runs: Vec<_> = order::by_time(&side.runs)
            .into_iter()
            .map(|index| side.runs[index])
            .collect();
        let damaged = |run: &RunFile, source| {
            let file = run.name.to_owned();
            CompareError::Refused(vec![Refusal::Damaged { file, source }])
        };
        let values = runs
            .iter()
            .map(|run| metric::values(run.results).map_err(|source| damaged(run, source)));
        let values = values.collect::<Result<_, _>>()?;
        let within = match runs.as_slice() {
            [run] => within::errors(run.results, &Metric::all().collect::<Vec<_>>())
                .map_err(|source| damaged(run, source))?,
            _ => Vec::new(),
        };
        Ok(Read {
            name: &side.name,
            values,
            within: within.into_iter().collect(),
            runs,
        })
    }

    /// The values of a metric, run by run, or the first reason why one has none.
    fn values_of(&self, metric: Metric) -> Result<Vec<f64>, String> {
        let of_run = |(values, run): (&Values, &RunFile)| match values.get(&metric) {
            Some(Ok(value)) => Ok(*value),
            Some(Err(reason)) => Err(format!("{}: {reason}", run.name)),
            None => Err(format!("{}: not measured", run.name)),
        };
        self.values.iter().zip(&self.runs).map(of_run).collect()
    }

    fn summary(&self) -> SideSummary {
        SideSummary {
            name: self.name.to_owned(),
            files: self.runs.iter().map(|run| run.name.to_owned()).collect(),
            runs: self.runs.iter().map(|run| run.results.run.id.clone()).collect(),
        }
    }
}

fn paired(first: &Read, second: &Read, pairing: Pairing) -> bool {
    match pairing {
        Pairing::Auto => order::took_turns(&first.runs, &second.runs),
        Pairing::Paired => true,
        Pairing::Unpaired => false,
    }
}

fn question(metric: Metric, first: &Read, second: &Read, paired: bool, options: &Options) -> Question {
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
                    within: first.within.get(&metric).copied(),
                },
                second: Alone {
                    value: *other,
                    within: second.within.get(&metric).copied(),
                },
            },
            _ if paired => Evidence::Pairs(a.into_iter().zip(b).collect()),
            _ => Evidence::Groups { first: a, second: b },
        },
    };
    let withheld = withheld(metric, &first.runs, &second.runs);
    Question {
        metric,
        primary: options.primary.contains(&metric),
        margin: options.margin,
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
    if !soundness::have_one_load(first, second) {
        return Some("the plans ask for different loads, so it is no result".into());
    }
    let carried = !first.iter().chain(second).any(soundness::is_overloaded);
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

/// A candidate, with its guards. Beside one that is worse nothing else is called better or the same: it would be told of
/// what was left of the load.
fn candidate(first: &Read, side: &Read, paired: bool, mut rows: Vec<Row>, differences: Vec<Difference>) -> Candidate {
    let throughput = rows.iter().find(|row| row.metric == Metric::Throughput);
    let guards = guards::guards(&first.runs, &side.runs, throughput);
    if let Some(worse) = guards.iter().find(|guard| guard.standing == GuardStanding::Worse) {
        for row in rows.iter_mut().filter(|row| row.primary || row.metric.is_latency()) {
            if matches!(row.verdict, Verdict::Improved | Verdict::Equivalent) {
                row.verdict = Verdict::NoVerdict;
                row.reason = Some(format!(
                    "{} is worse, so this is of what was left of the load",
                    worse.name
                ));
            }
        }
    }
    let mut candidate = Candidate {
        side: side.summary(),
        paired,
        rows,
        guards,
        differences,
        outcome: Outcome::NoVerdict,
    };
    candidate.outcome = Outcome::of(std::slice::from_ref(&candidate));
    candidate
}

fn row(question: &Question, answer: &Answer, first: &Read, second: &Read) -> Row {
    let metric = question.metric;
    let change = |difference: f64| metric.to_change(difference);
    let (baseline_values, values) = (
        first.values_of(metric).unwrap_or_default(),
        second.values_of(metric).unwrap_or_default(),
    );
    let centre = |values: &[f64]| {
        if values.contains(&BEYOND) {
            let mut values = values.to_vec();
            return crate::stats::median(&mut values);
        }
        let scaled = values
            .iter()
            .map(|value| metric.to_scale(*value))
            .collect::<Option<Vec<_>>>()?;
        (!scaled.is_empty()).then(|| metric.unscaled(crate::stats::mean(&scaled)))
    };
    Row {
        metric,
        primary: question.primary,
        baseline: centre(&baseline_values),
        value: centre(&values),
        baseline_values,
        values,
        change: answer.estimate.map(|estimate| change(estimate.value)),
        interval: answer.interval.map(|interval| interval.map(change)),
        equivalence_interval: answer.equivalence_interval.map(|interval| interval.map(change)),
        confidence: answer.confidence,
        method: answer.method,
        p: answer.p,
        adjusted_p: answer.adjusted_p,
        equivalence_p: answer.equivalence_p,
        hodges_lehmann: answer.hodges_lehmann.map(|shift| change(shift.value)),
        hodges_lehmann_interval: answer
            .hodges_lehmann
            .and_then(|shift| Some(shift.interval?.map(change))),
        margin: metric.margin(question.margin).map(change),
        verdict: answer.verdict,
        more_runs: answer.more_runs,
        reason: answer.reason.clone(),
    }
}
