//! Whether one configuration is better than another: sizes, intervals and verdicts from results files alone.
//!
//! [`compare`] takes whole runs, asks first whether they may be compared ([`refusal`]), then reads the metrics of each
//! ([`metric`]), puts them together ([`order`], [`evidence`]) and judges them ([`decide`]). [`render_terminal`],
//! [`render_markdown`] and [`to_json`] tell what came out.

pub(crate) mod cells;
mod comparison;
pub mod decide;
pub mod evidence;
pub(crate) mod figures;
mod gate;
mod guards;
mod likeness;
pub mod margin;
mod markdown;
pub mod metric;
pub mod noise;
mod odd;
mod order;
pub mod refusal;
pub mod resolution;
mod soundness;
pub mod surroundings;
mod terminal;
#[cfg(test)]
mod tests;
mod within;

use std::collections::BTreeMap;

pub use self::{
    comparison::{Candidate, Comparison, NoiseSummary, OddRuns, Outcome, Pair, Row, SideSummary},
    decide::Verdict,
    evidence::Method,
    gate::{Gate, GateRow, GateStanding},
    guards::{Guard, GuardStanding},
    likeness::{Difference, Standing},
    margin::{Margin, MarginError, Margins},
    markdown::render_markdown,
    metric::Metric,
    noise::{NoiseFile, NoiseProfile},
    order::{Arrangement, Pairing},
    refusal::{CompareError, Refusal, UsageError},
    resolution::Resolution,
    terminal::render_terminal,
};
use self::{
    decide::{Answer, Question},
    evidence::{Alone, Evidence, Turn, WithinRun},
    metric::{Distribution, Values},
    noise::Spread,
    resolution::Deciding,
};
use crate::{
    Results,
    accepted::BEYOND,
    format::{percent, plural},
    schema::CheckStatus,
    stats,
};

/// Version of the JSON form of a [`Comparison`].
pub const COMPARISON_VERSION: u32 = 2;

/// Runs of both sides together that are compared at most: thousands of workflows a second for an hour each are gigabytes.
pub const MOST_RUNS: usize = 200;

/// Share of a start latency that the generator's own lag may be, at the same quantile.
const LARGEST_LAG: f64 = 0.1;

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
    let first = Read::of(baseline, &options.primary)?;
    let read = candidates
        .iter()
        .map(|side| Read::of(side, &options.primary))
        .collect::<Result<Vec<_>, _>>()?;
    let arranged: Vec<_> = read
        .iter()
        .map(|side| order::arrange(&first.runs, &side.runs, options.pairing))
        .collect();
    let metrics = metrics(&options.primary);
    let mut questions = Vec::with_capacity(metrics.len() * read.len());
    for (side, (arrangement, orders)) in read.iter().zip(&arranged) {
        let pairs = arrangement.is_paired().then_some(orders.as_slice());
        questions.extend(
            metrics
                .iter()
                .map(|metric| question(*metric, &first, side, pairs, options)),
        );
    }
    // All candidates are asked at once: the correction is for everything that one comparison claims.
    let answers = decide::decide(&questions);
    let level = decide::level(&questions);
    let candidates: Vec<_> = read
        .iter()
        .zip(&arranged)
        .zip(differences)
        .enumerate()
        .map(|(at, ((side, arranged), differences))| {
            let own = at * metrics.len()..(at + 1) * metrics.len();
            let rows = own
                .clone()
                .map(|index| Row {
                    odd: odd_runs(&questions, index),
                    ..row(&questions[index], &answers[index], level, &first, side, options)
                })
                .collect();
            let asked = Asked {
                answers: &answers[own],
                level,
                at_most_worse: options.at_most_worse,
            };
            candidate(&first, side, arranged, rows, &asked, differences)
        })
        .collect();
    let noise = options.noise.iter().map(|file| file.summary(&runs, &options.primary));
    let outcome = Outcome::of(&candidates);
    Ok(Comparison {
        comparison_version: COMPARISON_VERSION,
        baseline: first.summary(),
        outcome,
        exit_code: comparison::exit_code(outcome, &candidates, options.strict, options.unattended),
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
    let given = baseline.runs.len() + candidates.iter().map(|side| side.runs.len()).sum::<usize>();
    if given > MOST_RUNS {
        return Err(UsageError::TooMany { given });
    }
    if let Some(given) = options.at_most_worse
        && !(given > 0.0 && given <= margin::LARGEST_SHARE)
    {
        return Err(UsageError::AtMostWorse { given });
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
    /// The errors within each run: of a single one for all metrics, of several for those that decide.
    within: Vec<BTreeMap<Metric, WithinRun>>,
}

impl<'a> Read<'a> {
    fn of(side: &'a Side<'a>, primary: &[Metric]) -> Result<Self, CompareError> {
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
        let all: Vec<_> = Metric::all().collect();
        let asked = if runs.len() == 1 { &all } else { primary };
        let within = runs.iter().map(|run| {
            let errors = within::errors(run.results, asked).map_err(|source| damaged(run, source))?;
            Ok(errors.into_iter().collect())
        });
        let within = within.collect::<Result<_, CompareError>>()?;
        Ok(Read {
            name: &side.name,
            values,
            within,
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
            warnings: self.runs.iter().flat_map(warnings).collect(),
        }
    }

    /// Samples of a latency, run by run.
    fn samples(&self, metric: Metric) -> Vec<u64> {
        let Some(of) = metric.distribution() else {
            return Vec::new();
        };
        let count = |run: &RunFile| of.of(&run.results.phases.measure.latencies).count;
        self.runs.iter().map(count).collect()
    }
}

/// What a run warns of itself.
fn warnings(run: &RunFile) -> Vec<String> {
    let checks = run.results.verdict.checks.iter();
    checks
        .filter(|check| check.status == CheckStatus::Warning)
        .map(|check| {
            format!(
                "{}: {} {} ({})",
                run.name,
                figures::shortened(&check.name),
                figures::shortened(&check.value),
                figures::shortened(&check.limit)
            )
        })
        .collect()
}

/// `pairs` tells of each pair whether the baseline's run came first; `None` of groups.
fn question(metric: Metric, first: &Read, second: &Read, pairs: Option<&[bool]>, options: &Options) -> Question {
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

/// What was asked of a candidate's metrics, besides its rows.
struct Asked<'a> {
    answers: &'a [Answer],
    /// Alpha that a primary metric must come to.
    level: f64,
    at_most_worse: Option<f64>,
}

/// A candidate, with its guards. What is told of what was left of the load, or of the generator, decides nothing.
fn candidate(
    first: &Read,
    side: &Read,
    (arrangement, orders): &(Arrangement, Vec<bool>),
    mut rows: Vec<Row>,
    asked: &Asked,
    differences: Vec<Difference>,
) -> Candidate {
    let throughput = rows.iter().find(|row| row.metric == Metric::Throughput);
    let guards = guards::guards(&first.runs, &side.runs, throughput);
    let reasons: Vec<_> = rows.iter().map(|row| unfit(row, &rows, &guards, first, side)).collect();
    for (row, reason) in rows.iter_mut().zip(reasons) {
        if reason.is_some() {
            row.verdict = Verdict::NoVerdict;
            row.more_runs = None;
            row.reason = reason;
        }
    }
    let judged = || rows.iter().zip(asked.answers).filter(|(row, _)| row.primary);
    let deciding: Vec<_> = judged()
        .filter_map(|(row, answer)| {
            Some(Deciding {
                metric: row.metric,
                known: answer.known?,
                level: asked.level,
                within: row.within_run_error,
            })
        })
        .collect();
    let seconds = first.runs[0].results.phases.measure.seconds;
    let gate_rows = |limit: f64| {
        let rows = judged().map(|(row, answer)| GateRow::of(row.metric, answer, row.verdict, limit));
        rows.collect::<Vec<_>>()
    };
    let gated = asked.at_most_worse.map(|limit| (gate_rows(limit), limit));
    let pairs = first.runs.iter().zip(&side.runs).zip(orders);
    let pair = |((first, second), baseline_first): ((&RunFile, &RunFile), &bool)| Pair {
        baseline: first.results.run.id.clone(),
        other: second.results.run.id.clone(),
        baseline_first: *baseline_first,
    };
    let mut candidate = Candidate {
        side: side.summary(),
        arrangement: *arrangement,
        pairs: pairs.filter(|_| arrangement.is_paired()).map(pair).collect(),
        resolution: Resolution::of(&deciding, seconds),
        rows,
        guards,
        differences,
        gate: None,
        outcome: Outcome::NoVerdict,
    };
    candidate.gate = gated.map(|(rows, limit)| Gate::of(&candidate, rows, limit));
    candidate.outcome = Outcome::of(std::slice::from_ref(&candidate));
    candidate
}

/// Why a row decides nothing although it was judged.
fn unfit(row: &Row, rows: &[Row], guards: &[Guard], first: &Read, side: &Read) -> Option<String> {
    row.verdict.direction()?;
    if matches!(
        row.verdict,
        Verdict::Improved | Verdict::SlightlyBetter | Verdict::Equivalent
    ) && (row.primary || row.metric.is_latency())
        && let Some(worse) = guards.iter().find(|guard| guard.standing == GuardStanding::Worse)
    {
        return Some(format!(
            "{} is worse, so this is of what was left of the load",
            worse.name
        ));
    }
    let of = row.metric.distribution()?;
    if of == Distribution::StartResponse {
        let lag = row.metric.same_of(Distribution::Lag)?;
        let late = [first, side].into_iter().find_map(|of| {
            let middle = |metric| stats::median(&mut of.values_of(metric).ok()?);
            let (lag, whole) = (middle(lag)?, middle(row.metric)?);
            (lag > LARGEST_LAG * whole).then(|| (of.name, lag / whole))
        });
        if let Some((name, share)) = late {
            return Some(format!(
                "{} of it is the generator's own lag in {}: a faster generator, or judge the service by --primary {}",
                percent(share),
                figures::shortened(name),
                row.metric.same_of(Distribution::StartService)?
            ));
        }
    }
    let service = match of {
        Distribution::StartResponse => Distribution::StartService,
        Distribution::E2eResponse => Distribution::E2eService,
        _ => return None,
    };
    let service = rows
        .iter()
        .find(|other| Some(other.metric) == row.metric.same_of(service))?;
    let disagrees = matches!(row.verdict, Verdict::Improved | Verdict::Regressed)
        && service
            .verdict
            .direction()
            .is_some_and(|direction| Some(direction) != row.verdict.direction());
    disagrees.then(|| {
        format!(
            "{} is {}: what differs here is how late the generator was",
            service.metric.label(),
            figures::word(service.verdict)
        )
    })
}

/// The odd runs of a question that decides, and what would be said without them.
fn odd_runs(questions: &[Question], at: usize) -> Option<OddRuns> {
    let question = questions.get(at).filter(|question| question.primary)?;
    let odd = odd::odd(question)?;
    let answer = odd::without(questions, at, &odd);
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

fn row(question: &Question, answer: &Answer, level: f64, first: &Read, second: &Read, options: &Options) -> Row {
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
    Row {
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
