//! Connections and their requests, straight on HTTP/2.

use std::{
    future::poll_fn,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use h2::{
    Reason, RecvStream,
    server::{Builder, SendResponse},
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header::CONTENT_TYPE};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    time::Instant,
};
use tonic::Code;

use super::{
    Counts, Options, answers,
    script::{Decision, LostAnswer, Script},
};

/// Flow control never holds a start back: the largest windows that HTTP/2 has (RFC 9113, section 6.9.1).
const WINDOW: u32 = (1 << 31) - 1;
/// Callers give up in masses when a stall outlasts their deadlines; that is no attack here.
const RESETS_TOLERATED: usize = 1_000_000;
/// The largest request that is read besides starts, bytes: the default of gRPC.
const MAX_REQUEST: usize = 4 << 20;
/// How long accepting pauses after an error, which is a want of file descriptors in practice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What the serving thread and its controls share.
#[derive(Debug)]
pub(super) struct Shared {
    max_concurrent_streams: Option<NonZeroU32>,
    max_connection_age: Option<Duration>,
    /// Written by the serving thread alone, read by anyone.
    counts: Mutex<Counts>,
    /// True while every start is accepted at once: the way on which nothing is locked.
    plain: AtomicBool,
    script: Mutex<Script>,
    /// Whether answers to starts are held back until they are not any more.
    stalled: watch::Sender<bool>,
}

/// What becomes of the connection after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    GoOn,
    Close,
}

impl Shared {
    pub(super) fn new(options: &Options) -> Self {
        let shared = Shared {
            max_concurrent_streams: options.max_concurrent_streams,
            max_connection_age: options.max_connection_age,
            counts: Mutex::default(),
            plain: AtomicBool::new(true),
            script: Mutex::default(),
            stalled: watch::Sender::new(false),
        };
        shared.change(|script| *script = Script::new(options.behaviour));
        shared
    }

    pub(super) fn set_stalled(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
        self.change(|_| {});
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Script)) {
        let mut script = self.script();
        change(&mut script);
        let plain = script.is_plain() && !*self.stalled.borrow();
        self.plain.store(plain, Ordering::Release);
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing that is done under either lock can leave what it guards half changed.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a start whose request has been read.
    fn take(self: &Arc<Self>, respond: SendResponse<Bytes>) -> After {
        let (decision, delay) = if self.plain.load(Ordering::Acquire) {
            (Decision::Accept, Duration::ZERO)
        } else {
            let mut script = self.script();
            (script.decide(), script.behaviour.delay)
        };
        let mut counts = self.counts();
        counts.starts += 1;
        *match decision {
            Decision::Accept => &mut counts.accepted,
            Decision::Refuse(_) => &mut counts.refused,
            Decision::Lose(_) => &mut counts.lost,
        } += 1;
        drop(counts);
        match decision {
            Decision::Lose(LostAnswer::Close) => return After::Close,
            Decision::Lose(LostAnswer::Silence) => drop(tokio::spawn(keep_silent(respond))),
            _ if delay.is_zero() && !*self.stalled.borrow() => self.send(respond, decision),
            _ => {
                self.counts().held += 1;
                tokio::spawn(hold(Arc::clone(self), delay, respond, decision));
            }
        }
        After::GoOn
    }

    /// Sends what is to be said to a start.
    fn send(&self, mut respond: SendResponse<Bytes>, decision: Decision) {
        let sent = match decision {
            Decision::Accept => send_message(&mut respond, answers::ACCEPTED.clone()),
            Decision::Refuse(code) => send_status(&mut respond, code, "refused as the null frontend was told"),
            Decision::Lose(_) => {
                respond.send_reset(Reason::INTERNAL_ERROR);
                Ok(())
            }
        };
        if sent.is_err() {
            self.counts().unheard += 1;
        }
    }
}

/// Holds an answer back for the delay, and until no stall goes on.
async fn hold(shared: Arc<Shared>, delay: Duration, respond: SendResponse<Bytes>, decision: Decision) {
    tokio::time::sleep(delay).await;
    // It ends when a stall does: its other end lives as long as this does.
    let _ = shared.stalled.subscribe().wait_for(|stalled| !stalled).await;
    shared.counts().held -= 1;
    shared.send(respond, decision);
}

/// Accepts connections for ever.
pub(super) async fn accept(listener: TcpListener, shared: &Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                shared.counts().connections += 1;
                tokio::spawn(serve(socket, Arc::clone(shared)));
            }
            Err(error) => {
                tracing::warn!(%error, "the null frontend cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Counts a connection as open for as long as this lives, however its task ends.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.counts().open_connections += 1;
        Open(Arc::clone(shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counts().open_connections -= 1;
    }
}

/// Serves one connection to its end.
async fn serve(socket: TcpStream, shared: Arc<Shared>) {
    let _open = Open::new(&shared);
    if let Err(error) = serve_requests(socket, &shared).await {
        // A caller that goes away without a goodbye is ordinary.
        tracing::debug!(%error, "a connection of the null frontend ended");
    }
}

async fn serve_requests(socket: TcpStream, shared: &Arc<Shared>) -> Result<(), h2::Error> {
    // Without it an answer waits for the acknowledgement of the one before. Best effort: it is only slower otherwise.
    let _ = socket.set_nodelay(true);
    let mut builder = Builder::new();
    builder
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_pending_accept_reset_streams(RESETS_TOLERATED);
    if let Some(max) = shared.max_concurrent_streams {
        builder.max_concurrent_streams(max.get());
    }
    let mut connection = builder.handshake::<_, Bytes>(socket).await?;
    // Told by a start whose request came in pieces, and was therefore read outside this loop.
    let close = Arc::new(Notify::new());
    let retire = shared.max_connection_age.map(|age| Instant::now() + age);
    let mut retired = false;
    let mut batch = Vec::new();
    loop {
        let old = async {
            match retire {
                Some(at) if !retired => tokio::time::sleep_until(at).await,
                _ => std::future::pending().await,
            }
        };
        let first = tokio::select! {
            biased;
            () = close.notified() => return Ok(()),
            () = old => {
                // What is under way is still answered, also what comes until the other side has heard it.
                connection.graceful_shutdown();
                retired = true;
                continue;
            }
            first = connection.accept() => first,
        };
        let Some(first) = first else { return Ok(()) };
        batch.push(first?);
        // Whatever came with it is taken before the first is answered: each poll of the connection flushes what has
        // been answered by then, and answering one by one would cost a system call each.
        while let Some(Some(next)) = connection.accept().now_or_never() {
            batch.push(next?);
        }
        for (request, respond) in batch.drain(..) {
            if receive(request, respond, shared, &close) == After::Close {
                return Ok(());
            }
        }
    }
}

/// Takes one request: at once when all of it is there, as a start's is in practice, and in a task of its own otherwise.
fn receive(
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    shared: &Arc<Shared>,
    close: &Arc<Notify>,
) -> After {
    let (head, mut body) = request.into_parts();
    let shared = Arc::clone(shared);
    if head.uri.path() != answers::START {
        tokio::spawn(answer_other(head.uri.path().to_owned(), body, respond, shared));
        return After::GoOn;
    }
    match discard(&mut body).now_or_never() {
        Some(Ok(())) => shared.take(respond),
        // The caller has given up before it was done asking.
        Some(Err(_)) => After::GoOn,
        None => {
            let close = Arc::clone(close);
            tokio::spawn(async move {
                if discard(&mut body).await.is_ok() && shared.take(respond) == After::Close {
                    close.notify_one();
                }
            });
            After::GoOn
        }
    }
}

/// Reads a request to its end and forgets it.
async fn discard(body: &mut RecvStream) -> Result<(), h2::Error> {
    while let Some(piece) = body.data().await {
        let length = piece?.len();
        body.flow_control().release_capacity(length)?;
    }
    Ok(())
}

/// Answers any call that is not a start.
async fn answer_other(path: String, mut body: RecvStream, mut respond: SendResponse<Bytes>, shared: Arc<Shared>) {
    shared.counts().others += 1;
    let mut request = BytesMut::new();
    while let Some(piece) = body.data().await {
        let Ok(piece) = piece else { return };
        if request.len() + piece.len() > MAX_REQUEST || body.flow_control().release_capacity(piece.len()).is_err() {
            respond.send_reset(Reason::ENHANCE_YOUR_CALM);
            return;
        }
        request.extend_from_slice(&piece);
    }
    // A caller that is gone by now needs no answer.
    let _ = match answers::answer(&path, &request) {
        Ok(message) => send_message(&mut respond, message),
        Err((code, message)) => send_status(&mut respond, code, message),
    };
}

/// Keeps a stream open and says nothing until the caller gives up or goes away.
async fn keep_silent(mut respond: SendResponse<Bytes>) {
    let _ = poll_fn(|cx| respond.poll_reset(cx)).await;
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

fn head() -> Response<()> {
    let mut head = Response::new(());
    head.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    head
}

fn send_message(respond: &mut SendResponse<Bytes>, message: Bytes) -> Result<(), h2::Error> {
    let mut stream = respond.send_response(head(), false)?;
    stream.send_data(message, false)?;
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

/// An answer of headers alone, as gRPC has it for errors.
fn send_status(respond: &mut SendResponse<Bytes>, code: Code, message: &'static str) -> Result<(), h2::Error> {
    let mut head = head();
    head.headers_mut()
        .insert(GRPC_STATUS, HeaderValue::from(i32::from(code)));
    head.headers_mut()
        .insert(GRPC_MESSAGE, HeaderValue::from_static(message));
    respond.send_response(head, true).map(drop)
}
