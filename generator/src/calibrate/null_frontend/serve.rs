//! Server of the null frontend: connections and their requests, straight on HTTP/2.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    sync::Notify,
    time::Instant,
};
use tonic::Code;

use super::{Counts, FrontendAnswer, Options, answers};

/// Flow control never holds a start back: the largest windows that HTTP/2 has (RFC 9113, section 6.9.1).
const WINDOW: u32 = (1 << 31) - 1;
/// Callers give up in masses when a stall outlasts their deadlines; that is no attack here.
const RESETS_TOLERATED: usize = 1_000_000;
/// The largest request that is read besides starts, bytes: the default of gRPC.
const MAX_REQUEST: usize = 4 << 20;
/// How long accepting pauses after an error, which is a want of file descriptors in practice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What the serving thread and who looks at it share.
#[derive(Debug)]
pub(super) struct Shared {
    options: Options,
    /// Written by the serving thread alone, read by anyone.
    counts: Mutex<Counts>,
}

impl Shared {
    pub(super) fn new(options: Options) -> Self {
        Shared {
            options,
            counts: Mutex::default(),
        }
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing that is done under the lock can leave them half changed.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a start whose request has been read. `close` is told when the connection is to be closed.
    fn take(self: &Arc<Self>, respond: SendResponse<Bytes>, close: &Arc<Notify>) {
        self.counts().starts += 1;
        match &self.options.behaviour {
            None => self.answer(respond, FrontendAnswer::Accept, close),
            Some(behaviour) => {
                let (shared, close, answer) = (Arc::clone(self), Arc::clone(close), behaviour.answer());
                tokio::spawn(async move { shared.answer(respond, answer.await, &close) });
            }
        }
    }

    fn answer(&self, mut respond: SendResponse<Bytes>, answer: FrontendAnswer, close: &Notify) {
        let mut counts = self.counts();
        *match answer {
            FrontendAnswer::Accept => &mut counts.accepted,
            FrontendAnswer::Refuse(_) => &mut counts.refused,
            FrontendAnswer::Reset | FrontendAnswer::Close | FrontendAnswer::Silence => &mut counts.lost,
        } += 1;
        drop(counts);
        let sent = match answer {
            FrontendAnswer::Accept => send_message(&mut respond, answers::ACCEPTED.clone()),
            FrontendAnswer::Refuse(code) => send_status(&mut respond, code, "refused as the null frontend was told"),
            FrontendAnswer::Reset => {
                respond.send_reset(Reason::INTERNAL_ERROR);
                Ok(())
            }
            FrontendAnswer::Close => {
                close.notify_one();
                Ok(())
            }
            FrontendAnswer::Silence => {
                tokio::spawn(keep_silent(respond));
                Ok(())
            }
        };
        if sent.is_err() {
            self.counts().unheard += 1;
        }
    }
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
    if let Some(max) = shared.options.max_concurrent_streams {
        builder.max_concurrent_streams(max.get());
    }
    let mut connection = builder.handshake::<_, Bytes>(socket).await?;
    // Told by a start that is answered so.
    let close = Arc::new(Notify::new());
    let retire = shared.options.max_connection_age.map(|age| Instant::now() + age);
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
            receive(request, respond, shared, &close);
        }
    }
}

/// Takes one request: at once when all of it is there, as a start's is in practice, and in a task of its own otherwise.
fn receive(request: Request<RecvStream>, respond: SendResponse<Bytes>, shared: &Arc<Shared>, close: &Arc<Notify>) {
    let (head, mut body) = request.into_parts();
    let shared = Arc::clone(shared);
    if head.uri.path() != answers::START {
        tokio::spawn(answer_other(head.uri.path().to_owned(), body, respond, shared));
        return;
    }
    match discard(&mut body).now_or_never() {
        Some(Ok(())) => shared.take(respond, close),
        // The caller has given up before it was done asking.
        Some(Err(_)) => {}
        None => {
            let close = Arc::clone(close);
            tokio::spawn(async move {
                if discard(&mut body).await.is_ok() {
                    shared.take(respond, &close);
                }
            });
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
