//! HTTP: answers are bounded in size as well as in time.

use anyhow::Context as _;
use benchmark_figures::{Page, Sample, Snapshot};
use benchmark_metrics::{http_cause, http_client};
use http::{
    HeaderMap,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};
use reqwest::Response;

/// Largest answer of a Prometheus, bytes: a figure's has some kilobytes, and takes ten times as much once it is read.
const LARGEST: usize = 4 << 20;

/// The text format. Without `escaping=underscores` a server could send names in quotes.
const TEXT: &str = "text/plain;version=0.0.4;escaping=underscores";

/// Speaks to servers with the same headers.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    headers: HeaderMap,
}

impl Client {
    /// A client that sends these headers each time.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn new(headers: HeaderMap) -> anyhow::Result<Client> {
        let http = http_client().context("no HTTP client can be made")?;
        Ok(Client { http, headers })
    }

    /// Reads a metrics page, and keeps what figures are made of.
    ///
    /// # Errors
    /// Why it could not be read, or is none, in words.
    pub async fn page(&self, url: &str, namespace: &str) -> Result<Snapshot, String> {
        let request = self.http.get(url).headers(self.headers.clone()).header(ACCEPT, TEXT);
        let mut answer = sound(request.send().await)?;
        let mut page = Page::new(namespace);
        while let Some(piece) = answer.chunk().await.map_err(|error| http_cause(&error))? {
            page.feed(&piece).map_err(|problem| problem.to_string())?;
        }
        page.finish().map_err(|problem| problem.to_string())
    }

    /// Asks a Prometheus for the values of a query at an instant in Unix seconds; now when none is given.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub async fn query(&self, base: &str, query: &str, at: Option<f64>) -> Result<Vec<Sample>, String> {
        // A query may be longer than a URL.
        let request = self
            .http
            .post(format!("{base}/api/v1/query"))
            .headers(self.headers.clone())
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )
            .body(form(query, at));
        let mut answer = request.send().await.map_err(|error| http_cause(&error))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| http_cause(&error))? {
            if body.len() + piece.len() > LARGEST {
                return Err("the answer has more than 4 MiB".to_owned());
            }
            body.extend_from_slice(&piece);
        }
        let parsed = benchmark_figures::parse_answer(&body);
        match parsed {
            Ok(samples) if status.is_success() => Ok(samples),
            // Prometheus says what is wrong with a query in the same form.
            Err(benchmark_figures::AnswerError::Refused(why)) => Err(format!("answered {status}: {why}")),
            Err(error) if status.is_success() => Err(error.to_string()),
            _ => Err(format!("answered {status}")),
        }
    }
}

/// A query and its instant.
fn form(query: &str, at: Option<f64>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("query", query);
    if let Some(at) = at {
        form.append_pair("time", &format!("{at:.3}"));
    }
    form.finish()
}

fn sound(answer: reqwest::Result<Response>) -> Result<Response, String> {
    let answer = answer.map_err(|error| http_cause(&error))?;
    if answer.status().is_success() {
        Ok(answer)
    } else {
        Err(format!("answered {}", answer.status()))
    }
}
