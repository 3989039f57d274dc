//! A start request whose constant part is encoded once.

use super::MESSAGE_HEAD;
use bytes::{BufMut, Bytes, BytesMut};
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len},
};
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowType, enums::v1::WorkflowIdReusePolicy, taskqueue::v1::TaskQueue,
    workflowservice::v1::StartWorkflowExecutionRequest,
};

// Field numbers of the request, of its header and of a payload: temporal/api/workflowservice/v1/request_response.proto
// and temporal/api/common/v1/message.proto.
const WORKFLOW_ID: u32 = 2;
const INPUT: u32 = 5;
const REQUEST_ID: u32 = 10;
const HEADER: u32 = 16;
const PAYLOADS: u32 = 1;
const HEADER_FIELDS: u32 = 1;
const MAP_KEY: u32 = 1;
const MAP_VALUE: u32 = 2;
const PAYLOAD_METADATA: u32 = 1;
const PAYLOAD_DATA: u32 = 2;

/// What all starts of a run have in common.
#[derive(Clone, Debug)]
pub struct StartTemplateOptions<'a> {
    /// Namespace of the workflows.
    pub namespace: &'a str,
    /// Registered name of the workflow.
    pub workflow_type: &'a str,
    /// Task queue that its workers poll.
    pub task_queue: &'a str,
    /// Who starts it, as shown in its history.
    pub identity: &'a str,
    /// Key of the one header entry that each start carries.
    pub header_key: &'a str,
}

/// A start request whose constant part is encoded once.
#[derive(Clone, Debug)]
pub struct StartTemplate {
    fixed: Bytes,
    /// A payload's metadata, `encoding: json/plain`, encoded.
    metadata: Bytes,
    /// The key of the header's map entry, encoded.
    header_key: Bytes,
}

impl StartTemplate {
    /// Encodes what all starts have in common.
    pub fn new(options: &StartTemplateOptions<'_>) -> Self {
        let fixed = StartWorkflowExecutionRequest {
            namespace: options.namespace.to_owned(),
            workflow_type: Some(WorkflowType {
                name: options.workflow_type.to_owned(),
            }),
            task_queue: Some(TaskQueue {
                name: options.task_queue.to_owned(),
                ..Default::default()
            }),
            identity: options.identity.to_owned(),
            // An id belongs to one arrival for ever: a second start of it is refused even after the first has ended.
            workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate.into(),
            ..Default::default()
        };
        let mut encoding = BytesMut::new();
        put_bytes(&mut encoding, MAP_KEY, b"encoding");
        put_bytes(&mut encoding, MAP_VALUE, b"json/plain");
        let mut metadata = BytesMut::new();
        put_bytes(&mut metadata, PAYLOAD_METADATA, &encoding);
        let mut header_key = BytesMut::new();
        put_bytes(&mut header_key, MAP_KEY, options.header_key.as_bytes());
        StartTemplate {
            fixed: fixed.encode_to_vec().into(),
            metadata: metadata.freeze(),
            header_key: header_key.freeze(),
        }
    }

    /// The message that starts one workflow, with gRPC's head in front of it. The id serves as request id, too, so that a start that was sent twice on the
    /// way runs once. `header` and `input` are JSON; an empty input is none.
    pub fn encode(&self, workflow_id: &str, header: &[u8], input: &[u8]) -> Bytes {
        let header_payload = self.payload_len(header);
        let header_entry = self.header_key.len() + field_len(MAP_VALUE, header_payload);
        let header_message = field_len(HEADER_FIELDS, header_entry);
        let input_payload = self.payload_len(input);
        let id = workflow_id.as_bytes();
        let length = self.fixed.len()
            + field_len(WORKFLOW_ID, id.len())
            + field_len(REQUEST_ID, id.len())
            + field_len(HEADER, header_message)
            + if input.is_empty() {
                0
            } else {
                field_len(INPUT, field_len(PAYLOADS, input_payload))
            };

        let mut buffer = BytesMut::with_capacity(MESSAGE_HEAD + length);
        // Not compressed; a payload of 4 GiB is refused long before.
        buffer.put_u8(0);
        buffer.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
        buffer.put_slice(&self.fixed);
        put_bytes(&mut buffer, WORKFLOW_ID, id);
        put_bytes(&mut buffer, REQUEST_ID, id);
        if !input.is_empty() {
            put_length(&mut buffer, INPUT, field_len(PAYLOADS, input_payload));
            put_length(&mut buffer, PAYLOADS, input_payload);
            self.put_payload(&mut buffer, input);
        }
        put_length(&mut buffer, HEADER, header_message);
        put_length(&mut buffer, HEADER_FIELDS, header_entry);
        buffer.put_slice(&self.header_key);
        put_length(&mut buffer, MAP_VALUE, header_payload);
        self.put_payload(&mut buffer, header);
        buffer.freeze()
    }

    fn payload_len(&self, data: &[u8]) -> usize {
        self.metadata.len() + field_len(PAYLOAD_DATA, data.len())
    }

    fn put_payload(&self, buffer: &mut BytesMut, data: &[u8]) {
        buffer.put_slice(&self.metadata);
        put_bytes(buffer, PAYLOAD_DATA, data);
    }
}

/// Length of a length-delimited field with its tag.
fn field_len(tag: u32, content: usize) -> usize {
    key_len(tag) + encoded_len_varint(content as u64) + content
}

fn put_length(buffer: &mut BytesMut, tag: u32, length: usize) {
    encode_key(tag, WireType::LengthDelimited, buffer);
    encode_varint(length as u64, buffer);
}

fn put_bytes(buffer: &mut BytesMut, tag: u32, bytes: &[u8]) {
    put_length(buffer, tag, bytes.len());
    buffer.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use temporalio_common::protos::temporal::api::common::v1::{Header, Payload, Payloads};

    use super::*;

    fn json(data: &[u8]) -> Payload {
        Payload {
            metadata: HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]),
            data: data.to_vec(),
            ..Default::default()
        }
    }

    /// What follows gRPC's head, which must tell its length.
    fn message(framed: &[u8]) -> &[u8] {
        let (head, message) = framed.split_at(MESSAGE_HEAD);
        assert_eq!(head[0], 0, "not compressed");
        assert_eq!(
            u32::from_be_bytes(head[1..].try_into().unwrap()) as usize,
            message.len()
        );
        message
    }

    #[test]
    fn decodes_as_the_request_that_it_stands_for() {
        let template = StartTemplate::new(&StartTemplateOptions {
            namespace: "benchmark",
            workflow_type: "SimpleWorkflow",
            task_queue: "queue",
            identity: "me",
            header_key: "benchmark",
        });
        for (id, header, input) in [
            (
                "run/measure/7",
                r#"{"run":"run","n":7}"#.to_owned(),
                r#"{"fail":false}"#.to_owned(),
            ),
            ("x", String::new(), "1".to_owned()),
            // Lengths whose varints take two and three bytes.
            (&"long".repeat(50), "h".repeat(200), "i".repeat(20_000)),
        ] {
            let bytes = template.encode(id, header.as_bytes(), input.as_bytes());
            let decoded = StartWorkflowExecutionRequest::decode(message(&bytes)).unwrap();
            let expected = StartWorkflowExecutionRequest {
                namespace: "benchmark".to_owned(),
                workflow_id: id.to_owned(),
                workflow_type: Some(WorkflowType {
                    name: "SimpleWorkflow".to_owned(),
                }),
                task_queue: Some(TaskQueue {
                    name: "queue".to_owned(),
                    ..Default::default()
                }),
                input: Some(Payloads {
                    payloads: vec![json(input.as_bytes())],
                }),
                identity: "me".to_owned(),
                request_id: id.to_owned(),
                workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate.into(),
                header: Some(Header {
                    fields: HashMap::from([("benchmark".to_owned(), json(header.as_bytes()))]),
                }),
                ..Default::default()
            };
            assert_eq!(decoded, expected);
        }
    }

    #[test]
    fn an_empty_input_is_none() {
        let template = StartTemplate::new(&StartTemplateOptions {
            namespace: "n",
            workflow_type: "w",
            task_queue: "q",
            identity: "i",
            header_key: "h",
        });
        let decoded = StartWorkflowExecutionRequest::decode(message(&template.encode("id", b"{}", b""))).unwrap();
        assert_eq!(decoded.input, None);
    }
}
