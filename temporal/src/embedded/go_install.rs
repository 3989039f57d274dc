//! The Temporal CLI built from its source by the Go toolchain, which checks what it downloads against Go's checksum
//! database.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::{Instant, interval},
};

use crate::{
    child,
    embedded::{
        cache::CLI_VERSION,
        progress::{OnProgress, Progress},
    },
    process_environment::ProcessEnvironment,
};

const PACKAGE: &str = "github.com/temporalio/cli/cmd/temporal";

/// The longest that a build may take: two to five minutes are usual on two cores.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Lines of the tool that are shown when it fails.
const TAIL: usize = 5;

/// Builds into an empty folder, and says where the binary is.
pub(super) async fn install(
    go: &Path,
    build: &Path,
    environment: &ProcessEnvironment,
    told: &OnProgress,
) -> Result<PathBuf, String> {
    let package = format!("{PACKAGE}@{CLI_VERSION}");
    let mut command = Command::new(go);
    command
        // It names each package that it compiles, which takes most of the time.
        .args([OsStr::new("install"), OsStr::new("-v"), OsStr::new(&package)])
        .env("GOBIN", build)
        // The server's SQLite is Go all the way down: no C compiler is needed.
        .env("CGO_ENABLED", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child =
        child::spawn_async(command, environment).map_err(|error| format!("{} cannot be run: {error}", go.display()))?;
    let mut group = Group::of(&child);
    let Some(stderr) = child.stderr.take() else {
        return Err("its output cannot be read".to_owned());
    };
    let mut lines = BufReader::new(stderr).lines();
    let mut output = Output::default();
    let mut tick = interval(Duration::from_millis(500));
    let begun = Instant::now();
    let mut open = true;
    while open {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => output.hear(line),
                Ok(None) | Err(_) => open = false,
            },
            _ = tick.tick() => {
                if begun.elapsed() >= LIMIT {
                    return Err(format!("go install was not done after {} minutes", LIMIT.as_secs() / 60));
                }
                told(Progress {
                    doing: format!("building the Temporal dev server: go install {package} (two to five minutes, once)"),
                    elapsed: begun.elapsed(),
                    detail: output.now.clone(),
                });
            }
        }
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    group.ended();
    match status.success() {
        true => Ok(build.join("temporal")),
        false => Err(format!(
            "go install {package} failed ({status}): {}",
            output.tail.join(" / ")
        )),
    }
}

/// What the tool says.
#[derive(Debug, Default)]
struct Output {
    /// What it is doing.
    now: Option<String>,
    /// Its last words, without the names of packages.
    tail: Vec<String>,
}

impl Output {
    fn hear(&mut self, line: String) {
        // The name of a package by itself means that it is being compiled.
        if !line.contains(char::is_whitespace) {
            self.now = Some(format!("compiling {line}"));
            return;
        }
        if let Some(what) = line.strip_prefix("go: ") {
            self.now = Some(what.to_owned());
        }
        if self.tail.len() == TAIL {
            self.tail.remove(0);
        }
        self.tail.push(line);
    }
}

/// The tool and the compilers that it runs, killed together when the build is given up.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &tokio::process::Child) -> Group {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        Group(pid.and_then(Pid::from_raw))
    }

    /// Its first process is gone and its number may be given to another.
    fn ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::embedded::progress;

    /// A tool that does what a script says, in a folder of its own.
    fn tool(script: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let go = folder.path().join("go");
        fs::write(&go, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).unwrap();
        (folder, go)
    }

    #[test]
    fn what_is_shown_is_what_goes_on() {
        let mut output = Output::default();
        output.hear("go: downloading go.temporal.io/server v1.29.1".to_owned());
        assert_eq!(output.now.as_deref(), Some("downloading go.temporal.io/server v1.29.1"));
        output.hear("go.temporal.io/server/service/history".to_owned());
        assert_eq!(
            output.now.as_deref(),
            Some("compiling go.temporal.io/server/service/history")
        );
        for n in 0..9 {
            output.hear(format!("error {n}"));
        }
        assert_eq!(output.tail.len(), TAIL);
        assert_eq!(output.tail[TAIL - 1], "error 8");
    }

    #[tokio::test]
    async fn a_failure_shows_the_last_words() {
        let (folder, go) = tool("echo 'go: downloading x v1' >&2; echo x/y >&2; echo 'no space left' >&2; exit 3");
        let error = install(&go, folder.path(), &ProcessEnvironment::default(), &progress::silent())
            .await
            .unwrap_err();
        assert!(
            error.ends_with("(exit status: 3): go: downloading x v1 / no space left"),
            "{error}"
        );
    }

    /// Whether a process is there and has not ended.
    fn runs(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z"))
    }

    #[tokio::test]
    async fn a_build_that_is_given_up_ends_with_its_compilers() {
        let (folder, go) = tool("sleep 600 & echo $! > \"$0.part\"; mv \"$0.part\" \"$0.pid\"; wait");
        let compiler = {
            let (environment, silent) = (ProcessEnvironment::default(), progress::silent());
            let building = install(&go, folder.path(), &environment, &silent);
            let known = tokio::time::timeout(Duration::from_secs(20), async {
                loop {
                    match fs::read_to_string(folder.path().join("go.pid")) {
                        Ok(pid) => break pid,
                        Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                    }
                }
            });
            tokio::select! {
                done = building => panic!("{done:?}"),
                pid = known => pid.expect("no compiler was started"),
            }
        };
        let begun = Instant::now();
        while runs(&compiler) {
            assert!(begun.elapsed() < Duration::from_secs(20), "it goes on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
