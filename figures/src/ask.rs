//! The figures of measured phases, asked of a Prometheus: whoever speaks to it implements [`Source`].

use std::time::Duration;

use benchmark_results::{
    diagnosis::names,
    schema::{FigureMethod, PhaseReport, Results, ServerFigure, ServerFigures},
};
use jiff::Timestamp;

use crate::{
    FIGURES, NAMES_QUERY, Names,
    answer::Sample,
    outcome::{answered, unanswered},
    promql::{self, Asked},
};

/// Somebody who can be asked for the values of a query.
pub trait Source: Sync {
    /// Its address, as it stands in results.
    fn url(&self) -> &str;

    /// Matchers that every series must meet besides.
    fn matchers(&self) -> Option<&str>;

    /// The values of a query at an instant in Unix seconds; now when none is given. Why there are none, in words.
    fn query(&self, query: &str, at: Option<f64>) -> impl Future<Output = Result<Vec<Sample>, String>> + Send;
}

/// A measured phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    iteration: u32,
    started_at: String,
    begin_unix_ns: i128,
    length: Duration,
}

impl Span {
    /// That of an iteration which began at an instant; `None` where nothing was measured.
    pub fn of(iteration: u32, started_at: &str, measure: &PhaseReport) -> Option<Span> {
        let begun: Timestamp = started_at.parse().ok()?;
        let offset = Duration::try_from_secs_f64(measure.start_seconds).ok()?;
        let length = Duration::try_from_secs_f64(measure.seconds).ok()?;
        // Not a whole millisecond is no window.
        if length < Duration::from_millis(1) {
            return None;
        }
        let begin = begun
            .as_nanosecond()
            .checked_add(i128::try_from(offset.as_nanos()).ok()?)?;
        Some(Span {
            iteration,
            started_at: Timestamp::from_nanosecond(begin).ok()?.to_string(),
            begin_unix_ns: begin,
            length,
        })
    }

    /// Those of a result.
    pub fn all(results: &Results) -> Vec<Span> {
        let span =
            |one: &benchmark_results::schema::Iteration| Span::of(one.index, &one.started_at, &one.phases.measure);
        results.iterations.iter().filter_map(span).collect()
    }

    /// Its end, Unix seconds.
    pub fn end(&self) -> f64 {
        (self.begin_unix_ns as f64 + self.length.as_nanos() as f64) / 1e9
    }

    /// What is asked about it.
    pub fn asked(&self, namespace: &str, matchers: Option<&str>) -> Asked {
        Asked {
            namespace: namespace.to_owned(),
            matchers: matchers.map(str::to_owned),
            window: self.length,
        }
    }

    fn told(&self, figures: Vec<ServerFigure>, problems: Vec<String>) -> ServerFigures {
        ServerFigures {
            iteration: self.iteration,
            started_at: self.started_at.clone(),
            seconds: self.length.as_secs_f64(),
            method: FigureMethod::Prometheus,
            problems,
            figures,
        }
    }

    /// Its figures, none of which could be had.
    pub fn unanswered(&self, source: &impl Source, namespace: &str, reason: &str) -> ServerFigures {
        let asked = self.asked(namespace, source.matchers());
        self.told(unanswered(&asked, source.url(), reason), vec![reason.to_owned()])
    }
}

/// Asks for the figures of each span, as they are there now.
pub async fn ask(source: &impl Source, namespace: &str, spans: &[Span]) -> Vec<ServerFigures> {
    let Some(last) = spans.iter().max_by(|a, b| a.end().total_cmp(&b.end())) else {
        return Vec::new();
    };
    let names = names(source, &last.asked(namespace, source.matchers()), Some(last.end())).await;
    let mut told = Vec::new();
    for span in spans {
        told.push(match &names {
            Err(reason) => span.unanswered(source, namespace, reason),
            Ok(names) => {
                let asked = span.asked(namespace, source.matchers());
                let (figures, problems) = figures(source, &asked, span.end(), names).await;
                span.told(figures, problems)
            }
        });
    }
    told
}

/// What the server calls its metrics.
///
/// # Errors
/// Why the source does not say, in words.
pub async fn names(source: &impl Source, asked: &Asked, at: Option<f64>) -> Result<Names, String> {
    let mut names = Names::default();
    let label = |sample: &Sample, name: &str| sample.labels.get(name).cloned();
    for sample in source.query(NAMES_QUERY, at).await? {
        if let Some(name) = label(&sample, "__name__") {
            names.see(&name);
        }
    }
    for sample in source.query(&promql::edges(asked), at).await? {
        if let Some(edge) = label(&sample, "le").and_then(|edge| edge.parse().ok()) {
            names.see_edge(edge);
        }
    }
    Ok(names)
}

async fn figures(source: &impl Source, asked: &Asked, end: f64, names: &Names) -> (Vec<ServerFigure>, Vec<String>) {
    let named = names.problem();
    let mut problems: Vec<String> = named.clone().into_iter().collect();
    let mut all: Vec<ServerFigure> = Vec::new();
    let knows = |all: &[ServerFigure]| {
        all.iter()
            .any(|told| told.name == names::REQUESTS && told.value.is_some())
    };
    for figure in FIGURES {
        let answer = match &named {
            Some(problem) if !figure.is_of_workers() => Err(problem.clone()),
            _ => source.query(&promql::query(figure, asked), Some(end)).await,
        };
        if let Err(reason) = &answer
            && problems.is_empty()
        {
            problems.push(format!("{}: {reason}", source.url()));
        }
        let is_known = knows(&all);
        all.extend(answered(figure, asked, source.url(), answer, is_known));
    }
    if !knows(&all) && problems.is_empty() {
        problems.push(format!(
            "{} knows no requests for namespace {} in the measured phase",
            source.url(),
            asked.namespace
        ));
    }
    (all, problems)
}
