//! Results on disk: written whole or not at all, read with an answer to what is wrong.
//!
//! Whatever a file holds, reading it ends: with results that the rest of this crate can work on without a panic, or with
//! one line that says what is wrong and what to do. It takes bounded memory ([`limits`](crate::limits)) and time that grows
//! with the file's size only.
//!
//! # Versions
//! A file of any schema version up to [`SCHEMA_VERSION`] is read. A key that is merely new gets `#[serde(default)]` and no
//! new version. Where old files could not be read any more, the version grows: keep the types as they were in
//! `file/vN.rs`, with a function from them to those of today, name it in `of_version` below, and store files of the
//! version in `tests/files/vN/` (see the README there), where a test reads them from then on.

mod atomic;
mod error;
#[cfg(test)]
mod hostile;
mod pretty;
mod scan;
mod source;
#[cfg(test)]
mod tests;
mod validate;
mod write;

use std::{io::Read, path::Path};

use self::scan::{Kind, Version};
pub use self::{
    atomic::{Claim, create, is_special, replace, replace_if},
    error::{ReadError, ReadProblem, WriteError},
    write::{to_json, write_atomically},
};
use crate::{
    schema::{Results, SCHEMA_VERSION},
    text,
};

/// Reads a results file of this schema version or an older one.
///
/// # Errors
/// When it is missing, no file, empty, cut off, too large, of another kind, of a newer version, damaged or edited; each
/// says which.
pub fn read(path: &Path) -> Result<Results, ReadError> {
    source::open(path)
        .and_then(|(text, kind)| results(text, &kind))
        .map_err(|problem| ReadError::new(path, problem))
}

/// The same results with texts that do nothing but be read. Those of a file are so already; those of a run hold what the
/// server, the workers and the leader said.
///
/// # Errors
/// When a figure has no JSON form, as NaN.
pub fn harmless(results: Results) -> Result<Results, serde_json::Error> {
    let mut json = serde_json::to_vec(&results)?;
    if !text::make_json_harmless(&mut json) {
        return Ok(results);
    }
    // As it is written, which is not to the byte what a reader makes of what others wrote.
    json.clear();
    pretty::write(&mut json, &results)?;
    serde_json::from_slice(&json)
}

/// Reads results from anything else that has bytes, such as an archive; `path` is the name for messages. It stops where
/// the text can no longer be that of a results file.
///
/// # Errors
/// As [`read`].
pub fn read_from(reader: &mut impl Read, path: &Path) -> Result<Results, ReadError> {
    scan::take(reader, 0)
        .and_then(|(text, kind)| results(text, &kind))
        .map_err(|problem| ReadError::new(path, problem))
}

/// A text that was looked through, as results.
fn results(mut text: Vec<u8>, kind: &Kind) -> Result<Results, ReadProblem> {
    text::make_json_harmless(&mut text);
    let text = &text[..];
    if let Some(newer) = newer(kind) {
        return Err(newer);
    }
    match kind.version {
        Some(Version::Number(version)) => {
            let results = of_version(version, text)?;
            validate::check(&results)?;
            Ok(results)
        }
        _ if kind.is_legacy() => Err(ReadProblem::Legacy),
        _ => Err(ReadProblem::Foreign),
    }
}

/// The text as that version's results, made into today's. Each version that there was has its own line.
fn of_version(version: u64, text: &[u8]) -> Result<Results, ReadProblem> {
    match version {
        1 => serde_json::from_slice(text).map_err(|error| ReadProblem::damaged(&error)),
        other => Err(ReadProblem::Damaged(format!("there is no schema version {other}"))),
    }
}

/// What to say of a version that this program does not know yet.
fn newer(kind: &Kind) -> Option<ReadProblem> {
    match kind.version {
        Some(Version::Number(found)) if found > u64::from(SCHEMA_VERSION) => Some(ReadProblem::Newer { found }),
        _ => None,
    }
}
