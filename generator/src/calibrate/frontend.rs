//! The null frontend as a child process, so that its CPU time is not the generator's.

use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// How long the child may take to begin or to end. It takes milliseconds; a machine that is out of CPU takes more.
const LIMIT: Duration = Duration::from_secs(20);

/// Why there is no null frontend.
#[derive(Debug, thiserror::Error)]
pub enum FrontendError {
    /// This program's own file is not known.
    #[error("this program's file cannot be found, so the null frontend cannot be started: {0}")]
    OwnFile(std::io::Error),
    /// The process could not be made or read from.
    #[error("the null frontend, {} null-frontend, cannot be run: {source}", program.display())]
    Process {
        /// This program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It said nothing in time.
    #[error("the null frontend did not {0} within {LIMIT:?}; is this machine out of CPU or memory?")]
    Silent(&'static str),
    /// It ended without what it should have said.
    #[error("the null frontend ended ({status}) without telling its {missing}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// What it left out.
        missing: &'static str,
    },
    /// What it said is not what it should have.
    #[error("the null frontend's {what} cannot be understood: {said:?}")]
    Nonsense {
        /// What was expected.
        what: &'static str,
        /// What came.
        said: String,
    },
}

/// What the child counted, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Counted {
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
    pub(super) async fn start() -> Result<Self, FrontendError> {
        let program = std::env::current_exe().map_err(FrontendError::OwnFile)?;
        let mut command = Command::new(&program);
        command.args(["null-frontend", "--listen", "127.0.0.1:0"]);
        // It ends when its standard input does, in order.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let failed = |source| FrontendError::Process {
            program: program.clone(),
            source,
        };
        let mut child = benchmark_temporal::child::spawn_async(command).map_err(failed)?;
        let Some(stdout) = child.stdout.take() else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
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
    pub(super) async fn stop(mut self) -> Result<Counted, FrontendError> {
        drop(self.child.stdin.take());
        let said = self.line("end", "counts").await?;
        let exit = timeout(LIMIT, self.child.wait())
            .await
            .map_err(|_| FrontendError::Silent("end"))?;
        exit.map_err(|source| self.failed(source))?;
        serde_json::from_str(&said).map_err(|_| FrontendError::Nonsense { what: "counts", said })
    }

    async fn line(&mut self, doing: &'static str, what: &'static str) -> Result<String, FrontendError> {
        let read = timeout(LIMIT, self.lines.next_line())
            .await
            .map_err(|_| FrontendError::Silent(doing))?;
        match read.map_err(|source| self.failed(source))? {
            Some(line) => Ok(line),
            None => {
                let status = timeout(LIMIT, self.child.wait())
                    .await
                    .map_err(|_| FrontendError::Silent(doing))?;
                let status = status.map_err(|source| self.failed(source))?;
                Err(FrontendError::Ended { status, missing: what })
            }
        }
    }

    fn failed(&self, source: std::io::Error) -> FrontendError {
        FrontendError::Process {
            program: self.program.clone(),
            source,
        }
    }
}
