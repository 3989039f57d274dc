//! Sources of the server's figures: where they are read from, where this process's page is written, and who shows both.

use std::path::PathBuf;

use super::reader::Reader;
use crate::{
    asked::Asked,
    options::{Key, Program, opt},
    problem::Problem,
};

/// Where the server's figures are read from; no part of the plan, since it changes nothing that is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FigureSources {
    /// Metrics pages of servers and workers.
    pub pages: Vec<String>,
    /// A Prometheus that scrapes them.
    pub prometheus: Option<PrometheusSource>,
}

/// A Prometheus that is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrometheusSource {
    /// Its URL, without `/api/v1/query`.
    pub url: String,
    /// Matchers that every series must meet besides, as they were typed.
    pub matchers: Option<String>,
    /// File with headers that it is asked with.
    pub headers: Option<PathBuf>,
}

/// Where this process's page is written each second; no part of the plan either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteWriteTarget {
    /// The whole URL.
    pub url: String,
    /// File with headers that it is written with.
    pub headers: Option<PathBuf>,
}

const PROMETHEUS_ONLY: [Key; 2] = [Key::PrometheusMatch, Key::PrometheusHeaders];

/// Where the page is written, when it is.
pub(crate) fn remote_write(reader: &mut Reader) -> Result<Option<RemoteWriteTarget>, Problem> {
    if let Some(given) = reader.given(Key::RemoteWrite) {
        refuse_credentials(Key::RemoteWrite, &given.text)?;
    }
    let Some(url) = reader.read_given(opt::RemoteWrite)? else {
        reader.refuse([Key::RemoteWriteHeaders], "nothing is written", |problem| {
            problem.remedy("--remote-write URL")
        })?;
        return Ok(None);
    };
    let headers = reader.read_given(opt::RemoteWriteHeaders)?.map(PathBuf::from);
    Ok(Some(RemoteWriteTarget { url, headers }))
}

/// The Prometheus that is asked about a stored result, when one is.
///
/// # Errors
/// The first thing that is wrong, in words that name it.
pub fn resolve_prometheus(asked: &Asked) -> Result<Option<PrometheusSource>, Problem> {
    Ok(resolve(&mut Reader::new(Program::Run, asked))?.prometheus)
}

/// The Grafana that a stored result is shown in, when there is one.
///
/// # Errors
/// When it is no URL to add a path to.
pub fn resolve_grafana(asked: &Asked) -> Result<Option<String>, Problem> {
    grafana(&mut Reader::new(Program::Run, asked))
}

/// The Grafana that has the boards.
pub(crate) fn grafana(reader: &mut Reader) -> Result<Option<String>, Problem> {
    if let Some(given) = reader.given(Key::GrafanaUrl) {
        refuse_credentials(Key::GrafanaUrl, &given.text)?;
    }
    reader.read_given(opt::GrafanaUrl)
}

/// The sources as asked for.
pub(crate) fn resolve(reader: &mut Reader) -> Result<FigureSources, Problem> {
    for key in [Key::ServerMetrics, Key::Prometheus] {
        let Some(given) = reader.given(key) else { continue };
        for url in given.text.split(',') {
            refuse_credentials(key, url)?;
        }
    }
    let pages = reader.read_given(opt::ServerMetrics)?.unwrap_or_default();
    let Some(url) = reader.read_given(opt::Prometheus)? else {
        reader.refuse(PROMETHEUS_ONLY, "no Prometheus is asked", |problem| {
            problem.remedy("--prometheus URL")
        })?;
        return Ok(FigureSources {
            pages,
            prometheus: None,
        });
    };
    if !pages.is_empty() {
        let (pages, prometheus) = (reader.quote(Key::ServerMetrics), reader.quote(Key::Prometheus));
        return Err(
            Problem::new(format!("{pages} and {prometheus} are two sources of the same figures"))
                .explain("pages are read while the run goes on, a Prometheus is asked afterwards: give one of them"),
        );
    }
    let prometheus = PrometheusSource {
        url,
        matchers: reader.read_given(opt::PrometheusMatch)?,
        headers: reader.read_given(opt::PrometheusHeaders)?.map(PathBuf::from),
    };
    Ok(FigureSources {
        pages: Vec::new(),
        prometheus: Some(prometheus),
    })
}

/// A URL shows in process lists, logs and results: no place for a secret. Its text is not repeated.
fn refuse_credentials(key: Key, url: &str) -> Result<(), Problem> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    if !authority.contains('@') {
        return Ok(());
    }
    let problem = Problem::new(format!(
        "{} has credentials in its URL, where others can see them",
        key.flag()
    ));
    Err(match key {
        Key::ServerMetrics => problem.explain("pages are read without"),
        Key::GrafanaUrl => problem.explain("whoever opens the link logs in there"),
        _ => problem.remedy(format!("{}-headers FILE, with a line Authorization: …", key.flag())),
    })
}
