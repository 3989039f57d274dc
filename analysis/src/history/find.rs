//! Results files under a folder: within bounds, each that cannot be read with its reason.

use std::{
    collections::BTreeMap,
    fs, io, iter,
    num::NonZero,
    panic,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use benchmark_results::file;
use serde::Serialize;

use super::run::RunRow;

use crate::limits::{HISTORY_AT_ONCE, HISTORY_MAX_DEPTH, HISTORY_MAX_ENTRIES, HISTORY_MAX_FILES};

/// A file or a folder that is no part of the history, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Where it lies.
    pub path: PathBuf,
    /// Why it is left out, in one line.
    pub reason: String,
}

/// What lies under a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) runs: Vec<RunRow>,
    pub(super) unread: Vec<Unread>,
}

/// Reads every `*.json` file in the folder and below, in the order of their names. Hidden ones are left out, and folders
/// that a link leads to, which may lead back.
pub(super) fn find(folder: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    let files = files(folder, &mut found.unread)?;
    let mut known: BTreeMap<(String, String), PathBuf> = BTreeMap::new();
    for (path, read) in read_all(files) {
        match read {
            Ok(run) => {
                // A file that was copied must not count twice.
                let key = (run.id.clone(), run.started_at.to_string());
                match known.get(&key) {
                    Some(first) => found.leave_out(path, format!("is the same run as {}", first.display())),
                    None => {
                        known.insert(key, path);
                        found.runs.push(run);
                    }
                }
            }
            Err(reason) => found.leave_out(path, reason),
        }
    }
    Ok(found)
}

impl Found {
    fn leave_out(&mut self, path: PathBuf, reason: String) {
        self.unread.push(Unread { path, reason });
    }
}

/// Reads the files, several at a time, and gives them back in their order. A file of an hour takes a quarter of a second, most
/// of it numbers. Of each only its row is kept.
fn read_all(files: Vec<PathBuf>) -> Vec<(PathBuf, Result<RunRow, String>)> {
    let at_once = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(HISTORY_AT_ONCE)
        .min(files.len());
    let next = AtomicUsize::new(0);
    let mut rows: Vec<(usize, Result<RunRow, String>)> = thread::scope(|scope| {
        let read_some = || {
            let taken = iter::from_fn(|| {
                let index = next.fetch_add(1, Ordering::Relaxed);
                files.get(index).map(|path| (index, read(path)))
            });
            taken.collect::<Vec<_>>()
        };
        let reading: Vec<_> = (0..at_once).map(|_| scope.spawn(read_some)).collect();
        let joined = reading.into_iter().map(|some| match some.join() {
            Ok(rows) => rows,
            Err(panic) => panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    });
    rows.sort_by_key(|(index, _)| *index);
    files.into_iter().zip(rows.into_iter().map(|(_, row)| row)).collect()
}

fn read(path: &Path) -> Result<RunRow, String> {
    let results = file::read(path).map_err(|error| error.problem.to_string())?;
    RunRow::new(&results, path).ok_or_else(|| "is damaged or was edited: run.startedAt is no instant".to_owned())
}

fn files(folder: &Path, unread: &mut Vec<Unread>) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut entries = 0;
    let mut folders = vec![(folder.to_owned(), 0)];
    let mut first = true;
    while let Some((folder, depth)) = folders.pop() {
        let listed = match fs::read_dir(&folder) {
            Ok(listed) => listed,
            // The folder that was asked for must be there; others may come and go.
            Err(error) if first => return Err(error),
            Err(error) => {
                unread.push(Unread {
                    path: folder,
                    reason: error.to_string(),
                });
                continue;
            }
        };
        first = false;
        for entry in listed.filter_map(Result::ok) {
            entries += 1;
            if entries > HISTORY_MAX_ENTRIES || files.len() >= HISTORY_MAX_FILES {
                unread.push(Unread {
                    path: folder,
                    reason: format!(
                        "has more below than {HISTORY_MAX_ENTRIES} entries or {HISTORY_MAX_FILES} files: the rest was not \
                         looked at; name a folder further down"
                    ),
                });
                files.sort();
                return Ok(files);
            }
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            // Of a link, that of the link itself.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && depth == HISTORY_MAX_DEPTH {
                unread.push(Unread {
                    path,
                    reason: format!("lies deeper than {HISTORY_MAX_DEPTH} folders and was not looked at"),
                });
            } else if is_folder {
                folders.push((path, depth + 1));
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
