//! The dev server's binary: looked for, downloaded, or built.

use std::{
    env,
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use tokio::{process::Command, time::timeout};

use crate::{
    child,
    embedded::{
        cache::{self, CLI_VERSION, Lock},
        download, go_install,
        note::{self, Seal, Unsealed},
        progress::OnProgress,
    },
    process_environment::ProcessEnvironment,
};

/// How long another process may take to make the binary.
const OTHER_PROCESS: Duration = Duration::from_secs(25 * 60);

/// How long `--version` may take: the first run of a large binary reads it from disk.
const VERSION_LIMIT: Duration = Duration::from_secs(30);

/// Flags that a server is started with, of which an older one may lack some.
const FLAGS: [&str; 8] = [
    "--ip",
    "--port",
    "--metrics-port",
    "--ui-port",
    "--namespace",
    "--headless",
    "--dynamic-config-value",
    "--log-level",
];

/// A binary that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerBinary {
    /// Where it is.
    pub path: PathBuf,
    /// How it was had, for people.
    pub how: String,
    /// What it says of its version.
    pub version: String,
    /// How it was when its SHA-256 was compared, where this program made it.
    pub(super) seal: Option<Seal>,
    /// What it is run with.
    pub(super) environment: ProcessEnvironment,
}

/// Finds the Temporal CLI, which holds the dev server: the path given; `temporal` on the environment's `PATH`; its cache folder;
/// else it is downloaded into the cache folder, or built there by the Go toolchain. The first that runs is taken.
///
/// A path that was given is not replaced by anything else. What lies in the cache folder is executed only when its SHA-256
/// is the one that was noted when it was made.
///
/// # Errors
/// Lists everything that was tried and why it failed; and when what lies in the cache folder was changed.
pub fn provide(
    explicit: Option<&Path>,
    environment: &ProcessEnvironment,
    told: OnProgress,
) -> BoxFuture<'static, Result<ServerBinary, ProvideError>> {
    let (explicit, environment) = (explicit.map(Path::to_owned), environment.clone());
    async move {
        if let Some(path) = explicit {
            return check(&path, "--server-binary".to_owned(), &environment)
                .await
                .map_err(|problem| ProvideError::Explicit { path, problem });
        }
        let mut tried = Tried::default();
        match on_path("temporal", &environment.path) {
            Some(path) => match check(&path, "found on PATH".to_owned(), &environment).await {
                Ok(found) => return Ok(found),
                // Too old, for example.
                Err(problem) => tried.add(format!("{} (on PATH)", path.display()), problem),
            },
            None => tried.add("temporal on PATH", "there is none"),
        }
        let folder = match cache::folder(environment.caches.as_deref()) {
            Ok(folder) => folder,
            Err(problem) => {
                tried.add("the cache folder", problem);
                return Err(ProvideError::Nothing(tried));
            }
        };
        let target = cache::binary(&folder);
        if let Ok(found) = cached(&target, "found in the cache folder", &environment).await? {
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
        match cached(&target, "found in the cache folder", &environment).await? {
            Ok(found) => return Ok(found),
            Err(problem) => tried.add(target.display().to_string(), problem),
        }
        let downloaded = cache::make(&folder, async |making| download::download(&making, &told).await).await;
        let made = match downloaded {
            Ok(()) => {
                cached(
                    &target,
                    &format!("downloaded (Temporal CLI {CLI_VERSION})"),
                    &environment,
                )
                .await?
            }
            Err(problem) => Err(problem),
        };
        match made {
            Ok(found) => return Ok(found),
            Err(problem) => tried.add("a download of the Temporal CLI", problem),
        }
        let built = match on_path("go", &environment.path) {
            None => Err("there is no go on PATH".to_owned()),
            Some(go) => {
                cache::make(&folder, async |making| {
                    go_install::install(&go, &making, &environment, &told).await
                })
                .await
            }
        };
        let made = match built {
            Ok(()) => {
                cached(
                    &target,
                    &format!("built by go install (Temporal CLI {CLI_VERSION})"),
                    &environment,
                )
                .await?
            }
            Err(problem) => Err(problem),
        };
        made.map_err(|problem| {
            tried.add("go install of the Temporal CLI", problem);
            ProvideError::Nothing(tried)
        })
    }
    .boxed()
}

/// The binary in the cache folder, if it is the one that was made and if it runs. One that was changed is an error for good.
async fn cached(
    path: &Path,
    how: &str,
    environment: &ProcessEnvironment,
) -> Result<Result<ServerBinary, String>, ProvideError> {
    let target = path.to_owned();
    // It is large, and reading it takes a while.
    let compared = tokio::task::spawn_blocking(move || note::check(&target)).await;
    let seal = match compared {
        Ok(Ok(seal)) => seal,
        Ok(Err(Unsealed::Changed { noted, found })) => {
            return Err(ProvideError::Changed {
                path: path.to_owned(),
                noted,
                found,
            });
        }
        Ok(Err(Unsealed::Missing)) => return Ok(Err("there is no such file".to_owned())),
        Ok(Err(Unsealed::NoNote)) => return Ok(Err("nothing was noted of its SHA-256".to_owned())),
        Ok(Err(Unsealed::Unreadable(error))) => return Ok(Err(error.to_string())),
        Err(panicked) => return Ok(Err(panicked.to_string())),
    };
    let found = check(path, how.to_owned(), environment).await;
    Ok(found.map(|found| ServerBinary {
        seal: Some(seal),
        ..found
    }))
}

/// Asks it for its version and its flags; only a binary that answers is one.
async fn check(path: &Path, how: String, environment: &ProcessEnvironment) -> Result<ServerBinary, String> {
    if !path.exists() {
        return Err("there is no such file".to_owned());
    }
    let said = ask(path, &["--version"], environment).await?;
    let line = said.lines().next().unwrap_or_default().trim();
    let Some(version) = line.strip_prefix("temporal version ") else {
        return Err(format!("it is not the Temporal CLI: `--version` says {line:?}"));
    };
    let help = ask(path, &["server", "start-dev", "--help"], environment).await?;
    if let Some(flag) = FLAGS.iter().find(|flag| !knows(&help, flag)) {
        return Err(format!(
            "its `server start-dev` has no {flag}: version {version} does not do"
        ));
    }
    Ok(ServerBinary {
        path: path.to_owned(),
        how,
        version: version.to_owned(),
        seal: None,
        environment: environment.clone(),
    })
}

/// Whether a help text tells of a flag: its name, and not a longer one that begins so.
fn knows(help: &str, flag: &str) -> bool {
    help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .any(|word| word == flag)
}

/// Runs it and returns what it says.
async fn ask(path: &Path, arguments: &[&str], environment: &ProcessEnvironment) -> Result<String, String> {
    let mut command = Command::new(path);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let run = async { child::spawn_async(command, environment)?.wait_with_output().await };
    let asked = arguments.join(" ");
    match timeout(VERSION_LIMIT, run).await {
        Ok(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(Ok(output)) => Err(format!("`{asked}` failed ({})", output.status)),
        Ok(Err(error)) => Err(format!("it cannot be run: {error}")),
        Err(_) => Err(format!("`{asked}` did not end within {} s", VERSION_LIMIT.as_secs())),
    }
}

fn on_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    env::split_paths(path)
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
    /// The one in the cache folder is not the one that was made.
    #[error(
        "the Temporal dev server {} is not the file that was made: its SHA-256 is {found}, and {} was noted\n  remove it to \
         have it made again, or name another with --server-binary PATH",
        path.display(), if noted.is_empty() { "none" } else { noted.as_str() }
    )]
    Changed {
        /// The binary.
        path: PathBuf,
        /// The SHA-256 that was noted when it was made.
        noted: String,
        /// What it is now.
        found: String,
    },
    /// None was found, and none could be made.
    #[error(
        "no Temporal dev server could be had{0}\n  install the Temporal CLI (or Go, which builds it) and put it on PATH, \
         name one with --server-binary PATH, or name a server with --address HOST:PORT"
    )]
    Nothing(Tried),
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn program(folder: &Path, script: &str) -> PathBuf {
        let path = folder.join("temporal");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_flag_is_known_by_its_whole_name() {
        let help = "Flags:\n      --ui-port int   Port\n  -p, --port int\n      --ip string";
        assert!(knows(help, "--ui-port") && knows(help, "--port") && knows(help, "--ip"));
        assert!(!knows(help, "--ui") && !knows(help, "--metrics-port"));
    }

    #[tokio::test]
    async fn one_that_is_too_old_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = program(
            folder.path(),
            "case $1 in --version) echo temporal version 0.5.0;; *) echo '--ip --port --namespace';; esac",
        );
        let problem = check(&path, String::new(), &ProcessEnvironment::default())
            .await
            .unwrap_err();
        assert_eq!(
            problem,
            "its `server start-dev` has no --metrics-port: version 0.5.0 does not do"
        );
        let path = program(folder.path(), "exit 3");
        let problem = check(&path, String::new(), &ProcessEnvironment::default())
            .await
            .unwrap_err();
        assert_eq!(problem, "`--version` failed (exit status: 3)");
    }

    #[tokio::test]
    async fn what_was_changed_is_refused_and_what_was_not_noted_is_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = program(folder.path(), ": > \"$0.ran\"; echo temporal version 1");
        assert_eq!(
            cached(&path, "here", &ProcessEnvironment::default()).await,
            Ok(Err("nothing was noted of its SHA-256".to_owned()))
        );
        note::write(&path, &path).unwrap();
        let path = program(folder.path(), ": > \"$0.ran\"; echo temporal version 2");
        let error = cached(&path, "here", &ProcessEnvironment::default()).await.unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("is not the file that was made") && said.contains("--server-binary PATH"),
            "{said}"
        );
        assert!(!folder.path().join("temporal.ran").exists());
    }
}
