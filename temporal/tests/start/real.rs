//! Starts on a real server, whose side is grpc-go's.

use benchmark_temporal::testing;
use prost::Message;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

use super::*;

/// A start of a namespace that is there, with an id of its own.
fn real(id: &str, input: &[u8]) -> Bytes {
    StartTemplate::new(&StartTemplateOptions {
        namespace: "default",
        workflow_type: "SimpleWorkflow",
        task_queue: "nobody-polls-it",
        identity: "tests of starts",
        header_key: "benchmark",
    })
    .encode(id, b"{}", input)
}

async fn on_the_server(options: ConnectOptions) -> StartClient {
    let dialer = Arc::new(Dialer::new(&options, TIMEOUT).unwrap());
    soon(StartClient::connect(dialer, 0, 2)).await.unwrap()
}

#[tokio::test]
async fn starts_run_once_and_a_second_one_is_the_servers_refusal() {
    local(async {
        let mut client = on_the_server(testing::options()).await;
        let ids: Vec<String> = (0..50).map(|n| testing::unique(&format!("start-{n}"))).collect();
        for id in &ids {
            client.start(real(id, b"\"hello\""));
        }
        for (_, answer) in answers(&mut client, 50).await {
            assert_eq!(answer, Ok(()));
        }
        let server = benchmark_temporal::connect(&testing::options()).await.unwrap();
        for id in &ids {
            let found = benchmark_temporal::lookup::describe(&server, id)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(found.start_request_id.as_deref(), Some(&**id), "one request, sent once");
        }
        // Trailers only, as grpc-go ends a call that failed. The same request id would be the same start.
        let mut twice = StartWorkflowExecutionRequest::decode(&real(&ids[0], b"")[5..]).unwrap();
        twice.request_id = "another".to_owned();
        let message = twice.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        client.start([&[0][..], &length, &message].concat().into());
        let error = answer(&mut client).await.unwrap_err();
        assert_eq!((error.refused, error.code), (true, "ALREADY_EXISTS"));
        assert!(!error.message.is_empty() && !error.message.contains('%'), "{error:?}");
        // A message that is none of the protocol's.
        client.start(Bytes::from_static(&[0, 0, 0, 0, 2, 0xff, 0xff]));
        let error = answer(&mut client).await.unwrap_err();
        assert_eq!(error.code, "INTERNAL", "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn large_payloads_and_metadata_pass() {
    local(async {
        let mut options = testing::options();
        // Beyond one frame of headers (16 KiB), within what grpc-go takes (16 MiB).
        options.headers = [("x-large".to_owned(), "v".repeat(40_000))].into_iter().collect();
        let mut client = on_the_server(options).await;
        // Beyond the windows of a stream and of a connection, within the server's limit for a payload (2 MiB).
        let input = format!("\"{}\"", "x".repeat(1 << 20));
        for n in 0..3 {
            client.start(real(&testing::unique(&format!("large-{n}")), input.as_bytes()));
        }
        for (_, answer) in answers(&mut client, 3).await {
            assert_eq!(answer, Ok(()));
        }
        // The server refuses what is too large, in words.
        let input = format!("\"{}\"", "x".repeat(3 << 20));
        client.start(real(&testing::unique("too-large"), input.as_bytes()));
        let error = answer(&mut client).await.unwrap_err();
        assert_eq!((error.refused, error.code), (true, "INVALID_ARGUMENT"), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_a_refusal() {
    local(async {
        let mut client = on_the_server(testing::options()).await;
        let mut request = StartWorkflowExecutionRequest::decode(&real("x", b"")[5..]).unwrap();
        request.namespace = "no-such-namespace".to_owned();
        let message = request.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        client.start([&[0][..], &length, &message].concat().into());
        let error = answer(&mut client).await.unwrap_err();
        assert_eq!((error.refused, error.code), (true, "NOT_FOUND"), "{error:?}");
    })
    .await;
}
