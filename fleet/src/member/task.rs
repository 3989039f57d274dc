//! Exchange loop: one exchange after the other, while windows are collected at their own pace.
//!
//! At most one exchange is under way. An exchange that brings no answer changes nothing: the same windows go with the
//! next one, and the leader knows by their numbers which it has.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    ClockEstimate, MemberEnd, Standing, Undelivered, WindowSource,
    held::Held,
    link::{Failure, Link},
    offset::{Offset, ToldClock},
};
use crate::{leader::RefusalKind, limits::SILENT_AFTER, wire};

/// What is said of the leader when nothing else is known.
const NO_ANSWER: &str = "no answer";

/// What the task shares with its handle.
pub(super) struct Shared {
    hurry: Notify,
    /// Facts that the leader does not know yet, as JSON.
    described: Mutex<Option<String>>,
    held: AtomicUsize,
    /// `None` in process, where there is only one clock.
    offset: Option<Mutex<Offset>>,
    unix_ns: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Shared {
    pub(super) fn new(link: &Link, offset: Offset, unix_ns: Arc<dyn Fn() -> u64 + Send + Sync>) -> Shared {
        Shared {
            hurry: Notify::new(),
            described: Mutex::new(None),
            held: AtomicUsize::new(0),
            offset: link.is_remote().then(|| Mutex::new(offset)),
            unix_ns,
        }
    }

    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    pub(super) fn describe(&self, workers_json: String) {
        *self.described.lock() = Some(workers_json);
        self.hurry();
    }

    fn description(&self) -> Option<String> {
        self.described.lock().take()
    }

    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(super) fn clock(&self) -> ClockEstimate {
        match &self.offset {
            None => ClockEstimate::SAME,
            Some(offset) => {
                let now = (self.unix_ns)();
                offset.lock().estimate(now)
            }
        }
    }

    fn take_step(&self) -> u64 {
        self.offset.as_ref().map_or(0, |offset| offset.lock().take_step())
    }

    fn sample(&self, sent: u64, received: u64, leader: u64) {
        if let Some(offset) = &self.offset {
            offset.lock().sample(sent, received, leader);
        }
    }
}

/// The wish to leave.
#[derive(Debug)]
pub(super) struct Farewell {
    pub(super) reason: String,
    pub(super) limit: Duration,
    pub(super) done: oneshot::Sender<Result<(), Undelivered>>,
}

/// A member's exchanges before they begin.
pub(super) struct Task {
    pub(super) link: Link,
    pub(super) request: wire::JoinRequest,
    pub(super) run_id: String,
    pub(super) interval: Duration,
    pub(super) leader_timeout: Duration,
    pub(super) unix_ns: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub(super) held: Held,
    pub(super) shared: Arc<Shared>,
    pub(super) orders: watch::Sender<wire::Order>,
    pub(super) end: watch::Sender<Option<MemberEnd>>,
    pub(super) farewell: oneshot::Receiver<Farewell>,
}

/// What came back.
enum Reply {
    Exchanged {
        response: wire::ExchangeResponse,
        /// Whether the exchange carried all windows that were held.
        all: bool,
        good_bye: bool,
    },
    Joined(wire::JoinResponse),
}

type Call = BoxFuture<'static, Result<Reply, Failure>>;

/// Leaving: until when, and whom to tell.
struct Leaving {
    reason: String,
    until: Instant,
    done: oneshot::Sender<Result<(), Undelivered>>,
}

/// How the exchanges ended.
enum Over {
    /// The handle is gone, or the leader has everything and the good-bye.
    Done,
    /// What was wished could not be done, for this reason.
    Out(MemberEnd),
}

/// A member's exchanges under way.
struct Run {
    task: Task,
    source: Option<Arc<dyn WindowSource>>,
    leaving: Option<Leaving>,
    /// When the leader last answered, and what went wrong since.
    heard: Instant,
    last_error: String,
    /// Whether something is to be told that is not in the exchange under way.
    again: bool,
    /// Whether the leader is to be told again who this is, since that changed.
    rejoin: bool,
    /// Exchanges so far.
    exchanges: u64,
}

impl Task {
    /// Exchanges until the member leaves or is no longer in the run.
    pub(super) async fn run(self, source: Option<Arc<dyn WindowSource>>) {
        let mut run = Run {
            task: self,
            source,
            leaving: None,
            heard: Instant::now(),
            last_error: NO_ANSWER.to_owned(),
            again: false,
            rejoin: false,
            exchanges: 0,
        };
        // A source that panics must not leave a process behind that waits for orders which nobody fetches.
        let over = AssertUnwindSafe(run.exchanges()).catch_unwind().await;
        let over = over.unwrap_or_else(|_| run.lost("a panic while windows were collected; see the log".to_owned()));
        run.stand(false);
        run.task.shared.held.store(run.task.held.len(), Ordering::Relaxed);
        // Whoever asked may have stopped listening, which is his affair.
        match (over, run.leaving) {
            (Over::Done, Some(leaving)) => drop(leaving.done.send(Ok(()))),
            (Over::Done, None) => {}
            (Over::Out(end), Some(leaving)) => {
                let windows = run.task.held.len();
                let why = match end {
                    MemberEnd::Lost { last_error, .. } => last_error,
                    other => other.to_string(),
                };
                drop(leaving.done.send(Err(Undelivered { windows, why })));
            }
            (Over::Out(end), None) => drop(run.task.end.send_replace(Some(end))),
        }
    }
}

impl Run {
    async fn exchanges(&mut self) -> Over {
        let mut ticks = interval(self.task.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut call: Option<Call> = None;
        loop {
            let until = match &self.leaving {
                Some(leaving) => leaving.until,
                None => self.heard + self.task.leader_timeout,
            };
            // In this order: a wish to leave and an answer that is there come before the end of a time limit.
            let over = tokio::select! {
                biased;
                farewell = &mut self.task.farewell, if self.leaving.is_none() => match farewell {
                    Ok(farewell) => {
                        self.leave(farewell);
                        None
                    }
                    Err(_) => Some(Over::Done),
                },
                reply = reply(&mut call) => {
                    call = None;
                    match self.take(reply) {
                        Next::Go => None,
                        Next::Join => {
                            call = Some(self.join());
                            None
                        }
                        Next::End(over) => Some(over),
                    }
                }
                () = sleep_until(until) => Some(self.lost(self.last_error.clone())),
                () = self.task.shared.hurry.notified() => {
                    self.collect();
                    None
                }
                _ = ticks.tick() => {
                    self.collect();
                    None
                }
            };
            if let Some(over) = over {
                return over;
            }
            self.task.shared.held.store(self.task.held.len(), Ordering::Relaxed);
            self.stand(self.last_error == NO_ANSWER && self.heard.elapsed() < SILENT_AFTER);
            if self.again && call.is_none() {
                self.again = false;
                if let Some(workers_json) = self.task.shared.description() {
                    self.task.request.workers_json = workers_json;
                    self.rejoin = true;
                }
                call = Some(if self.rejoin { self.join() } else { self.exchange() });
            }
        }
    }

    fn lost(&self, last_error: String) -> Over {
        Over::Out(MemberEnd::Lost {
            address: self.task.link.address(),
            silent_for: self.heard.elapsed(),
            last_error,
        })
    }

    fn stand(&self, is_connected: bool) {
        if let Some(source) = &self.source {
            source.stands(Standing {
                is_connected,
                pending: self.task.held.len() as u64,
                dropped: self.task.held.dropped(),
            });
        }
    }

    /// Collects what was observed. Once the member leaves, the last windows have been.
    fn collect(&mut self) {
        self.again = true;
        if self.leaving.is_none()
            && let Some(source) = &self.source
        {
            let estimate = self.task.shared.clock();
            let windows = source.windows(estimate.to_leader_ns());
            if !windows.is_empty() {
                self.task.held.tell(ToldClock {
                    estimate,
                    used_ns: source.used_ns(estimate.to_leader_ns()),
                    step_ns: self.task.shared.take_step(),
                });
            }
            for (run, body) in windows {
                self.task.held.push(run, body);
            }
        }
    }

    fn leave(&mut self, farewell: Farewell) {
        self.collect();
        self.leaving = Some(Leaving {
            reason: farewell.reason,
            until: Instant::now() + farewell.limit,
            done: farewell.done,
        });
    }

    fn take(&mut self, reply: Result<Reply, Failure>) -> Next {
        if reply.is_ok() {
            self.heard = Instant::now();
            NO_ANSWER.clone_into(&mut self.last_error);
        }
        let refusal = match reply {
            Ok(Reply::Exchanged {
                response,
                all,
                good_bye,
            }) => {
                let more = self.task.held.ack(response.acked);
                let order = response.order.unwrap_or_default();
                self.task.orders.send_if_modified(|before| {
                    let changed = *before != order;
                    *before = order;
                    changed
                });
                if good_bye && self.task.held.len() == 0 {
                    return Next::End(Over::Done);
                }
                // More than one exchange carries goes at once, and so does the good-bye; but not to a leader that has no
                // room for it now.
                self.again |= more && !all || self.leaving.is_some() && (more || self.task.held.len() == 0);
                return Next::Go;
            }
            Ok(Reply::Joined(response)) if response.run_id == self.task.run_id => {
                self.task.held.resume(response.acked);
                self.again = true;
                self.rejoin = false;
                return Next::Go;
            }
            Ok(Reply::Joined(response)) => return another(response.run_id),
            Err(Failure::NotALeader(why) | Failure::Unreachable(why)) => {
                if self.last_error == NO_ANSWER {
                    tracing::debug!("an exchange with the leader failed: {why}");
                }
                self.last_error = why;
                return Next::Go;
            }
            Err(Failure::Refused(refusal)) => refusal,
        };
        match (refusal.kind, refusal.run_id) {
            (RefusalKind::Unknown, Some(run_id)) if run_id != self.task.run_id => another(run_id),
            // The same run does not know us: it is told again who we are.
            (RefusalKind::Unknown, _) => Next::Join,
            // It was overtaken by one that was answered, or by the answer that was lost.
            (RefusalKind::Stale, _) => Next::Go,
            _ => Next::End(Over::Out(MemberEnd::Refused { reason: refusal.reason })),
        }
    }

    fn join(&self) -> Call {
        let (link, request) = (self.task.link.clone(), self.task.request.clone());
        Box::pin(async move {
            link.connect().await?;
            link.join(request).await.map(Reply::Joined)
        })
    }

    fn exchange(&mut self) -> Call {
        self.exchanges += 1;
        let (windows, all) = self.task.held.batch();
        let good_bye = all && self.leaving.is_some();
        let clock = self.task.shared.clock();
        let mut status = self.source.as_ref().map(|source| source.status()).unwrap_or_default();
        status.clock_offset_ns = clock.offset_ns;
        status.clock_uncertainty_ns = clock.uncertainty_ns;
        status.windows_dropped = status.windows_dropped.saturating_add(self.task.held.dropped());
        let request = wire::ExchangeRequest {
            key: self.task.request.key.clone(),
            windows,
            status: Some(status),
            leaving: good_bye,
            reason: match &self.leaving {
                Some(leaving) if good_bye => leaving.reason.clone(),
                _ => String::new(),
            },
            number: self.exchanges,
            more: !all,
        };
        let (link, shared, unix_ns) = (
            self.task.link.clone(),
            self.task.shared.clone(),
            self.task.unix_ns.clone(),
        );
        Box::pin(async move {
            link.connect().await?;
            let sent = unix_ns();
            let response = link.exchange(request).await?;
            shared.sample(sent, unix_ns(), response.now_unix_ns);
            Ok(Reply::Exchanged {
                response,
                all,
                good_bye,
            })
        })
    }
}

/// What follows from a reply.
enum Next {
    Go,
    Join,
    End(Over),
}

fn another(run_id: String) -> Next {
    Next::End(Over::Out(MemberEnd::AnotherRun { run_id }))
}

/// The answer to the call under way; never, when there is none.
async fn reply(call: &mut Option<Call>) -> Result<Reply, Failure> {
    match call {
        Some(call) => call.await,
        None => std::future::pending().await,
    }
}
