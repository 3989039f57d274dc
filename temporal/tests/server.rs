//! Namespaces, facts, counts, look-ups and clean-up on a real server. No worker runs: what is started stays open until
//! it is ended from outside.

use std::time::{Duration, SystemTime};

use benchmark_results::schema::Fact;
use benchmark_temporal::{
    Server, Status,
    cleanup::{self, KnownOpen},
    connect, facts,
    lookup::{self, WaitError},
    namespace::{self, NamespaceError},
    task_queue, testing, visibility,
};
use temporalio_client::grpc::WorkflowService;
use temporalio_common::protos::temporal::api::{
    common::v1::{WorkflowExecution, WorkflowType},
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{
        RequestCancelWorkflowExecutionRequest, StartWorkflowExecutionRequest, TerminateWorkflowExecutionRequest,
    },
};

const TYPE: &str = "it's a type";
const LIMIT: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(86_400);

async fn server() -> Server {
    connect(&testing::options()).await.unwrap()
}

fn service(server: &Server) -> Box<dyn WorkflowService> {
    server.sdk_connection().workflow_service()
}

async fn start(server: &Server, id: &str, workflow_type: &str) {
    let request = StartWorkflowExecutionRequest {
        namespace: server.namespace().to_owned(),
        workflow_id: id.to_owned(),
        workflow_type: Some(WorkflowType {
            name: workflow_type.to_owned(),
        }),
        task_queue: Some(TaskQueue {
            name: "nobody-polls-this".to_owned(),
            ..Default::default()
        }),
        request_id: format!("request-of-{id}"),
        ..Default::default()
    };
    service(server)
        .start_workflow_execution(tonic::Request::new(request))
        .await
        .unwrap();
}

async fn terminate(server: &Server, id: &str) {
    let request = TerminateWorkflowExecutionRequest {
        namespace: server.namespace().to_owned(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: id.to_owned(),
            run_id: String::new(),
        }),
        reason: "because".to_owned(),
        ..Default::default()
    };
    service(server)
        .terminate_workflow_execution(tonic::Request::new(request))
        .await
        .unwrap();
}

/// Starts `prefix/0` to `prefix/n-1`.
async fn start_run(server: &Server, prefix: &str, n: u32) {
    for i in 0..n {
        start(server, &format!("{prefix}/{i}"), TYPE).await;
    }
}

/// Waits until the server counts `open` workflows of the run as open.
async fn until_open(server: &Server, prefix: &str, open: u64) {
    let waiting = async { while visibility::count_open(server, prefix).await.unwrap() != open {} };
    tokio::time::timeout(LIMIT, waiting)
        .await
        .expect("the count was not reached");
}

#[tokio::test]
async fn a_namespace_is_found() {
    let facts = namespace::ensure(&server().await, None).await.unwrap();
    assert_eq!(facts.name, "default");
    assert!(!facts.created);
    assert!(!facts.id.is_empty());
    assert!(facts.retention_seconds.is_some());
    assert!(
        facts.capabilities.contains_key("eager_workflow_start"),
        "{:?}",
        facts.capabilities
    );
}

#[tokio::test]
async fn a_namespace_is_created_and_used_at_once() {
    let mut options = testing::options();
    options.namespace = testing::unique("namespace");
    let server = connect(&options).await.unwrap();
    let missing = namespace::ensure(&server, None).await.unwrap_err();
    assert_eq!(
        missing,
        NamespaceError::Missing {
            name: options.namespace.clone()
        }
    );
    assert!(missing.to_string().contains("--namespace"));

    let facts = namespace::ensure(&server, Some(DAY)).await.unwrap();
    assert!(facts.created);
    assert_eq!(facts.retention_seconds, Some(86_400));
    start(&server, "first", TYPE).await;
    assert_eq!(
        lookup::describe(&server, "first").await.unwrap().unwrap().status,
        Status::Running
    );
    assert!(!namespace::ensure(&server, Some(DAY)).await.unwrap().created);
}

#[tokio::test]
async fn a_name_that_cannot_be_one_is_refused() {
    let mut options = testing::options();
    options.namespace = "x".repeat(2000);
    let server = connect(&options).await.unwrap();
    let error = namespace::ensure(&server, Some(DAY)).await.unwrap_err().to_string();
    assert!(error.contains("--namespace"), "{error}");
}

#[tokio::test]
async fn the_server_tells_about_itself() {
    let server = server().await;
    let namespace = namespace::ensure(&server, None).await.unwrap();
    let facts = facts::discover(&server, "nobody-polls-this", namespace.clone()).await;
    assert_eq!(facts.address, testing::server().address());
    assert!(facts.version.value.unwrap().starts_with(char::is_numeric));
    assert!(facts.capabilities.value.unwrap().contains_key("eager_workflow_start"));
    assert_eq!(facts.history_shards, Fact::found(1, "GetClusterInfo"));
    assert_eq!(facts.persistence_store.value.unwrap(), "sqlite");
    assert_eq!(facts.visibility_store.value.unwrap(), "sqlite");
    assert_eq!(facts.cluster_name.value.unwrap(), "active");
    assert_eq!(facts.namespace, Fact::found(namespace, "DescribeNamespace"));
    assert_eq!(facts.pollers, Fact::found(0, "DescribeTaskQueue"));
    assert_eq!(facts.task_queue_partitions, Fact::found(4, "ListTaskQueuePartitions"));
    assert!(
        task_queue::pollers(&server, "nobody-polls-this")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn counts_are_of_this_run_and_type_only() {
    let server = server().await;
    let prefix = testing::unique("it's-run");
    let begun = SystemTime::now();
    start_run(&server, &prefix, 4).await;
    start(&server, &format!("{prefix}/child"), "another type").await;
    start(&server, &format!("{prefix}-longer/0"), TYPE).await;
    until_open(&server, &prefix, 5).await;
    terminate(&server, &format!("{prefix}/1")).await;

    let expected: visibility::Counts = [(Status::Running, 3), (Status::Terminated, 1)].into();
    let counted = async { while visibility::count_by_status(&server, &prefix, TYPE).await.unwrap() != expected {} };
    tokio::time::timeout(LIMIT, counted)
        .await
        .expect("the counts were not reached");
    assert_eq!(visibility::ended(&expected), 1);

    // What had ended at an instant: nothing before it did, and never what is open.
    let by = async |at| visibility::count_ended_by(&server, &prefix, TYPE, at).await.unwrap();
    assert_eq!(by(begun).await, [].into());
    assert_eq!(by(SystemTime::now()).await, [(Status::Terminated, 1)].into());

    // None of them completed.
    let completed = visibility::count_completed_between(&server, &prefix, TYPE, begun, SystemTime::now() + LIMIT).await;
    assert_eq!(completed.unwrap(), 0);
}

#[tokio::test]
async fn a_lost_start_is_looked_up() {
    let server = server().await;
    let id = testing::unique("lookup");
    assert_eq!(lookup::describe(&server, &id).await.unwrap(), None);
    // That there is no such namespace says nothing of the workflow.
    let mut options = testing::options();
    options.namespace = testing::unique("nowhere");
    let nowhere = connect(&options).await.unwrap();
    assert!(lookup::describe(&nowhere, &id).await.unwrap_err().no_namespace);
    start(&server, &id, TYPE).await;
    let found = lookup::describe(&server, &id).await.unwrap().unwrap();
    assert_eq!(found.status, Status::Running);
    assert_eq!(found.start_request_id, Some(format!("request-of-{id}")));
    assert_eq!(found.close_time, None);
    terminate(&server, &id).await;
    let found = lookup::describe(&server, &id).await.unwrap().unwrap();
    assert_eq!(found.status, Status::Terminated);
    assert!(found.close_time.is_some());
}

#[tokio::test]
async fn the_end_is_waited_for() {
    let server = server().await;
    let id = testing::unique("wait");
    start(&server, &id, TYPE).await;
    let short = Duration::from_millis(300);
    assert_eq!(
        lookup::wait_for_end(&server, &id, short).await,
        Err(WaitError::Timeout { limit: short })
    );

    let waiting = tokio::spawn(lookup::wait_for_end(&server, &id, LIMIT));
    terminate(&server, &id).await;
    let ended = waiting.await.unwrap().unwrap();
    assert_eq!(
        (ended.status, ended.failure.as_deref()),
        (Status::Terminated, Some("because"))
    );
    // One that has ended already is told at once.
    assert_eq!(
        lookup::wait_for_end(&server, &id, LIMIT).await.unwrap().status,
        Status::Terminated
    );
    assert!(matches!(
        lookup::wait_for_end(&server, "none", LIMIT).await,
        Err(WaitError::Call(_))
    ));
}

#[tokio::test]
async fn where_there_is_little_time_those_that_are_known_go_by_their_ids() {
    let server = server().await;
    let prefix = testing::unique("brief");
    start_run(&server, &prefix, 12).await;
    until_open(&server, &prefix, 12).await;
    let known = |total: u32| KnownOpen {
        total: u64::from(total),
        counted: Some(12),
        ids: (0..total).map(|n| format!("{prefix}/{n}")).collect(),
    };

    // One more is open than the caller knows.
    let cleaned = cleanup::terminate_open(&server, &prefix, Duration::from_secs(14), known(11)).await;
    let note = cleaned.note.unwrap();
    assert!(note.starts_with("terminated by their ids"), "{note}");
    assert_eq!((cleaned.open_before, cleaned.open_after), (Some(12), Some(0)));
    assert_eq!(cleaned.problem, None);
    assert_eq!(
        visibility::count_by_status(&server, &prefix, TYPE).await.unwrap(),
        [(Status::Terminated, 12)].into()
    );
}

#[tokio::test]
async fn a_cancellation_alone_ends_nothing() {
    let server = server().await;
    let id = testing::unique("cancel");
    start(&server, &id, TYPE).await;
    let request = RequestCancelWorkflowExecutionRequest {
        namespace: server.namespace().to_owned(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: id.clone(),
            run_id: String::new(),
        }),
        ..Default::default()
    };
    service(&server)
        .request_cancel_workflow_execution(tonic::Request::new(request))
        .await
        .unwrap();
    assert_eq!(
        lookup::describe(&server, &id).await.unwrap().unwrap().status,
        Status::Running
    );
}

#[tokio::test]
async fn clean_up_ends_what_is_open_of_this_run() {
    let server = server().await;
    let prefix = testing::unique("clean");
    let other = format!("{prefix}x");
    start_run(&server, &prefix, 12).await;
    start_run(&server, &other, 2).await;
    until_open(&server, &prefix, 12).await;

    let cleaned = cleanup::terminate_open(&server, &prefix, LIMIT, KnownOpen::default()).await;
    assert_eq!(cleaned.note, None);
    assert_eq!(cleaned.problem, None);
    assert_eq!((cleaned.open_before, cleaned.open_after), (Some(12), Some(0)));
    assert_eq!(
        visibility::count_by_status(&server, &prefix, TYPE).await.unwrap(),
        [(Status::Terminated, 12)].into()
    );
    until_open(&server, &other, 2).await;

    let nothing = cleanup::terminate_open(&server, &prefix, LIMIT, KnownOpen::default()).await;
    assert_eq!((nothing.open_before, nothing.open_after), (Some(0), Some(0)));
}
