//! What can be wrong with a results file: one line each, with the file's name, what is wrong and what to do.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{limits::RESULTS_MAX_BYTES, schema::SCHEMA_VERSION, text};

/// Why a results file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The path names no file.
    #[error("{} names no file: give a path that ends in a file name, such as results.json", path.display())]
    NoFileName {
        /// The path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A value has no JSON.
    #[error("cannot write {}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Which value, and why.
        source: serde_json::Error,
    },
}

/// A results file that could not be read. Its text is one line, whatever the file holds.
#[derive(Debug, thiserror::Error)]
#[error("{} {problem}", text::line(&path.to_string_lossy(), NAME))]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: ReadProblem,
}

/// Characters that a message shows of a file's name.
const NAME: usize = 300;
/// Characters that a message shows of what a file holds.
const EXCERPT: usize = 200;

impl ReadError {
    pub(super) fn new(path: &Path, problem: impl Into<ReadProblem>) -> Self {
        ReadError {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }
}

/// What is wrong with a results file, as the rest of a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
pub enum ReadProblem {
    /// The system refused.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is a folder, a pipe or a device.
    #[error("is {kind} and no file: {remedy}")]
    NotAFile {
        /// What it is.
        kind: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// It is larger than any results file.
    #[error("has more than the {limit} bytes that a results file may have: is it one?")]
    TooLarge {
        /// Bytes that a file may have.
        limit: u64,
    },
    /// There is nothing in it.
    #[error("is empty: the disk was full, or it was copied before it was written")]
    Empty,
    /// It ends in the middle.
    #[error("is cut off at line {line}: copy it again")]
    Truncated {
        /// Its last line.
        line: u64,
    },
    /// It is no text in UTF-8.
    #[error("is {what}")]
    NotText {
        /// What it looks like, and what to do.
        what: &'static str,
    },
    /// It is text, but no JSON.
    #[error("is not JSON: {what} in line {line}")]
    NotJson {
        /// What was found.
        what: String,
        /// Where.
        line: u64,
    },
    /// It is JSON of another kind.
    #[error("is not a results file of run-benchmark: it has no schemaVersion")]
    Foreign,
    /// It was written by the runner that this program replaces.
    #[error(
        "was written by the runner that this program replaces: it has no schemaVersion, histograms or ledger, so its \
         figures cannot be checked or compared"
    )]
    Legacy,
    /// It was written by a newer program.
    #[error(
        "was written by a newer program: schema version {found}, this program reads up to {SCHEMA_VERSION}; update \
         run-benchmark"
    )]
    Newer {
        /// Its version.
        found: u64,
    },
    /// It is larger in some way than anything that this program writes.
    #[error("{0}: no run writes such a file, so it is damaged or was made by something else")]
    Excessive(String),
    /// It says that it is a results file, and it is none.
    #[error("is damaged or was edited: {0}")]
    Damaged(String),
    /// Its parts contradict each other.
    #[error("was edited or damaged: {0}; take the file as the run wrote it")]
    Contradiction(String),
}

/// More bytes than are read.
pub(super) const TOO_LARGE: ReadProblem = ReadProblem::TooLarge {
    limit: RESULTS_MAX_BYTES,
};

impl ReadProblem {
    /// What serde found, in one line.
    pub(super) fn damaged(error: &serde_json::Error) -> Self {
        ReadProblem::Damaged(text::line(&error.to_string(), EXCERPT))
    }

    /// What serde found where the text is no JSON.
    pub(super) fn not_json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        ReadProblem::NotJson {
            what: text::line(what, EXCERPT),
            line: error.line() as u64,
        }
    }
}

/// A place in a results file, such as `iterations[2].ledger`.
#[derive(Clone, Copy)]
pub(super) struct Place<'a>(pub(super) &'a str, pub(super) Option<usize>, pub(super) &'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)?;
        if let Some(index) = self.1 {
            write!(f, "[{index}]")?;
        }
        if !self.2.is_empty() {
            write!(f, ".{}", self.2)?;
        }
        Ok(())
    }
}
