//! The server's figures: what its own metrics say of the measured phase.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::format;

/// The server's figures of one iteration's measured phase. No verdict rests on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerFigures {
    /// Iteration, from 1.
    pub iteration: u32,
    /// Beginning of the window that the figures are of, RFC 3339: the measured phase, as it was.
    pub started_at: String,
    /// Length of the window, seconds.
    pub seconds: f64,
    /// How they were had.
    pub method: FigureMethod,
    /// What stood in the way of some or all of them, in sentences; empty when nothing did.
    pub problems: Vec<String>,
    /// The figures: one entry for each, or for each combination of its labels.
    pub figures: Vec<ServerFigure>,
}

/// How the server's figures were had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FigureMethod {
    /// Metrics pages were read when the window began, while it went on, and when it ended.
    Pages,
    /// A Prometheus was asked for the window afterwards.
    Prometheus,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerFigure {
    /// Its name, kebab-case: `frontend-start-p95`.
    pub name: String,
    /// What it is of, where a figure is told apart by labels: `operation`, `task_type`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The figure; null where there is none.
    pub value: Option<f64>,
    /// What it is counted in.
    pub unit: FigureUnit,
    /// The PromQL that gives it, at the window's end; pages are read to the same effect.
    pub query: String,
    /// The addresses that it was read from.
    pub source: String,
    /// Why there is none; null where there is one.
    pub reason: Option<String>,
}

/// What became of the metrics page that was written each second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteWritten {
    /// Where to.
    pub url: String,
    /// Pages that were taken, one a second.
    pub taken: u64,
    /// Pages that were not.
    pub lost: u64,
    /// What went wrong first, in words; null when nothing did.
    pub problem: Option<String>,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FigureUnit {
    /// Events a second.
    PerSecond,
    /// Events for each workflow that ended.
    PerWorkflow,
    /// Milliseconds.
    Milliseconds,
    /// A share, 0 to 1.
    Ratio,
    /// A number of things.
    Count,
}

impl ServerFigures {
    /// The value of the figure of this name that has no labels.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.of(name)
            .find_map(|(labels, value)| labels.is_empty().then_some(value))
    }

    /// The values of this name, each with its labels.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a BTreeMap<String, String>, f64)> {
        self.figures
            .iter()
            .filter(move |figure| figure.name == name)
            .filter_map(|figure| Some((&figure.labels, figure.value?)))
    }
}

impl ServerFigure {
    /// The value for people, with its unit; a dash where there is none.
    pub fn shown(&self) -> String {
        let Some(value) = self.value else {
            return format::NONE.to_owned();
        };
        match self.unit {
            FigureUnit::PerSecond => format::rate(value),
            FigureUnit::Milliseconds => format::ms(value),
            FigureUnit::Ratio => format::percent(value),
            FigureUnit::PerWorkflow | FigureUnit::Count => format!("{value:.1}"),
        }
    }
}
