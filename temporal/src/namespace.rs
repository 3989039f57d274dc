//! The namespace: found or created, and used only once it answers.
//!
//! That `DescribeNamespace` knows a namespace does not mean that it can be used: each frontend and each matching
//! host has a registry of its own, which a new namespace reaches after up to ten seconds. So the wait is for a call that
//! goes through those registries.

use std::{collections::BTreeMap, time::Duration};

use benchmark_results::schema::NamespaceFacts;
use futures::{FutureExt, future::BoxFuture};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, DescribeNamespaceResponse, RegisterNamespaceRequest,
};
use tokio::time::{Instant, sleep};
use tonic::Code;

use crate::{
    call,
    call::CallError,
    connection::Server,
    facts::flags,
    task_queue::{self, TaskQueueType},
};

/// How long a namespace that we create keeps closed workflows beyond the run that it is made for: long enough to look at
/// them on the second day after.
pub const RETENTION_BEYOND_THE_RUN: Duration = Duration::from_secs(48 * 60 * 60);

/// How long a namespace may take until it answers.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(200);

/// Answers in a row after which a new namespace counts as known everywhere: behind a load balancer each may come from
/// another frontend.
const ANSWERS_OF_A_NEW_NAMESPACE: u32 = 5;

/// A task queue that nobody uses: asking for it goes through the registries and finds nothing.
const PROBE_QUEUE: &str = "run-benchmark-probe";

/// Finds the server's namespace and returns once it answers. One that is missing is created with the retention in `create`,
/// where there is one. A server that does not describe namespaces tells by the starts: the facts are then missing.
///
/// # Errors
/// When it is missing and may not be created, when it is not permitted, or when it does not answer in time.
pub fn ensure(server: &Server, create: Option<Duration>) -> BoxFuture<'static, Result<NamespaceFacts, NamespaceError>> {
    let server = server.clone();
    async move {
        let name = server.namespace().to_owned();
        let end = Instant::now() + ANSWER_LIMIT;
        let mut created = false;
        let description = loop {
            match describe(&server).await {
                Ok(description) => break description,
                Err(error) if error.code == Code::NotFound && created && Instant::now() < end => sleep(POLL).await,
                Err(error) if error.code == Code::NotFound && !created => {
                    let Some(retention) = create else {
                        return Err(NamespaceError::Missing { name });
                    };
                    created = register(&server, retention).await?;
                }
                Err(error) if error.is_transient() && Instant::now() < end => sleep(POLL).await,
                Err(error) if decides(error.code) || error.is_transient() => {
                    return Err(NamespaceError::of(name, error));
                }
                Err(_) => break DescribeNamespaceResponse::default(),
            }
        };
        until_it_answers(&server, end, if created { ANSWERS_OF_A_NEW_NAMESPACE } else { 1 }).await?;
        Ok(facts(name, created, description))
    }
    .boxed()
}

async fn describe(server: &Server) -> Result<DescribeNamespaceResponse, CallError> {
    let request = DescribeNamespaceRequest {
        namespace: server.namespace().to_owned(),
        ..Default::default()
    };
    let mut service = server.service();
    call::answer(
        server,
        "DescribeNamespace",
        service.describe_namespace(call::request(request)),
    )
    .await
}

/// Whether a failure says something of the namespace itself, and not only of who may ask what.
fn decides(code: Code) -> bool {
    matches!(
        code,
        Code::NotFound | Code::PermissionDenied | Code::Unauthenticated | Code::InvalidArgument
    )
}

/// Creates the namespace. False when another process was faster, which is as good.
async fn register(server: &Server, retention: Duration) -> Result<bool, NamespaceError> {
    let name = server.namespace().to_owned();
    let request = RegisterNamespaceRequest {
        namespace: name.clone(),
        description: "created by run-benchmark".to_owned(),
        workflow_execution_retention_period: retention.try_into().ok(),
        ..Default::default()
    };
    let mut service = server.service();
    match call::answer(
        server,
        "RegisterNamespace",
        service.register_namespace(call::request(request)),
    )
    .await
    {
        Ok(_) => Ok(true),
        Err(error) if error.code == Code::AlreadyExists => Ok(true),
        Err(error) => Err(match error.code {
            Code::PermissionDenied | Code::Unauthenticated | Code::Unimplemented => NamespaceError::MayNotCreate {
                name,
                reason: error.message,
            },
            _ => NamespaceError::of(name, error),
        }),
    }
}

async fn until_it_answers(server: &Server, end: Instant, answers: u32) -> Result<(), NamespaceError> {
    let begun = Instant::now();
    let mut in_a_row = 0;
    loop {
        let error = match task_queue::pollers_for(server, PROBE_QUEUE, TaskQueueType::Workflow).await {
            Ok(_) => {
                in_a_row += 1;
                if in_a_row >= answers {
                    return Ok(());
                }
                None
            }
            Err(error) if error.code == Code::NotFound || error.is_transient() => Some(error),
            // It is known, and task queues cannot be looked at from here, for whatever reason: starts will tell.
            Err(_) => return Ok(()),
        };
        if error.is_some() {
            in_a_row = 0;
        }
        if Instant::now() >= end {
            return Err(NamespaceError::Silent {
                name: server.namespace().to_owned(),
                waited: begun.elapsed(),
                last: error.map_or_else(|| "answers came and went".to_owned(), |error| error.to_string()),
            });
        }
        sleep(POLL).await;
    }
}

fn facts(name: String, created: bool, description: DescribeNamespaceResponse) -> NamespaceFacts {
    let info = description.namespace_info.unwrap_or_default();
    let retention = description
        .config
        .and_then(|config| config.workflow_execution_retention_ttl);
    NamespaceFacts {
        name,
        id: info.id,
        retention_seconds: retention.and_then(|ttl| u64::try_from(ttl.seconds).ok()),
        created,
        capabilities: info
            .capabilities
            .map_or_else(BTreeMap::new, |capabilities| flags(&capabilities)),
    }
}

/// A namespace that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamespaceError {
    /// It does not exist, and creating it was not asked for.
    #[error("--namespace {name} does not exist on this server; create it, or name another one")]
    Missing {
        /// Its name.
        name: String,
    },
    /// It does not exist, and we may not create it.
    #[error(
        "--namespace {name} does not exist and may not be created from here ({reason}); create it with \
         `temporal operator namespace create --namespace {name} --retention 24h`, or name one that exists"
    )]
    MayNotCreate {
        /// Its name.
        name: String,
        /// The server's words.
        reason: String,
    },
    /// We may not use it.
    #[error(
        "--namespace {name} may not be used from here ({reason}); check the name, --api-key and --tls-cert, and \
         what they are allowed to do"
    )]
    NotAllowed {
        /// Its name.
        name: String,
        /// The server's words.
        reason: String,
    },
    /// It exists and does not answer.
    #[error(
        "--namespace {name} exists but did not answer within {waited:.1?} ({last}); try again, or look at the server's log"
    )]
    Silent {
        /// Its name.
        name: String,
        /// How long was waited.
        waited: Duration,
        /// The last failure.
        last: String,
    },
    /// Its name cannot be one.
    #[error("--namespace {name:?} is not accepted by the server: {reason}")]
    Invalid {
        /// Its name.
        name: String,
        /// The server's words.
        reason: String,
    },
    /// Anything else.
    #[error("--namespace {name}: {source}")]
    Call {
        /// Its name.
        name: String,
        /// What failed.
        source: CallError,
    },
}

impl NamespaceError {
    fn of(name: String, error: CallError) -> NamespaceError {
        match error.code {
            Code::PermissionDenied | Code::Unauthenticated => NamespaceError::NotAllowed {
                name,
                reason: error.message,
            },
            Code::InvalidArgument => NamespaceError::Invalid {
                name,
                reason: error.message,
            },
            _ => NamespaceError::Call { name, source: error },
        }
    }
}
