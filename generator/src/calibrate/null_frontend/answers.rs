//! Responses to each call, encoded once.

use std::{sync::LazyLock, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use temporalio_common::protos::temporal::api::{
    enums::v1::NamespaceState,
    namespace::v1::{NamespaceConfig, NamespaceInfo},
    taskqueue::v1::TaskQueuePartitionMetadata,
    version::v1::{ReleaseInfo, VersionInfo},
    workflowservice::v1::{
        CountWorkflowExecutionsResponse, DescribeNamespaceRequest, DescribeNamespaceResponse,
        DescribeTaskQueueResponse, GetClusterInfoResponse, GetSystemInfoResponse, ListTaskQueuePartitionsResponse,
        StartWorkflowExecutionResponse, get_system_info_response::Capabilities,
    },
};
use tonic::Code;

/// The start call.
pub(super) const START: &str = "/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution";
const WORKFLOW_SERVICE: &str = "/temporal.api.workflowservice.v1.WorkflowService/";
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

/// What it says its server version is: a name and not a number, so that no result passes for a real server's.
const SERVER_VERSION: &str = "null-frontend";
/// The run id of every workflow.
const RUN_ID: &str = "00000000-0000-4000-8000-000000000000";
/// A day, as `run-benchmark` asks for when it creates a namespace.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes in front of each gRPC message: whether it is compressed, and its length.
const FRAME_HEADER: usize = 5;

/// The answer to a start, framed.
pub(super) static ACCEPTED: LazyLock<Bytes> = LazyLock::new(|| {
    frame(&StartWorkflowExecutionResponse {
        run_id: RUN_ID.to_owned(),
        started: true,
        ..Default::default()
    })
});

/// The answer to any other call: a framed message, or a code and what to say with it.
pub(super) fn answer(path: &str, request: &[u8]) -> Result<Bytes, (Code, &'static str)> {
    if path == HEALTH_CHECK {
        // HealthCheckResponse { status: SERVING }
        return Ok(frame_bytes(&[0x08, 0x01]));
    }
    let name = path.strip_prefix(WORKFLOW_SERVICE);
    Ok(match name {
        Some("GetSystemInfo") => frame(&GetSystemInfoResponse {
            server_version: SERVER_VERSION.to_owned(),
            capabilities: Some(Capabilities::default()),
        }),
        Some("GetClusterInfo") => frame(&GetClusterInfoResponse {
            server_version: SERVER_VERSION.to_owned(),
            version_info: Some(VersionInfo {
                current: Some(ReleaseInfo {
                    version: SERVER_VERSION.to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            cluster_name: SERVER_VERSION.to_owned(),
            ..Default::default()
        }),
        Some("DescribeNamespace") => frame(&describe_namespace(request)),
        // Nothing is stored, so nothing is counted and nothing is found.
        Some("CountWorkflowExecutions") => frame(&CountWorkflowExecutionsResponse::default()),
        Some("DescribeWorkflowExecution") => return Err((Code::NotFound, "the null frontend stores no workflow")),
        // No pollers: nobody executes what is started here.
        Some("DescribeTaskQueue") => frame(&DescribeTaskQueueResponse::default()),
        Some("ListTaskQueuePartitions") => {
            let partition = || TaskQueuePartitionMetadata {
                key: "null".to_owned(),
                owner_host_name: SERVER_VERSION.to_owned(),
            };
            frame(&ListTaskQueuePartitionsResponse {
                activity_task_queue_partitions: vec![partition()],
                workflow_task_queue_partitions: vec![partition()],
            })
        }
        _ => return Err((Code::Unimplemented, "the null frontend does not answer this call")),
    })
}

/// Any namespace is there, under the name that was asked for.
fn describe_namespace(request: &[u8]) -> DescribeNamespaceResponse {
    let asked = match request {
        [0, _, _, _, _, message @ ..] => DescribeNamespaceRequest::decode(message).unwrap_or_default(),
        // Compressed, or nothing: answered without a name.
        _ => DescribeNamespaceRequest::default(),
    };
    DescribeNamespaceResponse {
        namespace_info: Some(NamespaceInfo {
            name: asked.namespace,
            state: NamespaceState::Registered.into(),
            id: asked.id,
            ..Default::default()
        }),
        config: Some(NamespaceConfig {
            workflow_execution_retention_ttl: RETENTION.try_into().ok(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// A message behind its gRPC frame header, not compressed.
fn frame(message: &impl Message) -> Bytes {
    frame_bytes(&message.encode_to_vec())
}

fn frame_bytes(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(FRAME_HEADER + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("an answer is a few hundred bytes"));
    framed.put_slice(message);
    framed.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode<M: Message + Default>(framed: &[u8]) -> M {
        assert_eq!(framed[0], 0);
        assert_eq!(
            u32::from_be_bytes(framed[1..5].try_into().unwrap()) as usize,
            framed.len() - FRAME_HEADER
        );
        M::decode(&framed[FRAME_HEADER..]).unwrap()
    }

    #[test]
    fn the_answer_to_a_start_is_a_valid_one() {
        let answer: StartWorkflowExecutionResponse = decode(&ACCEPTED);
        assert!(answer.started);
        assert_eq!(answer.run_id.len(), 36);
    }

    #[test]
    fn a_namespace_is_described_under_its_name() {
        let asked = frame(&DescribeNamespaceRequest {
            namespace: "bench".to_owned(),
            ..Default::default()
        });
        let answer: DescribeNamespaceResponse =
            decode(&answer(&format!("{WORKFLOW_SERVICE}DescribeNamespace"), &asked).unwrap());
        let info = answer.namespace_info.unwrap();
        assert_eq!(info.name, "bench");
        assert_eq!(info.state(), NamespaceState::Registered);
    }

    #[test]
    fn what_it_does_not_know_is_unimplemented() {
        for path in ["/", "", "/temporal.api.workflowservice.v1.WorkflowService/Nonsense"] {
            assert_eq!(answer(path, &[]).unwrap_err().0, Code::Unimplemented, "{path}");
        }
    }
}
