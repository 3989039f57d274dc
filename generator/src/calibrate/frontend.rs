//! The null frontend as a child process, so that its CPU time is not the generator's.

use std::{
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use benchmark_temporal::{ProcessEnvironment, child};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// How long the child may take to begin or to end. It takes milliseconds; a machine that is out of CPU takes more.
const LIMIT: Duration = Duration::from_secs(20);

/// Why there is no null frontend, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FrontendError(String);

/// What the child counted, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct FrontendCounts {
    /// Start requests read to their end.
    pub(super) starts: u64,
}

/// A null frontend in a process of its own. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Frontend {
    program: PathBuf,
    address: String,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Frontend {
    /// Starts one. When this returns, connections are accepted.
    pub(super) async fn start(environment: &ProcessEnvironment) -> Result<Self, FrontendError> {
        let program = std::env::current_exe().map_err(|error| {
            FrontendError(format!(
                "this program's file cannot be found, so the null frontend cannot be started: {error}"
            ))
        })?;
        let mut command = Command::new(&program);
        command.args(["null-frontend", "--listen", "127.0.0.1:0"]);
        // It ends when its standard input does, in order.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child::spawn_async(command, environment).map_err(|error| failed(&program, &error))?;
        let Some(stdout) = child.stdout.take() else {
            return Err(failed(&program, &io::ErrorKind::BrokenPipe.into()));
        };
        let lines = BufReader::new(stdout).lines();
        let mut frontend = Frontend {
            program,
            address: String::new(),
            child,
            lines,
        };
        frontend.address = frontend.line("begin", "address").await?;
        Ok(frontend)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Ends it and gives what it counted.
    pub(super) async fn stop(mut self) -> Result<FrontendCounts, FrontendError> {
        drop(self.child.stdin.take());
        let said = self.line("end", "counts").await?;
        self.exit("end").await?;
        serde_json::from_str(&said)
            .map_err(|_| FrontendError(format!("the null frontend's counts cannot be understood: {said:?}")))
    }

    async fn line(&mut self, doing: &'static str, what: &'static str) -> Result<String, FrontendError> {
        let read = in_time(doing, &self.program, self.lines.next_line()).await?;
        match read {
            Some(line) => Ok(line),
            None => Err(FrontendError(format!(
                "the null frontend ended ({}) without telling its {what}",
                self.exit(doing).await?
            ))),
        }
    }

    async fn exit(&mut self, doing: &'static str) -> Result<ExitStatus, FrontendError> {
        in_time(doing, &self.program, self.child.wait()).await
    }
}

/// What the process is waited for with.
async fn in_time<T>(
    doing: &'static str,
    program: &Path,
    waited: impl Future<Output = io::Result<T>>,
) -> Result<T, FrontendError> {
    let silent = |_| {
        FrontendError(format!(
            "the null frontend did not {doing} within {LIMIT:?}; is this machine out of CPU or memory?"
        ))
    };
    let told = timeout(LIMIT, waited).await.map_err(silent)?;
    told.map_err(|error| failed(program, &error))
}

/// The process could not be made or read from.
fn failed(program: &Path, error: &io::Error) -> FrontendError {
    FrontendError(format!(
        "the null frontend, {} null-frontend, cannot be run: {error}",
        program.display()
    ))
}
