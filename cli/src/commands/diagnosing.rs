//! `diagnose`: what kept a stored run from being faster, by the figures in it or by those that a Prometheus has.

use std::process::ExitCode;

use benchmark_generator::run::server_figures;
use benchmark_results::{Results, summary, summary::Style};
use benchmark_scenarios::{Asked, Key, Problem, PrometheusSource, resolve_prometheus};

use super::{Printed, find_one};
use crate::{
    args::DiagnoseArgs,
    console::{show, style},
    prepared::block_on,
};

/// The Prometheus that is to be asked, when one is.
///
/// # Errors
/// When an option is not allowed.
fn prometheus(options: &DiagnoseArgs) -> Result<Option<PrometheusSource>, Problem> {
    resolve_prometheus(&Asked::typed([
        (Key::Prometheus, options.prometheus.as_ref()),
        (Key::PrometheusMatch, options.prometheus_match.as_ref()),
        (Key::PrometheusHeaders, options.prometheus_headers.as_ref()),
    ]))
}

/// What is to be said of it.
///
/// # Errors
/// When it has none of the server's figures.
fn diagnosed(results: &Results, style: Style) -> Result<Printed, Problem> {
    if results.server_figures.is_empty() {
        return Err(
            Problem::new(format!("{} has none of the server's figures in it", results.run.id))
                .explain("they are read while a run goes on, or asked of a Prometheus that scraped the server then")
                .remedy("--prometheus URL"),
        );
    }
    Ok(Printed::text(summary::render_diagnosis(results, style)))
}

/// Tells what kept a stored run from being faster.
///
/// # Errors
/// When it cannot be read, or the Prometheus that was named does not answer.
pub fn diagnose(options: &DiagnoseArgs) -> Result<ExitCode, Problem> {
    let prometheus = prometheus(options)?;
    let mut results = find_one(&options.run)?.results;
    if let Some(source) = prometheus {
        let asking = server_figures::of_stored(&source, &results);
        results.server_figures = block_on(asking)??;
    }
    diagnosed(&results, style()).and_then(show)
}
