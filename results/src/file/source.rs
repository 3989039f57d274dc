//! Bounded reading: bytes of a path, from a file only, and no more than a results file may have.

use std::{
    fs::{self, File, FileType},
    path::Path,
};

use super::{
    error::{ReadProblem, TOO_LARGE},
    scan::{self, Kind},
};
use crate::limits::RESULTS_MAX_BYTES;

/// The text of a file, looked through while it was read.
pub(super) fn open(path: &Path) -> Result<(Vec<u8>, Kind), ReadProblem> {
    // Before it is opened: opening a pipe waits for a writer.
    let metadata = fs::metadata(path)?;
    refuse_others(metadata.file_type())?;
    if metadata.len() > RESULTS_MAX_BYTES {
        return Err(TOO_LARGE);
    }
    let mut file = File::open(path)?;
    let opened = file.metadata()?;
    // What stood there may have been replaced in between.
    refuse_others(opened.file_type())?;
    let expected = usize::try_from(opened.len().min(RESULTS_MAX_BYTES)).unwrap_or(0);
    scan::take(&mut file, expected)
}

fn refuse_others(kind: FileType) -> Result<(), ReadProblem> {
    if kind.is_file() {
        return Ok(());
    }
    let (kind, remedy) = if kind.is_dir() {
        ("a folder", "name the results.json in it")
    } else {
        ("a pipe or a device", "save it as a file first")
    };
    Err(ReadProblem::NotAFile { kind, remedy })
}
