//! Response to a start: what came back, and what that says about it.
//!
//! "Refused" is what a server's trailers say. What HTTP/2, a proxy or this process says instead of an answer leaves open
//! whether the workflow runs, or is proof that the start was never looked at: then it may be sent again.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::{Reason, RecvStream, client::ResponseFuture};
use http::{HeaderMap, StatusCode};

use super::{MESSAGE_HEAD, StartError};

/// The connection ended before the answer came.
pub(super) const CONNECTION_LOST: &str = "CONNECTION_LOST";
/// The server, or a proxy, reset the stream of the start.
pub(super) const STREAM_RESET: &str = "STREAM_RESET";
/// What came was HTTP and no answer of gRPC.
pub(super) const NO_GRPC_STATUS: &str = "NO_GRPC_STATUS";
/// The start's own deadline passed before a connection could take it.
pub(super) const NOT_SENT: &str = "NOT_SENT";

/// Codes of errors of starts that are not gRPC's own: what happened instead of an answer.
pub const TRANSPORT_CODES: [&str; 4] = [CONNECTION_LOST, STREAM_RESET, NO_GRPC_STATUS, NOT_SENT];

/// gRPC's codes by number (its `statuscodes.md`), and whether each can only come from a server that did not start the
/// workflow. The others leave it open: the server may have committed the start before it failed.
const CODES: [(&str, bool); 17] = [
    ("OK", false),
    ("CANCELLED", false),
    ("UNKNOWN", false),
    ("INVALID_ARGUMENT", true),
    ("DEADLINE_EXCEEDED", false),
    ("NOT_FOUND", true),
    ("ALREADY_EXISTS", true),
    ("PERMISSION_DENIED", true),
    ("RESOURCE_EXHAUSTED", true),
    ("FAILED_PRECONDITION", true),
    ("ABORTED", false),
    ("OUT_OF_RANGE", true),
    ("UNIMPLEMENTED", true),
    ("INTERNAL", false),
    ("UNAVAILABLE", false),
    ("DATA_LOSS", false),
    ("UNAUTHENTICATED", true),
];

/// gRPC's code for a deadline that passed, also when it passed here.
pub(super) const DEADLINE_EXCEEDED: &str = CODES[4].0;

/// What became of a start on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was taken.
    Accepted,
    /// It was refused, or its fate is not known.
    Failed(StartError),
    /// No server has looked at it, for this reason: it may be sent again.
    Untouched(Untouched),
}

/// Why no server has looked at a start that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untouched {
    /// It came after the last one that the connection took before it was retired (GOAWAY).
    Retired,
    /// The stream was refused (REFUSED_STREAM): too many at once.
    StreamRefused,
}

/// An answer that is under way.
pub(super) enum Answer {
    Head(ResponseFuture),
    Body { body: RecvStream, length: usize },
}

impl Answer {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            match self {
                Answer::Head(response) => match ready!(Pin::new(response).poll(cx)) {
                    Ok(response) => {
                        let (head, body) = response.into_parts();
                        if let Some(ended) = end_at_head(head.status, &head.headers) {
                            return Poll::Ready(ended);
                        }
                        *self = Answer::Body { body, length: 0 };
                    }
                    Err(error) => return Poll::Ready(broken(&error, false)),
                },
                Answer::Body { body, length } => match ready!(poll_body(body, length, cx)) {
                    Ok(trailers) => return Poll::Ready(end_at_trailers(trailers.as_ref(), *length)),
                    Err(error) => return Poll::Ready(broken(&error, true)),
                },
            }
        }
    }
}

/// Reads a body to its end and forgets it: of an answer only its arrival counts. Gives the trailers.
fn poll_body(
    body: &mut RecvStream,
    length: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<Result<Option<HeaderMap>, h2::Error>> {
    while let Some(piece) = ready!(body.poll_data(cx)) {
        let piece: Bytes = piece?;
        *length += piece.len();
        body.flow_control().release_capacity(piece.len())?;
    }
    body.poll_trailers(cx)
}

/// What the head alone decides: an answer of headers only, or one that is none of gRPC's.
fn end_at_head(status: StatusCode, headers: &HeaderMap) -> Option<Ended> {
    match grpc_status(headers) {
        // Only an error may come without a message.
        Some(CODE_OK) => Some(no_status("an answer without a message".to_owned())),
        Some(code) => Some(Ended::Failed(told(code, headers))),
        None if status != StatusCode::OK => Some(no_status(format!("HTTP status {status} without a gRPC status"))),
        None => None,
    }
}

fn end_at_trailers(trailers: Option<&HeaderMap>, length: usize) -> Ended {
    match trailers.map(|trailers| (grpc_status(trailers), trailers)) {
        Some((Some(CODE_OK), _)) if length >= MESSAGE_HEAD => Ended::Accepted,
        Some((Some(CODE_OK), _)) => no_status("an answer without a message".to_owned()),
        Some((Some(code), trailers)) => Ended::Failed(told(code, trailers)),
        _ => no_status("an answer that ends without a gRPC status".to_owned()),
    }
}

const CODE_OK: usize = 0;
const CODE_UNKNOWN: usize = 2;

/// The status that headers or trailers carry; a number that is no code counts as UNKNOWN, as gRPC has it.
fn grpc_status(headers: &HeaderMap) -> Option<usize> {
    let text = headers.get("grpc-status")?.to_str().unwrap_or_default();
    Some(
        text.parse()
            .ok()
            .filter(|code| *code < CODES.len())
            .unwrap_or(CODE_UNKNOWN),
    )
}

fn told(code: usize, headers: &HeaderMap) -> StartError {
    let (name, refused) = CODES[code];
    let message = headers.get("grpc-message").map(|message| decode(message.as_bytes()));
    StartError {
        refused,
        code: name,
        message: message.unwrap_or_default(),
    }
}

fn no_status(message: String) -> Ended {
    Ended::Failed(StartError::unknown(NO_GRPC_STATUS, message))
}

/// What an error of HTTP/2 says about the start whose stream it ended.
fn broken(error: &h2::Error, answering: bool) -> Ended {
    let remote = error.is_remote();
    // A stream is ended by the server's GOAWAY only when it is beyond the last one that the server took. One that has
    // begun to answer contradicts itself; nothing is known then.
    if error.is_go_away() && remote && !answering {
        return Ended::Untouched(Untouched::Retired);
    }
    if error.is_reset() && remote {
        if error.reason() == Some(Reason::REFUSED_STREAM) && !answering {
            return Ended::Untouched(Untouched::StreamRefused);
        }
        return Ended::Failed(StartError::unknown(STREAM_RESET, error.to_string()));
    }
    Ended::Failed(StartError::unknown(CONNECTION_LOST, error.to_string()))
}

/// Undoes the percent-encoding of a message; what is none is left as it is.
fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let byte = match tail {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn failed(ended: Option<Ended>) -> StartError {
        match ended {
            Some(Ended::Failed(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn trailers_decide() {
        let ok = headers(&[("grpc-status", "0")]);
        assert_eq!(end_at_trailers(Some(&ok), 5), Ended::Accepted);
        for (trailers, length) in [(Some(&ok), 4), (Some(&HeaderMap::new()), 9), (None, 9)] {
            let error = failed(Some(end_at_trailers(trailers, length)));
            assert_eq!((error.refused, error.code), (false, NO_GRPC_STATUS), "{trailers:?}");
        }
        let error = failed(Some(end_at_trailers(
            Some(&headers(&[
                ("grpc-status", "8"),
                ("grpc-message", "too%20much %C3%A9%zz%2"),
            ])),
            0,
        )));
        assert_eq!((error.refused, error.code), (true, "RESOURCE_EXHAUSTED"));
        assert_eq!(error.message, "too much é%zz%2");
    }

    #[test]
    fn only_codes_that_no_started_workflow_has_are_refusals() {
        let refusals: Vec<&str> = (1..CODES.len())
            .map(|code| told(code, &HeaderMap::new()))
            .filter(|error| error.refused)
            .map(|error| error.code)
            .collect();
        assert_eq!(
            refusals,
            [
                "INVALID_ARGUMENT",
                "NOT_FOUND",
                "ALREADY_EXISTS",
                "PERMISSION_DENIED",
                "RESOURCE_EXHAUSTED",
                "FAILED_PRECONDITION",
                "OUT_OF_RANGE",
                "UNIMPLEMENTED",
                "UNAUTHENTICATED"
            ]
        );
        assert_eq!(DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
        for code in ["17", "-1", "x", ""] {
            assert_eq!(grpc_status(&headers(&[("grpc-status", code)])), Some(CODE_UNKNOWN));
        }
        assert_eq!(grpc_status(&headers(&[("grpc-status", "16")])), Some(16));
    }

    #[test]
    fn a_head_ends_it_only_with_a_status_of_either_kind() {
        assert_eq!(end_at_head(StatusCode::OK, &HeaderMap::new()), None);
        let error = failed(end_at_head(StatusCode::FORBIDDEN, &HeaderMap::new()));
        assert_eq!(
            (error.refused, error.code),
            (false, NO_GRPC_STATUS),
            "a proxy's 403 is no refusal"
        );
        assert!(error.message.contains("403"), "{}", error.message);
        let error = failed(end_at_head(StatusCode::FORBIDDEN, &headers(&[("grpc-status", "7")])));
        assert_eq!((error.refused, error.code), (true, "PERMISSION_DENIED"));
        let error = failed(end_at_head(StatusCode::OK, &headers(&[("grpc-status", "0")])));
        assert_eq!((error.refused, error.code), (false, NO_GRPC_STATUS));
    }

    #[test]
    fn an_error_of_this_side_proves_nothing() {
        let ended = broken(&h2::Error::from(Reason::ENHANCE_YOUR_CALM), false);
        let error = failed(Some(ended));
        assert_eq!((error.refused, error.code), (false, CONNECTION_LOST));
    }
}
