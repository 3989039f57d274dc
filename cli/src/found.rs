//! Runs as people name them: a results file, the folder that it lies in, or its id.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    thread,
};

use benchmark_results::{Results, file, text};
use benchmark_scenarios::Problem;

/// Where runs are written unless they are told otherwise.
const RUNS: &str = "runs";
/// The file in a run's folder.
const FILE: &str = "results.json";
/// Longest name of a run that is shown.
const NAME: usize = 200;

/// A results file that was read.
#[derive(Clone, Debug)]
pub struct FoundRun {
    /// The file.
    pub path: PathBuf,
    /// What to call it: the run's id where the file is called as all are, its own name otherwise.
    pub name: String,
    /// What it holds.
    pub results: Results,
}

/// Reads the runs that are meant.
///
/// # Errors
/// The first that cannot be read, in one line.
pub fn find(runs: &[PathBuf]) -> Result<Vec<FoundRun>, Problem> {
    // A file of an hour takes a quarter of a second, most of it numbers: several are read at the same time.
    let at_once = thread::available_parallelism().map_or(1, NonZero::get);
    let mut found = Vec::with_capacity(runs.len());
    for some in runs.chunks(at_once) {
        let read = thread::scope(|scope| {
            let reading: Vec<_> = some.iter().map(|run| scope.spawn(|| find_one(run))).collect();
            let joined = reading.into_iter().map(|one| match one.join() {
                Ok(found) => found,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            joined.collect::<Result<Vec<_>, _>>()
        });
        found.extend(read?);
    }
    Ok(found)
}

/// Reads the run that is meant.
///
/// # Errors
/// When it cannot be read, in one line.
pub fn find_one(run: &Path) -> Result<FoundRun, Problem> {
    let path = meant(run);
    let results = file::read(&path)?;
    let name = match path.file_stem().and_then(|stem| stem.to_str()) {
        Some(stem) if stem != "results" => stem.to_owned(),
        _ => results.run.id.clone(),
    };
    let name = text::line(&name, NAME);
    Ok(FoundRun { path, name, results })
}

/// The results file that a person means.
fn meant(run: &Path) -> PathBuf {
    let candidates = [run.join(FILE), Path::new(RUNS).join(run).join(FILE)];
    if run.is_file() {
        return run.to_owned();
    }
    candidates
        .into_iter()
        .find(|path| path.is_file())
        // What was typed is what cannot be read.
        .unwrap_or_else(|| run.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_means_the_file_in_it_and_what_is_not_there_itself() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{}").unwrap();
        assert_eq!(meant(folder.path()), folder.path().join(FILE));
        assert_eq!(meant(&folder.path().join(FILE)), folder.path().join(FILE));
        assert_eq!(meant(Path::new("no-such-run")), Path::new("no-such-run"));
    }
}
