//! The cache folder of the server's binary, and the lock that keeps two processes from making it at the same time.

use std::{
    env,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::embedded::progress::{OnProgress, Progress};

/// The version of the Temporal CLI that is downloaded or built: it embeds server 1.29.1.
pub(super) const CLI_VERSION: &str = "v1.5.1";

const POLL: Duration = Duration::from_millis(250);

/// `$XDG_CACHE_HOME/run-benchmark`, or `~/.cache/run-benchmark`.
pub(super) fn folder() -> Result<PathBuf, String> {
    // The base directory specification: a relative path is to be ignored.
    let given = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    match given.or_else(|| home().map(|home| home.join(".cache"))) {
        Some(base) => Ok(base.join("run-benchmark")),
        None => Err("neither XDG_CACHE_HOME nor HOME names a folder".to_owned()),
    }
}

/// Where the binary is kept. The SDK's download chooses this very name.
pub(super) fn binary(folder: &Path) -> PathBuf {
    folder.join(format!("temporal-{CLI_VERSION}"))
}

/// Held while the binary is being made. The system takes it back when the process ends, however it ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for its turn, and says so.
    pub(super) async fn take(folder: &Path, limit: Duration, told: &OnProgress) -> Result<Lock, String> {
        let path = folder.join(format!("temporal-{CLI_VERSION}.lock"));
        let words = |error: io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(folder).map_err(words)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(words)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::Error(error)) => return Err(words(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= limit => {
                    return Err(format!("another process has held {} for {limit:?}", path.display()));
                }
                Err(TryLockError::WouldBlock) => told(Progress {
                    doing: "waiting for another process that is getting the Temporal dev server".to_owned(),
                    elapsed: begun.elapsed(),
                    detail: None,
                }),
            }
            sleep(POLL).await;
        }
    }
}
