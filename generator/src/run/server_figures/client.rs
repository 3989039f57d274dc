//! HTTP client: answers are bounded in size as well as in time.

use benchmark_figures::{FORM, PageReader, QueryAnswer, Sample, Snapshot, form};
use benchmark_metrics::{http_cause, http_client};
use benchmark_scenarios::{Context, Problem};
use http::{
    HeaderMap,
    header::{ACCEPT, CONTENT_TYPE},
};

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
    pub fn new(headers: HeaderMap) -> Result<Client, Problem> {
        let http = http_client().context("no HTTP client can be made")?;
        Ok(Client { http, headers })
    }

    /// Reads a metrics page, and keeps what figures are made of.
    ///
    /// # Errors
    /// Why it could not be read, or is none, in words.
    pub async fn page(&self, url: &str, namespace: &str) -> Result<Snapshot, String> {
        let request = self.http.get(url).headers(self.headers.clone()).header(ACCEPT, TEXT);
        let mut answer = request.send().await.map_err(|error| http_cause(&error))?;
        if !answer.status().is_success() {
            return Err(format!("answered {}", answer.status()));
        }
        let mut page = PageReader::new(namespace);
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
        let request = self
            .http
            .post(format!("{base}/api/v1/query"))
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, FORM)
            .body(form(query, at));
        let mut answer = request.send().await.map_err(|error| http_cause(&error))?;
        let mut read = QueryAnswer::default();
        while let Some(piece) = answer.chunk().await.map_err(|error| http_cause(&error))? {
            read.feed(&piece)?;
        }
        read.finish(answer.status())
    }
}
