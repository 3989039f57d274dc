//! The program in a folder of its own, run to its end or watched while it goes on.

use std::{
    ffi::OsStr,
    fs::{self, File},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use benchmark_results::{Results, file};
use benchmark_temporal::testing;
use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(180);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Tests run side by side, but for those that take the machine away from all others.
static MACHINE: RwLock<()> = RwLock::new(());

enum Share {
    Shared(#[expect(dead_code, reason = "held")] RwLockReadGuard<'static, ()>),
    Alone(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'static, ()>),
}

/// An empty folder to run the program in, with a home and a folder for temporary files beside it.
pub struct Bench {
    folder: tempfile::TempDir,
    _share: Share,
}

impl Bench {
    /// A folder.
    pub fn new() -> Self {
        Self::with(Share::Shared(MACHINE.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// A folder, while no other test of this process runs.
    pub fn alone() -> Self {
        Self::with(Share::Alone(MACHINE.write().unwrap_or_else(PoisonError::into_inner)))
    }

    fn with(share: Share) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["work", "home", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Bench { folder, _share: share }
    }

    /// Everything that the program was given to write in: its folder, its home, temporary files, and what it printed.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder that the program runs in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// What the program left in its folder.
    pub fn left_behind(&self) -> Vec<String> {
        names(&self.folder.path().join("work"))
    }

    /// What the program left in the folder for temporary files.
    pub fn temporary(&self) -> Vec<String> {
        names(&self.folder.path().join("tmp"))
    }

    /// The program with an empty environment.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        self.program(assert_cmd::cargo::cargo_bin!("run-benchmark"), arguments)
    }

    /// Any program with an empty environment.
    pub fn program<A: AsRef<OsStr>>(&self, program: &Path, arguments: &[A]) -> Command {
        let at = |name: &str| self.folder.path().join(name);
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", at("home"))
            .env("XDG_CACHE_HOME", at("home/cache"))
            .env("XDG_DATA_HOME", at("home/data"))
            .env("TMPDIR", at("tmp"))
            .current_dir(at("work"))
            .stdin(Stdio::null());
        command
    }

    /// The program with its embedded server: arguments are separated by spaces.
    pub fn embedded(&self, arguments: &str) -> Command {
        let mut command = self.command(&arguments.split_whitespace().collect::<Vec<_>>());
        command.arg("--server-binary").arg(testing::binary().path);
        command
    }

    /// The program against a server: arguments are separated by spaces.
    pub fn against(&self, address: &str, arguments: &str) -> Command {
        let mut command = self.command(&arguments.split_whitespace().collect::<Vec<_>>());
        command.args(["--address", address]);
        command
    }

    /// Starts it.
    pub fn begin(&self, mut command: Command) -> Going {
        let at = |name: &str| self.folder.path().join(name);
        let (stdout, stderr) = (at("stdout"), at("stderr"));
        command
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap());
        Going {
            child: command.spawn().unwrap(),
            stdout,
            stderr,
            work: at("work"),
        }
    }

    /// Runs it to its end.
    pub fn run(&self, command: Command) -> Finished {
        self.begin(command).finish()
    }
}

/// The program while it runs. It is killed when a test gives up on it.
pub struct Going {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    work: PathBuf,
}

impl Going {
    /// What it has said on stderr.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    /// The address of its embedded server, once it says so.
    pub fn server(&mut self) -> String {
        self.until("the server's address", |going| {
            let said = going.said();
            let (_, after) = said.split_once("embedded dev server ")?;
            let (_, after) = after.split_once(" at ")?;
            // The line must be whole.
            let (address, _) = after.split_once([' ', '\n'])?;
            Some(address.to_owned())
        })
    }

    /// The results so far, once there are any.
    pub fn partial(&mut self) -> Results {
        self.until("a results file", |going| {
            let path = results_in(&going.work)?;
            Some(file::read(&path).unwrap())
        })
    }

    /// The results so far, if there are any.
    pub fn results_so_far(&self) -> Option<Results> {
        Some(file::read(&results_in(&self.work)?).unwrap())
    }

    /// Where others join the run that it leads, as it says.
    pub fn fleet_address(&mut self) -> String {
        self.until("the fleet's address", |going| {
            let said = going.said();
            let (_, after) = said.split_once("--join ")?;
            let (address, _) = after.split_once('\n')?;
            Some(address.to_owned())
        })
    }

    /// Waits for something while it runs.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "it ended ({ended:?}) while waiting for {what}: {}",
                self.said()
            );
            assert!(begun.elapsed() < LIMIT, "still waiting for {what}: {}", self.said());
            std::thread::sleep(LOOK);
        }
    }

    /// The process that it made: its embedded server.
    pub fn child_process(&mut self) -> i32 {
        let parent = self.pid();
        self.until("its server's process", |_| {
            let processes = procfs::process::all_processes().unwrap();
            let mut stats = processes.filter_map(|process| process.ok()?.stat().ok());
            stats.find(|stat| stat.ppid == parent).map(|stat| stat.pid)
        })
    }

    /// The number of its process.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < LIMIT, "it does not end: {}", self.said());
            std::thread::sleep(LOOK);
        };
        Finished {
            status,
            stdout: fs::read_to_string(&self.stdout).unwrap(),
            stderr: self.said(),
            work: self.work.clone(),
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program after its end.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it said besides.
    pub stderr: String,
    work: PathBuf,
}

impl Finished {
    /// Its exit code.
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("it has no exit code: {self:?}"))
    }

    /// Its only results file, wherever in its folder.
    pub fn results(&self) -> Results {
        let path = self
            .results_file()
            .unwrap_or_else(|| panic!("there is no results file: {self:?}"));
        file::read(&path).unwrap()
    }

    /// Where its only results file is.
    pub fn results_file(&self) -> Option<PathBuf> {
        results_in(&self.work)
    }
}

/// The results file in a folder: as `--output results.json` writes it, or as it is written when nothing is said.
fn results_in(work: &Path) -> Option<PathBuf> {
    let named = work.join("results.json");
    if is_written(&named) {
        return Some(named);
    }
    let runs = names(&work.join("runs"));
    assert!(runs.len() <= 1, "several runs: {runs:?}");
    Some(work.join("runs").join(runs.first()?).join("results.json")).filter(|path| is_written(path))
}

/// Whether there is more than the claim that a run makes at its beginning.
fn is_written(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.len() > 0)
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// Waits until nobody listens at an address any more.
pub fn until_gone(address: &str) {
    let begun = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < LIMIT, "something still listens at {address}");
        std::thread::sleep(LOOK);
    }
}

/// Whether somebody listens at an address.
pub fn listens(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}
