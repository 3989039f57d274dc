//! The null frontend, called by a real gRPC client over a real connection.

#[path = "../src/testing/scripted_frontend.rs"]
mod scripted_frontend;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use benchmark_generator::calibrate::null_frontend::{Counts, FrontendAnswer, NullFrontend, Options};
use futures::{StreamExt, stream::FuturesUnordered};
use scripted_frontend::{Behaviour, Control, Lose, Refuse, behaving, set_up};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, DescribeNamespaceRequest, DescribeWorkflowExecutionRequest, GetSystemInfoRequest,
    ListWorkflowExecutionsRequest, StartWorkflowExecutionRequest, workflow_service_client::WorkflowServiceClient,
};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

/// How long anything may take before a test gives up on it: far more than it needs on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

struct Stage {
    frontend: NullFrontend,
    control: Control,
    client: WorkflowServiceClient<Channel>,
}

/// A frontend that accepts each start until it is told otherwise.
async fn stage(options: Options) -> Stage {
    on_stage(set_up(Behaviour::default(), options)).await
}

async fn on_stage((frontend, control): (NullFrontend, Control)) -> Stage {
    let client = connect(&frontend).await;
    Stage {
        frontend,
        control,
        client,
    }
}

async fn connect(frontend: &NullFrontend) -> WorkflowServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", frontend.address())).unwrap();
    WorkflowServiceClient::new(endpoint.connect().await.unwrap())
}

fn request(payload: usize) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        namespace: "bench".to_owned(),
        workflow_id: "run/1".to_owned(),
        identity: "x".repeat(payload),
        ..Default::default()
    }
}

impl Stage {
    async fn start(&self) -> Result<String, Status> {
        let mut client = self.client.clone();
        let answer = client.start_workflow_execution(request(0)).await?.into_inner();
        assert!(answer.started);
        Ok(answer.run_id)
    }

    /// Starts all at once and tells how often each code came back.
    async fn start_many(&self, starts: usize) -> BTreeMap<i32, usize> {
        let starts: FuturesUnordered<_> = (0..starts).map(|_| self.start()).collect();
        let mut codes = BTreeMap::new();
        for answer in starts.collect::<Vec<_>>().await {
            let code = answer.err().map_or(Code::Ok, |status| status.code());
            *codes.entry(i32::from(code)).or_default() += 1;
        }
        codes
    }

    /// Waits until the counts are as wanted.
    async fn until(&self, wanted: impl Fn(&Counts) -> bool) -> Counts {
        let begun = Instant::now();
        loop {
            let counts = self.frontend.counts();
            if wanted(&counts) {
                return counts;
            }
            assert!(begun.elapsed() < LIMIT, "the counts stay at {counts:?}");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn answers_starts_and_counts_them() {
    // Nobody says what becomes of them.
    let frontend = NullFrontend::start(Options::default()).unwrap();
    let stage = on_stage((frontend, Control::default())).await;
    assert_eq!(stage.start().await.unwrap().len(), 36);
    assert_eq!(stage.start_many(500).await, BTreeMap::from([(0, 500)]));
    let counts = stage.frontend.stop().unwrap();
    assert_eq!(
        counts,
        Counts {
            connections: 1,
            starts: 501,
            accepted: 501,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn reads_requests_that_come_in_pieces() {
    let stage = stage(Options::default()).await;
    let mut client = stage.client.clone();
    client.start_workflow_execution(request(3 << 20)).await.unwrap();
    assert_eq!(stage.frontend.counts().starts, 1);
}

#[tokio::test]
async fn answers_what_a_run_asks_before_and_after_the_load() {
    let stage = stage(Options::default()).await;
    let mut client = stage.client.clone();
    let system = client.get_system_info(GetSystemInfoRequest::default()).await.unwrap();
    assert_eq!(system.into_inner().server_version, "null-frontend");
    let namespace = DescribeNamespaceRequest {
        namespace: "bench".to_owned(),
        ..Default::default()
    };
    let namespace = client.describe_namespace(namespace).await.unwrap().into_inner();
    assert_eq!(namespace.namespace_info.unwrap().name, "bench");
    let counted = client
        .count_workflow_executions(CountWorkflowExecutionsRequest::default())
        .await
        .unwrap();
    assert_eq!(counted.into_inner().count, 0);
    let missing = client
        .describe_workflow_execution(DescribeWorkflowExecutionRequest::default())
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let unknown = client
        .list_workflow_executions(ListWorkflowExecutionsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::Unimplemented);
    assert_eq!(stage.frontend.counts().others, 5);
    assert_eq!(stage.frontend.counts().starts, 0);
}

#[tokio::test]
async fn holds_answers_back_for_the_delay() {
    let delay = Duration::from_millis(50);
    let stage = on_stage(behaving(Behaviour {
        delay,
        ..Behaviour::default()
    }))
    .await;
    let begun = Instant::now();
    assert_eq!(stage.start_many(20).await, BTreeMap::from([(0, 20)]));
    assert!(begun.elapsed() >= delay);
    // One that is told while it waits does not make earlier ones wait for it.
    stage.control.set_delay(LIMIT * 100);
    let late = stage.start();
    let soon = async {
        stage.until(|_| stage.control.held() == 1).await;
        stage.control.set_delay(Duration::from_millis(1));
        stage.start().await
    };
    tokio::select! {
        _ = late => panic!("the later answer came first"),
        soon = soon => drop(soon.unwrap()),
    }
}

#[tokio::test]
async fn stalls_and_resumes() {
    let stage = stage(Options::default()).await;
    stage.control.stall();
    let starts = stage.start_many(50);
    let resumed = async {
        let counts = stage.until(|_| stage.control.held() == 50).await;
        assert_eq!((counts.starts, counts.open_connections), (50, 1));
        // Other calls are answered during a stall.
        let mut client = stage.client.clone();
        client.get_system_info(GetSystemInfoRequest::default()).await.unwrap();
        assert_eq!(stage.control.held(), 50);
        stage.control.resume();
    };
    let (codes, ()) = tokio::join!(starts, resumed);
    assert_eq!(codes, BTreeMap::from([(0, 50)]));
    assert_eq!(stage.control.held(), 0);
    stage.start().await.unwrap();
}

#[tokio::test]
async fn answers_that_nobody_waits_for_are_counted() {
    let stage = stage(Options::default()).await;
    stage.control.stall();
    let mut impatient = tonic::Request::new(request(0));
    impatient.set_timeout(Duration::from_millis(20));
    let status = stage.client.clone().start_workflow_execution(impatient).await;
    assert!(matches!(
        status.unwrap_err().code(),
        Code::Cancelled | Code::DeadlineExceeded
    ));
    // The caller's reset is on its way before this request, and is therefore read before its answer.
    let mut client = stage.client.clone();
    client.get_system_info(GetSystemInfoRequest::default()).await.unwrap();
    stage.control.resume();
    let counts = stage
        .until(|counts| stage.control.held() == 0 && counts.unheard == 1)
        .await;
    assert_eq!((counts.starts, counts.accepted), (1, 1));
}

#[tokio::test]
async fn refuses_a_share() {
    let stage = on_stage(behaving(Behaviour {
        refuse: Some(Refuse {
            share: 0.25,
            code: Code::ResourceExhausted,
        }),
        ..Behaviour::default()
    }))
    .await;
    let codes = stage.start_many(400).await;
    assert_eq!(codes, BTreeMap::from([(0, 300), (Code::ResourceExhausted.into(), 100)]));
    let counts = stage.frontend.counts();
    assert_eq!((counts.starts, counts.accepted, counts.refused), (400, 300, 100));
}

#[tokio::test]
async fn loses_answers_by_resetting_their_streams() {
    let stage = on_stage(behaving(Behaviour {
        lose: Some(Lose {
            share: 0.1,
            how: FrontendAnswer::Reset,
        }),
        ..Behaviour::default()
    }))
    .await;
    let codes = stage.start_many(100).await;
    assert_eq!(codes, BTreeMap::from([(0, 90), (Code::Internal.into(), 10)]));
    let counts = stage.frontend.counts();
    assert_eq!((counts.lost, counts.accepted, counts.connections), (10, 90, 1));
}

#[tokio::test]
async fn loses_answers_by_closing_the_connection() {
    let stage = stage(Options::default()).await;
    let mut other = connect(&stage.frontend).await;
    stage.start().await.unwrap();
    stage.control.set(Behaviour {
        lose: Some(Lose {
            share: 1.0,
            how: FrontendAnswer::Close,
        }),
        ..Behaviour::default()
    });
    stage.start().await.unwrap_err();
    let counts = stage.until(|counts| counts.open_connections == 1).await;
    assert_eq!((counts.lost, counts.accepted), (1, 1));
    // Also when the request came in pieces, and is read apart from the connection.
    other.start_workflow_execution(request(3 << 20)).await.unwrap_err();
    stage
        .until(|counts| counts.lost == 2 && counts.open_connections == 0)
        .await;
    // The caller connects again and goes on.
    stage.control.set(Behaviour::default());
    stage.start().await.unwrap();
    assert_eq!(stage.frontend.counts().connections, 3);
}

#[tokio::test]
async fn loses_answers_by_silence() {
    let stage = on_stage(behaving(Behaviour {
        lose: Some(Lose {
            share: 0.5,
            how: FrontendAnswer::Silence,
        }),
        ..Behaviour::default()
    }))
    .await;
    stage.start().await.unwrap();
    let mut lost = tonic::Request::new(request(0));
    lost.set_timeout(Duration::from_millis(20));
    let status = stage.client.clone().start_workflow_execution(lost).await.unwrap_err();
    assert!(matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded));
    stage.start().await.unwrap();
    assert_eq!(stage.frontend.counts().lost, 1);
}

#[tokio::test]
async fn limits_concurrent_streams() {
    let stage = stage(Options {
        max_concurrent_streams: std::num::NonZeroU32::new(3),
        ..Options::default()
    })
    .await;
    // The limit is known to the caller once it has an answer.
    stage.start().await.unwrap();
    stage.control.stall();
    let starts = stage.start_many(10);
    let resumed = async {
        stage.until(|_| stage.control.held() == 3).await;
        stage.control.resume();
    };
    let (codes, ()) = tokio::join!(starts, resumed);
    assert_eq!(codes, BTreeMap::from([(0, 10)]));
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let stage = stage(Options::default()).await;
    let taken = Options {
        listen: stage.frontend.address(),
        ..Options::default()
    };
    let error = NullFrontend::start(taken).unwrap_err().to_string();
    assert!(error.contains(&stage.frontend.address().to_string()), "{error}");
    assert!(error.contains("--listen"), "{error}");
}
