//! Writing of results to disk.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    atomic::{Claim, replace},
    error::WriteError,
    pretty,
};
use crate::schema::Results;

/// Writes the results over what is there: whole or not at all, see [`replace`].
///
/// # Errors
/// When the path names no file or the system refuses; the old file is then as it was.
pub fn write_atomically(path: &Path, results: &Results) -> Result<(), WriteError> {
    write(path, results, &mut |fill| replace(path, fill))
}

impl Claim {
    /// Writes the results under this name, see [`Claim::write`].
    ///
    /// # Errors
    /// When somebody else's file is there, or the system refuses; what is there is then as it was.
    pub fn write_results(&mut self, results: &Results) -> Result<(), WriteError> {
        let path = self.path().to_owned();
        write(&path, results, &mut |fill| self.write(fill))
    }
}

type Fill<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

fn write(path: &Path, results: &Results, place: &mut dyn FnMut(Fill) -> io::Result<()>) -> Result<(), WriteError> {
    let path = || PathBuf::from(path);
    if path().file_name().is_none() {
        return Err(WriteError::NoFileName { path: path() });
    }
    let mut no_json = None;
    let written = place(&mut |file| {
        pretty::write(&mut *file, results).map_err(|error| match error.io_error_kind() {
            Some(_) => error.into(),
            None => io::Error::other(no_json.insert(error).to_string()),
        })?;
        file.write_all(b"\n")
    });
    match (no_json, written) {
        (Some(source), _) => Err(WriteError::Json { path: path(), source }),
        (None, Err(source)) => Err(WriteError::Io { path: path(), source }),
        (None, Ok(())) => Ok(()),
    }
}

/// The results as the text of a file.
///
/// # Errors
/// When a figure has no JSON form, as NaN.
pub fn to_json(results: &Results) -> Result<String, serde_json::Error> {
    let mut json = Vec::new();
    pretty::write(&mut json, results)?;
    json.push(b'\n');
    Ok(String::from_utf8_lossy(&json).into_owned())
}
