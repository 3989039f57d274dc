//! HTTP with limits on time and size.

use std::{error::Error, time::Duration};

use reqwest::{Client, ClientBuilder, Response, redirect::Policy};
use tokio_rustls::rustls::crypto::ring;
use url::Url;

/// A client that waits so long for an answer to be whole, and is led nowhere else.
pub fn client(limit: Duration) -> ClientBuilder {
    // The second time there is one already, which is the same.
    let _ = ring::default_provider().install_default();
    let who = concat!("benchmark-cluster/", env!("CARGO_PKG_VERSION"));
    Client::builder()
        .timeout(limit)
        .redirect(Policy::none())
        .user_agent(who)
}

/// Asks for a page without TLS, as ECS and the pages that are probed have it. The image's certificate authorities are not
/// read for it, nor is a proxy asked.
///
/// # Errors
/// When nobody answers within `limit`, or not in HTTP.
pub async fn get(url: &Url, limit: Duration) -> Result<Response, String> {
    let client = client(limit).no_proxy().tls_certs_only([]).build();
    let asked = client.map_err(|error| cause(&error, limit))?.get(url.clone());
    asked.send().await.map_err(|error| cause(&error, limit))
}

/// The body of an answer.
///
/// # Errors
/// When it is longer than `largest` MiB, or does not come within the client's `limit`.
pub async fn body(mut answer: Response, largest: usize, limit: Duration) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| cause(&error, limit))? {
        if body.len() + piece.len() > largest << 20 {
            return Err(format!("the answer has more than {largest} MiB"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What went wrong with a client of this limit, without the URL: the innermost cause is the telling one.
pub fn cause(error: &reqwest::Error, limit: Duration) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", limit.as_secs());
    }
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
