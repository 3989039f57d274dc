//! The two calls, handed to the leader.

use tonic::{Request, Response, Status, async_trait};

use super::{guard::Reached, incoming::Peer};
use crate::{
    leader::{Leader, Origin, Refusal},
    wire::{self, fleet_server::Fleet},
};

#[derive(Debug)]
pub(super) struct Handler {
    leader: Leader,
}

impl Handler {
    pub(super) fn new(leader: Leader) -> Handler {
        Handler { leader }
    }
}

/// Notes that a message was read, answers it, and lets the connection of who was answered stay.
fn answer<T, U>(
    request: Request<T>,
    ask: impl FnOnce(T, Option<&Peer>) -> Result<U, Refusal>,
) -> Result<Response<U>, Status> {
    let (_, extensions, message) = request.into_parts();
    if let Some(reached) = extensions.get::<Reached>() {
        reached.set();
    }
    let peer = extensions.get::<Peer>();
    let answer = ask(message, peer)?;
    if let Some(peer) = peer {
        peer.welcome();
    }
    Ok(Response::new(answer))
}

#[async_trait]
impl Fleet for Handler {
    async fn join(&self, request: Request<wire::JoinRequest>) -> Result<Response<wire::JoinResponse>, Status> {
        answer(request, |message, peer| {
            let from = peer.map_or_else(String::new, |peer| peer.address.ip().to_string());
            self.leader.join(message, Origin::Remote(from))
        })
    }

    async fn exchange(
        &self,
        request: Request<wire::ExchangeRequest>,
    ) -> Result<Response<wire::ExchangeResponse>, Status> {
        answer(request, |message, _| self.leader.exchange(message))
    }
}
