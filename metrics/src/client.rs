//! HTTP as its caller, by the client that the SDK brings.

use std::{error::Error, time::Duration};

use temporalio_common::telemetry::ensure_default_crypto_provider;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);

/// A client whose answers take no longer than 10 s. Redirections are not followed, since headers with a token would go along.
///
/// # Errors
/// When there is no TLS to be had.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    ensure_default_crypto_provider();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("run-benchmark/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// What went wrong, without the URL: the innermost cause is the telling one.
pub fn http_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", ANSWER.as_secs());
    }
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
