//! The baseline of `compare --against-history`: the latest runs of a series.

use std::{ops::RangeInclusive, path::Path};

use benchmark_analysis::history;
use benchmark_results::{Results, format::plural};
use benchmark_scenarios::Problem;

use super::{FoundRun, find};

/// Runs of the baseline, unless said: so many that their spread is known, and so few that the cluster was still the same.
const LAST: u16 = 10;

/// Runs of the baseline that may be asked for: one has no spread.
const ALLOWED: RangeInclusive<u16> = 2..=100;

/// The baseline of these runs, and what is to be said of it.
///
/// # Errors
/// When so many are not allowed, the folder or a file cannot be read, or it has fewer than two other runs of the series.
pub(super) fn tail(folder: &Path, runs: &[FoundRun], last: Option<u16>) -> Result<(Vec<FoundRun>, String), Problem> {
    let last = last.unwrap_or(LAST);
    if !ALLOWED.contains(&last) {
        return Err(Problem::new(format!(
            "--last {last}: a baseline takes {} to {} runs",
            ALLOWED.start(),
            ALLOWED.end()
        )));
    }
    let results: Vec<&Results> = runs.iter().map(|run| &run.results).collect();
    let tail = history::tail(folder, &results, last.into())
        .map_err(|error| Problem::new(format!("--against-history {error}")))?;
    let baseline = find(&tail.files)?;
    let ends = baseline.first().zip(baseline.last());
    let from_to = ends.map_or_else(String::new, |(first, last)| {
        format!(", {} to {}", first.name, last.name)
    });
    let note = format!(
        "the first side is the latest {} of {} of their series under {}{from_to}",
        baseline.len(),
        plural(tail.of as u64, "run"),
        folder.display()
    );
    Ok((baseline, note))
}
