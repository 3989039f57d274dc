//! The cache folder of the server's binary, ours alone, and the lock that keeps two processes from making it at the same
//! time.

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::embedded::{
    note,
    progress::{OnProgress, Progress},
};

/// The version of the Temporal CLI that is downloaded or built: it embeds server 1.29.1.
pub(super) const CLI_VERSION: &str = "v1.5.1";

const POLL: Duration = Duration::from_millis(250);

/// Nobody else reads or writes there: what lies there is executed.
const PRIVATE: u32 = 0o700;
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The program's own folder where caches are kept, made where it is missing.
pub(super) fn folder(caches: Option<&Path>) -> Result<PathBuf, String> {
    let base = caches.ok_or("neither XDG_CACHE_HOME nor HOME names a folder")?;
    let folder = base.join("run-benchmark");
    fs::create_dir_all(base).map_err(|error| format!("{}: {error}", base.display()))?;
    private(&folder, rustix::process::geteuid().as_raw())?;
    Ok(folder)
}

/// Makes sure that a folder is there, belongs to the user and to nobody else.
fn private(folder: &Path, user: u32) -> Result<(), String> {
    let words = |error: io::Error| format!("{}: {error}", folder.display());
    match DirBuilder::new().mode(PRIVATE).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(words(error)),
    }
    let meta = fs::metadata(folder).map_err(words)?;
    // A link of somebody else may lead anywhere tomorrow.
    for owner in [fs::symlink_metadata(folder).map_err(words)?.uid(), meta.uid()] {
        if owner != user {
            return Err(format!(
                "{} belongs to user {owner} and not to you ({user}); what lies there is executed",
                folder.display()
            ));
        }
    }
    if !meta.is_dir() {
        return Err(format!("{} is no folder", folder.display()));
    }
    let mode = meta.mode() & 0o777;
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(format!(
            "others may write to {} (mode {mode:o}), and what lies there is executed; remove it",
            folder.display()
        ));
    }
    if mode != PRIVATE {
        fs::set_permissions(folder, Permissions::from_mode(PRIVATE)).map_err(words)?;
    }
    Ok(())
}

/// Where the binary is kept.
pub(super) fn binary(folder: &Path) -> PathBuf {
    folder.join(format!("temporal-{CLI_VERSION}"))
}

/// Makes a binary by `make`, which is given an empty folder and says where in it the binary is; notes its SHA-256 and moves
/// it to its place. Whoever holds the [`Lock`] may do so.
pub(super) async fn make<F>(folder: &Path, make: impl FnOnce(PathBuf) -> F) -> Result<(), String>
where
    F: Future<Output = Result<PathBuf, String>>,
{
    let target = binary(folder);
    let making = folder.join(format!("temporal-{CLI_VERSION}.making"));
    // We hold the lock, so what lies there is what a killed process left.
    let _ = fs::remove_dir_all(&making);
    fs::create_dir_all(&making).map_err(|error| format!("{}: {error}", making.display()))?;
    let made = make(making.clone()).await.and_then(|made| {
        // The note first: who sees the binary must see what was noted of it.
        let _ = fs::remove_file(&target);
        note::write(&made, &target)
            .and_then(|()| fs::rename(&made, &target))
            .map_err(|error| format!("{}: {error}", target.display()))
    });
    let _ = fs::remove_dir_all(&making);
    made
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn the_folder_is_ours_alone() {
        let base = tempfile::tempdir().unwrap();
        let user = rustix::process::geteuid().as_raw();
        let folder = base.path().join("new");
        private(&folder, user).unwrap();
        assert_eq!(mode(&folder), 0o700);
        // One that an older version made, which others could read.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        private(&folder, user).unwrap();
        assert_eq!(mode(&folder), 0o700);
        for writable in [0o777, 0o720, 0o702] {
            fs::set_permissions(&folder, Permissions::from_mode(writable)).unwrap();
            let problem = private(&folder, user).unwrap_err();
            assert!(
                problem.contains("others may write") && problem.contains(&format!("{writable:o}")),
                "{problem}"
            );
        }
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        let problem = private(&folder, user + 1).unwrap_err();
        assert!(
            problem.contains(&format!("belongs to user {user} and not to you")),
            "{problem}"
        );
        fs::write(base.path().join("file"), "").unwrap();
        assert!(
            private(&base.path().join("file"), user)
                .unwrap_err()
                .contains("is no folder")
        );
        assert!(private(&base.path().join("none/new"), user).is_err());
    }

    #[tokio::test]
    async fn what_was_made_is_noted_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = binary(folder.path());
        for content in ["first", "second"] {
            make(folder.path(), async |making: PathBuf| {
                fs::write(making.join("rest"), "").unwrap();
                let made = making.join("temporal");
                fs::write(&made, content).unwrap();
                Ok(made)
            })
            .await
            .unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), content);
            note::check(&target).unwrap();
        }
        let failed = make(folder.path(), async |_| Err("no luck".to_owned())).await;
        assert_eq!(failed, Err("no luck".to_owned()));
        // The one before is still there, with its note.
        note::check(&target).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
