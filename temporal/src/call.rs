//! One call to the server: its deadline, and how its failure is told.

use std::time::Duration;

use tonic::{Code, Request, Response, Status};

use crate::connection::Server;

/// How long a call of the control plane may take.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What the server attaches to "not found" when it is the namespace that it does not know.
const NO_NAMESPACE: &[u8] = b"NamespaceNotFoundFailure";

/// A request with the usual deadline.
pub(crate) fn request<T>(message: T) -> Request<T> {
    request_within(message, CALL_TIMEOUT)
}

/// A request with a deadline of its own.
pub(crate) fn request_within<T>(message: T, timeout: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(timeout);
    request
}

/// Waits for the answer to a call with the usual deadline, and notes whether the server answers at all.
pub(crate) async fn answer<T>(
    server: &Server,
    operation: &'static str,
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, CallError> {
    server.silence().asked();
    let answer = answer_within(operation, CALL_TIMEOUT, answer).await;
    if answer.as_ref().err().is_none_or(CallError::is_answer) {
        server.silence().heard();
    }
    answer
}

/// Waits for the answer to a call. The library's own deadline begins when the request is written: while a connection is
/// made again there is none, so that each call has this one as well.
pub(crate) async fn answer_within<T>(
    operation: &'static str,
    timeout: Duration,
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => answer
            .map(Response::into_inner)
            .map_err(|status| CallError::new(operation, &status)),
        Err(_) => Err(CallError {
            operation,
            code: Code::DeadlineExceeded,
            message: format!("no answer within {timeout:.1?}"),
            no_namespace: false,
        }),
    }
}

/// A call that failed. Nothing was repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation} failed: {code:?}: {message}")]
pub struct CallError {
    /// The method.
    pub operation: &'static str,
    /// The gRPC code.
    pub code: Code,
    /// The server's words, or the transport's.
    pub message: String,
    /// Whether it is the namespace that the server does not know.
    pub no_namespace: bool,
}

impl CallError {
    pub(crate) fn new(operation: &'static str, status: &Status) -> CallError {
        CallError {
            operation,
            code: status.code(),
            message: status.message().to_owned(),
            no_namespace: status.code() == Code::NotFound
                && status
                    .details()
                    .windows(NO_NAMESPACE.len())
                    .any(|part| part == NO_NAMESPACE),
        }
    }

    /// Whether the same call may succeed when it is made again: the server did not answer, or was busy.
    pub fn is_transient(&self) -> bool {
        !self.is_answer() || matches!(self.code, Code::ResourceExhausted | Code::Aborted)
    }

    /// Whether the server said so itself. Codes that the transport uses as well are taken for its.
    pub fn is_answer(&self) -> bool {
        let of_transport = matches!(self.code, Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled)
            || (self.code == Code::Unknown && self.message.contains("transport"));
        !of_transport
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_is_not_there_is_told_from_a_workflow() {
        let error = |code, details: &'static [u8]| {
            CallError::new(
                "Describe",
                &Status::with_details(code, "no", bytes::Bytes::from_static(details)),
            )
        };
        let namespace = b"\x08\x05type.googleapis.com/temporal.api.errordetails.v1.NamespaceNotFoundFailure";
        assert!(error(Code::NotFound, namespace).no_namespace);
        assert!(
            !error(
                Code::NotFound,
                b"type.googleapis.com/temporal.api.errordetails.v1.NotFoundFailure"
            )
            .no_namespace
        );
        assert!(!error(Code::NotFound, b"").no_namespace);
        assert!(!error(Code::Unavailable, namespace).no_namespace);
    }

    #[test]
    fn a_refusal_is_an_answer_even_if_it_may_pass() {
        let error = |code, words: &str| CallError::new("Count", &Status::new(code, words));
        let busy = error(Code::ResourceExhausted, "namespace rate limit exceeded");
        assert!(busy.is_transient() && busy.is_answer());
        let forbidden = error(Code::PermissionDenied, "no");
        assert!(!forbidden.is_transient() && forbidden.is_answer());
        for lost in [
            error(Code::Unavailable, "refused"),
            error(Code::Unknown, "transport error"),
        ] {
            assert!(lost.is_transient() && !lost.is_answer(), "{lost}");
        }
        assert!(error(Code::Unknown, "panic").is_answer());
    }

    #[tokio::test]
    async fn a_call_that_is_never_written_ends_at_its_deadline() {
        let never = std::future::pending::<Result<Response<()>, Status>>();
        let error = answer_within("Describe", Duration::from_millis(100), never)
            .await
            .unwrap_err();
        assert_eq!(error.code, Code::DeadlineExceeded);
        assert!(error.is_transient());
        assert_eq!(error.message, "no answer within 100.0ms");
    }
}
