//! Results to disk: whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use super::error::WriteError;
use crate::schema::Results;

/// Writes the results so that a reader, or a crash, finds the old file or the new one and never a part: to a file beside
/// it, forced to disk, then renamed over it. A process that is killed may leave `.NAME.PID.part` behind.
///
/// # Errors
/// When the path names no file or the system refuses; the old file is then as it was.
pub fn write_atomically(path: &Path, results: &Results) -> Result<(), WriteError> {
    let name = path
        .file_name()
        .ok_or_else(|| WriteError::NoFileName { path: path.to_owned() })?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(part);
    let written = write(&part, results).and_then(|()| fs::rename(&part, path).map_err(Failure::Io));
    if let Err(failure) = written {
        // Nothing to add when this fails as well: the cause is being reported.
        let _ = fs::remove_file(&part);
        let path = path.to_owned();
        return Err(match failure {
            Failure::Io(source) => WriteError::Io { path, source },
            Failure::Json(source) => WriteError::Json { path, source },
        });
    }
    // The rename is on disk when the folder is. Not every file system can do it, and the file itself is safe.
    if let Ok(folder) = File::open(
        path.parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    ) {
        let _ = folder.sync_all();
    }
    Ok(())
}

enum Failure {
    Io(io::Error),
    Json(serde_json::Error),
}

fn write(part: &Path, results: &Results) -> Result<(), Failure> {
    let mut writer = BufWriter::new(File::create(part).map_err(Failure::Io)?);
    serde_json::to_writer_pretty(&mut writer, results).map_err(|error| match error.io_error_kind() {
        Some(_) => Failure::Io(error.into()),
        None => Failure::Json(error),
    })?;
    writer.write_all(b"\n").map_err(Failure::Io)?;
    let file = writer.into_inner().map_err(|error| Failure::Io(error.into_error()))?;
    file.sync_all().map_err(Failure::Io)
}

/// The results as the text of a file.
///
/// # Errors
/// When a figure has no JSON form, as NaN.
pub fn to_json(results: &Results) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(results)? + "\n")
}
