//! The hot path: starts, as cheap as they can be sent.
//!
//! Starts have connections of their own and speak HTTP/2 themselves, one layer below what the client library uses. Behind
//! a library's channel one sees neither which starts a retired connection has taken nor which were never sent, its queues
//! know no deadline, and it makes up codes that look like the server's. What does not change between starts is encoded
//! once; a start appends its id, its header and its input, since fields of a protobuf message may follow one another in
//! any order.

mod answer;
mod client;
mod connection;
mod deadlines;
mod dial;
mod head;
mod keeper;
mod pick;
mod ready;
mod socket;
mod template;
mod tls;

pub use answer::TRANSPORT_CODES;
pub use client::{Answered, StartClient, StartCounts};
pub use dial::Dialer;
pub use keeper::ConnectionCounts;
pub use template::{StartTemplate, StartTemplateOptions};

/// Bytes in front of each gRPC message: whether it is compressed, and its length.
const MESSAGE_HEAD: usize = 5;

/// A start that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// Whether the server said no. Otherwise no answer came, and the workflow may or may not run.
    pub refused: bool,
    /// The gRPC code's name, as `RESOURCE_EXHAUSTED`, or one of [`TRANSPORT_CODES`].
    pub code: &'static str,
    /// What was said.
    pub message: String,
}

impl StartError {
    fn unknown(code: &'static str, message: String) -> Self {
        StartError {
            refused: false,
            code,
            message,
        }
    }
}

/// An error with all of its causes, in one line. Many say what their cause says already.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |error| error.source()) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_error_is_told_with_what_caused_it_and_nothing_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("{text}")]
        struct Caused {
            text: &'static str,
            source: io::Error,
        }
        let error = |text| Caused {
            text,
            source: io::Error::other("no route"),
        };
        assert_eq!(chain(&error("cannot connect")), "cannot connect: no route");
        assert_eq!(chain(&error("cannot connect: no route")), "cannot connect: no route");
    }
}
