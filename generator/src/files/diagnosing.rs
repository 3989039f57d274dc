//! `diagnose`: what kept a stored run from being faster, by the figures in it or by those that a Prometheus has.

use benchmark_results::{Results, file, summary, summary::Style};
use benchmark_scenarios::{Asked, Given, Key, Problem, PrometheusSource, resolve_prometheus};

use super::{Printed, found::meant};
use crate::args::DiagnoseArgs;

/// The Prometheus that is to be asked, when one is.
///
/// # Errors
/// When an option is not allowed.
pub fn prometheus(options: &DiagnoseArgs) -> Result<Option<PrometheusSource>, Problem> {
    let mut asked = Asked::new();
    for (key, value) in [
        (Key::Prometheus, &options.prometheus),
        (Key::PrometheusMatch, &options.prometheus_match),
        (Key::PrometheusHeaders, &options.prometheus_headers),
    ] {
        if let Some(value) = value {
            asked.add(key, Given::by_flag(key.flag(), value));
        }
    }
    resolve_prometheus(&asked)
}

/// The stored run.
///
/// # Errors
/// When the file cannot be read.
pub fn stored(options: &DiagnoseArgs) -> Result<Results, Problem> {
    file::read(&meant(&options.run)).map_err(|error| Problem::new(error.to_string()))
}

/// What is to be said of it.
///
/// # Errors
/// When it has none of the server's figures.
pub fn diagnosed(results: &Results, style: Style) -> Result<Printed, Problem> {
    if results.server_figures.is_empty() {
        return Err(
            Problem::new(format!("{} has none of the server's figures in it", results.run.id))
                .explain("they are read while a run goes on, or asked of a Prometheus that scraped the server then")
                .remedy("--prometheus URL"),
        );
    }
    Ok(Printed::text(summary::render_diagnosis(results, style)))
}
