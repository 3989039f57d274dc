//! The proxy does what its script says, to a real gRPC client and a frontend that answers at once.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use benchmark_generator::calibrate::null_frontend::NullFrontend;
use benchmark_temporal::testing;
use temporalio_common::protos::temporal::api::{
    common::v1::{WorkflowExecution, WorkflowType},
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{
        CountWorkflowExecutionsRequest, DescribeNamespaceRequest, GetSystemInfoRequest, ListWorkflowExecutionsRequest,
        StartWorkflowExecutionRequest, TerminateWorkflowExecutionRequest,
        workflow_service_client::WorkflowServiceClient,
    },
};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint},
};

use crate::scripted_frontend::{Behaviour, Control, behaving};

use super::{
    Proxy, Tally,
    script::{Act, COUNT, Calls, START, Script, Strike, Wire},
};

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// How long is looked whether nothing happens.
const NOTHING: Duration = Duration::from_millis(300);

type Client = WorkflowServiceClient<Channel>;

struct Stage {
    frontend: NullFrontend,
    control: Control,
    proxy: Proxy,
}

impl Stage {
    fn new() -> Self {
        Self::behaving(Behaviour::default())
    }

    fn behaving(behaviour: Behaviour) -> Self {
        let (frontend, control) = behaving(behaviour);
        Stage {
            proxy: Proxy::to(&frontend.address().to_string()),
            frontend,
            control,
        }
    }

    async fn client(&self) -> Client {
        self.try_client().await.unwrap()
    }

    async fn try_client(&self) -> Result<Client, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.proxy.address())).unwrap();
        Ok(WorkflowServiceClient::new(endpoint.connect().await?))
    }

    async fn socket(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(self.proxy.address()).await
    }
}

async fn start(client: &Client) -> Result<(), Status> {
    start_within(client, LIMIT, 0).await
}

async fn start_within(client: &Client, limit: Duration, payload: usize) -> Result<(), Status> {
    let mut request = Request::new(StartWorkflowExecutionRequest {
        workflow_id: "run/0".to_owned(),
        identity: "x".repeat(payload),
        ..Default::default()
    });
    request.set_timeout(limit);
    client.clone().start_workflow_execution(request).await.map(drop)
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn calls_of_any_size_and_their_errors_pass() {
    let stage = Stage::new();
    let mut client = stage.client().await;
    start(&client).await.unwrap();
    start_within(&client, LIMIT, 3 << 20).await.unwrap();
    let namespace = DescribeNamespaceRequest {
        namespace: "bench".to_owned(),
        ..Default::default()
    };
    let described = client.describe_namespace(namespace).await.unwrap().into_inner();
    assert_eq!(described.namespace_info.unwrap().name, "bench");
    let unknown = client.list_workflow_executions(ListWorkflowExecutionsRequest::default());
    assert_eq!(unknown.await.unwrap_err().code(), Code::Unimplemented);
    assert_eq!(stage.frontend.counts().starts, 2);
    assert_eq!(stage.proxy.tally(START).seen, 2);
    assert_eq!(stage.proxy.opened(), 1);
}

#[tokio::test]
async fn what_is_frozen_is_answered_when_it_thaws() {
    let stage = Stage::new();
    let client = stage.client().await;
    start(&client).await.unwrap();
    stage.proxy.play(Script::wire(Wire::Frozen));
    let mut held = Box::pin(start(&client));
    assert!(timeout(NOTHING, &mut held).await.is_err());
    // The kernel takes a new connection, and nobody says a word on it.
    let mut silent = stage.socket().await.unwrap();
    assert!(timeout(NOTHING, silent.read_u8()).await.is_err());
    assert_eq!(stage.frontend.counts().starts, 1);
    stage.proxy.play(Script::default());
    held.await.unwrap();
    start(&stage.client().await).await.unwrap();
}

#[tokio::test]
async fn in_a_black_hole_nobody_answers_who_connects() {
    let stage = Stage::new();
    let client = stage.client().await;
    start(&client).await.unwrap();
    stage.proxy.play(Script::wire(Wire::BlackHole));
    assert_eq!(
        start_within(&client, NOTHING, 0).await.unwrap_err().code(),
        Code::Cancelled,
        "tonic's word for its own deadline"
    );
    // The proxy's thread digs the hole.
    let begun = Instant::now();
    while timeout(NOTHING, stage.socket()).await.is_ok() {
        assert!(begun.elapsed() < LIMIT, "it still answers");
    }
    stage.proxy.play(Script::default());
    start(&client).await.unwrap();
    let begun = Instant::now();
    while timeout(NOTHING, stage.socket()).await.is_err() {
        assert!(begun.elapsed() < LIMIT, "it does not answer again");
    }
}

#[tokio::test]
async fn who_connects_is_refused_and_later_is_not() {
    let stage = Stage::new();
    let client = stage.client().await;
    start(&client).await.unwrap();
    stage.proxy.play(Script::wire(Wire::Refused));
    let begun = Instant::now();
    loop {
        match stage.socket().await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => break,
            // The listener is about to go.
            other => assert!(begun.elapsed() < LIMIT, "not refused: {other:?}"),
        }
    }
    assert!(start(&client).await.is_err());
    stage.proxy.play(Script::default());
    let begun = Instant::now();
    while stage.try_client().await.is_err() {
        assert!(begun.elapsed() < LIMIT, "it does not listen again");
    }
    start(&stage.client().await).await.unwrap();
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let stage = Stage::new();
    let mut socket = stage.socket().await.unwrap();
    let client = stage.client().await;
    start(&client).await.unwrap();
    until("both are taken", || stage.proxy.opened() == 2).await;
    stage.proxy.strike(Strike::Reset);
    let mut rest = Vec::new();
    let error = timeout(LIMIT, socket.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    start(&stage.client().await).await.unwrap();
}

#[tokio::test]
async fn a_half_open_connection_stays_so_while_others_work() {
    let stage = Stage::new();
    let old = stage.client().await;
    start(&old).await.unwrap();
    stage.proxy.strike(Strike::HalfOpen);
    stage.proxy.play(Script::default());
    assert!(start_within(&old, NOTHING, 0).await.is_err());
    start(&stage.client().await).await.unwrap();
    assert_eq!(stage.frontend.counts().starts, 2);
}

#[tokio::test]
async fn a_delayed_call_comes_later() {
    let stage = Stage::new();
    let client = stage.client().await;
    let delay = Duration::from_millis(200);
    stage.proxy.play(Script::rule(Calls::All, Act::Delay(delay)));
    let begun = Instant::now();
    start(&client).await.unwrap();
    assert!(begun.elapsed() >= delay);
}

#[tokio::test]
async fn each_third_answer_is_lost_and_its_call_was_made() {
    let stage = Stage::new();
    let client = stage.client().await;
    stage.proxy.play(Script::rule_each(Calls::Starts, 3, Act::LoseAnswer));
    for n in 1..=6 {
        let limit = if n % 3 == 0 { NOTHING } else { LIMIT };
        let answer = start_within(&client, limit, 0).await;
        assert_eq!(answer.is_ok(), n % 3 != 0, "{n}: {answer:?}");
    }
    assert_eq!(stage.frontend.counts().accepted, 6);
    let tally = stage.proxy.tally(START);
    assert_eq!((tally.seen, tally.answered, tally.lost, tally.refused), (6, 4, 2, 0));
}

#[tokio::test]
async fn a_set_of_methods_is_refused_while_the_script_says_so() {
    let stage = Stage::new();
    let mut client = stage.client().await;
    stage
        .proxy
        .play(Script::rule(Calls::NotStarts, Act::Refuse(Code::Unimplemented)));
    start(&client).await.unwrap();
    let refused = client
        .get_system_info(GetSystemInfoRequest::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    stage
        .proxy
        .play(Script::rule(Calls::Visibility, Act::Refuse(Code::PermissionDenied)));
    client.get_system_info(GetSystemInfoRequest::default()).await.unwrap();
    let refused = client
        .count_workflow_executions(CountWorkflowExecutionsRequest::default())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let expected = Tally {
        seen: 1,
        refused: 1,
        ..Tally::default()
    };
    assert_eq!(stage.proxy.tally(COUNT), expected);
    assert_eq!(stage.frontend.counts().others, 1, "what is refused does not pass");
}

#[tokio::test]
async fn old_connections_go_away_in_good_order() {
    let stage = Stage::behaving(Behaviour {
        delay: Duration::from_millis(500),
        ..Behaviour::default()
    });
    stage.proxy.play(Script::max_age(Duration::from_millis(50)));
    let client = stage.client().await;
    // It is under way when the connection is told to go.
    start(&client).await.unwrap();
    assert_eq!(stage.proxy.goaways(), 1);
    let socket = stage.socket().await.unwrap();
    let (_requests, connection) = h2::client::handshake(socket).await.unwrap();
    timeout(LIMIT, connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_server_hears_that_a_caller_gave_up() {
    let stage = Stage::new();
    let client = stage.client().await;
    stage.control.stall();
    assert!(start_within(&client, NOTHING, 0).await.is_err());
    until("the start is held", || stage.control.held() == 1).await;
    // The reset and what follows it come in order.
    client
        .clone()
        .get_system_info(GetSystemInfoRequest::default())
        .await
        .unwrap();
    stage.control.resume();
    until("the answer finds nobody", || stage.frontend.counts().unheard == 1).await;
}

#[tokio::test]
async fn a_server_that_ends_takes_its_connections_along() {
    let Stage { frontend, proxy, .. } = Stage::new();
    let socket = TcpStream::connect(proxy.address()).await.unwrap();
    let (_requests, connection) = h2::client::handshake(socket).await.unwrap();
    until("it is connected", || frontend.counts().open_connections == 1).await;
    frontend.stop().unwrap();
    // Well or not: what counts is that it ends.
    let _ = timeout(LIMIT, connection).await.unwrap();
}

/// Workflows of a name of their own, on the server that this process's tests share.
struct Workflows {
    proxy: Proxy,
    client: Client,
    prefix: String,
}

impl Workflows {
    async fn new() -> Self {
        let proxy = Proxy::to(&testing::server().address());
        let endpoint = Endpoint::from_shared(format!("http://{}", proxy.address())).unwrap();
        Workflows {
            client: WorkflowServiceClient::new(endpoint.connect().await.unwrap()),
            proxy,
            prefix: testing::unique("proxy"),
        }
    }

    async fn start(&mut self, n: u32) {
        let request = StartWorkflowExecutionRequest {
            namespace: "default".to_owned(),
            workflow_id: format!("{}/{n}", self.prefix),
            workflow_type: Some(WorkflowType { name: "Any".to_owned() }),
            task_queue: Some(TaskQueue {
                name: "nobody-polls".to_owned(),
                ..Default::default()
            }),
            request_id: testing::unique("start"),
            ..Default::default()
        };
        self.client.start_workflow_execution(request).await.unwrap();
    }

    async fn terminate(&mut self, n: u32) {
        let request = TerminateWorkflowExecutionRequest {
            namespace: "default".to_owned(),
            workflow_execution: Some(WorkflowExecution {
                workflow_id: format!("{}/{n}", self.prefix),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.client.terminate_workflow_execution(request).await.unwrap();
    }

    /// The counts of a query: in all, and by status.
    async fn count(&mut self, more: &str) -> (i64, Vec<(String, i64)>) {
        let request = CountWorkflowExecutionsRequest {
            namespace: "default".to_owned(),
            query: format!("WorkflowId STARTS_WITH '{}/'{more}", self.prefix),
        };
        let counts = self
            .client
            .count_workflow_executions(request)
            .await
            .unwrap()
            .into_inner();
        let group = |data: &[u8]| serde_json::from_slice(data).unwrap();
        let mut groups: Vec<_> = counts
            .groups
            .iter()
            .map(|counted| (group(&counted.group_values[0].data), counted.count))
            .collect();
        groups.sort();
        (counts.count, groups)
    }

    async fn until(&mut self, more: &str, expected: i64) {
        let begun = Instant::now();
        while self.count(more).await.0 != expected {
            assert!(begun.elapsed() < LIMIT, "{more}: not {expected}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

const RUNNING: &str = " AND ExecutionStatus = 'Running'";
const ENDED: &str = " AND ExecutionStatus = 'Terminated'";
const GROUPED: &str = " GROUP BY ExecutionStatus";

fn groups(of: &[(&str, i64)]) -> Vec<(String, i64)> {
    of.iter()
        .map(|(status, count)| ((*status).to_owned(), *count))
        .collect()
}

#[tokio::test]
async fn counts_are_those_of_some_time_ago() {
    let mut workflows = Workflows::new().await;
    workflows.start(0).await;
    workflows.start(1).await;
    let lag = Duration::from_secs(2);
    workflows.proxy.play(Script::rule(Calls::Visibility, Act::Lag(lag)));
    workflows.until(RUNNING, 2).await;
    let begun = Instant::now();
    workflows.terminate(0).await;
    workflows.until(RUNNING, 1).await;
    assert!(begun.elapsed() >= lag);
    assert_eq!(workflows.count(ENDED).await.0, 1);
    let expected = groups(&[("Running", 1), ("Terminated", 1)]);
    assert_eq!(workflows.count(GROUPED).await, (2, expected));
}

#[tokio::test]
async fn one_row_stays_as_it_was() {
    let mut workflows = Workflows::new().await;
    workflows.start(0).await;
    workflows.start(1).await;
    workflows.terminate(0).await;
    workflows.terminate(1).await;
    workflows.until(ENDED, 2).await;
    workflows.proxy.play(Script::rule(Calls::Visibility, Act::StaleRow));
    assert_eq!(workflows.count(RUNNING).await.0, 1);
    assert_eq!(workflows.count(ENDED).await.0, 1);
    let expected = groups(&[("Running", 1), ("Terminated", 1)]);
    assert_eq!(workflows.count(GROUPED).await, (2, expected));
}
