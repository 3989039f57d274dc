//! Results file of a run: found out before the load, refreshed during it, whole after it.
//!
//! Files are written on threads that may wait for the disk: one at a time, and nobody waits for it longer than there is time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use benchmark_results::{
    Results,
    file::{self, Claim},
};
use benchmark_scenarios::Problem;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::run::pace;

/// The results file of a run.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    is_file: bool,
    /// Whoever writes has it.
    taken: Arc<Mutex<Taken>>,
    /// Writes asked for so far.
    asked: u64,
    /// The refresh that goes on.
    refresh: Option<JoinHandle<Refreshed>>,
    next_refresh: Instant,
    /// The file in the temporary folder, when it was needed.
    rescued: Arc<Mutex<Option<Claim>>>,
}

/// The name that was taken.
#[derive(Debug)]
struct Taken {
    path: PathBuf,
    place: Place,
    /// Folders that were made for it, innermost first.
    made: Folders,
    /// Number of the write that is in the file.
    written: u64,
}

/// A refresh that is over.
#[derive(Debug)]
struct Refreshed {
    /// CPU time that it took, its copies included.
    cpu: Duration,
    bytes: u64,
    outcome: Result<(), Problem>,
}

/// Results that are not on disk.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// They cannot be.
    #[error(transparent)]
    Refused(#[from] file::WriteError),
    /// They may come to be: whoever waits has no more time.
    #[error("{} was not written in time: the disk does not answer", path.display())]
    Late {
        /// The file.
        path: PathBuf,
    },
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
            is_file: matches!(place, Place::File(_)),
            taken: Arc::new(Mutex::new(Taken {
                path: path.clone(),
                place,
                made,
                written: 0,
            })),
            path,
            asked: 0,
            refresh: None,
            next_refresh: Instant::now() + pace::SHORTEST,
            rescued: Arc::default(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is time to write down what is known so far: the last refresh is over, and its pause. What is no file gets
    /// the results once, at the end.
    pub fn is_refresh_due(&self) -> bool {
        self.is_file && self.refresh.is_none() && Instant::now() >= self.next_refresh
    }

    /// Begins a refresh with results that are put together on its own thread. Copying what they are made of has taken so
    /// much CPU time.
    pub fn refresh(&mut self, copying: Duration, results: impl FnOnce() -> Result<Results, Problem> + Send + 'static) {
        let (number, taken) = (self.next(), Arc::clone(&self.taken));
        self.refresh = Some(spawn_blocking(move || {
            let before = pace::thread_cpu();
            let outcome = results().and_then(|results| Ok(lock(&taken).write(number, &results)?));
            Refreshed {
                bytes: fs::metadata(&lock(&taken).path).map_or(0, |file| file.len()),
                cpu: copying + pace::thread_cpu().saturating_sub(before),
                outcome,
            }
        }));
    }

    /// What became of a refresh, once, when it is over. It says when the next one is due, also after a failure.
    pub async fn refreshed(&mut self) -> Option<Result<(), Problem>> {
        let refresh = self.refresh.take_if(|refresh| refresh.is_finished())?;
        let Refreshed { cpu, bytes, outcome } = ended(refresh.await);
        self.next_refresh = Instant::now() + pace::pause(cpu, bytes);
        Some(outcome)
    }

    /// Writes the results, atomically, when a refresh that goes on is over.
    ///
    /// # Errors
    /// When the system refuses, or somebody else's file is there by now; what is there is then as it was. When it takes longer
    /// than `limit`.
    pub async fn write(&mut self, results: Results, limit: Duration) -> Result<(), Unwritten> {
        let (number, path, taken) = (self.next(), self.path.clone(), Arc::clone(&self.taken));
        let refresh = self.refresh.take();
        let writing = async move {
            if let Some(refresh) = refresh {
                // These results are newer, whatever became of it.
                ended(refresh.await);
            }
            ended(spawn_blocking(move || lock(&taken).write(number, &results)).await)
        };
        in_time(writing, path, limit).await
    }

    fn next(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    /// Writes the results to the temporary folder, when they cannot be written where they belong. Returns where. A second
    /// time it is the same file.
    ///
    /// # Errors
    /// When that cannot be done, either, or something of that name is there; when it takes longer than `limit`.
    pub async fn rescue(&mut self, results: Results, folder: &Path, limit: Duration) -> Result<PathBuf, Unwritten> {
        let path = folder.join(format!("run-benchmark-{}.json", results.run.id));
        let (target, rescued) = (path.clone(), Arc::clone(&self.rescued));
        let writing = async move {
            ended(
                spawn_blocking(move || {
                    let mut rescued = lock(&rescued);
                    let claim = match &mut *rescued {
                        Some(claim) => claim,
                        None => {
                            let path = target.clone();
                            let taken = Claim::take(&target);
                            rescued.insert(taken.map_err(|source| file::WriteError::Io { path, source })?)
                        }
                    };
                    claim.write_results(&results)
                })
                .await,
            )
        };
        in_time(writing, path.clone(), limit).await?;
        Ok(path)
    }
}

impl Taken {
    /// Writes, unless what is newer is there already: who came too late with it was not waited for.
    fn write(&mut self, number: u64, results: &Results) -> Result<(), file::WriteError> {
        if number < self.written {
            return Ok(());
        }
        match &mut self.place {
            Place::File(claim) => claim.write_results(results)?,
            Place::Special => file::write_atomically(&self.path, results)?,
        }
        self.made.0.clear();
        self.written = number;
        Ok(())
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a thread came to; its panic is passed on.
fn ended<T>(joined: Result<T, tokio::task::JoinError>) -> T {
    joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

async fn in_time(
    writing: impl Future<Output = Result<(), file::WriteError>>,
    path: PathBuf,
    limit: Duration,
) -> Result<(), Unwritten> {
    match tokio::time::timeout(limit, writing).await {
        Ok(written) => Ok(written?),
        Err(_) => Err(Unwritten::Late { path }),
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
    use std::{sync::mpsc, thread};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn results(id: &str) -> Results {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/tests/files/v1/short.json");
        let mut results = file::read(&path).unwrap();
        id.clone_into(&mut results.run.id);
        results
    }

    #[tokio::test]
    async fn nobody_waits_for_a_disk_that_does_not_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        let mut file = ResultsFile::prepare(Some(&path), "id").unwrap();
        file.next_refresh = Instant::now();
        let (answer, answered) = mpsc::channel();
        file.refresh(Duration::ZERO, move || {
            answered.recv()?;
            Ok(results("refreshed"))
        });
        // One at a time, and it is no hindrance.
        assert!(!file.is_refresh_due() && file.refreshed().await.is_none());
        let late = file
            .write(results("closed"), Duration::from_millis(20))
            .await
            .unwrap_err();
        assert!(matches!(&late, Unwritten::Late { path: at } if *at == path), "{late}");
        answer.send(()).unwrap();
        file.write(results("whole"), LIMIT).await.unwrap();
        assert_eq!(file::read(&path).unwrap().run.id, "whole");
    }

    #[tokio::test]
    async fn a_refresh_puts_the_next_one_off_by_the_cpu_time_that_it_took() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        let mut file = ResultsFile::prepare(Some(&path), "id").unwrap();
        let copying = Duration::from_secs(1);
        for (id, outcome) in [("first", true), ("second", false)] {
            file.next_refresh = Instant::now();
            assert!(file.is_refresh_due());
            file.refresh(copying, move || {
                if !outcome {
                    return Err(Problem::new("not to be put together"));
                }
                // Waiting for a disk is no work.
                thread::sleep(Duration::from_millis(300));
                Ok(results(id))
            });
            let told = loop {
                if let Some(told) = file.refreshed().await {
                    break told;
                }
                tokio::task::yield_now().await;
            };
            assert_eq!(told.is_ok(), outcome, "{told:?}");
            let pause = file.next_refresh - Instant::now();
            assert!(pause > copying * 99 && pause < copying * 130, "{pause:?}");
            assert!(!file.is_refresh_due());
        }
        assert_eq!(file::read(&path).unwrap().run.id, "first");
    }

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
