//! Header of a start, what it carries besides its input: which run it belongs to, which arrival it is and when it was
//! sent.
//!
//! It travels in one entry of the start's header, as JSON so that people can read it in the Web UI. The server hands the
//! header to the worker with the workflow's first task; the workflow itself never sees it.

use std::{borrow::Cow, collections::HashMap};

use serde::{Deserialize, Serialize};
use temporalio_common::protos::temporal::api::common::v1::Payload;

use crate::payload::{ENCODING_KEY, JSON_ENCODING, is_json};

/// The key of the header's entry.
pub const HEADER_KEY: &str = "benchmark";

/// The largest entry that is read. Ours is a third of it; anything longer is a stranger's.
const MAX_BYTES: usize = 1024;

/// Which arrival a workflow is. When it was due follows from its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunHeader<'a> {
    /// The run: the prefix of its workflow ids, before the slash.
    #[serde(borrow)]
    pub run: Cow<'a, str>,
    /// The arrival's number.
    pub n: u64,
    /// When the start was handed to a connection, nanoseconds since the Unix epoch.
    pub sent_unix_ns: u64,
}

impl RunHeader<'_> {
    /// Writes the entry's bytes into a buffer, over what it held. Allocates nothing once the buffer has grown.
    pub fn encode_into(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        // Text and integers into memory: neither the form nor the writer can fail.
        let _ = serde_json::to_writer(buffer, self);
    }

    /// The entry's payload.
    pub fn to_payload(&self) -> Payload {
        let mut data = Vec::with_capacity(160);
        self.encode_into(&mut data);
        Payload {
            metadata: HashMap::from([(ENCODING_KEY.to_owned(), JSON_ENCODING.as_bytes().to_vec())]),
            data,
            ..Default::default()
        }
    }
}

impl<'a> RunHeader<'a> {
    /// Reads an entry; `None` when it is not one of ours.
    pub fn from_payload(payload: &'a Payload) -> Option<RunHeader<'a>> {
        if payload.data.len() > MAX_BYTES || !is_json(payload) {
            return None;
        }
        serde_json::from_slice(&payload.data).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(run: &str) -> RunHeader<'_> {
        RunHeader {
            run: run.into(),
            n: 7,
            sent_unix_ns: u64::MAX,
        }
    }

    #[test]
    fn survives_a_round_trip() {
        for run in ["20261123-124500-ab12cd", "", "quoted \" and \\ and \n and ü"] {
            let payload = header(run).to_payload();
            assert_eq!(RunHeader::from_payload(&payload), Some(header(run)), "{run:?}");
        }
    }

    #[test]
    fn is_readable_and_stable() {
        let mut buffer = b"what was there before".to_vec();
        header("run-1").encode_into(&mut buffer);
        assert_eq!(
            String::from_utf8(buffer).unwrap(),
            r#"{"run":"run-1","n":7,"sentUnixNs":18446744073709551615}"#
        );
    }

    #[test]
    fn passes_over_what_is_not_ours() {
        let ours = header("run-1").to_payload();
        let with = |data: &[u8]| Payload {
            data: data.to_vec(),
            ..ours.clone()
        };
        let strangers = [
            with(b""),
            with(b"null"),
            with(b"{}"),
            with(b"\xff\xfe"),
            with(b"[1,2,3,4]trailing"),
            with(br#"{"run":"r","n":-1,"sentUnixNs":0}"#),
            with(br#"{"run":"r","n":1e30,"sentUnixNs":0}"#),
            with("[".repeat(1_000).as_bytes()),
            with(&vec![b' '; MAX_BYTES + 1]),
            Payload {
                metadata: HashMap::new(),
                ..ours.clone()
            },
        ];
        for payload in strangers {
            assert_eq!(RunHeader::from_payload(&payload), None, "{payload:?}");
        }
    }
}
