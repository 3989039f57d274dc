//! The hot path: starts, as cheap as they can be sent.
//!
//! Starts have connections of their own and bypass the client library, which would retry, compress and count them by
//! itself and costs more than the call. What does not change between starts is encoded once; a start appends its id, its
//! header and its input, since fields of a protobuf message may follow one another in any order.

mod codec;
mod template;

use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::uri::PathAndQuery;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    metadata::{Ascii, AsciiMetadataKey, AsciiMetadataValue, MetadataMap, MetadataValue},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

pub use template::{StartTemplate, StartTemplateOptions};

use crate::{ConnectError, options::ConnectOptions};

const PATH: PathAndQuery =
    PathAndQuery::from_static("/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution");

/// HTTP/2 pings on an idle connection: as the official client does.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// One HTTP/2 connection that carries nothing but starts. Cloning shares it.
#[derive(Clone, Debug)]
pub struct StartConnection {
    grpc: Grpc<Channel>,
    metadata: MetadataMap,
    timeout: Duration,
}

/// A start that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// Whether the server said no. Otherwise no answer came, and the workflow may or may not run.
    pub refused: bool,
    /// The gRPC code's name, as `RESOURCE_EXHAUSTED`.
    pub code: &'static str,
    /// What was said.
    pub message: String,
}

/// Opens a connection for starts. It lives on the runtime that this is polled on, and reconnects by itself.
///
/// `start_timeout` is each start's own deadline; it travels to the server.
pub fn connect_start(
    options: &ConnectOptions,
    start_timeout: Duration,
) -> BoxFuture<'static, Result<StartConnection, ConnectError>> {
    let options = options.clone();
    async move {
        let channel = endpoint(&options)?
            .connect()
            .await
            .map_err(|error| ConnectError::Settings(format!("a connection for starts: {}", chain(&error))))?;
        Ok(StartConnection {
            grpc: Grpc::new(channel).max_decoding_message_size(usize::MAX),
            metadata: metadata(&options)?,
            timeout: start_timeout,
        })
    }
    .boxed()
}

impl StartConnection {
    /// Sends one start, encoded by a [`StartTemplate`]. Nothing is retried.
    pub fn start(&self, request: Bytes) -> BoxFuture<'static, Result<(), StartError>> {
        let mut grpc = self.grpc.clone();
        let mut request = Request::new(request);
        *request.metadata_mut() = self.metadata.clone();
        request.set_timeout(self.timeout);
        async move {
            let sent = async {
                grpc.ready().await.map_err(|error| Status::unavailable(chain(&error)))?;
                grpc.unary(request, PATH, codec::Raw).await
            };
            sent.await.map(drop).map_err(|status| StartError::from(&status))
        }
        .boxed()
    }
}

impl From<&Status> for StartError {
    fn from(status: &Status) -> Self {
        StartError {
            refused: is_refusal(status.code()),
            code: code_name(status.code()),
            message: match std::error::Error::source(status) {
                Some(source) => format!("{}: {}", status.message(), chain(source)),
                None => status.message().to_owned(),
            },
        }
    }
}

/// Whether a code can only come from a server that did not start the workflow. The others leave it open: the server may
/// have committed the start before the answer was lost.
fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated
    )
}

/// A gRPC code as it is written in the protocol's own documents.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

fn endpoint(options: &ConnectOptions) -> Result<Endpoint, ConnectError> {
    let settings = |error: tonic::transport::Error| ConnectError::Settings(chain(&error));
    let target = options.target()?;
    let mut endpoint = Endpoint::from_shared(target.url.to_string())
        .map_err(settings)?
        .user_agent(concat!("run-benchmark/", env!("CARGO_PKG_VERSION")))
        .map_err(settings)?
        .connect_timeout(options.connect_timeout)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    if let Some(material) = options.effective_tls()? {
        let mut tls = ClientTlsConfig::new();
        tls = match material.ca {
            Some(ca) => tls.ca_certificate(Certificate::from_pem(ca)),
            None => tls.with_native_roots(),
        };
        if let Some((certificate, key)) = material.identity {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        if let Some(name) = material.server_name {
            tls = tls.domain_name(name);
        }
        endpoint = endpoint.tls_config(tls).map_err(settings)?;
    }
    Ok(endpoint)
}

fn metadata(options: &ConnectOptions) -> Result<MetadataMap, ConnectError> {
    let mut metadata = MetadataMap::new();
    let bad = |name: &str| ConnectError::Settings(format!("the header {name} cannot be sent: its value is not ASCII"));
    let value = |name: &str, text: &str| AsciiMetadataValue::try_from(text).map_err(|_| bad(name));
    metadata.insert("temporal-namespace", value("temporal-namespace", &options.namespace)?);
    if let Some(key) = &options.api_key {
        let mut bearer: MetadataValue<Ascii> = value("authorization", &format!("Bearer {}", key.reveal()))?;
        bearer.set_sensitive(true);
        metadata.insert("authorization", bearer);
    }
    for (name, text) in &options.headers {
        let key = AsciiMetadataKey::from_bytes(name.as_bytes()).map_err(|_| bad(name))?;
        let mut header = value(name, text)?;
        header.set_sensitive(true);
        metadata.insert(key, header);
    }
    Ok(metadata)
}

/// An error with all of its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
