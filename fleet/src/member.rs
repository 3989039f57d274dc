//! A member's side of the protocol: joining, exchanging, keeping what could not be delivered, leaving.

mod error;
pub(crate) mod held;
mod joining;
mod link;
mod offset;
mod remote;
mod task;

use std::{fmt, sync::Arc, time::Duration};

use benchmark_results::schema::{HostFacts, WorkerFacts};
use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

pub use error::{JoinError, MemberEnd, Undelivered};
pub use offset::ClockEstimate;
use task::{Farewell, Shared, Task};

use crate::{
    leader::{Leader, Role},
    limits,
    token::Token,
    wire,
};

/// What a process tells of itself. It is asked before each exchange, from the member's task, so it should be quick.
pub trait WindowSource: Send + Sync {
    /// What was observed since the last call, each with the prefix of the workflow ids that it belongs to. Instants are
    /// to be on the leader's clock: `to_leader_ns` is what to add to those of this process.
    fn windows(&self, to_leader_ns: i64) -> Vec<(String, wire::window::Body)>;

    /// What was added to the instants of the last [`WindowSource::windows`], nanoseconds, where that is not what it was given.
    fn used_ns(&self, to_leader_ns: i64) -> i64 {
        to_leader_ns
    }

    /// How it stands with the leader, told before each exchange.
    fn stands(&self, _standing: Standing) {}

    /// How the process is. The fields about the clock and about windows that were dropped are filled in by the member.
    fn status(&self) -> wire::Status;
}

/// How a member stands with its leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the leader answered the last time.
    pub is_connected: bool,
    /// Windows that the leader has not got yet.
    pub pending: u64,
    /// Windows that were given up for want of room.
    pub dropped: u64,
}

/// Where the leader is.
#[derive(Clone, Debug)]
pub enum LeaderAt {
    /// In this process; it is called directly.
    InProcess(Leader),
    /// Somewhere else.
    Remote(RemoteLeader),
}

/// How a leader elsewhere is reached.
#[derive(Clone, Debug)]
pub struct RemoteLeader {
    /// `HOST:PORT`.
    pub address: String,
    /// What the leader wants to see.
    pub token: Option<Token>,
    /// TLS; without it the connection is plain.
    pub tls: Option<ClientTls>,
}

/// How the leader's certificate is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// PEM of the authorities that may have signed it; the system's when absent.
    pub ca: Option<Vec<u8>>,
    /// The name that it must carry, when that is not the address's host.
    pub server_name: Option<String>,
}

/// What a member begins with.
#[derive(Clone)]
pub struct MemberOptions {
    /// Where the leader is.
    pub leader: LeaderAt,
    /// What this process does.
    pub role: Role,
    /// Host and process, for people.
    pub name: String,
    /// The program's version; it must be the leader's.
    pub version: String,
    /// The plan that is insisted on: at least six hexadecimal digits of its hash.
    pub plan_hash: Option<String>,
    /// This machine.
    pub host: HostFacts,
    /// The effective options of the workers; `None` for a generator.
    pub workers: Option<WorkerFacts>,
    /// From one exchange to the next.
    pub interval: Duration,
    /// How long to try to reach the leader at first.
    pub join_timeout: Duration,
    /// Whether a leader that has no place left is asked again, as one is whose run is over.
    pub patient: bool,
    /// How long one call may take. An exchange without an answer by then is made again.
    pub call_timeout: Duration,
    /// How long the leader may be unreachable afterwards.
    pub leader_timeout: Duration,
    /// Unix nanoseconds on the clock that this process's instants are on.
    pub unix_ns: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Memory that windows may take which were not delivered yet, bytes. Of more, the newest are dropped and counted.
    pub held_bytes: usize,
}

impl MemberOptions {
    /// The usual: exchanges every 500 ms (100 ms in process), five minutes to join, a minute without the leader, 64 MiB of
    /// windows.
    pub fn new(
        leader: LeaderAt,
        role: Role,
        name: impl Into<String>,
        version: impl Into<String>,
        host: HostFacts,
        unix_ns: Arc<dyn Fn() -> u64 + Send + Sync>,
    ) -> MemberOptions {
        let interval = match leader {
            LeaderAt::InProcess(_) => Duration::from_millis(100),
            LeaderAt::Remote(_) => Duration::from_millis(500),
        };
        MemberOptions {
            leader,
            role,
            name: name.into(),
            version: version.into(),
            plan_hash: None,
            host,
            workers: None,
            interval,
            join_timeout: Duration::from_secs(300),
            patient: false,
            call_timeout: limits::CALL,
            leader_timeout: Duration::from_secs(60),
            unix_ns,
            held_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What the leader told whoever joined. Whoever reads the plan hashes what it read, and goes no further when that is not
/// `plan_hash`.
pub type Joined = wire::JoinResponse;

/// A process that is in a run. Dropping it ends the exchanges without a good-bye.
pub struct Member {
    shared: Arc<Shared>,
    orders: watch::Receiver<wire::Order>,
    end: watch::Receiver<Option<MemberEnd>>,
    farewell: Option<oneshot::Sender<Farewell>>,
    /// Until it begins.
    waiting: Option<Task>,
    running: Option<JoinHandle<()>>,
}

impl Member {
    /// Joins the leader's run. While the leader cannot be reached, or its run is over, it is tried again until
    /// `join_timeout`; any other refusal, or something at the address that is no leader, ends it at once.
    ///
    /// # Errors
    /// When the leader cannot be reached, refuses, or is none.
    pub fn join(options: MemberOptions) -> BoxFuture<'static, Result<(Joined, Member), JoinError>> {
        joining::join(options).boxed()
    }

    /// Begins to exchange, on the current runtime, which should be soon: who joined and is not heard counts as silent.
    /// Only the first call does something.
    pub fn begin(&mut self, source: Arc<dyn WindowSource>) {
        if let Some(task) = self.waiting.take() {
            self.running = Some(tokio::spawn(task.run(Some(source))));
        }
    }

    /// What the leader wants, as it is told.
    pub fn orders(&self) -> watch::Receiver<wire::Order> {
        self.orders.clone()
    }

    /// The leader's clock as seen from here.
    pub fn clock(&self) -> ClockEstimate {
        self.shared.clock()
    }

    /// Tells the leader the effective options of the workers, when they are not those that this process joined with: some
    /// are known only once the workers poll.
    pub fn describe(&self, workers: &WorkerFacts) {
        // Facts are plain structs of text and numbers, which always have a JSON.
        self.shared.describe(serde_json::to_string(workers).unwrap_or_default());
    }

    /// Exchanges now, or as soon as the exchange that is under way is answered.
    pub fn hurry(&self) {
        self.shared.hurry();
    }

    /// Waits until this process is no longer in the run, though nobody here asked for it; for ever otherwise.
    pub fn ended(&self) -> BoxFuture<'static, MemberEnd> {
        let mut end = self.end.clone();
        async move {
            let ended = end.wait_for(Option::is_some).await.map(|end| end.clone());
            match ended {
                Ok(Some(end)) => end,
                // It left as it was told.
                _ => std::future::pending().await,
            }
        }
        .boxed()
    }

    /// Collects the last windows, delivers everything that is held, and says good-bye.
    ///
    /// # Errors
    /// When that was not possible within `limit`, or the member had ended before.
    pub fn leave(mut self, reason: String, limit: Duration) -> BoxFuture<'static, Result<(), Undelivered>> {
        async move {
            if let Some(task) = self.waiting.take() {
                self.running = Some(tokio::spawn(task.run(None)));
            }
            let (done, delivered) = oneshot::channel();
            if let Some(farewell) = self.farewell.take() {
                // When the task has ended, nobody hears this, and `delivered` says so.
                let _ = farewell.send(Farewell { reason, limit, done });
            }
            match delivered.await {
                Ok(result) => result,
                Err(_) => Err(Undelivered {
                    windows: self.shared.held(),
                    why: self.end.borrow().as_ref().map_or_else(
                        || "the exchanges with the leader ended unexpectedly".to_owned(),
                        ToString::to_string,
                    ),
                }),
            }
        }
        .boxed()
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

#[cfg(test)]
mod tests;
