//! What stands before the service: the token, looked at before a message is read, and a bound on calls at one time.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Request, Response, header::AUTHORIZATION};
use tokio::sync::Semaphore;
use tonic::{Code, Status, body::Body, codegen::Service};

use super::incoming::Peer;
use crate::{leader::Leader, limits::CALLS, token::Token};

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

/// Lets calls through that carry the token.
#[derive(Clone, Debug)]
pub(super) struct Guard<S> {
    inner: S,
    token: Option<Arc<Token>>,
    places: Arc<Semaphore>,
    leader: Leader,
}

impl<S> Guard<S> {
    pub(super) fn new(inner: S, token: Option<Arc<Token>>, leader: Leader) -> Guard<S> {
        Guard {
            inner,
            token,
            places: Arc::new(Semaphore::new(CALLS)),
            leader,
        }
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
        self.inner.poll_ready(cx)
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
            return Box::pin(async move { Ok(Status::unauthenticated(reason).into_http()) });
        }
        let reached = Reached::default();
        request.extensions_mut().insert(reached.clone());
        // The one that is ready is called, the clone is kept.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let (places, who) = (self.places.clone(), who());
        Box::pin(async move {
            // Never closed, so never an error. The call's time limit covers the wait.
            let _place = places.acquire().await;
            let response = inner.call(request).await?;
            if !reached.get()
                && let Some(status) = Status::from_header_map(response.headers())
                && matches!(status.code(), Code::InvalidArgument | Code::OutOfRange)
            {
                leader.stranger(who, status.message());
            }
            Ok(response)
        })
    }
}
