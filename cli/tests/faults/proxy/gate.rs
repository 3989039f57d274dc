//! A connection's bytes, which can be held back or cut off.

use std::{
    io,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use std::sync::Arc;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};

/// What a valve lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// All bytes.
    Open,
    /// None for now.
    Shut,
    /// None ever: the connection is reset.
    Broken,
}

/// Says what one connection carries; shared by the connection and by who controls it.
#[derive(Debug)]
pub struct Valve {
    state: Mutex<State>,
    /// Told when the flow has changed.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    flow: Flow,
    /// Shut for ever, whatever becomes of the others.
    half_open: bool,
    waiting: Vec<Waker>,
}

impl Valve {
    /// A valve in a position.
    pub fn new(flow: Flow) -> Arc<Self> {
        Arc::new(Valve {
            state: Mutex::new(State {
                flow,
                half_open: false,
                waiting: Vec::new(),
            }),
            changed: Notify::new(),
        })
    }

    /// Turns it, unless it is shut for ever or broken.
    pub fn turn(&self, flow: Flow) {
        let mut state = self.state();
        if state.half_open || state.flow == Flow::Broken {
            return;
        }
        state.flow = flow;
        state.waiting.drain(..).for_each(Waker::wake);
        self.changed.notify_waiters();
    }

    /// Shuts it for ever.
    pub fn shut_for_ever(&self) {
        self.turn(Flow::Shut);
        self.state().half_open = true;
    }

    /// Waits until it is not shut: a connection that carries nothing cannot say goodbye either.
    pub async fn not_shut(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.state().flow != Flow::Shut {
                return;
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket behind a valve.
#[derive(Debug)]
pub struct Gate {
    socket: TcpStream,
    valve: Arc<Valve>,
}

impl Gate {
    /// Puts a valve before a socket.
    pub fn new(socket: TcpStream, valve: Arc<Valve>) -> Self {
        Gate { socket, valve }
    }

    fn poll_open(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.valve.state();
        // In any position: who waits for bytes must see that they will not come.
        if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        match state.flow {
            Flow::Open => Poll::Ready(Ok(())),
            Flow::Shut => Poll::Pending,
            // Without lingering the system says goodbye with a reset.
            Flow::Broken => Poll::Ready(
                self.socket
                    .set_zero_linger()
                    .and_then(|()| Err(io::ErrorKind::ConnectionReset.into())),
            ),
        }
    }
}

macro_rules! open {
    ($gate:expr, $cx:expr) => {
        match $gate.poll_open($cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut $gate.get_mut().socket),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
    };
}

impl AsyncRead for Gate {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        open!(self, cx).poll_read(cx, into)
    }
}

impl AsyncWrite for Gate {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        open!(self, cx).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        open!(self, cx).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        open!(self, cx).poll_shutdown(cx)
    }
}
