//! One call to the server: its deadline, and how its failure is told.

use std::time::Duration;

use tonic::{Code, Request};

/// How long a call of the control plane may take.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

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
}

impl CallError {
    pub(crate) fn new(operation: &'static str) -> impl Fn(tonic::Status) -> CallError {
        move |status| CallError {
            operation,
            code: status.code(),
            message: status.message().to_owned(),
        }
    }

    /// Whether the same call may succeed when it is made again: the server did not answer, or was busy.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.code,
            Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Aborted | Code::Cancelled
        ) || (self.code == Code::Unknown && self.message.contains("transport"))
    }
}
