//! Authentication and load limit before the service: token and key, looked at before a message is read, and a bound on
//! calls at one time.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use tokio::sync::Semaphore;
use tonic::{Code, Status, body::Body, codegen::Service, metadata::MetadataMap};

use super::incoming::Peer;
use crate::{
    leader::{Leader, Refusal, RefusalKind, refusal},
    limits::{CALLS, KEY_BYTES},
    token::Token,
};

/// Metadata of an exchange that carries the member's key.
pub(crate) const KEY: &str = "fleet-key-bin";

/// Metadata of a message that is larger than most.
pub(crate) const LARGE: &str = "fleet-large";

/// The call that a key belongs to.
const EXCHANGE: &str = "/benchmark.fleet.v1.Fleet/Exchange";

/// The key that came with a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(pub(super) [u8; KEY_BYTES]);

/// Set by the handler when a message was read: from there on the leader itself notes what it refuses.
#[derive(Clone, Debug, Default)]
pub(super) struct Reached(Arc<AtomicBool>);

impl Reached {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Lets calls through that carry the token, and exchanges that carry the key of a member.
#[derive(Clone, Debug)]
pub(super) struct Guard<S> {
    /// For most messages, and for a large one.
    inner: [S; 2],
    token: Option<Arc<Token>>,
    /// Calls at one time of either.
    places: [Arc<Semaphore>; 2],
    leader: Leader,
}

impl<S> Guard<S> {
    /// `most` is for most messages, `large` for one that is larger.
    pub(super) fn new(most: S, large: S, token: Option<Arc<Token>>, leader: Leader) -> Guard<S> {
        Guard {
            inner: [most, large],
            token,
            places: [CALLS, 1].map(|calls| Arc::new(Semaphore::new(calls))),
            leader,
        }
    }

    /// The key of an exchange, when it is a member's.
    fn key(&self, request: &Request<Body>) -> Result<Option<Key>, Refusal> {
        if request.uri().path() != EXCHANGE {
            return Ok(None);
        }
        let metadata = MetadataMap::from_headers(request.headers().clone());
        let key: Option<[u8; KEY_BYTES]> = metadata
            .get_bin(KEY)
            .and_then(|value| value.to_bytes().ok())
            .and_then(|bytes| bytes[..].try_into().ok());
        let Some(key) = key else {
            return Err(Refusal::new(
                RefusalKind::Malformed,
                "an exchange comes without its member's key",
            ));
        };
        self.leader.knows(&key).map(|()| Some(Key(key)))
    }

    fn check(&self, request: &Request<Body>) -> Result<(), &'static str> {
        match (&self.token, request.headers().get(AUTHORIZATION)) {
            (None, _) => Ok(()),
            (Some(token), Some(header)) if token.is_in(header.as_bytes()) => Ok(()),
            (Some(_), Some(_)) => {
                Err("the token is not the leader's; give the same --fleet-token, or BENCHMARK_FLEET_TOKEN, to both")
            }
            (Some(_), None) => {
                Err("the leader wants a token; give it with --fleet-token-file, --fleet-token or BENCHMARK_FLEET_TOKEN")
            }
        }
    }
}

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        let [most, large] = &mut self.inner;
        ready!(most.poll_ready(cx))?;
        large.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let peer = request.extensions().get::<Peer>().cloned();
        let leader = self.leader.clone();
        // The port is another one with each try, and the same stranger is to be recognised.
        let who = || {
            peer.map_or_else(
                || "somebody".to_owned(),
                |peer| format!("somebody at {}", peer.address.ip()),
            )
        };
        if let Err(reason) = self.check(&request) {
            leader.stranger(who(), reason);
            let refusal = Refusal::new(RefusalKind::Unauthenticated, reason);
            return Box::pin(async move { Ok(Status::from(refusal).into_http()) });
        }
        match self.key(&request) {
            Ok(Some(key)) => drop(request.extensions_mut().insert(key)),
            Ok(None) => {}
            Err(refusal) => return Box::pin(async move { Ok(Status::from(refusal).into_http()) }),
        }
        let reached = Reached::default();
        request.extensions_mut().insert(reached.clone());
        let size = usize::from(request.headers().contains_key(LARGE));
        // The one that is ready is called, the clone is kept.
        let clone = self.inner[size].clone();
        let mut inner = std::mem::replace(&mut self.inner[size], clone);
        let (places, who) = (self.places[size].clone(), who());
        Box::pin(async move {
            // Never closed, so never an error. The call's time limit covers the wait.
            let _place = places.acquire().await;
            let mut response = inner.call(request).await?;
            if !reached.get()
                && let Some(status) = Status::from_header_map(response.headers())
            {
                // What the transport refuses to read it refuses in the leader's name.
                let kind = match status.code() {
                    Code::InvalidArgument => RefusalKind::Malformed,
                    Code::OutOfRange => RefusalKind::TooMuch,
                    _ => return Ok(response),
                };
                leader.stranger(who, status.message());
                let mark = HeaderValue::from_static(kind.name());
                response.headers_mut().insert(refusal::KIND, mark);
            }
            Ok(response)
        })
    }
}
