//! Several runs, one after the other, against one server: two variants in turn, or one and the same to learn its noise.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use benchmark_analysis::compare::conditions::{Conditions, SEED};
use benchmark_generator::{
    load::ids,
    run::{
        lifecycle::{self, RunError, RunRequest},
        setup::StandingServer,
    },
    stop::{Stop, StopReason},
};
use benchmark_results::{Results, schema::VerdictValue};
use benchmark_scenarios::{Context, Problem, Resolved, Target};
use benchmark_temporal::ProcessEnvironment;

use crate::found::FoundRun;

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
    /// How often each is run: how many turns.
    pub runs: u32,
    /// Pause between two runs.
    pub cool_down: Duration,
    /// Where the results are stored; the folder must not be there yet.
    pub store: Option<PathBuf>,
    /// What surrounds this process.
    pub environment: ProcessEnvironment,
    /// Makes a run's request from its plan and the file for its results.
    pub request: Box<dyn Fn(Resolved, PathBuf) -> RunRequest>,
    /// Hears what came of each run: a line.
    pub say: Box<dyn Fn(String)>,
}

/// What came of a series.
#[derive(Debug)]
pub struct SeriesOutcome {
    /// The runs of each variant, in order: those of whole turns.
    pub runs: Vec<Vec<FoundRun>>,
    /// Where they are stored.
    pub folder: PathBuf,
    /// Why it ended early, if it did; the whole turns up to then are there.
    pub ended: Option<SeriesEnd>,
}

/// Why a series ended before its last turn.
#[derive(Debug)]
pub enum SeriesEnd {
    /// It was told to.
    Stopped(StopReason),
    /// A turn could not be made as often as it was tried: a sentence about it.
    Spoiled(String),
    /// A run could not begin, or left something that the next one would meet.
    Broken(Problem),
}

/// How often a turn is made at the most, when runs in it come to nothing.
const ATTEMPTS: u32 = 3;

/// Makes the runs: A B, B A, A B, …, so that what drifts drifts for both. In turn `i` all have the seed of the plan and
/// `i - 1` more: what holds is then not only so of one draw.
///
/// # Errors
/// When nothing can be made at all. What happens later stands in [`SeriesOutcome::ended`].
pub async fn run(request: SeriesRequest, stop: Stop) -> Result<SeriesOutcome, Problem> {
    let folder = prepare(request.store.as_deref())?;
    let standing = standing_server(&request.variants, &request.environment).await?;
    let mut runs = vec![Vec::new(); request.variants.len()];
    let mut maker = Maker {
        request,
        folder,
        standing,
        stop,
        begun: false,
    };
    let ended = maker.all(&mut runs).await.err();
    Ok(SeriesOutcome {
        runs,
        folder: maker.folder,
        ended,
    })
}

/// What makes turn after turn.
struct Maker {
    request: SeriesRequest,
    folder: PathBuf,
    standing: Option<Arc<StandingServer>>,
    stop: Stop,
    /// Whether a run was made, which the next one waits after.
    begun: bool,
}

/// A turn.
#[derive(Default)]
struct Turn {
    /// Its runs, with their variants, as far as it went.
    made: Vec<(usize, FoundRun)>,
    /// What was wrong with one of them, in words.
    flaw: Option<String>,
    /// Why nothing comes after it.
    ended: Option<SeriesEnd>,
}

impl Maker {
    /// All turns; what is whole is added to the runs.
    async fn all(&mut self, runs: &mut [Vec<FoundRun>]) -> Result<(), SeriesEnd> {
        for number in 1..=self.request.runs {
            let mut attempt = 1;
            loop {
                let Turn { made, flaw, ended } = self.turn(number).await;
                let is_whole = flaw.is_none() && made.len() == runs.len();
                if is_whole {
                    made.into_iter().for_each(|(variant, run)| runs[variant].push(run));
                } else {
                    self.leave_out(made, number, attempt).map_err(SeriesEnd::Broken)?;
                }
                match (ended, flaw) {
                    (Some(ended), _) => return Err(ended),
                    (None, None) => break,
                    (None, Some(flaw)) if attempt == ATTEMPTS => {
                        return Err(SeriesEnd::Spoiled(format!(
                            "{flaw}, and turn {number} was made {attempt} times"
                        )));
                    }
                    (None, Some(flaw)) => {
                        (self.request.say)(format!(
                            "{flaw}: turn {number} is made again, {attempt} of at most {} times; what came of it is left out",
                            ATTEMPTS - 1
                        ));
                        attempt += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// One turn, up to the first run that it is spoiled by.
    async fn turn(&mut self, number: u32) -> Turn {
        let mut turn = Turn::default();
        let order = order(self.request.variants.len(), number);
        let total = self.request.runs as usize * order.len();
        for (place, variant) in (1..).zip(&order) {
            let position = (number as usize - 1) * order.len() + place;
            match self.run(*variant, number, &format!("run {position} of {total}")).await {
                Ok((run, flaw)) => {
                    let open = run.results.reconciliation.cleanup.open_after;
                    let name = run.name.clone();
                    turn.made.push((*variant, run));
                    turn.flaw = flaw;
                    if let Some(reason) = self.stop.reason() {
                        turn.ended = Some(SeriesEnd::Stopped(reason));
                    } else if open != Some(0) && (position < total || turn.flaw.is_some()) {
                        turn.ended = Some(SeriesEnd::Broken(Problem::new(format!(
                            "run {name} left workflows open ({}): the next one would meet them",
                            open.map_or_else(|| "how many is not known".to_owned(), |open| open.to_string())
                        ))));
                    }
                }
                Err(ended) => turn.ended = Some(ended),
            }
            if turn.flaw.is_some() || turn.ended.is_some() {
                break;
            }
        }
        turn
    }

    /// One run, and what is wrong with it.
    async fn run(&mut self, variant: usize, number: u32, which: &str) -> Result<(FoundRun, Option<String>), SeriesEnd> {
        if std::mem::replace(&mut self.begun, true) {
            tokio::select! {
                () = tokio::time::sleep(self.request.cool_down) => {}
                reason = self.stop.requested() => return Err(SeriesEnd::Stopped(reason)),
            }
        }
        let Variant { name, resolved } = &self.request.variants[variant];
        let mut resolved = resolved.clone();
        let seed = &mut resolved.plan.load.seed;
        *seed = seed.wrapping_add(u64::from(number - 1));
        let file = format!("{name}-{number}");
        let mut run = (self.request.request)(resolved, self.folder.join(format!("{file}.json")));
        run.standing.clone_from(&self.standing);
        let finished = match lifecycle::run(run, self.stop.clone()).await {
            Ok(finished) => finished,
            Err(RunError::Interrupted(reason)) => return Err(SeriesEnd::Stopped(reason)),
            Err(RunError::Environment(error)) => {
                return Err(SeriesEnd::Broken(error.context(format_args!("run {file}"))));
            }
        };
        if let Some(problem) = finished.unwritten {
            return Err(SeriesEnd::Broken(Problem::new(format!("run {file}: {problem}"))));
        }
        (self.request.say)(format!(
            "{which}  {name}  {}",
            benchmark_results::summary::verdict_line(&finished.results, benchmark_results::summary::Style::PLAIN)
        ));
        let flaw = flaw(&finished.results).map(|flaw| format!("run {file} {flaw}"));
        let found = FoundRun {
            name: file,
            results: finished.results,
            path: finished.path,
        };
        Ok((found, flaw))
    }

    /// Gives the files of a turn that is not whole a name of their own, so that `a-*.json` is what was compared.
    fn leave_out(&self, made: Vec<(usize, FoundRun)>, number: u32, attempt: u32) -> Result<(), Problem> {
        for (variant, run) in made {
            let name = &self.request.variants[variant].name;
            let other = self.folder.join(format!("left-out-{name}-{number}-{attempt}.json"));
            std::fs::rename(&run.path, &other).context(format_args!(
                "{} cannot be renamed to {}",
                run.path.display(),
                other.display()
            ))?;
        }
        Ok(())
    }
}

/// Why a run cannot be compared, if it cannot: time is not spent on more of its turn.
fn flaw(results: &Results) -> Option<String> {
    if let Some(cause) = &results.run.interrupted_by {
        return Some(format!("was ended early ({cause})"));
    }
    if !results.complete {
        return Some("broke off".to_owned());
    }
    let is_invalid = results.verdict.value == VerdictValue::Invalid;
    is_invalid.then(|| "is INVALID".to_owned())
}

/// Which variant runs when in a turn: each turn in the opposite order of the one before.
fn order(variants: usize, turn: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..variants).collect();
    if turn.is_multiple_of(2) {
        order.reverse();
    }
    order
}

/// The keys in which the runs of two variants differ and that follow from what was asked for: those that they differ in
/// on purpose.
pub fn factors(first: &FoundRun, second: &FoundRun) -> Vec<String> {
    let (first, second) = (Conditions::of(&first.results), Conditions::of(&second.results));
    let keys: std::collections::BTreeSet<&String> = first.0.keys().chain(second.0.keys()).collect();
    keys.into_iter()
        .filter(|key| first.get(key) != second.get(key))
        .filter(|key| key.as_str() != SEED && ASKED.iter().any(|asked| key.starts_with(asked)))
        .cloned()
        .collect()
}

fn prepare(store: Option<&Path>) -> Result<PathBuf, Problem> {
    let folder = match store {
        Some(folder) => folder.to_owned(),
        None => Path::new(RUNS).join(ids::new_run_id()?),
    };
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).context(format_args!("--store {} cannot be made", folder.display()))?;
    }
    std::fs::create_dir(&folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Problem::new(format!(
            "--store {} is there already: give a new folder",
            folder.display()
        )),
        _ => Problem::from(error).context(format_args!("--store {} cannot be made", folder.display())),
    })?;
    Ok(folder)
}

/// The embedded server that all runs use, when all want the same.
async fn standing_server(
    variants: &[Variant],
    environment: &ProcessEnvironment,
) -> Result<Option<Arc<StandingServer>>, Problem> {
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
    let server = StandingServer::start(wanted, &plan.namespace, environment, Arc::new(|_| {})).await?;
    Ok(Some(Arc::new(server)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_new_folder() {
        let place = tempfile::tempdir().unwrap();
        let said = |folder: &Path| prepare(Some(folder)).map_err(|problem| problem.to_string());
        let words = said(place.path()).unwrap_err();
        assert!(words.ends_with(" is there already: give a new folder"), "{words}");
        assert_eq!(said(&place.path().join("a/b")), Ok(place.path().join("a/b")));
        let words = said(Path::new("/proc/none")).unwrap_err();
        assert!(words.starts_with("--store /proc/none cannot be made: "), "{words}");
    }

    #[test]
    fn variants_take_turns_and_each_turn_is_the_other_way_round() {
        let turns: Vec<Vec<usize>> = (1..=3).map(|turn| order(2, turn)).collect();
        assert_eq!(turns, [[0, 1], [1, 0], [0, 1]]);
        assert_eq!(order(1, 2), [0]);
    }
}
