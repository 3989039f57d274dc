//! Where the results go: found out before the load, refreshed during it, whole after it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use benchmark_results::{Results, file};
use benchmark_scenarios::Problem;

use crate::pace;

/// The results file of a run.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    /// Folders that were made for it, innermost first.
    made: Vec<PathBuf>,
    written: bool,
    next_refresh: Instant,
}

impl ResultsFile {
    /// Makes sure that the file can be written: `runs/<run id>/results.json`, or what `--output` says.
    ///
    /// # Errors
    /// When it cannot, or when something is there already: results are never overwritten.
    pub fn prepare(output: Option<&Path>, run_id: &str) -> Result<Self, Problem> {
        let path = match output {
            Some(path) if path.is_dir() => path.join("results.json"),
            Some(path) => path.to_owned(),
            None => Path::new("runs").join(run_id).join("results.json"),
        };
        let shown = path.display().to_string();
        if path.exists() {
            return Err(Problem::new(format!(
                "--output {shown} exists already, and results are not overwritten"
            ))
            .remedy("another path")
            .remedy("removing it first"));
        }
        let cannot = |error: io::Error| {
            Problem::new(format!("--output {shown} cannot be written: {error}"))
                .explain("it is tried before the load, so that no result is lost after it")
        };
        let next_refresh = Instant::now() + pace::SHORTEST;
        let mut results = ResultsFile {
            path,
            made: Vec::new(),
            written: false,
            next_refresh,
        };
        results.make_folders().map_err(cannot)?;
        let probe = results
            .path
            .with_file_name(format!(".run-benchmark.{}.probe", std::process::id()));
        fs::File::create_new(&probe)
            .and_then(|_| fs::remove_file(&probe))
            .map_err(cannot)?;
        Ok(results)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is time to write down what is known so far.
    pub fn is_refresh_due(&self) -> bool {
        Instant::now() >= self.next_refresh
    }

    /// Sets the time of the next refresh by what this one cost: when it was begun, its copies included, and what it wrote.
    pub fn refreshed(&mut self, begun: Instant) {
        let bytes = fs::metadata(&self.path).map_or(0, |file| file.len());
        self.next_refresh = Instant::now() + pace::pause(begun.elapsed(), bytes);
    }

    /// Writes the results, atomically.
    ///
    /// # Errors
    /// When the system refuses; the file is then as it was.
    pub fn write(&mut self, results: &Results) -> Result<(), file::WriteError> {
        file::write_atomically(&self.path, results)?;
        self.written = true;
        Ok(())
    }

    fn make_folders(&mut self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
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
            fs::create_dir(&folder)?;
            self.made.insert(0, folder);
        }
        Ok(())
    }
}

impl Drop for ResultsFile {
    /// A run that never began leaves nothing behind. Only folders that are empty can be removed.
    fn drop(&mut self) {
        if !self.written {
            self.made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
        }
    }
}

#[cfg(test)]
mod tests {
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
            let problem = ResultsFile::prepare(Some(&path), "id").unwrap_err().to_string();
            assert!(
                problem.contains("--output") && problem.contains(path.to_str().unwrap()),
                "{problem}"
            );
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
