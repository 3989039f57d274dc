//! The server's figures of a run: pages are read while it goes on, or a Prometheus is asked afterwards.
//!
//! What is read and what it says follows from the table in `benchmark-figures`; here it is fetched. The reading runs beside
//! the load on the control threads, never on those that keep the schedule, and nothing waits for it but the end of the run.

mod ask;
mod client;
mod headers;
mod pages;

use std::time::Duration;

use anyhow::Context as _;
use benchmark_figures::Asked;
use benchmark_results::schema::ServerFigures;
use benchmark_scenarios::{FigureSources, Key, Problem, PrometheusSource};

use ask::ask;
pub use ask::{Prometheus, ask_within};
pub use benchmark_figures::Span;
pub use client::Client;
pub use headers::read as read_headers;
pub use pages::{Pages, Watching};

/// Where the figures of a run are read from, checked.
pub enum Sources {
    /// Nowhere.
    None,
    /// From the embedded server's own page, whose address is not known yet.
    Embedded(Client),
    /// From these pages.
    Pages(Client, Vec<String>),
    /// From a Prometheus, afterwards.
    Prometheus(Prometheus),
}

/// Looks at the sources before the load: what cannot be read now is said now.
///
/// # Errors
/// In one line that names the flag.
pub async fn prepare(sources: &FigureSources, is_embedded: bool, namespace: &str) -> anyhow::Result<Sources> {
    if let Some(source) = &sources.prometheus {
        let prometheus = Prometheus::new(source)?;
        prometheus.check().await?;
        return Ok(Sources::Prometheus(prometheus));
    }
    if sources.pages.is_empty() {
        return Ok(match is_embedded {
            true => Sources::Embedded(Client::new(http::HeaderMap::new())?),
            false => Sources::None,
        });
    }
    let client = Client::new(http::HeaderMap::new())?;
    for url in &sources.pages {
        if let Err(error) = client.page(url, namespace).await {
            let problem = Problem::new(format!("{} {url}: {error}", Key::ServerMetrics.flag()))
                .explain("give the metrics page of a server or a worker that runs, or leave it out");
            return Err(problem.into());
        }
    }
    Ok(Sources::Pages(client, sources.pages.clone()))
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
) -> anyhow::Result<Vec<ServerFigures>> {
    let prometheus = Prometheus::new(source)?;
    prometheus.check().await?;
    let spans = Span::all(results);
    if spans.is_empty() {
        anyhow::bail!("this result has no measured phase to ask about");
    }
    let told = tokio::time::timeout(LIMIT, ask(&prometheus, &results.plan.namespace, &spans)).await;
    told.with_context(|| format!("{} did not answer within {} s", source.url, LIMIT.as_secs()))
}

/// What is asked about a span.
fn asked(namespace: &str, matchers: Option<&str>, window: Duration) -> Asked {
    Asked {
        namespace: namespace.to_owned(),
        matchers: matchers.map(str::to_owned),
        window,
    }
}
