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
