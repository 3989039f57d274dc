//! A Prometheus, asked afterwards for exactly the measured phase.

use std::time::Duration;

use benchmark_figures::{Asked, Sample, Source, Span, names, promql};
use benchmark_results::schema::ServerFigures;
use benchmark_scenarios::{Key, Problem, PrometheusSource};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Client, asked, headers};
use crate::stop::deadline::Deadline;

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
}

impl Source for Prometheus {
    fn url(&self) -> &str {
        &self.url
    }

    fn matchers(&self) -> Option<&str> {
        self.matchers.as_deref()
    }

    fn query(&self, query: &str, at: Option<f64>) -> impl Future<Output = Result<Vec<Sample>, String>> + Send {
        self.client.query(&self.url, query, at)
    }
}

/// Asks for the figures of each span, once there is a sample from after the last of them.
pub async fn ask(prometheus: &Prometheus, namespace: &str, spans: &[Span]) -> Vec<ServerFigures> {
    let end = spans.iter().map(Span::end).fold(0.0, f64::max);
    let of_none = asked(namespace, prometheus.matchers.as_deref(), Duration::from_secs(1));
    let scraped = wait_for_sample(prometheus, &of_none, end).await;
    match scraped {
        Ok(()) => benchmark_figures::ask(prometheus, namespace, spans).await,
        Err(reason) => all_unanswered(prometheus, namespace, spans, &reason),
    }
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
    all_unanswered(
        prometheus,
        namespace,
        spans,
        "time was up before Prometheus had answered",
    )
}

fn all_unanswered(prometheus: &Prometheus, namespace: &str, spans: &[Span], reason: &str) -> Vec<ServerFigures> {
    let none = |span: &Span| span.unanswered(prometheus, namespace, reason);
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
