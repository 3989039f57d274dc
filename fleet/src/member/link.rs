//! Transport to the leader: a call of a function, or one over the network.

use std::sync::Arc;

use super::remote::Remote;
use crate::{
    leader::{Leader, PeerAddress, Refusal},
    wire,
};

/// A call that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The leader said no.
    Refused(Refusal),
    /// Something is there that is no leader, or none that we can talk to as we are set up.
    NotALeader(String),
    /// Nothing came back; it may next time.
    Unreachable(String),
}

#[derive(Clone, Debug)]
pub(super) enum Link {
    InProcess(Leader),
    Remote(Arc<Remote>),
}

impl Link {
    pub(super) async fn join(&self, request: wire::JoinRequest) -> Result<wire::JoinResponse, Failure> {
        match self {
            Link::InProcess(leader) => leader.join(request, PeerAddress::InProcess).map_err(Failure::Refused),
            Link::Remote(remote) => remote.join(request).await,
        }
    }

    pub(super) async fn exchange(&self, request: wire::ExchangeRequest) -> Result<wire::ExchangeResponse, Failure> {
        match self {
            Link::InProcess(leader) => leader.exchange(request).map_err(Failure::Refused),
            Link::Remote(remote) => remote.exchange(request).await,
        }
    }

    /// Makes sure that the next call measures the way to the leader and not how long it takes to connect.
    pub(super) async fn connect(&self) -> Result<(), Failure> {
        match self {
            Link::InProcess(_) => Ok(()),
            Link::Remote(remote) => remote.connect().await,
        }
    }

    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Link::Remote(_))
    }

    /// The leader's address, for people.
    pub(super) fn address(&self) -> String {
        match self {
            Link::InProcess(_) => "this process".to_owned(),
            Link::Remote(remote) => remote.address(),
        }
    }
}
