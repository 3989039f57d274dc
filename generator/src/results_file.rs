//! Where the results go: found out before the load, refreshed during it, whole after it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use benchmark_results::{
    Results,
    file::{self, Claim},
};
use benchmark_scenarios::Problem;

use crate::pace;

/// The results file of a run.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    place: Place,
    /// Folders that were made for it, innermost first.
    made: Folders,
    next_refresh: Instant,
    /// The file in the temporary folder, when it was needed.
    rescued: Option<Claim>,
}

/// What the path names.
#[derive(Debug)]
enum Place {
    /// A file that is ours.
    File(Claim),
    /// A pipe, a terminal or `/dev/null`, which holds no results that could be overwritten.
    Special,
}

/// Folders that go again when they stay empty.
#[derive(Debug, Default)]
struct Folders(Vec<PathBuf>);

impl ResultsFile {
    /// Takes the file's name, so that no other run gets it: `runs/<run id>/results.json`, or what `--output` says.
    ///
    /// # Errors
    /// When it cannot be written, or when something is there already: results are never overwritten.
    pub fn prepare(output: Option<&Path>, run_id: &str) -> Result<Self, Problem> {
        let path = match output {
            Some(path) if path.as_os_str() == "-" => {
                return Err(Problem::new("--output - is no file")
                    .remedy("--json, which prints the results on stdout")
                    .remedy("--output FILE"));
            }
            Some(path) if path.is_dir() => path.join("results.json"),
            Some(path) => path.to_owned(),
            None => Path::new("runs").join(run_id).join("results.json"),
        };
        let shown = path.display().to_string();
        let cannot = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => Problem::new(format!(
                "--output {shown} exists already, and results are not overwritten"
            ))
            .remedy("another path")
            .remedy("removing it first"),
            _ => Problem::new(format!("--output {shown} cannot be written: {error}"))
                .explain("it is tried before the load, so that no result is lost after it"),
        };
        let mut made = Folders::default();
        let place = if fs::metadata(&path).is_ok_and(|metadata| file::is_special(&metadata)) {
            fs::File::options().write(true).open(&path).map_err(cannot)?;
            Place::Special
        } else {
            made.make_for(&path).map_err(cannot)?;
            Place::File(Claim::take(&path).map_err(cannot)?)
        };
        Ok(ResultsFile {
            path,
            place,
            made,
            next_refresh: Instant::now() + pace::SHORTEST,
            rescued: None,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is time to write down what is known so far. What is no file gets the results once, at the end.
    pub fn is_refresh_due(&self) -> bool {
        matches!(self.place, Place::File(_)) && Instant::now() >= self.next_refresh
    }

    /// Sets the time of the next refresh by what this one cost: when it was begun, its copies included, and what it wrote.
    pub fn refreshed(&mut self, begun: Instant) {
        let bytes = fs::metadata(&self.path).map_or(0, |file| file.len());
        self.next_refresh = Instant::now() + pace::pause(begun.elapsed(), bytes);
    }

    /// Writes the results, atomically.
    ///
    /// # Errors
    /// When the system refuses, or somebody else's file is there by now; what is there is then as it was.
    pub fn write(&mut self, results: &Results) -> Result<(), file::WriteError> {
        match &mut self.place {
            Place::File(claim) => claim.write_results(results)?,
            Place::Special => file::write_atomically(&self.path, results)?,
        }
        self.made.0.clear();
        Ok(())
    }

    /// Writes the results to the temporary folder, when they cannot be written where they belong. Returns where. A second
    /// time it is the same file.
    ///
    /// # Errors
    /// When that cannot be done, either, or something of that name is there.
    pub fn rescue(&mut self, results: &Results) -> Result<PathBuf, file::WriteError> {
        let path = std::env::temp_dir().join(format!("run-benchmark-{}.json", results.run.id));
        let claim = match &mut self.rescued {
            Some(claim) => claim,
            None => {
                let claim = Claim::take(&path).map_err(|source| file::WriteError::Io {
                    path: path.clone(),
                    source,
                })?;
                self.rescued.insert(claim)
            }
        };
        claim.write_results(results)?;
        Ok(path)
    }
}

impl Folders {
    fn make_for(&mut self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let missing: Vec<PathBuf> = folder
            .into_iter()
            .flat_map(Path::ancestors)
            .take_while(|folder| !folder.exists())
            .map(Into::into)
            .collect();
        for folder in missing
            .into_iter()
            .filter(|folder| !folder.as_os_str().is_empty())
            .rev()
        {
            match fs::create_dir(&folder) {
                Ok(()) => self.0.insert(0, folder),
                // Another run that begins now made it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Drop for Folders {
    /// A run that never began leaves nothing behind. Only folders that are empty can be removed.
    fn drop(&mut self) {
        self.0.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_run_that_never_began_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/results.json");
        let file = ResultsFile::prepare(Some(&path), "id").unwrap();
        assert!(path.parent().unwrap().is_dir());
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_written_is_found_out_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let blocker = folder.path().join("file");
        fs::write(&blocker, "").unwrap();
        for path in [
            blocker.join("results.json"),
            blocker.clone(),
            PathBuf::from("/proc/results.json"),
        ] {
            let problem = ResultsFile::prepare(Some(&path), "id").unwrap_err().report();
            assert!(
                problem.contains("--output") && problem.contains(path.to_str().unwrap()),
                "{problem}"
            );
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_runs_that_begin_at_once_one_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/results.json");
        let first = ResultsFile::prepare(Some(&path), "one").unwrap();
        let problem = ResultsFile::prepare(Some(&path), "two").unwrap_err().report();
        assert!(
            problem.contains("exists already") && problem.contains("removing it first"),
            "{problem}"
        );
        drop(first);
        // Both may make the folder.
        let runs: Vec<_> = thread::scope(|scope| {
            let some: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| ResultsFile::prepare(Some(&path), "id")))
                .collect();
            some.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(runs.iter().filter(|run| run.is_ok()).count(), 1, "{runs:?}");
        drop(runs);
        assert!(!path.exists());
    }

    #[test]
    fn what_holds_no_results_is_written_into_once_and_stdout_has_its_own_flag() {
        let mut file = ResultsFile::prepare(Some(Path::new("/dev/null")), "id").unwrap();
        file.next_refresh = Instant::now();
        assert!(!file.is_refresh_due());
        let folder = tempfile::tempdir().unwrap();
        let mut real = ResultsFile::prepare(Some(folder.path()), "id").unwrap();
        real.next_refresh = Instant::now();
        assert!(real.is_refresh_due());
        assert_eq!(real.path(), folder.path().join("results.json"));
        let problem = ResultsFile::prepare(Some(Path::new("-")), "id").unwrap_err().report();
        assert!(
            problem.contains("--output -") && problem.contains("--json"),
            "{problem}"
        );
    }
}
