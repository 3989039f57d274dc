//! Prometheus client, asked afterwards for exactly the measured phase.

use std::time::Duration;

use benchmark_figures::{QuerySource, QueryWindow, Sample, Span, ask, promql};
use benchmark_results::schema::ServerFigures;
use benchmark_scenarios::{Key, Problem, PrometheusSource};

use super::{Client, headers};
use crate::stop::deadline::Deadline;

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
    pub fn new(source: &PrometheusSource) -> Result<Prometheus, Problem> {
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
    pub async fn check(&self) -> Result<(), Problem> {
        let asked = QueryWindow::new("", self.matchers.as_deref(), Duration::from_secs(1));
        match self.query(&promql::latest(&asked), None).await {
            Ok(_) => Ok(()),
            Err(error) => Err(
                Problem::new(format!("{} {}: {error}", Key::Prometheus.flag(), self.url))
                    .explain("give the URL that /api/v1/query follows, and what it wants to be asked with")
                    .remedy(format!("{} FILE", Key::PrometheusHeaders.flag())),
            ),
        }
    }
}

impl QuerySource for Prometheus {
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

/// Asks for the figures of each span, but not beyond a deadline: what could not be had by then says so.
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
    let none = |span: &Span| span.unanswered(prometheus, namespace, reason);
    spans.iter().map(none).collect()
}
