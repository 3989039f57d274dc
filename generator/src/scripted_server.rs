//! A server for tests whose answers are written down: gRPC on the `h2` crate, for what a run asks after its load.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use benchmark_results::{WorkflowEnd, schema::Fact};
use benchmark_scenarios::{Key, Plan};
use benchmark_temporal::{ConnectOptions, Server, start::StartCounts};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Response, header::CONTENT_TYPE};
use prost::Message as _;
use temporalio_common::protos::temporal::api::{
    common::v1::{Payload, WorkflowExecution},
    enums::v1::WorkflowExecutionStatus,
    history::v1::{History, HistoryEvent, WorkflowExecutionCompletedEventAttributes, history_event::Attributes},
    workflow::v1::WorkflowExecutionInfo,
    workflowservice::v1::{
        CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse, DescribeWorkflowExecutionRequest,
        DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryResponse,
        ListWorkflowExecutionsResponse, TerminateWorkflowExecutionRequest,
        count_workflow_executions_response::AggregationGroup,
    },
};
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;

use crate::{
    account::{
        accountant::Accountant,
        accounts::{Accounts, Origin, StampedEnd},
        sampler::server_clock::SharedServerClock,
    },
    fleet::{FleetLeader, leader::FleetLeaderOptions},
    load::{
        sample::HashedSample,
        schedule::Schedule,
        shard::{ShardWindow, StartEnd},
        timeline::Timeline,
    },
    machine::measured::Measured,
    run::submission::Submission,
    stop::{self, StopReason, deadline::Ending},
    testing,
};

/// The message that answers a call, or the code that it fails with.
pub(crate) type Answer = Result<Vec<u8>, Code>;

type Script = Arc<dyn Fn(&str, &[u8]) -> Answer + Send + Sync>;

/// A connection to a server that answers each call, given its name and its message, as the script says.
pub(crate) async fn server(script: impl Fn(&str, &[u8]) -> Answer + Send + Sync + 'static) -> Server {
    let address = listening(script).await;
    benchmark_temporal::connect(&ConnectOptions::new(address.to_string(), "bench"))
        .await
        .unwrap()
}

/// The address of such a server.
pub(crate) async fn listening(script: impl Fn(&str, &[u8]) -> Answer + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let script: Script = Arc::new(script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&script)));
        }
    });
    address
}

async fn serve(stream: TcpStream, script: Script) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let script = Arc::clone(&script);
        tokio::spawn(async move {
            let (head, mut body) = request.into_parts();
            let mut message = Vec::new();
            while let Some(Ok(part)) = body.data().await {
                let _ = body.flow_control().release_capacity(part.len());
                message.extend_from_slice(&part);
            }
            let name = head.uri.path().rsplit('/').next().unwrap_or_default();
            // In front of the message stands whether it is compressed, and its length.
            let answer = script(name, message.get(5..).unwrap_or_default());
            let response = Response::builder()
                .header(CONTENT_TYPE, "application/grpc")
                .body(())
                .unwrap();
            // Whoever asked may have given up.
            let Ok(mut stream) = respond.send_response(response, false) else {
                return;
            };
            let code = match answer {
                Ok(message) => {
                    let _ = stream.send_data(framed(&message), false);
                    Code::Ok
                }
                Err(code) => code,
            };
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", (code as i32).into());
            let _ = stream.send_trailers(trailers);
        });
    }
}

fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed.freeze()
}

/// The query of a count.
pub(crate) fn query(message: &[u8]) -> String {
    CountWorkflowExecutionsRequest::decode(message).unwrap().query
}

/// The answer to a count, by status.
pub(crate) fn counted(groups: &[(&str, u64)]) -> Answer {
    let count = |count: u64| i64::try_from(count).unwrap();
    Ok(CountWorkflowExecutionsResponse {
        count: groups.iter().map(|(_, number)| count(*number)).sum(),
        groups: groups
            .iter()
            .map(|(status, number)| AggregationGroup {
                group_values: vec![Payload {
                    data: serde_json::to_vec(status).unwrap(),
                    ..Payload::default()
                }],
                count: count(*number),
            })
            .collect(),
    }
    .encode_to_vec())
}

/// The answer to a list: these workflows, and whether there are more.
pub(crate) fn listed(ids: &[&str], more: bool) -> Answer {
    Ok(ListWorkflowExecutionsResponse {
        executions: ids
            .iter()
            .map(|id| WorkflowExecutionInfo {
                execution: Some(WorkflowExecution {
                    workflow_id: (*id).to_owned(),
                    run_id: String::new(),
                }),
                ..WorkflowExecutionInfo::default()
            })
            .collect(),
        next_page_token: if more { b"on".to_vec() } else { Vec::new() },
    }
    .encode_to_vec())
}

/// The workflow that is to be terminated.
pub(crate) fn terminated(message: &[u8]) -> String {
    let request = TerminateWorkflowExecutionRequest::decode(message).unwrap();
    request.workflow_execution.unwrap_or_default().workflow_id
}

/// The workflow that a look-up is about.
pub(crate) fn looked_up(message: &[u8]) -> String {
    let request = DescribeWorkflowExecutionRequest::decode(message).unwrap();
    request.execution.unwrap_or_default().workflow_id
}

/// The answer to a look-up: how the workflow stands, and when it ended.
pub(crate) fn described(status: WorkflowExecutionStatus, closed: Option<SystemTime>) -> Answer {
    described_from(None, status, closed)
}

/// The same, with the time at which it was started.
pub(crate) fn described_from(
    started: Option<SystemTime>,
    status: WorkflowExecutionStatus,
    closed: Option<SystemTime>,
) -> Answer {
    Ok(DescribeWorkflowExecutionResponse {
        workflow_execution_info: Some(WorkflowExecutionInfo {
            status: status.into(),
            start_time: started.map(Into::into),
            close_time: closed.map(Into::into),
            ..WorkflowExecutionInfo::default()
        }),
        ..DescribeWorkflowExecutionResponse::default()
    }
    .encode_to_vec())
}

/// The workflow that a long poll waits for.
pub(crate) fn waited_for(message: &[u8]) -> String {
    let request = GetWorkflowExecutionHistoryRequest::decode(message).unwrap();
    request.execution.unwrap_or_default().workflow_id
}

/// The answer to a long poll: that the workflow completed, and when, or that it has not ended.
pub(crate) fn completed(closed: Option<SystemTime>) -> Answer {
    let event = closed.map(|closed| HistoryEvent {
        event_time: Some(closed.into()),
        attributes: Some(Attributes::WorkflowExecutionCompletedEventAttributes(
            WorkflowExecutionCompletedEventAttributes::default(),
        )),
        ..HistoryEvent::default()
    });
    Ok(GetWorkflowExecutionHistoryResponse {
        history: Some(History {
            events: event.into_iter().collect(),
        }),
        ..GetWorkflowExecutionHistoryResponse::default()
    }
    .encode_to_vec())
}

impl Submission {
    /// One that is over, of an account that a test keeps.
    pub(crate) fn of_account(plan: &Plan, schedule: &Schedule, timeline: Timeline, accountant: Accountant) -> Self {
        Submission {
            schedule: schedule.clone(),
            timeline,
            accountant,
            sampler: None,
            server_clock: SharedServerClock::default(),
            id_prefix: "run".into(),
            iteration: 1,
            stamps: plan.fleet.expect_workers > 0,
            stopped_at: None,
            ended_by: None,
            cut_off: None,
            events: Vec::new(),
            measured: Measured::default(),
            usage: Vec::new(),
            starts: StartCounts::default(),
            scheduling: Fact::missing("a test"),
            connections: 1,
        }
    }
}

/// A run whose load is over: 20 a second for a second each of ramp, warm-up and measured phase, a minute ago.
pub(crate) struct Over {
    pub(crate) plan: Plan,
    pub(crate) fleet: FleetLeader,
    pub(crate) submission: Submission,
    pub(crate) schedule: Schedule,
    pub(crate) ending: Ending,
}

impl Over {
    /// One whose starts ended so, by their numbers; `stamps` says whether workers stamp.
    pub(crate) fn new(stamps: bool, start: impl Fn(u64) -> StartEnd) -> Over {
        Over::at_rate("20", stamps, start)
    }

    /// The same with so many starts a second.
    pub(crate) fn at_rate(rate: &str, stamps: bool, start: impl Fn(u64) -> StartEnd) -> Over {
        Over::with(rate, stamps, |schedule, accounts| {
            let mut window = ShardWindow::default();
            for n in 0..schedule.total() {
                let phase = window.phases.entry(schedule.phase_of(n)).or_default();
                phase.ledger.arrivals += 1;
                phase.ledger.dispatched += 1;
                match start(n) {
                    StartEnd::Accepted => phase.ledger.accepted += 1,
                    StartEnd::Rejected => phase.ledger.rejected += 1,
                    StartEnd::Unknown => phase.ledger.unknown += 1,
                    StartEnd::Dropped => unreachable!("all of them are sent"),
                }
            }
            accounts.add_window(Origin::Leader, &window);
            (0..schedule.total()).for_each(|n| accounts.add_start(Origin::Leader, n, start(n)));
        })
    }

    /// One of whose starts nobody has told anything.
    pub(crate) fn untold() -> Over {
        Over::with("20", true, |_, _| {})
    }

    fn with(rate: &str, stamps: bool, tell: impl FnOnce(&Schedule, &mut Accounts)) -> Over {
        let load = [
            (Key::Rate, rate),
            (Key::Duration, "3s"),
            (Key::RampUp, "1s"),
            (Key::WarmUp, "1s"),
            (Key::Drain, "30s"),
            (Key::Address, "h:1"),
        ];
        let fleet = [(Key::ExpectWorkers, "1"), (Key::FleetListen, "127.0.0.1:0")];
        let plan = testing::plan(load.into_iter().chain(fleet.into_iter().filter(|_| stamps)));
        let fleet = FleetLeader::new(FleetLeaderOptions {
            plan: &plan,
            run_id: "run",
            server_address: "h:1".to_owned(),
            allow_version_skew: false,
        })
        .unwrap();
        let schedule = Schedule::new(&plan.load);
        let long_ago = benchmark_workflows::RunClock::get().now_unix_ns() - 60_000_000_000;
        let timeline = Timeline::beginning_at(long_ago, 0);
        let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 1.0), 30, stamps);
        tell(&schedule, &mut accounts);
        let accountant = Accountant::spawn(accounts, std::sync::mpsc::channel(), timeline).unwrap();
        Over {
            submission: Submission::of_account(&plan, &schedule, timeline, accountant),
            ending: Ending::new(stop::channel().1, Duration::from_secs(25)),
            plan,
            fleet,
            schedule,
        }
    }

    /// The workflow of this number was stamped as completed, so long after it was due.
    pub(crate) async fn complete(&self, n: u64, after: Duration) {
        let sent = self.schedule.offset(n);
        let stamp = StampedEnd {
            n,
            sent,
            ended: sent + u64::try_from(after.as_nanos()).unwrap(),
            end: WorkflowEnd::Completed,
            message: None,
            told: u64::MAX,
            wrong: 0,
        };
        self.visit(move |accounts| accounts.add_stamp(Origin::Leader, stamp))
            .await;
    }

    /// Looks at the account.
    pub(crate) async fn visit<T: Send + 'static>(&self, look: impl FnOnce(&mut Accounts) -> T + Send + 'static) -> T {
        self.submission.accountant.visit(look).await.unwrap()
    }

    /// Somebody asked for a stop just now, which gives the ending so long.
    pub(crate) fn stop_within(&mut self, limit: Duration) {
        let (stopper, stop) = stop::channel();
        stopper.stop(StopReason::Cause("somebody said so".into()));
        self.ending = Ending::new(stop, limit);
    }
}
