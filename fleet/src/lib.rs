//! Protocol of the fleet: how the processes of one run talk to each other.
//!
//! The leading generator keeps a [`Leader`]; workers and further generators are [`Member`]s of it. A member joins once and
//! then exchanges about twice a second: what it observed goes up in numbered windows, orders come down. A window that is
//! sent again counts once, and one that could not be delivered is kept until it can be. In one process the members call
//! the leader directly; over the network they do the same through gRPC ([`serve()`]), and nothing else differs.
//!
//! Public async functions are not generic and return a [`BoxFuture`](futures::future::BoxFuture), so that no caller
//! compiles the transport again.

pub mod address;
pub mod bounded;
pub mod clock;
mod codec;
pub mod columns;
pub mod ends;
#[cfg(test)]
mod fixtures;
pub mod leader;
pub mod limits;
pub mod member;
pub mod probe;
mod scan;
pub mod serve;
mod text;
pub mod token;
pub mod wire;

pub use clock::{Clock, SystemClock};
pub use codec::read;
pub use columns::{decode, encode};
pub use ends::{EndRecord, EndsBuilder, read_ends};
pub use leader::{
    Command, EventKind, FleetEvent, Leader, LeaderOptions, MemberId, MemberState, PeerAddress, Presence, Refusal,
    RefusalKind, Rejected, Role, Teller, UsageSample, WindowSink,
};
pub use limits::PROTOCOL;
pub use member::{
    ClientTls, ClockEstimate, JoinError, Joined, LeaderAt, Member, MemberEnd, MemberOptions, RemoteLeader, Standing,
    Undelivered, WindowSource,
};
pub use serve::{ServeError, ServeOptions, ServerTls, Serving, serve};
pub use token::{Token, TokenError};
