//! The server's figures of a run's measured phase, from the managed Prometheus, which is asked with a signature. They are
//! added to the copy on this disk; the run stands without them.

use std::{
    fmt::Display,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use aws_sdk_s3::config::ProvideCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use benchmark_figures::{FORM, QueryAnswer, QuerySource, Sample, Span, ask, form};
use benchmark_results::{Results, file, schema::ServerFigures, text};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::time::timeout;

use crate::{http, session::Session};

/// What the service is called in signatures.
const SERVICE: &str = "aps";

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(150);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// Adds the figures to the results and to their file. What stands in the way is said.
pub async fn add(session: &Session, path: &Path, results: &mut Results) {
    let spans = Span::all(results);
    // A partial file has them when it is whole; one that has them was asked for already, or by the run itself.
    if !results.complete || !results.server_figures.is_empty() || spans.is_empty() {
        return;
    }
    let told = async {
        let workspace = Workspace::new(session)?;
        Ok::<_, String>(ask(&workspace, &results.plan.namespace, &spans).await)
    };
    let told = timeout(LIMIT, Box::pin(told)).await;
    let told = told.unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())));
    let problem = match told {
        Ok(figures)
            if figures
                .iter()
                .flat_map(|one| &one.figures)
                .any(|figure| figure.value.is_some()) =>
        {
            match write(path, &figures) {
                Ok(()) => {
                    results.server_figures = figures;
                    return;
                }
                Err(problem) => format!("{}: {problem}", path.display()),
            }
        }
        Ok(figures) => {
            let first = figures.into_iter().find_map(|one| one.problems.into_iter().next());
            first.unwrap_or_else(|| "it has none".to_owned())
        }
        Err(problem) => problem,
    };
    let sentence = format!(
        "the server's figures could not be added, and the run stands: {}",
        text::line(&problem, 300)
    );
    session.tell("figures", sentence, json!({ "run": results.run.id }));
}

/// Puts the figures into the file, and leaves everything else in it as it is, to the byte: the generator may be newer than
/// this program, and what it wrote is not to be lost.
fn write(path: &Path, figures: &[ServerFigures]) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let before = text.trim_end().strip_suffix('}').ok_or("it is no JSON object")?;
    let figures = serde_json::to_string_pretty(figures).map_err(|error| error.to_string())?;
    // Texts have no line breaks of their own in JSON.
    let figures = figures.replace('\n', "\n  ");
    let whole = format!("{},\n  \"serverFigures\": {figures}\n}}\n", before.trim_end());
    serde_json::from_str::<IgnoredAny>(&whole).map_err(|error| error.to_string())?;
    file::replace(path, &mut |to| to.write_all(whole.as_bytes())).map_err(|error| error.to_string())
}

/// The managed Prometheus.
struct Workspace<'a> {
    session: &'a Session,
    http: reqwest::Client,
    /// What stands in front of `/api/v1/query`, as the figures of a Prometheus are told.
    url: String,
}

impl<'a> Workspace<'a> {
    fn new(session: &'a Session) -> Result<Workspace<'a>, String> {
        let http = http::client(ANSWER).connect_timeout(Duration::from_secs(5)).build();
        let http = http.map_err(|error| http::cause(&error, ANSWER))?;
        let url = session.facts.prometheus.query_url.trim_end_matches("/api/v1/query");
        Ok(Workspace {
            session,
            http,
            url: url.to_owned(),
        })
    }

    /// The headers that sign a request.
    async fn signed(&self, url: &str, body: &str) -> Result<Vec<(String, String)>, String> {
        let problem = |error: &dyn Display| format!("signature: {error}");
        let config = &self.session.aws.config;
        let provider = config.credentials_provider().ok_or("there are no credentials")?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| format!("credentials: {}", text::chain(&error)))?;
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.session.facts.region)
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| problem(&error))?
            .into();
        let content_type = std::iter::once(("content-type", FORM));
        let request = SignableRequest::new("POST", url, content_type, SignableBody::Bytes(body.as_bytes()));
        let request = request.map_err(|error| problem(&error))?;
        let (instructions, _) = sign(request, &params).map_err(|error| problem(&error))?.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers
            .into_iter()
            .map(|header| (header.name().to_owned(), header.value().to_owned()))
            .collect())
    }

    async fn answer(&self, query: String, at: Option<f64>) -> Result<Vec<Sample>, String> {
        let (url, body) = (&self.session.facts.prometheus.query_url, form(&query, at));
        let signed = self.signed(url, &body).await?;
        let mut request = self.http.post(url).header("content-type", FORM).body(body);
        for (name, value) in signed {
            request = request.header(name, value);
        }
        let mut answer = request.send().await.map_err(|error| http::cause(&error, ANSWER))?;
        let mut read = QueryAnswer::default();
        while let Some(piece) = answer.chunk().await.map_err(|error| http::cause(&error, ANSWER))? {
            read.feed(&piece)?;
        }
        read.finish(answer.status())
    }
}

impl QuerySource for Workspace<'_> {
    fn url(&self) -> &str {
        &self.url
    }

    fn matchers(&self) -> Option<&str> {
        None
    }

    fn query(&self, query: &str, at: Option<f64>) -> impl Future<Output = Result<Vec<Sample>, String>> + Send {
        self.answer(query.to_owned(), at)
    }
}

#[cfg(test)]
mod tests {
    use benchmark_results::schema::{FigureMethod, FigureUnit, ServerFigure};

    use super::*;

    #[test]
    fn figures_are_added_and_all_else_stays_also_what_this_program_does_not_know() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.json");
        let text = include_str!("../../results/tests/files/v1/short.json");
        let newer = text.replacen("\"environment\": {", "\"environment\": {\n    \"ofTomorrow\": 0.1,", 1);
        fs::write(&path, &newer).expect("a file");
        let figures = [ServerFigures {
            iteration: 1,
            started_at: "2026-11-20T10:00:30Z".to_owned(),
            seconds: 240.0,
            method: FigureMethod::Prometheus,
            problems: Vec::new(),
            figures: vec![ServerFigure {
                name: "frontend-requests".to_owned(),
                labels: std::collections::BTreeMap::new(),
                value: Some(12.5),
                unit: FigureUnit::PerSecond,
                query: "sum(rate(service_requests[240s]))".to_owned(),
                source: "https://p".to_owned(),
                reason: None,
            }],
        }];
        write(&path, &figures).expect("a file");
        assert_eq!(file::read(&path).expect("results").server_figures, figures);
        let after = fs::read_to_string(&path).expect("a file");
        let (kept, added) = after.split_once(",\n  \"serverFigures\": [\n    {\n").expect("figures");
        assert_eq!(kept, newer.trim_end().trim_end_matches('}').trim_end());
        assert!(added.ends_with("\n    }\n  ]\n}\n"), "{added}");
    }
}
