//! Starts that are under way: handed over, sent, perhaps sent again, answered or given up.
//!
//! A client belongs to one thread. Whoever hands starts over polls for their answers; no start has a task or a timer of
//! its own. A start that finds no connection with room waits here, in order, and its deadline goes on.

use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use benchmark_results::schema::StartConnections;
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, future::LocalBoxFuture, stream};
use tokio::{task::AbortHandle, time::sleep};

use super::{
    StartError,
    answer::{Answer, DEADLINE_EXCEEDED, Ended, NOT_SENT, Untouched},
    connection::Open,
    deadlines::Deadlines,
    dial::Dialer,
    keeper::Places,
    pick::Picker,
    ready::Place,
};
use crate::ConnectError;

/// Connections that are opened at the same time by one client.
const SIDE_BY_SIDE: usize = 16;

/// How long a connection takes nothing after it has refused a stream.
const REST: Duration = Duration::from_millis(20);

/// A start that is over: the key that it was given when it was handed over, and what became of it.
pub type Answered = (usize, Result<(), StartError>);

/// What a client has done besides sending starts once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartCounts {
    /// What became of the connections, and of the starts that could not be sent on one at once.
    pub connections: StartConnections,
    /// Addresses that connections stood to.
    pub addresses: BTreeSet<SocketAddr>,
    /// Most unanswered starts at one time on one connection.
    pub peak_in_flight: u64,
    /// Writes to the system.
    pub writes: u64,
}

impl StartCounts {
    /// Adds what another client has done.
    pub fn add(&mut self, other: &StartCounts) {
        self.addresses.extend(&other.addresses);
        self.connections = self.connections.and(other.connections);
        self.connections.addresses = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
        self.peak_in_flight = self.peak_in_flight.max(other.peak_in_flight);
        self.writes += other.writes;
    }
}

/// Connections that carry nothing but starts, and the starts on them.
pub struct StartClient {
    dialer: Arc<Dialer>,
    places: Rc<Places>,
    picker: Picker,
    starts: Vec<Start>,
    free: Vec<usize>,
    /// Starts that no connection has room for, the oldest first.
    waiting: VecDeque<(usize, u64)>,
    deadlines: Deadlines,
    answered: Vec<Answered>,
    woken: Vec<usize>,
    counts: StartCounts,
    keepers: Vec<AbortHandle>,
}

/// A place for a start, used again and again.
struct Start {
    place: Arc<Place>,
    waker: Waker,
    /// How many were here before.
    generation: u64,
    stage: Stage,
    request: Bytes,
    /// Whether it was sent before, and no server has looked at it.
    again: bool,
}

enum Stage {
    Free,
    Waiting,
    Sent {
        answer: Answer,
        on: Rc<Open>,
        /// What had been read on the connection when it was sent.
        reads: u64,
    },
}

impl StartClient {
    /// Opens connections, side by side. They live on the `LocalSet` that this is polled on, are numbered from `first`
    /// among all connections of a run, and are kept open for as long as the client is there.
    ///
    /// # Errors
    /// When one cannot be opened at any address of the name.
    pub fn connect(
        dialer: Arc<Dialer>,
        first: u32,
        connections: u32,
    ) -> LocalBoxFuture<'static, Result<StartClient, ConnectError>> {
        async move {
            let places = Rc::new(Places::default());
            let dial = |number| {
                let (dialer, writes) = (Arc::clone(&dialer), Rc::clone(&places.writes));
                async move { dialer.dial(number, &writes).await }
            };
            let dialed: Vec<_> = stream::iter((first..first + connections).map(dial))
                .buffered(SIDE_BY_SIDE)
                .try_collect()
                .await
                .map_err(|reason| ConnectError::Settings(format!("a connection for starts: {reason}")))?;
            *places.open.borrow_mut() = dialed.into_iter().map(|dialed| places.stand(dialed)).collect();
            let keep = |(place, number)| {
                let keeper = Rc::clone(&places).keep(place, number, Arc::clone(&dialer));
                tokio::task::spawn_local(keeper).abort_handle()
            };
            let keepers = (first..first + connections).enumerate().map(keep).collect();
            Ok(StartClient {
                picker: Picker::default(),
                starts: Vec::new(),
                free: Vec::new(),
                waiting: VecDeque::new(),
                deadlines: Deadlines::new(dialer.start_timeout),
                answered: Vec::new(),
                woken: Vec::new(),
                counts: StartCounts::default(),
                keepers,
                places,
                dialer,
            })
        }
        .boxed_local()
    }

    /// Hands over a start, encoded by a [`StartTemplate`](super::StartTemplate). Its deadline begins now, whether or not
    /// it can be sent at once. The key names it until it is answered; then the key is used again.
    pub fn start(&mut self, request: Bytes) -> usize {
        let key = self.free.pop().unwrap_or_else(|| self.new_place());
        let start = &mut self.starts[key];
        start.request = request;
        self.deadlines.push((key, start.generation));
        // Those that wait already are older.
        if !(self.waiting.is_empty() && self.send(key)) {
            self.counts.connections.waited += 1;
            self.wait(key);
        }
        key
    }

    /// The next start is of another instant: it may go out on another connection.
    pub fn end_group(&mut self) {
        self.picker.end_group();
    }

    /// Gives the starts that are over since the last call; pending while there are none.
    pub fn poll_answered(&mut self, cx: &mut Context<'_>, answered: &mut Vec<Answered>) -> Poll<()> {
        self.places.ready.poller.register(cx.waker());
        let mut woken = std::mem::take(&mut self.woken);
        self.places.ready.take(&mut woken);
        for key in woken.drain(..) {
            self.starts[key].place.begin();
            self.poll(key);
        }
        self.woken = woken;
        self.send_waiting();
        let starts = &self.starts;
        let is_over = |(key, generation): (usize, u64)| starts[key].generation != generation;
        self.deadlines.forget(is_over);
        while let Poll::Ready((key, generation)) = self.deadlines.poll_passed(cx) {
            if self.starts[key].generation == generation {
                let timeout = self.dialer.start_timeout;
                self.give_up(key, &format!("within {timeout:?}"));
            }
        }
        if self.answered.is_empty() {
            return Poll::Pending;
        }
        answered.append(&mut self.answered);
        Poll::Ready(())
    }

    /// Waits for no more answers: starts that are not answered are over.
    pub fn give_up_all(&mut self) {
        for key in 0..self.starts.len() {
            if !matches!(self.starts[key].stage, Stage::Free) {
                self.give_up(key, "until the run had to end");
            }
        }
    }

    /// What it has done so far.
    pub fn counts(&self) -> StartCounts {
        let mut counts = self.places.counts();
        counts.add(&self.counts);
        counts
    }

    fn new_place(&mut self) -> usize {
        let place = Place::new(self.starts.len(), &self.places.ready);
        self.starts.push(Start {
            waker: place.waker(),
            place,
            generation: 0,
            stage: Stage::Free,
            request: Bytes::new(),
            again: false,
        });
        self.starts.len() - 1
    }

    fn wait(&mut self, key: usize) {
        let start = &mut self.starts[key];
        start.stage = Stage::Waiting;
        self.waiting.push_back((key, start.generation));
    }

    /// Sends a start on a connection with room; false when there is none.
    fn send(&mut self, key: usize) -> bool {
        loop {
            let on = {
                let open = self.places.open.borrow();
                match self.picker.pick(&open) {
                    Some(index) => Rc::clone(&open[index]),
                    None => return false,
                }
            };
            let start = &mut self.starts[key];
            // One that turns out to be over takes no more, so that the next pick is another.
            if let Some(answer) = on.send(&self.dialer.head, start.request.clone()) {
                self.counts.connections.sent_again += u64::from(std::mem::take(&mut start.again));
                self.counts.peak_in_flight = self.counts.peak_in_flight.max(on.in_flight() as u64);
                start.stage = Stage::Sent {
                    answer,
                    reads: on.reads(),
                    on,
                };
                self.poll(key);
                return true;
            }
        }
    }

    fn send_waiting(&mut self) {
        while let Some((key, generation)) = self.waiting.front().copied() {
            // Otherwise it was given up meanwhile.
            let waits = self.starts[key].generation == generation;
            if waits && !self.send(key) {
                return;
            }
            self.waiting.pop_front();
        }
    }

    /// Looks whether a start that was sent is answered.
    fn poll(&mut self, key: usize) {
        let start = &mut self.starts[key];
        let Stage::Sent { answer, on, .. } = &mut start.stage else {
            // Given up meanwhile.
            return;
        };
        let Poll::Ready(ended) = answer.poll(&mut Context::from_waker(&start.waker)) else {
            return;
        };
        on.release();
        let result = match ended {
            Ended::Accepted => {
                on.succeeded();
                Ok(())
            }
            Ended::Failed(error) => {
                on.failed();
                Err(error)
            }
            Ended::Untouched(why) => {
                if why == Untouched::StreamRefused {
                    rest(Rc::clone(on), &self.places);
                }
                start.again = true;
                start.stage = Stage::Waiting;
                self.waiting.push_front((key, start.generation));
                return;
            }
        };
        self.end(key, result);
    }

    /// Ends a start whose time is up: `within` what. Where it was sent its stream is reset (CANCEL), so that the server can
    /// stop too.
    fn give_up(&mut self, key: usize, within: &str) {
        let error = match &self.starts[key].stage {
            Stage::Sent { on, reads, .. } => {
                on.release();
                on.failed();
                if on.reads() == *reads {
                    on.doubt();
                }
                StartError::unknown(DEADLINE_EXCEEDED, format!("no answer {within}"))
            }
            Stage::Waiting | Stage::Free => {
                let trouble = self.places.trouble.borrow();
                let why = trouble
                    .as_deref()
                    .unwrap_or("each has as many starts as the server allows");
                StartError::unknown(NOT_SENT, format!("no connection took it {within}: {why}"))
            }
        };
        self.end(key, Err(error));
    }

    fn end(&mut self, key: usize, result: Result<(), StartError>) {
        let start = &mut self.starts[key];
        start.generation += 1;
        start.again = false;
        start.stage = Stage::Free;
        start.request = Bytes::new();
        self.free.push(key);
        self.answered.push((key, result));
    }
}

/// Has a connection take nothing for a while: the server has said that it takes no more, and asking at once would only
/// be refused again.
fn rest(on: Rc<Open>, places: &Rc<Places>) {
    if on.refused() {
        let ready = Arc::clone(&places.ready);
        tokio::task::spawn_local(async move {
            sleep(REST).await;
            on.end_rest();
            ready.poller.wake();
        });
    }
}

impl Drop for StartClient {
    fn drop(&mut self) {
        self.keepers.iter().for_each(AbortHandle::abort);
        self.places.open.borrow().iter().for_each(|open| open.retire());
    }
}

impl std::fmt::Debug for StartClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartClient")
            .field("dialer", &self.dialer)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_several_clients_add_up() {
        let counts = |n: u16| StartCounts {
            connections: StartConnections {
                addresses: 1,
                opened: 4 * u64::from(n),
                sent_again: u64::from(n),
                ..StartConnections::default()
            },
            addresses: [([127, 0, 0, 1], n).into()].into(),
            peak_in_flight: 3 * u64::from(n),
            writes: 9 * u64::from(n),
        };
        let mut sum = counts(10);
        sum.add(&counts(5));
        let mut expected = counts(15);
        expected.peak_in_flight = 30;
        expected.connections.addresses = 2;
        expected.addresses = [10, 5].map(|port| ([127, 0, 0, 1], port).into()).into();
        assert_eq!(sum, expected);
    }
}
