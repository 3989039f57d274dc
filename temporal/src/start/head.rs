//! The head that all starts have in common: where they go, and the metadata that goes with them.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version,
    header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT},
};
use url::Position;

use crate::{
    ConnectError,
    options::{ConnectOptions, Endpoint},
};

const PATH: &str = "/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution";

/// What may not be given as a header of one's own: the protocol's.
const OURS: [HeaderName; 6] = [CONTENT_TYPE, TE, CONNECTION, HOST, TRANSFER_ENCODING, UPGRADE];

/// A request's head, made once. It shows no values: some are secrets.
pub(super) struct Head {
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    /// # Errors
    /// When a header cannot be sent. Its value is not told.
    pub(super) fn new(options: &ConnectOptions, endpoint: &Endpoint, timeout: Duration) -> Result<Self, ConnectError> {
        let scheme = if endpoint.tls { "https" } else { "http" };
        let authority = &endpoint.url[Position::BeforeHost..Position::AfterPort];
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(authority)
            .path_and_query(PATH)
            .build()
            .map_err(|error| ConnectError::Settings(format!("the address {endpoint}: {error}")))?;
        let mut headers = HeaderMap::new();
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("run-benchmark/", env!("CARGO_PKG_VERSION"))),
        );
        headers.insert(HeaderName::from_static("grpc-timeout"), timeout_value(timeout));
        headers.insert(
            HeaderName::from_static("temporal-namespace"),
            value("temporal-namespace", &options.namespace)?,
        );
        for (name, text) in options.headers.iter() {
            let (key, mut value) = (key(name)?, value(name, text)?);
            // Anything may be a secret: it is neither shown nor kept in a table that a proxy could be made to tell of.
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        // A key that was asked for is not replaced by a header of a profile.
        if let Some(api_key) = &options.api_key {
            let mut bearer = value("authorization", &format!("Bearer {}", api_key.reveal()))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(Head { uri, headers })
    }

    /// The head of one start.
    pub(super) fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

fn key(name: &str) -> Result<HeaderName, ConnectError> {
    let bad = |why: &str| ConnectError::Settings(format!("the header {name} cannot be sent: {why}"));
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("a header cannot have this name"))?;
    if OURS.contains(&key) || key.as_str().starts_with("grpc-") {
        return Err(bad("it is one of the protocol's own"));
    }
    Ok(key)
}

fn value(name: &str, text: &str) -> Result<HeaderValue, ConnectError> {
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    HeaderValue::from_str(text)
        .ok()
        .filter(|_| printable)
        .ok_or_else(|| ConnectError::Settings(format!("the header {name} cannot be sent: its value is not ASCII")))
}

/// At most eight digits and a unit (gRPC over HTTP/2, "Timeout"); rounded up, so that the server's deadline is not
/// before ours.
fn timeout_value(timeout: Duration) -> HeaderValue {
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    let text = match millis {
        0..100_000_000 => format!("{millis}m"),
        _ => format!("{}S", millis.div_ceil(1_000).min(99_999_999)),
    };
    HeaderValue::from_str(&text).expect("digits and a letter are a header's value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApiKey, options::Headers};

    fn head(options: &ConnectOptions) -> Result<Head, ConnectError> {
        Head::new(options, &options.endpoint()?, Duration::from_secs(10))
    }

    fn headers(fields: &[(&str, &str)]) -> Headers {
        fields
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn a_start_carries_what_grpc_asks_for() {
        let mut options = ConnectOptions::new("[::1]:7233", "bench");
        options.headers = headers(&[("X-Team", "blue")]);
        let request = head(&options).unwrap().request();
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.version(), Version::HTTP_2);
        assert_eq!(request.uri().authority().unwrap(), "[::1]:7233");
        assert_eq!(request.uri().path(), PATH);
        assert_eq!(request.uri().scheme_str(), Some("http"));
        let header = |name: &str| request.headers()[name].to_str().unwrap();
        assert_eq!(header("te"), "trailers");
        assert_eq!(header("content-type"), "application/grpc");
        assert_eq!(header("grpc-timeout"), "10000m");
        assert_eq!(header("temporal-namespace"), "bench");
        assert_eq!(header("x-team"), "blue");
        assert!(header("user-agent").starts_with("run-benchmark/"));
    }

    #[test]
    fn secrets_are_marked_and_the_key_wins() {
        let mut options = ConnectOptions::new("https://x:1", "bench");
        options.headers = headers(&[("authorization", "of-a-profile"), ("x-secret", "s3cret")]);
        options.api_key = Some(ApiKey::new("the-key").unwrap());
        let request = head(&options).unwrap().request();
        assert_eq!(request.headers()["authorization"], "Bearer the-key");
        assert_eq!(request.headers().get_all("authorization").iter().count(), 1);
        assert_eq!(request.uri().scheme_str(), Some("https"));
        let shown = format!("{request:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("the-key"), "{shown}");
    }

    #[test]
    fn headers_that_cannot_be_sent_are_named_without_their_value() {
        for (name, text) in [
            ("x", "sécret"),
            ("x", "s\nx"),
            ("x", "s\tx"),
            ("a b", "secret"),
            ("te", "secret"),
            ("Content-Type", "secret"),
            ("grpc-timeout", "secret"),
        ] {
            let mut options = ConnectOptions::new("x:1", "bench");
            options.headers = headers(&[(name, text)]);
            let error = head(&options).err().unwrap().to_string();
            assert!(error.contains(&format!("the header {name} cannot be sent")), "{error}");
            assert!(!error.contains(text), "{error}");
        }
    }

    #[test]
    fn timeouts_have_at_most_eight_digits_and_are_never_shorter() {
        for (timeout, text) in [
            (Duration::from_millis(1), "1m"),
            (Duration::from_micros(1_001), "2m"),
            (Duration::from_secs(600), "600000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_millis(100_000_001), "100001S"),
        ] {
            assert_eq!(timeout_value(timeout), text);
        }
    }
}
