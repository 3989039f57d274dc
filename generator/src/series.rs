//! Several runs, one after the other, against one server: two variants in turn, or one and the same to learn its noise.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use benchmark_results::{compare::surroundings::Surroundings, schema::VerdictValue};
use benchmark_scenarios::{Resolved, Target};

use crate::{
    files::Found,
    load::ids,
    run::{
        stage::StandingServer,
        story::{self, RunError, RunRequest},
    },
    stop::{Stop, StopReason},
};

/// Where series are stored unless they are told otherwise.
const RUNS: &str = "runs";

/// Keys that follow from what is asked for: what the variants of a series may differ in on purpose.
const ASKED: [&str; 4] = ["plan.", "workers.", "fleet.", "server.config"];

/// One variant.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name, in files and reports.
    pub name: String,
    /// What it runs.
    pub resolved: Resolved,
}

/// A series.
pub struct SeriesRequest {
    /// The variants: one, or two that take turns.
    pub variants: Vec<Variant>,
    /// How often each is run.
    pub runs: u32,
    /// Pause between two runs.
    pub cool_down: Duration,
    /// Where the results are stored; the folder must not be there yet.
    pub store: Option<PathBuf>,
    /// Makes a run's request from its plan and the file for its results.
    pub request: Box<dyn Fn(Resolved, PathBuf) -> RunRequest>,
    /// Hears what came of each run: a line.
    pub say: Box<dyn Fn(String)>,
}

/// What came of a series.
#[derive(Debug)]
pub struct Series {
    /// The runs of each variant, in order.
    pub runs: Vec<Vec<Found>>,
    /// Where they are stored.
    pub folder: PathBuf,
    /// Why it ended early, if it did; the runs up to then are there.
    pub stopped: Option<StopReason>,
}

/// Makes the runs: A B, B A, A B, …, so that what drifts drifts for both.
///
/// # Errors
/// When a run cannot begin, or leaves something open that the next one would meet.
pub async fn run(request: SeriesRequest, mut stop: Stop) -> anyhow::Result<Series> {
    let folder = prepare(request.store.as_deref())?;
    let standing = standing_server(&request.variants).await?;
    let mut series = Series {
        runs: vec![Vec::new(); request.variants.len()],
        folder,
        stopped: None,
    };
    let order = turns(request.variants.len(), request.runs);
    let total = order.len();
    for (position, (variant, number)) in (1..).zip(order) {
        let Variant { name, resolved } = &request.variants[variant];
        let path = series.folder.join(format!("{name}-{number}.json"));
        let mut run = (request.request)(resolved.clone(), path);
        run.standing.clone_from(&standing);
        let finished = match story::run(run, stop.clone()).await {
            Ok(finished) => finished,
            Err(RunError::Interrupted(reason)) => {
                series.stopped = Some(reason);
                break;
            }
            Err(RunError::Environment(error)) => return Err(error.context(format!("run {number} of {name}"))),
        };
        if let Some(problem) = finished.unwritten {
            anyhow::bail!("run {number} of {name}: {problem}");
        }
        (request.say)(format!(
            "run {position} of {total}  {name}  {}",
            benchmark_results::summary::verdict_line(&finished.results, benchmark_results::summary::Style::PLAIN)
        ));
        let open = finished.results.reconciliation.cleanup.open_after;
        let invalid = finished.results.verdict.value == VerdictValue::Invalid;
        series.runs[variant].push(Found {
            name: format!("{name}-{number}"),
            results: finished.results,
            path: finished.path,
        });
        if let Some(reason) = stop.reason() {
            series.stopped = Some(reason);
            break;
        }
        if invalid {
            // It would be refused at the end: the time of the others is spared.
            series.stopped = Some(StopReason::Cause(format!("run {number} of {name} is INVALID")));
            break;
        }
        anyhow::ensure!(
            open == Some(0),
            "run {number} of {name} left workflows open ({}): the next one would meet them",
            open.map_or_else(|| "how many is not known".to_owned(), |open| open.to_string())
        );
        if position < total {
            tokio::select! {
                () = tokio::time::sleep(request.cool_down) => {}
                reason = stop.requested() => {
                    series.stopped = Some(reason);
                    break;
                }
            }
        }
    }
    Ok(series)
}

/// Which variant runs when, and for which time: the variants in turn, each turn in the opposite order of the one before.
fn turns(variants: usize, runs: u32) -> Vec<(usize, u32)> {
    let turn = |number: u32| {
        let mut order: Vec<usize> = (0..variants).collect();
        if number.is_multiple_of(2) {
            order.reverse();
        }
        order.into_iter().map(move |variant| (variant, number))
    };
    (1..=runs).flat_map(turn).collect()
}

/// The keys in which the runs of two variants differ and that follow from what was asked for: those that they differ in
/// on purpose.
pub fn factors(first: &Found, second: &Found) -> Vec<String> {
    let (first, second) = (Surroundings::of(&first.results), Surroundings::of(&second.results));
    let keys: std::collections::BTreeSet<&String> = first.0.keys().chain(second.0.keys()).collect();
    keys.into_iter()
        .filter(|key| first.get(key) != second.get(key))
        .filter(|key| ASKED.iter().any(|asked| key.starts_with(asked)))
        .cloned()
        .collect()
}

fn prepare(store: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = match store {
        Some(folder) => folder.to_owned(),
        None => Path::new(RUNS).join(ids::new_run_id()?),
    };
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("--store {} cannot be made", folder.display()))?;
    }
    std::fs::create_dir(&folder)
        .with_context(|| format!("--store {} must be a folder that is not there yet", folder.display()))?;
    Ok(folder)
}

/// The embedded server that all runs use, when all want the same.
async fn standing_server(variants: &[Variant]) -> anyhow::Result<Option<Arc<StandingServer>>> {
    let Some((first, others)) = variants.split_first() else {
        return Ok(None);
    };
    let plan = &first.resolved.plan;
    let Target::Embedded(wanted) = &plan.target else {
        return Ok(None);
    };
    let alike =
        |other: &Variant| other.resolved.plan.target == plan.target && other.resolved.plan.namespace == plan.namespace;
    if !others.iter().all(alike) {
        // What the variants differ in is the server itself.
        return Ok(None);
    }
    let server = StandingServer::start(wanted, &plan.namespace, Arc::new(|_| {})).await?;
    Ok(Some(Arc::new(server)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_take_turns_and_each_turn_is_the_other_way_round() {
        assert_eq!(turns(2, 3), [(0, 1), (1, 1), (1, 2), (0, 2), (0, 3), (1, 3)]);
        assert_eq!(turns(1, 3), [(0, 1), (0, 2), (0, 3)]);
    }
}
