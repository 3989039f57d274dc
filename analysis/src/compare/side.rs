//! Sides of a comparison: its runs, by side.

use benchmark_results::Results;

/// A run and the name of its file, for messages.
#[derive(Clone, Copy, Debug)]
pub struct RunFile<'a> {
    /// The file, as given.
    pub name: &'a str,
    /// What it holds.
    pub results: &'a Results,
}

/// Runs of one configuration.
#[derive(Clone, Debug)]
pub struct Side<'a> {
    /// What it is called in the report: `base`, `new`, a file.
    pub name: String,
    /// Its runs.
    pub runs: Vec<RunFile<'a>>,
}
