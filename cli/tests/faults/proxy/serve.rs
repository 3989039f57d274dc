//! Connections, each with one of its own to the server, and their calls.

use std::{future::poll_fn, sync::Arc};

use bytes::Bytes;
use h2::{Reason, RecvStream, client::SendRequest, server::SendResponse};
use http::Request;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use tokio::{net::TcpStream, time};

use super::{
    Shared,
    call::{self, Answer},
    gate::{Flow, Gate, Valve},
    script::{Act, START, Wire},
    stale,
};

/// The largest window that HTTP/2 has: the proxy holds nothing back that it is not told to.
const WINDOW: u32 = (1 << 31) - 1;

/// Serves a connection to its end.
pub async fn serve(socket: TcpStream, shared: Arc<Shared>) {
    let valve = shared.valve();
    // What ends a connection is seen by who is at its ends; here it is ordinary.
    let _ = serve_calls(socket, &valve, &shared).await;
}

async fn serve_calls(
    socket: TcpStream,
    valve: &Arc<Valve>,
    shared: &Arc<Shared>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let _ = socket.set_nodelay(true);
    let opened = time::Instant::now();
    let mut windows = h2::server::Builder::new();
    windows
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    let mut caller = windows.handshake(Gate::new(socket, Arc::clone(valve))).await?;

    let server = TcpStream::connect(shared.target()).await?;
    let _ = server.set_nodelay(true);
    let mut windows = h2::client::Builder::new();
    windows
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    let (upstream, connection) = windows.handshake(server).await?;
    let mut connection = tokio::spawn(connection);

    let mut ages = shared.max_age.subscribe();
    let mut told = false;
    loop {
        let age = ages.borrow_and_update().filter(|_| !told);
        let old = async {
            match age {
                Some(age) => time::sleep_until(opened + age).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            request = caller.accept() => match request {
                Some(request) => {
                    let (request, respond) = request?;
                    tokio::spawn(pass(request, respond, upstream.clone(), Arc::clone(shared)));
                }
                None => return Ok(()),
            },
            () = old => {
                told = true;
                shared.count_goaway();
                caller.graceful_shutdown();
            }
            _ = ages.changed() => {}
            // The server is gone, and who called it sees so as soon as anything can be seen.
            _ = &mut connection => {
                valve.not_shut().await;
                return Ok(());
            }
        }
    }
}

/// Passes one call on, or does what the script says.
async fn pass(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    upstream: SendRequest<Bytes>,
    shared: Arc<Shared>,
) {
    let (head, mut body) = request.into_parts();
    let Ok(body) = call::read(&mut body).await else { return };
    let method = head.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let act = shared.decide(&method);
    let work = async {
        let forward = || call::forward(&upstream, &head, body.clone());
        match act {
            Act::Refuse(code) => return Ok(Some(call::status(code))),
            Act::Delay(delay) => time::sleep(delay).await,
            Act::Pass | Act::LoseAnswer | Act::Lag(_) | Act::StaleRow => {}
        }
        if method == START
            && let Some(start) = call::message::<StartWorkflowExecutionRequest>(&body)
        {
            shared.remember(start.workflow_id);
        }
        let asks = stale::Asks::new(&upstream, &head);
        match act {
            Act::Lag(lag) => stale::as_of(&asks, &method, &body, lag).await.map(Some),
            Act::StaleRow => stale::with_row(&asks, &method, &body, &shared.stale_row())
                .await
                .map(Some),
            Act::LoseAnswer => forward().await.map(|_| None),
            Act::Pass | Act::Delay(_) | Act::Refuse(_) => forward().await.map(Some),
        }
    };
    let done: Result<Option<Answer>, h2::Error> = tokio::select! {
        done = work => done,
        // Dropping the call upstream tells the server, too.
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return,
    };
    // Who is gone by now needs no answer.
    match done {
        Ok(Some(answer)) => {
            if !matches!(act, Act::Refuse(_)) {
                shared.count_answered(&method);
            }
            drop(call::answer(&mut respond, answer));
        }
        Ok(None) => {
            shared.count_lost(&method);
            let _ = poll_fn(|cx| respond.poll_reset(cx)).await;
        }
        Err(error) => respond.send_reset(error.reason().unwrap_or(Reason::INTERNAL_ERROR)),
    }
}

impl From<Wire> for Flow {
    fn from(wire: Wire) -> Flow {
        match wire {
            Wire::Open => Flow::Open,
            Wire::Frozen | Wire::BlackHole => Flow::Shut,
            Wire::Refused => Flow::Broken,
        }
    }
}
