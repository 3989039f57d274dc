//! The server's figures of a run: pages are read while it goes on, or a Prometheus is asked afterwards.
//!
//! What is read and what it says follows from the table in `benchmark-figures`; here it is fetched. The reading runs beside
//! the load on the control threads, never on those that keep the schedule, and nothing waits for it but the end of the run.

mod ask;
mod client;
mod headers;
mod pages;

use std::time::Duration;

use benchmark_figures::ask;
use benchmark_results::schema::ServerFigures;
use benchmark_scenarios::{Context, FigureSources, Key, Problem, PrometheusSource};

pub use ask::{Prometheus, ask_within};
pub use benchmark_figures::Span;
pub use client::Client;
pub use headers::read as read_headers;
pub use pages::{Pages, Watching};

/// Where the figures of a run are read from, checked.
#[derive(Default)]
pub struct Sources {
    /// Pages that are read while it goes on; without an address the embedded server's own, whose address is not known yet.
    pub pages: Option<(Client, Vec<String>)>,
    /// A Prometheus that is asked afterwards.
    pub prometheus: Option<Prometheus>,
}

/// Looks at the sources before the load: what cannot be read now is said now.
///
/// # Errors
/// In one line that names the flag.
pub async fn prepare(sources: &FigureSources, is_embedded: bool, namespace: &str) -> Result<Sources, Problem> {
    let mut found = Sources::default();
    if let Some(source) = &sources.prometheus {
        found.prometheus = Some(Prometheus::new(source)?);
    } else if is_embedded || !sources.pages.is_empty() {
        found.pages = Some((Client::new(http::HeaderMap::new())?, sources.pages.clone()));
    }
    if let Some(prometheus) = &found.prometheus {
        prometheus.check().await?;
    }
    let pages = found
        .pages
        .iter()
        .flat_map(|(client, urls)| urls.iter().map(move |url| (client, url)));
    for (client, url) in pages {
        if let Err(error) = client.page(url, namespace).await {
            return Err(Problem::new(format!("{} {url}: {error}", Key::ServerMetrics.flag()))
                .explain("give the metrics page of a server or a worker that runs, or leave it out"));
        }
    }
    Ok(found)
}

/// How long a Prometheus may take for everything, undisturbed: a minute until it has scraped, and what its answers take.
pub const LIMIT: Duration = Duration::from_secs(90);

/// Asks a Prometheus for what a stored result is of.
///
/// # Errors
/// When the source cannot be used. What it does not answer stands in the figures.
pub async fn of_stored(
    source: &PrometheusSource,
    results: &benchmark_results::Results,
) -> Result<Vec<ServerFigures>, Problem> {
    let prometheus = Prometheus::new(source)?;
    prometheus.check().await?;
    let spans = Span::all(results);
    if spans.is_empty() {
        return Err(Problem::new("this result has no measured phase to ask about"));
    }
    let told = tokio::time::timeout(LIMIT, ask(&prometheus, &results.plan.namespace, &spans)).await;
    told.context(format_args!(
        "{} did not answer within {} s",
        source.url,
        LIMIT.as_secs()
    ))
}
