//! The connection of the control plane, and the connections that the SDK's workers use.
//!
//! What the client library does by itself is set here, not left to its defaults: no compression, no retries, a limit on
//! connecting. Starts do not go through this connection.

mod attempt;
mod failure;

use std::{num::NonZeroU32, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use temporalio_client::{
    Client, ClientOptions, ClientTlsOptions, Connection, ConnectionOptions, DnsLoadBalancingOptions, GrpcCompression,
    RetryOptions, TlsOptions, grpc::WorkflowService,
};
use temporalio_common::telemetry::metrics::TemporalMeter;

pub use crate::connection::failure::{Cause, ConnectError, Unreachable};
use crate::{
    options::{ConnectOptions, Endpoint},
    silence::Silence,
};

/// Visibility queries a second. They are heavy for the server, and a cluster allows about ten a second by default.
const QUERIES_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Terminations of single workflows a second, when the batch operation is not to be had.
pub(crate) const TERMINATIONS_PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// A server that has answered. Cloning is cheap and shares the connection and its limits.
#[derive(Clone)]
pub struct Server {
    connection: Connection,
    options: Arc<ConnectOptions>,
    endpoint: Arc<Endpoint>,
    limits: Arc<Limits>,
    silence: Silence,
}

/// Limits that may forgive lateness: they protect the server from us, and pace nothing that is measured.
struct Limits {
    queries: DefaultDirectRateLimiter,
    terminations: DefaultDirectRateLimiter,
}

/// Connects, and makes sure that a Temporal server answers.
///
/// Within `connect_timeout` there is a server or an error. What may pass (a refused connection) is tried again up
/// to three times, what will not (the wrong protocol, a certificate that does not fit) is reported at once.
pub fn connect(options: &ConnectOptions) -> BoxFuture<'static, Result<Server, ConnectError>> {
    let options = Arc::new(options.clone());
    async move {
        let endpoint = options.endpoint()?;
        // One connection is enough here, and without the balancer a failure to connect is told instead of waited out.
        let sdk = sdk_options(&options, &endpoint, None);
        let connection = attempt::connect(&endpoint, options.connect_timeout, options.tls.as_ref(), sdk).await?;
        Ok(Server {
            connection,
            endpoint: Arc::new(endpoint),
            limits: Arc::new(Limits {
                queries: RateLimiter::direct(Quota::per_second(QUERIES_PER_SECOND)),
                terminations: RateLimiter::direct(Quota::per_second(TERMINATIONS_PER_SECOND)),
            }),
            options,
            silence: Silence::default(),
        })
    }
    .boxed()
}

/// A client of the SDK on a connection of its own, for one worker: the SDK allows one worker for each connection and
/// task queue. Where the name has several addresses the SDK spreads its calls over all of them.
///
/// The meter, where there is one, records its calls. Polls of a worker are repeated by the SDK whatever is set here; that
/// concerns no start.
pub fn connect_sdk(
    options: &ConnectOptions,
    meter: Option<TemporalMeter>,
) -> BoxFuture<'static, Result<Client, ConnectError>> {
    let options = options.clone();
    async move {
        let endpoint = options.endpoint()?;
        let mut sdk = sdk_options(&options, &endpoint, Some(DnsLoadBalancingOptions::default()));
        sdk.metrics_meter = meter;
        let connection = attempt::connect(&endpoint, options.connect_timeout, options.tls.as_ref(), sdk).await?;
        Client::new(connection, ClientOptions::new(options.namespace).build())
            .map_err(|error| ConnectError::Settings(error.to_string()))
    }
    .boxed()
}

impl Server {
    /// The address as people write it: `host:port`.
    pub fn address(&self) -> String {
        self.endpoint.to_string()
    }

    /// The namespace that all calls are about.
    pub fn namespace(&self) -> &str {
        &self.options.namespace
    }

    /// How the server is reached.
    pub fn options(&self) -> &ConnectOptions {
        &self.options
    }

    /// Whether it answers at all.
    pub fn silence(&self) -> &Silence {
        &self.silence
    }

    /// The SDK's connection, shared.
    pub fn sdk_connection(&self) -> Connection {
        self.connection.clone()
    }

    /// The methods of the server, without retries.
    pub(crate) fn service(&self) -> Box<dyn WorkflowService> {
        self.connection.workflow_service()
    }

    /// Waits until another visibility query may be made.
    pub(crate) async fn until_query_allowed(&self) {
        self.limits.queries.until_ready().await;
    }

    /// Waits until another single workflow may be terminated.
    pub(crate) async fn until_termination_allowed(&self) {
        self.limits.terminations.until_ready().await;
    }
}

fn sdk_options(
    options: &ConnectOptions,
    endpoint: &Endpoint,
    balancing: Option<DnsLoadBalancingOptions>,
) -> ConnectionOptions {
    let tls = endpoint.tls.then(|| {
        let material = options.tls.clone().unwrap_or_default();
        TlsOptions::builder()
            .maybe_server_root_ca_cert(material.ca)
            .maybe_domain(material.server_name)
            .maybe_client_tls_options(material.identity.map(|(cert, key)| {
                ClientTlsOptions::builder()
                    .client_cert(cert)
                    .client_private_key(key)
                    .build()
            }))
            .build()
    });
    let headers = || {
        let headers = options.headers.iter();
        headers.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    ConnectionOptions::new(endpoint.url.clone())
        .identity(options.identity.clone())
        .maybe_tls_options(tls)
        .maybe_api_key(options.api_key.as_ref().map(|key| key.reveal().to_owned()))
        .maybe_headers((!options.headers.is_empty()).then(headers))
        .connect_timeout(options.connect_timeout)
        .retry_options(RetryOptions::no_retries())
        .grpc_compression(GrpcCompression::None)
        .dns_load_balancing(balancing)
        .build()
}
