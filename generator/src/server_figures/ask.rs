//! A Prometheus, asked afterwards for exactly the measured phase.

use std::time::Duration;

use benchmark_figures::{Asked, FIGURES, NAMES_QUERY, Names, Sample, answered, promql, unanswered};
use benchmark_results::{
    diagnosis::names,
    schema::{FigureMethod, PhaseReport, ServerFigure, ServerFigures},
};
use benchmark_scenarios::{Key, Problem, PrometheusSource};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Client, asked, headers};
use crate::deadline::Deadline;

/// How long a sample from after the window is waited for: scrapes are 15 s apart as a rule, and 60 s at the most.
const WAIT: Duration = Duration::from_secs(60);

/// How often it is looked whether there is one.
const LOOK: Duration = Duration::from_secs(1);

/// A Prometheus that is asked.
#[derive(Clone, Debug)]
pub struct Prometheus {
    client: Client,
    url: String,
    matchers: Option<String>,
}

impl Prometheus {
    /// The one that was asked for.
    ///
    /// # Errors
    /// When matchers or headers are none.
    pub fn new(source: &PrometheusSource) -> anyhow::Result<Prometheus> {
        if let Some(matchers) = &source.matchers {
            benchmark_figures::check_matchers(matchers)
                .map_err(|error| Problem::new(format!("{} {matchers} {error}", Key::PrometheusMatch.flag())))?;
        }
        let headers = match &source.headers {
            Some(path) => headers::read(Key::PrometheusHeaders.flag(), path)?,
            None => http::HeaderMap::new(),
        };
        Ok(Prometheus {
            client: Client::new(headers)?,
            url: source.url.clone(),
            matchers: source.matchers.clone(),
        })
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it answers at all.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check(&self) -> anyhow::Result<()> {
        let asked = asked("", self.matchers.as_deref(), Duration::from_secs(1));
        match self.query(&promql::latest(&asked), None).await {
            Ok(_) => Ok(()),
            Err(error) => Err(
                Problem::new(format!("{} {}: {error}", Key::Prometheus.flag(), self.url))
                    .explain("give the URL that /api/v1/query follows, and what it wants to be asked with")
                    .remedy(format!("{} FILE", Key::PrometheusHeaders.flag()))
                    .into(),
            ),
        }
    }

    async fn query(&self, query: &str, at: Option<f64>) -> Result<Vec<Sample>, String> {
        self.client.query(&self.url, query, at).await
    }
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
            started_at: instant_of(begin),
            begin_unix_ns: begin,
            length,
        })
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

    /// Its end, Unix seconds.
    fn end(&self) -> f64 {
        (self.begin_unix_ns as f64 + self.length.as_nanos() as f64) / 1e9
    }
}

/// An instant as it stands in a results file.
pub(super) fn instant(unix_ns: u64) -> String {
    instant_of(unix_ns.into())
}

fn instant_of(unix_ns: i128) -> String {
    Timestamp::from_nanosecond(unix_ns).map_or_else(|_| String::new(), |at| at.to_string())
}

/// Asks for the figures of each span, once there is a sample from after the last of them.
pub async fn ask(prometheus: &Prometheus, namespace: &str, spans: &[Span]) -> Vec<ServerFigures> {
    let end = spans.iter().map(Span::end).fold(0.0, f64::max);
    let of_none = asked(namespace, prometheus.matchers.as_deref(), Duration::from_secs(1));
    let late = wait_for_sample(prometheus, &of_none, end).await.err();
    let names = match late {
        None => names(prometheus, &of_none, Some(end)).await,
        Some(_) => Ok(Names::default()),
    };
    let mut told = Vec::new();
    for span in spans {
        let asked = asked(namespace, prometheus.matchers.as_deref(), span.length);
        let (figures, problems) = match (&late, &names) {
            (Some(reason), _) | (None, Err(reason)) => {
                (unanswered(&asked, prometheus.url(), reason), vec![reason.clone()])
            }
            (None, Ok(names)) => figures(prometheus, &asked, span, names).await,
        };
        told.push(span.told(figures, problems));
    }
    told
}

/// The same, but not beyond a deadline: what could not be had by then says so.
pub async fn ask_within(
    prometheus: &Prometheus,
    namespace: &str,
    spans: &[Span],
    deadline: &Deadline,
) -> Vec<ServerFigures> {
    if let Ok(told) = deadline.keep(ask(prometheus, namespace, spans)).await {
        return told;
    }
    let reason = "time was up before Prometheus had answered";
    let none = |span: &Span| {
        let asked = asked(namespace, prometheus.matchers.as_deref(), span.length);
        span.told(unanswered(&asked, prometheus.url(), reason), vec![reason.to_owned()])
    };
    spans.iter().map(none).collect()
}

/// Waits until the server was scraped after the window.
async fn wait_for_sample(prometheus: &Prometheus, asked: &Asked, end: f64) -> Result<(), String> {
    let until = Instant::now() + WAIT;
    // Of a window long ago the present says nothing: a stored result is asked for as it is.
    let now = Timestamp::now().as_nanosecond() as f64 / 1e9;
    if now - end > WAIT.as_secs_f64() {
        return Ok(());
    }
    loop {
        let latest = prometheus.query(&promql::latest(asked), None).await?;
        let latest = latest.first().map(|sample| sample.value);
        if latest.is_some_and(|latest| latest >= end) {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(match latest {
                Some(_) => format!(
                    "no sample of the server from after the measured phase within {} s",
                    WAIT.as_secs()
                ),
                None => match names(prometheus, asked, None).await?.problem() {
                    Some(problem) => problem,
                    None => "there are no series of a Temporal server's (service_requests)".to_owned(),
                },
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What the server calls its metrics.
async fn names(prometheus: &Prometheus, asked: &Asked, at: Option<f64>) -> Result<Names, String> {
    let mut names = Names::default();
    let label = |sample: &Sample, name: &str| sample.labels.get(name).cloned();
    for sample in prometheus.query(NAMES_QUERY, at).await? {
        if let Some(name) = label(&sample, "__name__") {
            names.see(&name);
        }
    }
    for sample in prometheus.query(&promql::edges(asked), at).await? {
        if let Some(edge) = label(&sample, "le").and_then(|edge| edge.parse().ok()) {
            names.see_edge(edge);
        }
    }
    Ok(names)
}

async fn figures(
    prometheus: &Prometheus,
    asked: &Asked,
    span: &Span,
    names: &Names,
) -> (Vec<ServerFigure>, Vec<String>) {
    let named = names.problem();
    let mut problems: Vec<String> = named.clone().into_iter().collect();
    let mut all: Vec<ServerFigure> = Vec::new();
    for figure in FIGURES {
        let answer = match &named {
            Some(problem) if !figure.is_of_workers() => Err(problem.clone()),
            _ => prometheus.query(&promql::query(figure, asked), Some(span.end())).await,
        };
        if let Err(reason) = &answer
            && problems.is_empty()
        {
            problems.push(format!("{}: {reason}", prometheus.url()));
        }
        let is_known = all
            .iter()
            .any(|told| told.name == names::REQUESTS && told.value.is_some());
        all.extend(answered(figure, asked, prometheus.url(), answer, is_known));
    }
    let is_known = all
        .iter()
        .any(|told| told.name == names::REQUESTS && told.value.is_some());
    if !is_known && problems.is_empty() {
        problems.push(format!(
            "{} knows no requests for namespace {} in the measured phase",
            prometheus.url(),
            asked.namespace
        ));
    }
    (all, problems)
}
