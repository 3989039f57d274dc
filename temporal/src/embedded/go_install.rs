//! The Temporal CLI built from its source by the Go toolchain.

use std::{ffi::OsStr, fs, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::{Instant, interval},
};

use crate::embedded::{
    cache::{self, CLI_VERSION},
    progress::{OnProgress, Progress},
};

const PACKAGE: &str = "github.com/temporalio/cli/cmd/temporal";

/// The longest that a build may take: two minutes are usual on two cores.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Lines of the tool that are shown when it fails.
const TAIL: usize = 5;

/// Builds into a folder of its own beside the target and moves the finished binary over.
pub(super) async fn install(go: &Path, folder: &Path, told: &OnProgress) -> Result<(), String> {
    let target = cache::binary(folder);
    let build = folder.join(format!("temporal-{CLI_VERSION}.building"));
    // We hold the lock, so what lies there is what a killed build left.
    let _ = fs::remove_dir_all(&build);
    fs::create_dir_all(&build).map_err(|error| format!("{}: {error}", build.display()))?;
    let outcome = run(go, &build, told).await.and_then(|()| {
        fs::rename(build.join("temporal"), &target).map_err(|error| format!("{}: {error}", target.display()))
    });
    let _ = fs::remove_dir_all(&build);
    outcome
}

async fn run(go: &Path, build: &Path, told: &OnProgress) -> Result<(), String> {
    let package = format!("{PACKAGE}@{CLI_VERSION}");
    let mut child = Command::new(go)
        .args([OsStr::new("install"), OsStr::new(&package)])
        .env("GOBIN", build)
        // The server's SQLite is Go all the way down: no C compiler is needed.
        .env("CGO_ENABLED", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} cannot be run: {error}", go.display()))?;
    let Some(stderr) = child.stderr.take() else {
        return Err("its output cannot be read".to_owned());
    };
    let mut lines = BufReader::new(stderr).lines();
    let mut tail: Vec<String> = Vec::new();
    let mut tick = interval(Duration::from_millis(500));
    let begun = Instant::now();
    let mut open = true;
    while open {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => {
                    if tail.len() == TAIL {
                        tail.remove(0);
                    }
                    tail.push(line);
                }
                Ok(None) | Err(_) => open = false,
            },
            _ = tick.tick() => {
                if begun.elapsed() >= LIMIT {
                    return Err(format!("go install was not done after {} minutes", LIMIT.as_secs() / 60));
                }
                told(Progress {
                    doing: format!("building the Temporal dev server: go install {package} (about 2 minutes, once)"),
                    elapsed: begun.elapsed(),
                    detail: tail.last().cloned(),
                });
            }
        }
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("go install {package} failed ({status}): {}", tail.join(" / "))),
    }
}
