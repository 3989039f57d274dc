//! Handler of the two calls, handed to the leader.

use tonic::{Request, Response, Status, async_trait};

use super::{
    guard::{Key, Reached},
    incoming::Peer,
};
use crate::{
    leader::{Leader, PeerAddress, Refusal},
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

/// Notes that a message was read, and hands out what came with it.
fn open<T>(request: Request<T>) -> (T, Option<Peer>, Option<Key>) {
    let (_, mut extensions, message) = request.into_parts();
    if let Some(reached) = extensions.get::<Reached>() {
        reached.set();
    }
    (message, extensions.remove::<Peer>(), extensions.remove::<Key>())
}

/// An answer, whose peer's connection may stay when it is none of refusal.
fn answer<T>(peer: Option<Peer>, answer: Result<T, Refusal>) -> Result<Response<T>, Status> {
    let answer = answer?;
    if let Some(peer) = peer {
        peer.welcome();
    }
    Ok(Response::new(answer))
}

#[async_trait]
impl Fleet for Handler {
    async fn join(&self, request: Request<wire::JoinRequest>) -> Result<Response<wire::JoinResponse>, Status> {
        let (message, peer, _) = open(request);
        let from = peer
            .as_ref()
            .map_or_else(String::new, |peer| peer.address.ip().to_string());
        answer(peer, self.leader.join(message, PeerAddress::Remote(from)))
    }

    async fn exchange(
        &self,
        request: Request<wire::ExchangeRequest>,
    ) -> Result<Response<wire::ExchangeResponse>, Status> {
        let (message, peer, key) = open(request);
        if key.is_some_and(|key| message.key != key.0) {
            return Err(Refusal::malformed("the key in the message is not the one beside it").into());
        }
        if message.windows.is_empty() {
            return answer(peer, self.leader.exchange(message));
        }
        // Windows are checked and merged, which takes a while: not on the threads that all other calls, and signals, wait
        // for.
        let leader = self.leader.clone();
        let told = tokio::task::spawn_blocking(move || leader.exchange(message)).await;
        let told = told.map_err(|_| Status::internal("a panic while windows were taken; see the leader's log"))?;
        answer(peer, told)
    }
}
