//! Connections: a bounded number of members', few of strangers, and none that stays without having been welcome.
//!
//! A process has a bounded number of file descriptors, and needs them for more than this. So a peer that has not made a
//! call yet that was answered has one of few places, and when those are taken the oldest such peer goes: whoever opens
//! connections all the time cannot keep members out, who make their call within milliseconds.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::{Stream, stream};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tonic::transport::server::Connected;

use crate::limits::{CONNECTIONS, STRANGERS, WELCOME};

/// How long to wait when no connection can be accepted, as when the process has no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    standing: Arc<Standing>,
}

/// How welcome a peer is.
#[derive(Debug, Default)]
struct Standing {
    /// It made a call that was answered.
    welcome: AtomicBool,
    /// Its place among the strangers, until it is welcome.
    place: Mutex<Option<OwnedSemaphorePermit>>,
    /// Another stranger needs the place.
    is_to_go: AtomicBool,
    /// Wakes the connection to go.
    waker: Mutex<Option<Waker>>,
}

impl Peer {
    /// Lets the connection stay.
    pub(super) fn welcome(&self) {
        self.standing.welcome.store(true, Ordering::Relaxed);
        self.standing.place.lock().take();
    }
}

impl Standing {
    fn go(&self) {
        self.is_to_go.store(true, Ordering::Relaxed);
        if let Some(waker) = self.waker.lock().take() {
            waker.wake();
        }
    }
}

/// Connections as they come. It does not end and does not fail.
pub(super) fn connections(listener: TcpListener) -> impl Stream<Item = io::Result<Connection>> {
    let door = Door {
        listener,
        places: Arc::new(Semaphore::new(CONNECTIONS)),
        strangers: Arc::new(Semaphore::new(STRANGERS)),
        waiting: VecDeque::new(),
    };
    stream::unfold(door, |mut door| async move {
        let connection = door.next().await?;
        Some((Ok(connection), door))
    })
}

struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    /// Those who may be strangers still, the oldest first.
    waiting: VecDeque<Arc<Standing>>,
}

impl Door {
    async fn next(&mut self) -> Option<Connection> {
        loop {
            // The semaphores are never closed.
            let place = self.places.clone().acquire_owned().await.ok()?;
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Small messages that are waited for; without it they are only slower.
                    let _ = stream.set_nodelay(true);
                    let standing = Arc::new(Standing {
                        place: Mutex::new(Some(self.stranger().await?)),
                        ..Standing::default()
                    });
                    self.waiting.push_back(standing.clone());
                    return Some(Connection {
                        stream,
                        peer: Peer { address, standing },
                        deadline: Some(Box::pin(sleep(WELCOME))),
                        _place: place,
                    });
                }
                Err(error) => {
                    tracing::debug!("no connection was accepted: {error}");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// A place among the strangers; the oldest of them goes when there is none.
    async fn stranger(&mut self) -> Option<OwnedSemaphorePermit> {
        self.waiting
            .retain(|standing| standing.place.lock().is_some() && Arc::strong_count(standing) > 1);
        if let Ok(place) = self.strangers.clone().try_acquire_owned() {
            return Some(place);
        }
        if let Some(oldest) = self.waiting.pop_front() {
            oldest.go();
        }
        self.strangers.clone().acquire_owned().await.ok()
    }
}

/// A connection that ends when its peer is not welcome in time.
pub(super) struct Connection {
    stream: TcpStream,
    peer: Peer,
    deadline: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn overdue(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = &mut self.deadline else {
            return false;
        };
        let standing = &self.peer.standing;
        if standing.welcome.load(Ordering::Relaxed) {
            self.deadline = None;
            return false;
        }
        *standing.waker.lock() = Some(cx.waker().clone());
        standing.is_to_go.load(Ordering::Relaxed) || deadline.as_mut().poll(cx).is_ready()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Calls may hold on to the peer for a while; its place is free now.
        self.peer.standing.place.lock().take();
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.overdue(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}
