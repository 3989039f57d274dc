//! The page over HTTP/1.1: one request for each connection, and little time and space for it.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::ready,
    io,
    net::SocketAddr,
    sync::OnceLock,
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
use hyper::{Method, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use crate::{
    answer::{Ready, answer},
    registry::Registry,
    scrapes::Scrapes,
};

/// Connections at a time; one more, and the oldest is closed.
const CONNECTIONS: usize = 32;

/// How long a connection may take from its acceptance to the last byte of its answer.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// How long a client may take to send the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// Bytes and lines that the head of a request may have.
const HEAD_BYTES: usize = 16 * 1024;
const HEAD_LINES: usize = 64;

/// How long to wait before accepting again after the system refused, as it does when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often it is said that the system refuses.
const COMPLAINTS: Duration = Duration::from_secs(60);

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
        source: io::Error,
    },
}

/// The page while it is served. Dropping it stops listening and closes all connections.
#[derive(Debug)]
pub struct PageServer {
    address: SocketAddr,
    task: AbortHandle,
    scrapes: watch::Receiver<Scrapes>,
}

/// The header by which a scraper says how long it waits.
const SCRAPER: &str = "x-prometheus-scrape-timeout-seconds";

impl PageServer {
    /// Where it listens, with the port that the system chose where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// When it was scraped: each scrape once all of it has been sent.
    pub fn scrapes(&self) -> watch::Receiver<Scrapes> {
        self.scrapes.clone()
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the page of `registry` on `listen`: `/metrics`, `/healthz` and `/readyz`, for which `ready` is asked; `Err` says
/// why not. Runs on the runtime of the caller.
///
/// # Errors
/// When the address cannot be listened on.
pub fn serve(
    listen: SocketAddr,
    registry: Registry,
    ready: Ready,
) -> BoxFuture<'static, Result<PageServer, ListenError>> {
    async move {
        let refused = |source| ListenError::Refused {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(listen),
            _ => refused(source),
        })?;
        let address = listener.local_addr().map_err(refused)?;
        let (told, scrapes) = watch::channel(Scrapes::default());
        let task = tokio::spawn(accept(listener, registry, ready, told)).abort_handle();
        Ok(PageServer { address, task, scrapes })
    }
    .boxed()
}

async fn accept(listener: TcpListener, registry: Registry, ready: Ready, scrapes: watch::Sender<Scrapes>) {
    // Dropped with this future, and the connections with it.
    let mut tasks = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    let mut complaints = Complaints::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                while tasks.try_join_next().is_some() {}
                open.retain(|connection| !connection.is_finished());
                // The oldest has had the most time. If new ones had to wait instead, a few silent clients would keep
                // the page from everybody.
                if open.len() >= CONNECTIONS
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                let connection = connection(stream, registry.clone(), ready.clone(), scrapes.clone());
                open.push_back(tasks.spawn(async move {
                    // A client that is slow or talks nonsense is nobody's trouble but its own.
                    let _ = tokio::time::timeout(CONNECTION_TIME, connection).await;
                }));
            }
            // A client that gave up between is accepted as an error.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if complaints.is_due(Instant::now()) {
                    tracing::warn!(%error, "the metrics page cannot accept a connection");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// When it was complained last: what goes on is said once a minute and not at each try.
#[derive(Debug, Default)]
struct Complaints {
    last: Option<Instant>,
}

impl Complaints {
    fn is_due(&mut self, now: Instant) -> bool {
        let due = self
            .last
            .is_none_or(|last| now.saturating_duration_since(last) >= COMPLAINTS);
        if due {
            self.last = Some(now);
        }
        due
    }
}

async fn connection(
    stream: TcpStream,
    registry: Registry,
    is_ready: Ready,
    scrapes: watch::Sender<Scrapes>,
) -> hyper::Result<()> {
    let scraped = OnceLock::new();
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let path = request.uri().path();
        if path == "/metrics" && request.method() == Method::GET && request.headers().contains_key(SCRAPER) {
            let _ = scraped.set(Instant::now());
        }
        let answer = answer(request.method(), path, request.headers(), &registry, &is_ready);
        ready(Ok::<_, Infallible>(answer))
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await?;
    // Whoever waits for a scrape may end the process: not before all of it has been sent.
    if let Some(&at) = scraped.get() {
        scrapes.send_modify(|scrapes| scrapes.add(at));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_said_once_a_minute() {
        let begin = Instant::now();
        let mut complaints = Complaints::default();
        let said: Vec<u64> = (0..200)
            .filter(|second| complaints.is_due(begin + Duration::from_secs(*second)))
            .collect();
        assert_eq!(said, [0, 60, 120, 180]);
    }
}
