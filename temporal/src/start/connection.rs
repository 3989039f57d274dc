//! One connection that carries nothing but starts, from its first answer to its end.
//!
//! It is driven by one task, which owns it. That task notices what the starts on it cannot tell: that it is to take no
//! more (GOAWAY), that it has broken, and that the other side is gone without a word.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use h2::{Ping, PingPong, client::SendRequest};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use super::{answer::Answer, dial::Dialed, head::Head, socket::Traffic};

/// After this long without a word from the other side it is asked for one (HTTP/2 PING), also while nothing is sent: as
/// the official client does.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long it may take to answer that.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// The shortest time between two such questions: servers of gRPC count more frequent ones as abuse.
const PING_PAUSE: Duration = Duration::from_secs(10);

/// Failures in a row from which on a connection is passed over where there is another.
const FAILING: u32 = 2;

/// How a connection stopped taking starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The server retired it in good order (GOAWAY). What it took before is still answered.
    GoAway,
    /// It broke, or the other side does not answer any more.
    Lost,
}

/// A connection, as those who send on it see it.
pub(super) struct Open {
    /// Gone as soon as nothing more may be sent: `h2` closes the connection when all that was sent is answered.
    sender: RefCell<Option<SendRequest<Bytes>>>,
    traffic: Rc<Traffic>,
    /// Starts that may be unanswered at one time, as the server has it.
    limit: Cell<usize>,
    /// The same, as learnt from streams that the server has refused.
    cap: Cell<usize>,
    in_flight: Cell<usize>,
    /// Starts that were sent on it and on those before it in its place.
    taken: Cell<u64>,
    /// Failures since the last start that was accepted.
    failures: Cell<u32>,
    /// Whether a start was ever answered on it.
    useful: Cell<bool>,
    /// Takes nothing for the moment.
    resting: Cell<bool>,
    over: Cell<Option<Over>>,
    /// Told when it is over.
    pub(super) ended: Notify,
    /// Told when somebody doubts that the other side is there.
    doubted: Notify,
}

impl Open {
    /// Has a connection driven by a task of its own, on the `LocalSet` that this is called on. `changed` is called when
    /// it may take more or fewer starts than before.
    pub(super) fn drive(dialed: Dialed, changed: Rc<dyn Fn()>) -> Rc<Self> {
        let Dialed {
            sender,
            mut connection,
            pings,
            traffic,
            ..
        } = dialed;
        let open = Rc::new(Open {
            limit: Cell::new(sender.current_max_send_streams()),
            sender: RefCell::new(Some(sender)),
            traffic,
            cap: Cell::new(usize::MAX),
            in_flight: Cell::default(),
            taken: Cell::default(),
            failures: Cell::default(),
            useful: Cell::default(),
            resting: Cell::default(),
            over: Cell::default(),
            ended: Notify::new(),
            doubted: Notify::new(),
        });
        let driven = Rc::clone(&open);
        tokio::task::spawn_local(async move {
            let gone = keep_alive(pings, Rc::clone(&driven));
            tokio::pin!(gone);
            poll_fn(|cx| {
                let ended = Pin::new(&mut connection).poll(cx).is_ready() || gone.as_mut().poll(cx).is_ready();
                // Its last frames may have retired it before it was closed.
                if driven.look(cx) {
                    changed();
                }
                if ended { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            // What is unanswered learns of it first: it is told to the starts when the connection is dropped.
            drop(connection);
            driven.end(Over::Lost);
            changed();
        });
        open
    }

    /// Looks at what the last frames have changed; true when something has.
    fn look(&self, cx: &mut Context<'_>) -> bool {
        let (retired, limit) = match &mut *self.sender.borrow_mut() {
            Some(sender) => (
                matches!(sender.poll_ready(cx), Poll::Ready(Err(error)) if error.is_go_away() && error.is_remote()),
                sender.current_max_send_streams(),
            ),
            None => return false,
        };
        if retired {
            self.end(Over::GoAway);
        }
        self.limit.replace(limit) != limit || retired
    }

    /// Takes no more starts. What was sent is still answered.
    pub(super) fn retire(&self) {
        self.sender.borrow_mut().take();
    }

    fn end(&self, over: Over) {
        self.retire();
        if self.over.get().is_none() {
            self.over.set(Some(over));
            self.ended.notify_one();
        }
    }

    /// How it is over, when it is.
    pub(super) fn over(&self) -> Option<Over> {
        self.over.get()
    }

    /// Whether another start may go out on it.
    pub(super) fn has_room(&self) -> bool {
        let limit = self.limit.get().min(self.cap.get());
        !self.resting.get() && self.in_flight.get() < limit && self.sender.borrow().is_some()
    }

    /// Sends a start. `None` when it cannot: then nothing was sent, and nothing more can be.
    pub(super) fn send(&self, head: &Head, request: Bytes) -> Option<Answer> {
        let mut sender = self.sender.borrow_mut();
        let sent = sender.as_mut().and_then(|sender| {
            let (response, mut body) = sender.send_request(head.request(), false).ok()?;
            body.send_data(request, true).ok()?;
            Some(Answer::Head(response))
        });
        drop(sender);
        match &sent {
            Some(_) => {
                self.in_flight.set(self.in_flight.get() + 1);
                self.taken.set(self.taken.get() + 1);
            }
            // Retired, broken, or out of numbers for streams.
            None => self.end(Over::Lost),
        }
        sent
    }

    /// A start on it is over, one way or another.
    pub(super) fn release(&self) {
        self.in_flight.set(self.in_flight.get() - 1);
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.get()
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// Begins with as many as others have taken, so that it is not preferred for being new.
    pub(super) fn has_taken(&self, taken: u64) {
        self.taken.set(taken);
    }

    pub(super) fn succeeded(&self) {
        self.failures.set(0);
        self.cap.set(self.cap.get().saturating_add(1));
        self.useful.set(true);
    }

    pub(super) fn failed(&self) {
        self.failures.set(self.failures.get().saturating_add(1));
    }

    /// Whether it has failed again and again: its few unanswered starts say nothing for it then.
    pub(super) fn is_failing(&self) -> bool {
        self.failures.get() >= FAILING
    }

    /// Whether it was worth opening.
    pub(super) fn was_useful(&self) -> bool {
        self.useful.get()
    }

    /// The server has refused a stream: takes nothing for a while, and then no more than was unanswered now, and one
    /// more for each start that is accepted. True when the while begins.
    pub(super) fn refused(&self) -> bool {
        self.failed();
        self.cap.set(self.in_flight.get().min(self.cap.get()).max(1));
        !self.resting.replace(true)
    }

    pub(super) fn end_rest(&self) {
        self.resting.set(false);
    }

    /// Reads that brought something so far.
    pub(super) fn reads(&self) -> u64 {
        self.traffic.reads.get()
    }

    /// Asks the other side whether it is still there, in a while at the latest.
    pub(super) fn doubt(&self) {
        self.doubted.notify_one();
    }
}

/// Ends when the other side does not answer any more.
async fn keep_alive(mut pings: PingPong, open: Rc<Open>) {
    let mut heard = open.reads();
    let mut asked: Option<Instant> = None;
    loop {
        let doubted = tokio::select! {
            () = sleep(KEEP_ALIVE) => false,
            () = open.doubted.notified() => true,
        };
        let quiet = std::mem::replace(&mut heard, open.reads()) == open.reads();
        let just_asked = asked.is_some_and(|asked| asked.elapsed() < PING_PAUSE);
        if (!doubted && !quiet) || (doubted && just_asked) {
            continue;
        }
        asked = Some(Instant::now());
        if pings.send_ping(Ping::opaque()).is_err() {
            // It is over, which the connection itself tells.
            return std::future::pending().await;
        }
        match timeout(KEEP_ALIVE_TIMEOUT, poll_fn(|cx| pings.poll_pong(cx))).await {
            Ok(Ok(_)) => heard = open.reads(),
            Ok(Err(_)) => return std::future::pending().await,
            Err(_) => return,
        }
    }
}
