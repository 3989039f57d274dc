//! How a run is watched: Grafana boards, alert rules, the collector's configuration, and what checks them.
//!
//! The boards' JSON is the source: it is edited in Grafana, exported and put back by [`tidy`]. [`check`] says what is wrong
//! with a board before anybody sees it empty: a series that nobody exports, a label that it does not have, a window that
//! does not follow the scrapes, a panel without a unit. [`Known`] is the list of the series that there are.

pub mod board;
pub mod check;
pub mod promql;
pub mod series;
pub mod testing;
pub mod tidy;

pub use board::Board;
pub use check::{Finding, check};
pub use series::Known;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The boards, by file.
const BOARDS: [&str; 5] = ["bench.json", "workers.json", "server.json", "dsql.json", "logs.json"];

/// The folder that this crate, the boards and the rules are in.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The files of all boards.
pub fn files() -> Vec<PathBuf> {
    BOARDS.iter().map(|board| folder().join(board)).collect()
}

/// All boards.
///
/// # Panics
/// When one cannot be read.
pub fn boards() -> Vec<Board> {
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Board::read(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    files().iter().map(read).collect()
}
