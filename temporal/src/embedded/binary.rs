//! The dev server's binary: looked for, downloaded, or built.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use tokio::{process::Command, time::timeout};

use crate::embedded::{
    cache::{self, CLI_VERSION, Lock},
    download, go_install,
    progress::OnProgress,
};

/// How long another process may take to make the binary.
const OTHER_PROCESS: Duration = Duration::from_secs(25 * 60);

/// How long `--version` may take: the first run of a large binary reads it from disk.
const VERSION_LIMIT: Duration = Duration::from_secs(30);

/// A binary that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerBinary {
    /// Where it is.
    pub path: PathBuf,
    /// How it was had, for people.
    pub how: String,
    /// What it says of its version.
    pub version: String,
}

/// Finds the Temporal CLI, which holds the dev server: the path given; `temporal` on `PATH`; the cache folder;
/// else it is downloaded into the cache folder, or built there by the Go toolchain. The first that runs is taken.
///
/// A path that was given is not replaced by anything else.
///
/// # Errors
/// Lists everything that was tried and why it failed.
pub fn provide(explicit: Option<&Path>, told: OnProgress) -> BoxFuture<'static, Result<ServerBinary, ProvideError>> {
    let explicit = explicit.map(Path::to_owned);
    async move {
        if let Some(path) = explicit {
            return check(&path, "--server-binary".to_owned())
                .await
                .map_err(|problem| ProvideError::Explicit { path, problem });
        }
        let mut tried = Tried::default();
        match on_path("temporal") {
            Some(path) => match check(&path, "found on PATH".to_owned()).await {
                Ok(found) => return Ok(found),
                Err(problem) => tried.add(format!("{} (on PATH)", path.display()), problem),
            },
            None => tried.add("temporal on PATH", "there is none"),
        }
        let folder = match cache::folder() {
            Ok(folder) => folder,
            Err(problem) => {
                tried.add("the cache folder", problem);
                return Err(ProvideError::Nothing(tried));
            }
        };
        let target = cache::binary(&folder);
        if let Ok(found) = check(&target, "found in the cache folder".to_owned()).await {
            return Ok(found);
        }
        let _lock = match Lock::take(&folder, OTHER_PROCESS, &told).await {
            Ok(lock) => lock,
            Err(problem) => {
                tried.add("the cache folder", problem);
                return Err(ProvideError::Nothing(tried));
            }
        };
        // Whoever held the lock before us may have made it.
        match check(&target, "found in the cache folder".to_owned()).await {
            Ok(found) => return Ok(found),
            Err(problem) => {
                tried.add(target.display().to_string(), problem);
                // A broken one would be taken for the downloaded one.
                let _ = std::fs::remove_file(&target);
            }
        }
        let made = match download::download(&folder, &told).await {
            Ok(()) => check(&target, format!("downloaded (Temporal CLI {CLI_VERSION})")).await,
            Err(problem) => Err(problem),
        };
        match made {
            Ok(found) => return Ok(found),
            Err(problem) => tried.add("the SDK's download of the Temporal CLI", problem),
        }
        let made = match on_path("go") {
            None => Err("there is no go on PATH".to_owned()),
            Some(go) => match go_install::install(&go, &folder, &told).await {
                Ok(()) => check(&target, format!("built by go install (Temporal CLI {CLI_VERSION})")).await,
                Err(problem) => Err(problem),
            },
        };
        made.map_err(|problem| {
            tried.add("go install of the Temporal CLI", problem);
            ProvideError::Nothing(tried)
        })
    }
    .boxed()
}

/// Runs `--version`; only a binary that answers is one.
async fn check(path: &Path, how: String) -> Result<ServerBinary, String> {
    if !path.exists() {
        return Err("there is no such file".to_owned());
    }
    let run = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match timeout(VERSION_LIMIT, run).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("it cannot be run: {error}")),
        Err(_) => return Err(format!("`--version` did not end within {} s", VERSION_LIMIT.as_secs())),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().next().unwrap_or_default().trim();
    match line.strip_prefix("temporal version ") {
        Some(version) if output.status.success() => Ok(ServerBinary {
            path: path.to_owned(),
            how,
            version: version.to_owned(),
        }),
        _ if !output.status.success() => Err(format!("`--version` failed ({})", output.status)),
        _ => Err(format!("it is not the Temporal CLI: `--version` says {line:?}")),
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What was tried, and why it failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried(Vec<(String, String)>);

impl Tried {
    fn add(&mut self, what: impl Into<String>, problem: impl Into<String>) {
        self.0.push((what.into(), problem.into()));
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, problem) in &self.0 {
            write!(f, "\n  tried {what}: {problem}")?;
        }
        Ok(())
    }
}

/// No binary could be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProvideError {
    /// The one that was asked for does not do.
    #[error("--server-binary {}: {problem}", path.display())]
    Explicit {
        /// The path.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// None was found, and none could be made.
    #[error(
        "no Temporal dev server could be had{0}\n  install the Temporal CLI (or Go, which builds it) and put it on PATH, \
         name one with --server-binary PATH, or name a server with --address HOST:PORT"
    )]
    Nothing(Tried),
}
