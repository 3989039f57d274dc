//! Bytes from a path: from a file only, and no more than a results file may have.

use std::{
    fs::{self, File, FileType},
    io::{self, Read},
    path::Path,
};

use super::{
    error::ReadProblem,
    scan::{self, Scan},
};
use crate::limits::RESULTS_MAX_BYTES;

/// Bytes that are read at a time.
const PIECE: usize = 64 * 1024;

/// The text of a file, looked through while it was read.
pub(super) fn open(path: &Path) -> Result<(Vec<u8>, Scan), ReadProblem> {
    // Before it is opened: opening a pipe waits for a writer.
    let metadata = fs::metadata(path)?;
    refuse_others(metadata.file_type())?;
    if metadata.len() > RESULTS_MAX_BYTES {
        return Err(too_large());
    }
    let mut file = File::open(path)?;
    let opened = file.metadata()?;
    // What stood there may have been replaced in between.
    refuse_others(opened.file_type())?;
    let expected = usize::try_from(opened.len().min(RESULTS_MAX_BYTES)).unwrap_or(0);
    take(&mut file, expected)
}

/// The text of a reader, looked through while it is read: what cannot be a results file ends it at once. `expected` is how
/// much will probably come, bytes.
pub(super) fn take(reader: &mut impl Read, expected: usize) -> Result<(Vec<u8>, Scan), ReadProblem> {
    let mut text = Vec::with_capacity(expected);
    let mut scan = Scan::new();
    let mut piece = vec![0; PIECE];
    loop {
        let length = fill(reader, &mut piece)?;
        if length == 0 {
            break;
        }
        let mut bytes = &piece[..length];
        if (text.len() + length) as u64 > RESULTS_MAX_BYTES {
            return Err(too_large());
        }
        if text.is_empty() {
            bytes = &bytes[scan::opening(bytes)?..];
        }
        look(&mut scan, |scan| scan.feed(bytes))?;
        text.extend_from_slice(bytes);
    }
    look(&mut scan, Scan::finish)?;
    Ok((text, scan))
}

/// What is too much for this version may be allowed in a newer one, so that the version is told instead.
fn look(scan: &mut Scan, step: impl FnOnce(&mut Scan) -> Result<(), ReadProblem>) -> Result<(), ReadProblem> {
    step(scan).map_err(|problem| match (super::newer(scan.kind()), problem) {
        (Some(newer), ReadProblem::Excessive(_)) => newer,
        (_, problem) => problem,
    })
}

/// Fills the piece, as far as there is something: a short first piece would hide how the text begins.
fn fill(reader: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < piece.len() {
        match reader.read(&mut piece[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn too_large() -> ReadProblem {
    ReadProblem::TooLarge {
        limit: RESULTS_MAX_BYTES,
    }
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
