//! Payloads that hold JSON, as inputs, results and headers do.

use std::collections::HashMap;

use serde::Serialize;
use temporalio_common::protos::temporal::api::common::v1::Payload;

/// The key of a payload's metadata under which its encoding stands.
pub(crate) const ENCODING_KEY: &str = "encoding";
/// The encoding of JSON payloads: the Web UI shows these as text.
pub(crate) const JSON_ENCODING: &str = "json/plain";

/// A value as a JSON payload: what the starter puts into a start's input.
///
/// # Errors
/// When the value has no JSON form; the inputs of workloads always have one.
pub fn json_payload<T: Serialize + ?Sized>(value: &T) -> Result<Payload, serde_json::Error> {
    Ok(Payload {
        metadata: HashMap::from([(ENCODING_KEY.to_owned(), JSON_ENCODING.as_bytes().to_vec())]),
        data: serde_json::to_vec(value)?,
        ..Default::default()
    })
}

/// Whether the payload says that it holds JSON.
pub(crate) fn is_json(payload: &Payload) -> bool {
    payload
        .metadata
        .get(ENCODING_KEY)
        .is_some_and(|encoding| encoding == JSON_ENCODING.as_bytes())
}
