//! Diagnosis of a run: what kept it from being faster, told from the result and the server's figures in it.
//!
//! Pure rules: each looks at a few figures, and what it finds has its evidence and its remedy. No verdict rests on them. A
//! figure that there is not makes no finding.

mod exhausted;
pub mod names;
mod rules;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use crate::{
    limits,
    schema::{FigureMethod, PhaseReport, Results, ServerFigures},
};

/// What is seen of a run's bottlenecks.
#[derive(Clone, Debug, PartialEq)]
pub enum Diagnosis {
    /// The server's figures were not read.
    NotAsked,
    /// They were to be read, and there are none. Why, in words.
    Unknown(String),
    /// No rule found anything.
    Nothing,
    /// What was found, strongest first, at most three.
    Found(Vec<Finding>),
}

/// What is said where nothing was found.
pub const NOTHING: &str = "no bottleneck seen at this rate";

/// A bottleneck.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which rule found it, kebab-case.
    pub rule: &'static str,
    /// What it is, in a sentence.
    pub headline: String,
    /// The figures that it rests on, each with its limit.
    pub evidence: Vec<String>,
    /// What to do.
    pub remedy: String,
    weight: Weight,
}

/// How strong a finding is: its kind first, then how far it is beyond its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Weight(Kind, f64);

/// Kinds of findings, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It was not the cluster.
    NotTheCluster,
    /// Somebody said no: a limit was reached, and is counted.
    Refused,
    /// There was no more of something: slots, polls, connections.
    UsedUp,
    /// Something was waited for.
    Waited,
    /// Worth knowing.
    Aside,
}

impl Weight {
    fn order(&self, other: &Weight) -> Ordering {
        self.0.cmp(&other.0).then_with(|| other.1.total_cmp(&self.1))
    }
}

/// One iteration, as the rules see it.
#[derive(Clone, Copy)]
struct Seen<'a> {
    results: &'a Results,
    measure: &'a PhaseReport,
    figures: &'a ServerFigures,
}

/// Looks for what kept a run from being faster.
pub fn diagnose(results: &Results) -> Diagnosis {
    if let Some(finding) = rules::not_the_cluster(results) {
        return Diagnosis::Found(vec![finding]);
    }
    if results.server_figures.is_empty() {
        return Diagnosis::NotAsked;
    }
    let is_known = |figures: &ServerFigures| figures.figures.iter().any(|figure| figure.value.is_some());
    if !results.server_figures.iter().any(is_known) {
        return Diagnosis::Unknown(why_unknown(&results.server_figures));
    }
    let mut found: Vec<Finding> = Vec::new();
    for figures in &results.server_figures {
        let iteration = results.iterations.iter().find(|one| one.index == figures.iteration);
        let seen = Seen {
            results,
            measure: iteration.map_or(&results.phases.measure, |one| &one.phases.measure),
            figures,
        };
        for finding in rules::all(&seen) {
            match found.iter_mut().find(|known| known.rule == finding.rule) {
                Some(known) if finding.weight.order(&known.weight).is_lt() => *known = finding,
                Some(_) => {}
                None => found.push(finding),
            }
        }
    }
    if found.is_empty() {
        return Diagnosis::Nothing;
    }
    found.sort_by(|a, b| a.weight.order(&b.weight));
    found.truncate(limits::FINDINGS);
    Diagnosis::Found(found)
}

fn why_unknown(all: &[ServerFigures]) -> String {
    let said = all.iter().find_map(|figures| figures.problems.first());
    let reason = || {
        let mut reasons = all
            .iter()
            .flat_map(|figures| &figures.figures)
            .filter_map(|figure| figure.reason.as_ref());
        reasons.next()
    };
    match said.or_else(reason) {
        Some(reason) => reason.clone(),
        None => "no figure was asked for".to_owned(),
    }
}

/// What the figures of a run were had from, in words.
pub fn source(results: &Results) -> Option<String> {
    let figures = results.server_figures.first()?;
    let address = &figures.figures.first()?.source;
    Some(match figures.method {
        FigureMethod::Pages => format!("metrics of {address}"),
        FigureMethod::Prometheus => format!("Prometheus {address}"),
    })
}
