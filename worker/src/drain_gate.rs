//! Drain gate of a worker that is told to shut down: what it has asked for may come in, and nothing new is asked for.
//!
//! When a worker of the SDK shuts down on a server that does not end its polls (1.29 does not), the SDK drops them, and a
//! task that was on its way is lost until the server times it out. So before that the worker's connection is replaced by
//! one that takes calls in this process: new polls are held and never sent, everything else goes to the server as before.
//! Polls that are under way are not touched. When nobody asks for another poll any more, those that were under way have
//! been answered, or there was nothing to answer them with; then the worker may shut down.
//!
//! Workflows that this worker has in memory are let go of on the way: with its last answer it no longer asks for their next
//! task to be kept for it.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use prost::Message;
use temporalio_client::{
    Connection, ConnectionOptions,
    callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse},
    tonic::{Code, Request, Status},
};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, GetSystemInfoRequest, GetWorkflowExecutionHistoryRequest,
    RecordActivityTaskHeartbeatRequest, RespondActivityTaskCanceledRequest, RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedRequest, RespondQueryTaskCompletedRequest, RespondWorkflowTaskCompletedRequest,
    RespondWorkflowTaskFailedRequest, ShutdownWorkerRequest,
};
use temporalio_sdk_core::Worker;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// When nobody asked for another poll for so long, those that were under way are answered or have nothing to wait for. The
/// last of them gets ever fewer of the tasks, beside the polls of other workers, and the risk is greatest for one that gets
/// one task in this time: of a task that is on its way for 10 ms, 10 ms / (e · 1 s) = 0.4 %.
const QUIET: Duration = Duration::from_secs(1);
/// A queue that is never quiet has answered all polls that were under way long before.
const LONGEST: Duration = Duration::from_secs(5);
/// The deadline of a call that is passed on.
const CALL: Duration = Duration::from_secs(30);

/// Where the calls go in the meantime; it is never connected to.
const NOWHERE: &str = "http://drain.invalid:1/";

/// A worker's drain gate.
pub(crate) struct DrainGate {
    worker: Arc<Worker>,
    server: Connection,
    identity: String,
}

impl DrainGate {
    pub(crate) fn new(worker: Arc<Worker>, server: Connection, identity: String) -> Self {
        DrainGate {
            worker,
            server,
            identity,
        }
    }

    /// Lets no new polls out, and returns when those that are under way were answered or have nothing to wait for.
    ///
    /// # Errors
    /// When the connection cannot be replaced; the worker goes on polling then.
    pub(crate) async fn close(&self) -> Result<(), String> {
        let (held, mut holding) = watch::channel(());
        let connection = in_process(calls(self.server.clone(), held), &self.identity).await?;
        self.worker
            .replace_client(connection)
            .map_err(|error| format!("{error:#}"))?;
        let latest = Instant::now() + LONGEST;
        loop {
            let quiet = (Instant::now() + QUIET).min(latest);
            if !matches!(timeout_at(quiet, holding.changed()).await, Ok(Ok(()))) || Instant::now() >= latest {
                return Ok(());
            }
        }
    }
}

/// A connection whose calls are taken in this process.
pub(crate) async fn in_process(service: CallbackBasedGrpcService, identity: &str) -> Result<Connection, String> {
    let url: temporalio_sdk_core::Url = NOWHERE.parse().map_err(|error| format!("{error}"))?;
    let options = ConnectionOptions::new(url)
        .identity(identity)
        .service_override(service)
        .dns_load_balancing(None)
        .build();
    Connection::connect(options).await.map_err(|error| error.to_string())
}

/// A service that answers the one call that a connection makes by itself, and no other.
pub(crate) fn nobody() -> CallbackBasedGrpcService {
    CallbackBasedGrpcService {
        callback: Arc::new(|request| {
            let answer = match request.rpc.as_str() {
                "GetSystemInfo" => Ok(success(Vec::new())),
                other => Err(Status::unimplemented(format!("{other}: nobody is there"))),
            };
            std::future::ready(answer).boxed()
        }),
    }
}

/// Holds polls, which `held` tells, and passes everything else on.
fn calls(server: Connection, held: watch::Sender<()>) -> CallbackBasedGrpcService {
    let held = Arc::new(held);
    CallbackBasedGrpcService {
        callback: Arc::new(move |request| {
            let (server, held) = (server.clone(), held.clone());
            async move {
                if request.rpc.starts_with("Poll") {
                    held.send_replace(());
                    std::future::pending::<()>().await;
                }
                pass_on(server, request).await.map(success)
            }
            .boxed()
        }),
    }
}

/// Makes the call on the server: all that a worker makes besides polling.
async fn pass_on(server: Connection, request: GrpcRequest) -> Result<Vec<u8>, Status> {
    macro_rules! pass {
        ($($rpc:literal => $method:ident($message:ident)),* $(,)?) => {
            match request.rpc.as_str() {
                // No task of this workflow shall come back here.
                "RespondWorkflowTaskCompleted" => {
                    let mut message: RespondWorkflowTaskCompletedRequest = decoded(&request)?;
                    message.sticky_attributes = None;
                    message.return_new_workflow_task = false;
                    let call = with_headers(message, &request);
                    Ok(server.workflow_service().respond_workflow_task_completed(call).await?.into_inner().encode_to_vec())
                }
                $($rpc => {
                    let message: $message = decoded(&request)?;
                    let call = with_headers(message, &request);
                    Ok(server.workflow_service().$method(call).await?.into_inner().encode_to_vec())
                })*
                other => Err(Status::unimplemented(format!("{other}: not while the worker drains"))),
            }
        };
    }
    pass! {
        "RespondWorkflowTaskFailed" => respond_workflow_task_failed(RespondWorkflowTaskFailedRequest),
        "RespondQueryTaskCompleted" => respond_query_task_completed(RespondQueryTaskCompletedRequest),
        "RespondActivityTaskCompleted" => respond_activity_task_completed(RespondActivityTaskCompletedRequest),
        "RespondActivityTaskFailed" => respond_activity_task_failed(RespondActivityTaskFailedRequest),
        "RespondActivityTaskCanceled" => respond_activity_task_canceled(RespondActivityTaskCanceledRequest),
        "RecordActivityTaskHeartbeat" => record_activity_task_heartbeat(RecordActivityTaskHeartbeatRequest),
        "GetWorkflowExecutionHistory" => get_workflow_execution_history(GetWorkflowExecutionHistoryRequest),
        "DescribeNamespace" => describe_namespace(DescribeNamespaceRequest),
        "GetSystemInfo" => get_system_info(GetSystemInfoRequest),
        "ShutdownWorker" => shutdown_worker(ShutdownWorkerRequest),
    }
}

fn decoded<T: Message + Default>(request: &GrpcRequest) -> Result<T, Status> {
    T::decode(request.proto.clone()).map_err(|error| Status::new(Code::Internal, format!("{}: {error}", request.rpc)))
}

/// Temporal's own headers go along; those of the connection are set by the server's.
fn with_headers<T>(message: T, request: &GrpcRequest) -> Request<T> {
    let mut call = Request::new(message);
    for name in ["temporal-namespace", "temporal-resource-id"] {
        if let Some(value) = request.headers.get(name).and_then(|value| value.to_str().ok())
            && let Ok(value) = value.parse()
        {
            call.metadata_mut().insert(name, value);
        }
    }
    call.set_timeout(CALL);
    call
}

fn success(proto: Vec<u8>) -> GrpcSuccessResponse {
    GrpcSuccessResponse {
        headers: Default::default(),
        proto,
    }
}
