//! The figures of measured phases, asked of a Prometheus once it has a sample from after them: whoever speaks to it implements
//! [`QuerySource`].

use std::time::Duration;

use benchmark_results::{
    diagnosis::names,
    schema::{FigureMethod, PhaseReport, Results, ServerFigure, ServerFigures},
};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::{
    FIGURES,
    answer::Sample,
    naming::{NAMES_QUERY, Names},
    outcome::{answered, unanswered},
    promql::{self, QueryWindow},
};

/// How long a sample from after the window is waited for: scrapes are 15 s apart as a rule, and 60 s at the most.
const WAIT: Duration = Duration::from_secs(60);

/// How often it is looked whether there is one.
const LOOK: Duration = Duration::from_secs(1);

/// The content type of a query that is sent as a [`form`].
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A query and its instant, as they are posted: a query may be longer than a URL.
pub fn form(query: &str, at: Option<f64>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("query", query);
    if let Some(at) = at {
        form.append_pair("time", &format!("{at:.3}"));
    }
    form.finish()
}

/// Somebody who can be asked for the values of a query.
pub trait QuerySource: Sync {
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
    fn asked(&self, source: &impl QuerySource, namespace: &str) -> QueryWindow {
        QueryWindow::new(namespace, source.matchers(), self.length)
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
    pub fn unanswered(&self, source: &impl QuerySource, namespace: &str, reason: &str) -> ServerFigures {
        let asked = self.asked(source, namespace);
        self.told(unanswered(&asked, source.url(), reason), vec![reason.to_owned()])
    }
}

/// Asks for the figures of each span, once there is a sample from after the last of them.
pub async fn ask(source: &impl QuerySource, namespace: &str, spans: &[Span]) -> Vec<ServerFigures> {
    let Some(last) = spans.iter().max_by(|a, b| a.end().total_cmp(&b.end())) else {
        return Vec::new();
    };
    let of_last = last.asked(source, namespace);
    let names = match wait_for_sample(source, &of_last, last.end()).await {
        Ok(()) => names(source, &of_last, Some(last.end())).await,
        Err(reason) => Err(reason),
    };
    let mut told = Vec::new();
    for span in spans {
        told.push(match &names {
            Err(reason) => span.unanswered(source, namespace, reason),
            Ok(names) => {
                let asked = span.asked(source, namespace);
                let (figures, problems) = figures(source, &asked, span.end(), names).await;
                span.told(figures, problems)
            }
        });
    }
    told
}

/// Waits until the server was scraped after an instant, Unix seconds.
async fn wait_for_sample(source: &impl QuerySource, asked: &QueryWindow, end: f64) -> Result<(), String> {
    let until = Instant::now() + WAIT;
    // Of a window long ago the present says nothing: a stored result is asked for as it is.
    let now = Timestamp::now().as_nanosecond() as f64 / 1e9;
    while now - end <= WAIT.as_secs_f64() {
        let latest = source.query(&promql::latest(asked), None).await?;
        if latest.first().is_some_and(|sample| sample.value >= end) {
            break;
        }
        if Instant::now() >= until {
            return Err(match latest.is_empty() {
                true => names(source, asked, None)
                    .await?
                    .problem()
                    .unwrap_or_else(|| "there are no series of a Temporal server's (service_requests)".to_owned()),
                false => format!(
                    "no sample of the server from after the measured phase within {} s",
                    WAIT.as_secs()
                ),
            });
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// What the server calls its metrics.
async fn names(source: &impl QuerySource, asked: &QueryWindow, at: Option<f64>) -> Result<Names, String> {
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

async fn figures(
    source: &impl QuerySource,
    asked: &QueryWindow,
    end: f64,
    names: &Names,
) -> (Vec<ServerFigure>, Vec<String>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_a_form_with_its_instant_in_milliseconds() {
        assert_eq!(form("rate(a[1m])", None), "query=rate%28a%5B1m%5D%29");
        assert_eq!(
            form("a+b", Some(1_800_000_000.123_45)),
            "query=a%2Bb&time=1800000000.123"
        );
    }
}
