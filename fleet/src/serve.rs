//! The leader's gRPC service: bound first, closed to strangers, bounded in everything that a peer decides.

pub(crate) mod guard;
mod handler;
mod incoming;

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use guard::Guard;
use handler::Handler;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::transport::{Identity, Server, ServerTlsConfig};

use crate::{
    leader::Leader,
    limits::{CALL_AT_THE_LEADER, CALLS_OF_A_CONNECTION, CONNECT, KEEP_ALIVE, LARGE_MESSAGE_BYTES, MESSAGE_BYTES},
    text,
    token::Token,
    wire::fleet_server::FleetServer,
};

/// How long calls that are under way may take when the service stops.
const STOP: Duration = Duration::from_secs(2);

/// How the service is served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// What members must show; without one, whoever reaches the port may join.
    pub token: Option<Token>,
    /// The server's certificate; without one, connections are plain.
    pub tls: Option<ServerTls>,
}

/// A certificate and its key, PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// The certificate's chain.
    pub cert: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// A service that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, lets calls that are under way finish, for two seconds at most.
    pub fn stop(self) -> BoxFuture<'static, ()> {
        let Serving { stop, mut task, .. } = self;
        async move {
            // The task may have ended by itself; then nobody hears this, and nobody has to.
            let _ = stop.send(());
            if tokio::time::timeout(STOP, &mut task).await.is_err() {
                task.abort();
            }
        }
        .boxed()
    }
}

/// Binds the address and serves the leader from the current runtime.
///
/// # Errors
/// When the address cannot be bound, for example because the port is in use, or the certificate cannot be used.
pub fn serve(leader: Leader, options: ServeOptions) -> BoxFuture<'static, Result<Serving, ServeError>> {
    begin(leader, options).boxed()
}

async fn begin(leader: Leader, options: ServeOptions) -> Result<Serving, ServeError> {
    let listen = options.listen;
    let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::InUse { listen },
        _ => ServeError::Bind { listen, source },
    })?;
    let address = listener
        .local_addr()
        .map_err(|source| ServeError::Bind { listen, source })?;
    let (interval, timeout) = KEEP_ALIVE;
    let mut server = Server::builder()
        .timeout(CALL_AT_THE_LEADER)
        .max_concurrent_streams(CALLS_OF_A_CONNECTION)
        .http2_keepalive_interval(Some(interval))
        .http2_keepalive_timeout(Some(timeout));
    if let Some(tls) = options.tls {
        let config = ServerTlsConfig::new()
            .identity(Identity::from_pem(tls.cert, tls.key))
            .timeout(CONNECT);
        server = server
            .tls_config(config)
            .map_err(|error| ServeError::Tls(text::chain(&error)))?;
    }
    let taking = |bytes| FleetServer::new(Handler::new(leader.clone())).max_decoding_message_size(bytes);
    let (most, large) = (taking(MESSAGE_BYTES), taking(LARGE_MESSAGE_BYTES));
    let service = Guard::new(most, large, options.token.map(Arc::new), leader);
    let (stop, stopped) = oneshot::channel();
    let serving = server.serve_with_incoming_shutdown(service, incoming::connections(listener), stopped.map(|_| ()));
    let task = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!("the fleet service ended: {}", text::chain(&error));
        }
    });
    Ok(Serving { address, stop, task })
}

/// A service that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else has the port.
    #[error(
        "--fleet-listen {listen}: the port is in use by another process; choose another one, or port 0 for any that is free"
    )]
    InUse {
        /// The address.
        listen: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("--fleet-listen {listen}: this address cannot be listened on: {source}")]
    Bind {
        /// The address.
        listen: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("--fleet-tls-cert and --fleet-tls-key cannot be used: {0}")]
    Tls(String),
}

#[cfg(test)]
mod tests;
