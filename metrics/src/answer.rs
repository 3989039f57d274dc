//! What each request is answered with.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Response, StatusCode,
    header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue},
};

use crate::{http::Ready, plain, registry::Registry};

const OPENMETRICS: &str = "application/openmetrics-text";
const OPENMETRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT_TYPE: &str = "text/plain; charset=utf-8";

/// Answers a request by its method and path. Bodies are not looked at.
pub(crate) fn answer(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    registry: &Registry,
    ready: &Ready,
) -> Response<Full<Bytes>> {
    if !["/metrics", "/healthz", "/readyz"].contains(&path) {
        let text = "There are /metrics, /healthz and /readyz.\n";
        return text_response(StatusCode::NOT_FOUND, TEXT_TYPE, text);
    }
    if method != Method::GET && method != Method::HEAD {
        let mut response = text_response(StatusCode::METHOD_NOT_ALLOWED, TEXT_TYPE, "Only GET and HEAD.\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/metrics" if accepts_openmetrics(headers) => {
            text_response(StatusCode::OK, OPENMETRICS_TYPE, registry.encode())
        }
        "/metrics" => text_response(StatusCode::OK, PLAIN_TYPE, plain::from_openmetrics(&registry.encode())),
        "/readyz" => match ready() {
            Ok(()) => text_response(StatusCode::OK, TEXT_TYPE, "ok\n"),
            Err(why) => text_response(StatusCode::SERVICE_UNAVAILABLE, TEXT_TYPE, format!("{why}\n")),
        },
        _ => text_response(StatusCode::OK, TEXT_TYPE, "ok\n"),
    }
}

/// Whether a client names OpenMetrics among what it takes. `*/*` is not enough: Prometheus' own libraries give the older
/// format then, and browsers show only that one.
fn accepts_openmetrics(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(OPENMETRICS));
        let mut weights = parts.filter_map(|parameter| parameter.strip_prefix("q="));
        named && !weights.any(|weight| weight.parse() == Ok(0.0))
    })
}

fn text_response(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openmetrics_is_for_those_who_name_it() {
        let accepts = |value: &'static str| {
            accepts_openmetrics(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]))
        };
        // What Prometheus 3 sends.
        assert!(accepts(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        ));
        assert!(accepts("text/plain, Application/OpenMetrics-Text"));
        assert!(!accepts("text/plain;version=0.0.4"));
        assert!(!accepts("*/*"));
        assert!(!accepts("application/openmetrics-text;q=0, text/plain"));
        assert!(!accepts_openmetrics(&HeaderMap::new()));
    }
}
