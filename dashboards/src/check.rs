//! Checks of a board: what is wrong with it, found without a Grafana and without a Prometheus.
//!
//! The rules are those that its users ran into: a panel that is empty because a series is called otherwise, a rate over a
//! window shorter than two scrapes, a number without its unit, a panel that nobody can read anything from.

mod grid;
mod links;
mod queries;
mod shape;

use std::fmt;

use crate::{board::Board, series::Known};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The board, by its uid.
    pub board: String,
    /// The panel, variable or annotation; empty for the board itself.
    pub place: String,
    /// What is wrong, and what is right.
    pub reason: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.is_empty() {
            true => write!(f, "{}: {}", self.board, self.reason),
            false => write!(f, "{}: {:?}: {}", self.board, self.place, self.reason),
        }
    }
}

/// Checks a board against the rules and the series that there are.
pub fn check(board: &Board, known: &Known) -> Vec<Finding> {
    let mut findings = Findings {
        board: board.uid().to_owned(),
        found: Vec::new(),
    };
    shape::check(board, &mut findings);
    grid::check(board, &mut findings);
    links::check(board, &mut findings);
    queries::check(board, known, &mut findings);
    findings.found
}

/// What is wrong with the query of an alert: series, labels and values that do not exist.
pub fn of_an_alert(query: &str, known: &Known) -> Vec<String> {
    let mut reasons = Vec::new();
    queries::exists(query, known, &mut reasons);
    reasons
}

/// What was found on one board.
struct Findings {
    board: String,
    found: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, place: &str, reason: impl Into<String>) {
        self.found.push(Finding {
            board: self.board.clone(),
            place: place.to_owned(),
            reason: reason.into(),
        });
    }
}
