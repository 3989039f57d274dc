//! Many runs as a history: each run a row, runs that may be compared a series, and where a series changes for good.
//!
//! A series is the runs of one plan in one environment. Runs of other plans or environments are series of their own and are
//! never spliced; what differs is shown. Only VALID and OVERLOADED runs that went to their end belong to a trend, and of
//! OVERLOADED ones no latencies.

mod changes;
mod csv;
mod filter;
mod find;
mod run;
mod series;
#[cfg(test)]
mod simulations;
mod steps;
mod tail;
#[cfg(test)]
mod tests;
mod text;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

pub use self::{
    changes::{Change, Examined, HistoryMetric},
    filter::{Filter, NoInstant, NoVerdict, parse_since, parse_verdict},
    find::Unread,
    run::RunRow,
    series::{RunSeries, SeriesDifference},
    tail::{Tail, TailError, tail},
};
use benchmark_results::summary::Style;

/// The runs under a folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The folder.
    pub folder: PathBuf,
    /// Runs that were read, before the filter.
    pub read: usize,
    /// The runs that the filter took, by series.
    pub series: Vec<RunSeries>,
    /// What could not be read, and why.
    pub unread: Vec<Unread>,
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} cannot be read: {source}; name the folder that runs are written to, such as runs", folder.display())]
pub struct HistoryError {
    /// The folder.
    pub folder: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Reads all results in the folder and below, and puts those that the filter takes into series. Files that cannot be read
/// do not stop it: they stand in [`History::unread`].
///
/// # Errors
/// When the folder itself cannot be read.
pub fn history(folder: &Path, filter: &Filter) -> Result<History, HistoryError> {
    let found = find::find(folder).map_err(|source| HistoryError {
        folder: folder.to_owned(),
        source,
    })?;
    let read = found.runs.len();
    let runs = filter.taken(found.runs);
    Ok(History {
        folder: folder.to_owned(),
        read,
        series: series::of(runs),
        unread: found.unread,
    })
}

impl History {
    /// For a terminal: 80 columns, with a line break at its end.
    pub fn render(&self, style: Style) -> String {
        text::render(self, style)
    }

    /// Whether a figure of a series is worse now than it was.
    pub fn is_worse(&self) -> bool {
        self.series.iter().any(|series| series.worse().next().is_some())
    }

    /// Whether there was a figure with enough runs to look for a change in it.
    pub fn is_looked_at(&self) -> bool {
        let mut looked = self.series.iter().flat_map(|series| &series.looked);
        looked.any(|looked| looked.enough)
    }

    /// One line a run, with a line of names: comma-separated values (RFC 4180, lines end in `\n`).
    pub fn to_csv(&self) -> String {
        csv::runs(self)
    }

    /// All of it, as JSON.
    ///
    /// # Errors
    /// When a path is no text.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
