//! Whether one configuration is better than another: sizes, intervals and verdicts from results files alone.
//!
//! [`compare`] takes whole runs, asks first whether they may be compared ([`refusal`]), then reads the metrics of each
//! ([`metric`]), puts them together ([`order`], [`evidence`]) and judges them ([`decide`]). [`render_terminal`],
//! [`render_markdown`] and [`to_json`] tell what came out.

mod candidate;
pub(crate) mod cells;
mod comparable;
mod comparison;
pub mod conditions;
pub mod decide;
pub mod evidence;
pub(crate) mod excerpt;
pub(crate) mod figures;
mod gate;
mod guards;
pub mod margin;
mod markdown;
pub mod metric;
pub mod noise;
mod options;
mod order;
mod outliers;
mod read;
pub mod refusal;
pub mod resolution;
mod rows;
mod side;
mod terminal;
#[cfg(test)]
mod tests;
mod within;

use self::{
    candidate::{Asked, candidate},
    read::Read,
    rows::{metrics, odd_runs, question, row},
};
pub use self::{
    comparable::{Difference, Standing},
    comparison::{
        Candidate, Comparison, ComparisonOutcome, Gate, GateRow, GateStanding, Guard, GuardStanding, MetricRow,
        OddRuns, Pair, SideSummary,
    },
    decide::MetricVerdict,
    evidence::Method,
    margin::{Margin, MarginError, Margins},
    markdown::render_markdown,
    metric::Metric,
    noise::{NoiseFile, NoiseProfile, NoiseSummary},
    options::{AtMostWorse, Options},
    order::{Arrangement, LEAST_TURNS, Pairing},
    refusal::{CompareError, MOST_RUNS, Refusal, UsageError},
    resolution::Resolution,
    side::{RunFile, Side},
    terminal::render_terminal,
};

/// Version of the JSON form of a [`Comparison`].
pub const COMPARISON_VERSION: u32 = 2;

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
    let sides = || std::iter::once(baseline).chain(candidates);
    let mut refusals = Vec::new();
    let runs: Vec<_> = sides().flat_map(|side| &side.runs).copied().collect();
    refusals.extend(comparable::unsound(&runs));
    let mut differences = Vec::with_capacity(candidates.len());
    for side in candidates {
        let found = comparable::differences(&baseline.runs, &side.runs, &options.factors, &options.allowed);
        let mut against = comparable::unlike(&found, &options.factors);
        against.extend(comparable::overloaded_at_another_load(&baseline.runs, &side.runs));
        against.retain(|refusal| !refusals.contains(refusal));
        refusals.append(&mut against);
        differences.push(found);
    }
    refusals.extend(foreign_profiles(&runs, &options.noise));
    if !refusals.is_empty() {
        return Err(CompareError::Refused(refusals));
    }

    let disturbed = sides()
        .filter_map(|side| comparable::disturbed(&side.name, &side.runs))
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
    let level = decide::level_of(&questions);
    let candidates: Vec<_> = read
        .iter()
        .zip(&arranged)
        .zip(differences)
        .enumerate()
        .map(|(at, ((side, arranged), differences))| {
            let own = at * metrics.len()..(at + 1) * metrics.len();
            let rows = own
                .clone()
                .map(|index| MetricRow {
                    odd: odd_runs(&questions, index),
                    ..row(&questions[index], &answers[index], level, &first, side, options)
                })
                .collect();
            let asked = Asked {
                answers: &answers[own],
                level,
                at_most_worse: options.at_most_worse.map(AtMostWorse::share),
            };
            candidate(&first, side, arranged, rows, &asked, differences)
        })
        .collect();
    let noise = options.noise.iter().map(|file| file.summary(&runs, &options.primary));
    let outcome = ComparisonOutcome::of(&candidates);
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
    let sides = || std::iter::once(baseline).chain(candidates);
    if candidates.is_empty() {
        let side = "the side to be compared".to_owned();
        return Err(UsageError::NoRuns { side });
    }
    if let Some(side) = sides().find(|side| side.runs.is_empty()) {
        let side = side.name.clone();
        return Err(UsageError::NoRuns { side });
    }
    let given = baseline.runs.len() + candidates.iter().map(|side| side.runs.len()).sum::<usize>();
    if given > MOST_RUNS {
        return Err(UsageError::TooMany { given });
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
