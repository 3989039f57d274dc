//! Routes of the metrics page: what each request is answered with.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
};

use crate::{format::Format, registry::Registry};

/// Says whether the process is ready, and if not, why.
pub(crate) type Ready = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

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
        "/metrics" => {
            let format = Format::negotiate(headers);
            match registry.encode(format) {
                Ok(page) => text_response(StatusCode::OK, format.content_type(), page),
                Err(error) => text_response(StatusCode::INTERNAL_SERVER_ERROR, TEXT_TYPE, format!("{error}\n")),
            }
        }
        "/readyz" => match ready() {
            Ok(()) => text_response(StatusCode::OK, TEXT_TYPE, "ok\n"),
            Err(why) => text_response(StatusCode::SERVICE_UNAVAILABLE, TEXT_TYPE, format!("{why}\n")),
        },
        _ => text_response(StatusCode::OK, TEXT_TYPE, "ok\n"),
    }
}

fn text_response(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
