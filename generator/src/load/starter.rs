//! Starter, a thread that sends starts.
//!
//! It owns its connections, its shard and its histograms, and a runtime that runs nothing else, so that nothing on the
//! way of a start is shared with another thread. What happened is handed over in batches.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::Sender,
    },
    task::Poll,
    thread::JoinHandle,
    time::Duration,
};

use benchmark_temporal::{
    ConnectError,
    start::{Answered, Dialer, StartClient, StartCounts, StartError, StartTemplate},
};
use benchmark_workflows::RunHeader;
use futures::FutureExt;
use tokio::{sync::Notify, task::LocalSet, time::Interval};

use crate::load::{
    pacer::Pacer,
    realtime::{self, ThreadScheduling},
    sample::HashedSample,
    schedule::{Schedule, Stripe},
    shard::{Action, Admission, Dispatched, Shard, ShardWindow, StartAnswer, StartEnd, StartErrors},
    timeline::Timeline,
    workload::WorkloadInput,
};

/// How often what happened is handed over, when nothing else does it.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// Starts that are handed to a connection before it gets a turn to write them.
const BURST: u32 = 32;

/// No stop was asked for.
const NO_STOP: u64 = u64::MAX;

/// What a starter tells of its starts. Who takes it has a type of report `R` that it is a part of.
#[derive(Debug)]
pub enum LoadReport {
    /// Starts ended: number and how.
    Starts(Vec<(u64, StartEnd)>),
    /// Seconds of its shard are over.
    Windows(Vec<ShardWindow>),
    /// Starts were refused or lost.
    StartErrors(StartErrors),
}

/// What a starter is given.
#[derive(Clone)]
pub struct StarterOptions<R> {
    /// Which starter this is, from 0.
    pub index: u32,
    /// When starts are due.
    pub schedule: Schedule,
    /// Which of them are this starter's.
    pub stripe: Stripe,
    /// What it may do.
    pub admission: Admission,
    /// How starts are encoded.
    pub template: Arc<StartTemplate>,
    /// The workload's inputs.
    pub input: WorkloadInput,
    /// Prefix of the workflow ids.
    pub id_prefix: Arc<str>,
    /// How the server is reached.
    pub dialer: Arc<Dialer>,
    /// Number of its first connection, among all of the run.
    pub first_connection: u32,
    /// Connections of this starter.
    pub connections: u32,
    /// Which workflows are long-polled.
    pub sample: HashedSample,
    /// Where reports go.
    pub reports: Sender<R>,
    /// How the thread wishes to be scheduled.
    pub scheduling: ThreadScheduling,
    /// Where accepted starts of the sample go: number and offset at which each was sent.
    pub sampled: tokio::sync::mpsc::UnboundedSender<(u64, u64)>,
}

/// A starter's thread.
#[derive(Debug)]
pub struct Starter {
    signals: Arc<Signals>,
    release: tokio::sync::oneshot::Sender<()>,
    begin: Option<tokio::sync::oneshot::Sender<Timeline>>,
    ready: Option<tokio::sync::oneshot::Receiver<Result<(), ConnectError>>>,
    thread: JoinHandle<StarterSummary>,
}

/// What a starter says at its end.
#[derive(Clone, Debug, Default)]
pub struct StarterSummary {
    /// What became of its connections, and of starts that were sent more than once.
    pub counts: StartCounts,
    /// How the thread was scheduled; `None` when it did not get so far.
    pub scheduling: Option<ThreadScheduling>,
}

impl Starter {
    /// Makes the thread, which connects and then waits for [`Starter::begin`].
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn spawn<R: From<LoadReport> + Send + 'static>(options: StarterOptions<R>) -> std::io::Result<Self> {
        let (release, released) = tokio::sync::oneshot::channel();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (ready, connected) = tokio::sync::oneshot::channel();
        let signals = Arc::new(Signals {
            stop_at: AtomicU64::new(NO_STOP),
            ..Signals::default()
        });
        let of_thread = Arc::clone(&signals);
        let name = format!("starter-{}", options.index);
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = ready.send(Err(ConnectError::Settings(format!("a runtime for starts: {error}"))));
                    return StarterSummary::default();
                }
            };
            let summary = LocalSet::new().block_on(&runtime, async move {
                let prepared = async {
                    let timer = |error| ConnectError::Settings(format!("a timer for starts: {error}"));
                    let dialer = Arc::clone(&options.dialer);
                    let client = StartClient::connect(dialer, options.first_connection, options.connections);
                    Ok((Pacer::new().map_err(timer)?, client.await?))
                };
                let (pacer, client) = match prepared.await {
                    Ok(prepared) => prepared,
                    Err(error) => {
                        let _ = ready.send(Err(error));
                        return StarterSummary::default();
                    }
                };
                let _ = ready.send(Ok(()));
                match begun.await {
                    Ok(timeline) => {
                        let priority = realtime::request(&options.scheduling);
                        let summary = Loop::new(options, client, timeline, of_thread).run(pacer).await;
                        // It stays until it has been looked at: the system forgets what an ended thread has used.
                        let _ = released.await;
                        StarterSummary {
                            scheduling: Some(priority.told()),
                            ..summary
                        }
                    }
                    Err(_) => StarterSummary::default(),
                }
            });
            // A name that is being looked up for a connection must not hold the thread.
            runtime.shutdown_background();
            summary
        })?;
        Ok(Starter {
            signals,
            release,
            begin: Some(begin),
            ready: Some(connected),
            thread,
        })
    }

    /// Waits until the connections stand.
    ///
    /// # Errors
    /// When one cannot be made.
    pub async fn ready(&mut self) -> Result<(), ConnectError> {
        let gone = || ConnectError::Settings("a starter's thread ended before it connected".into());
        match self.ready.take() {
            Some(ready) => ready.await.map_err(|_| gone())?,
            None => Ok(()),
        }
    }

    /// Begins the submission window.
    pub fn begin(&mut self, timeline: Timeline) {
        if let Some(begin) = self.begin.take() {
            // A thread that is gone shows when it is joined.
            let _ = begin.send(timeline);
        }
    }

    /// Ends the submission at an offset: arrivals due later are no arrivals.
    pub fn stop_at(&self, offset: u64) {
        self.signals.stop_at.fetch_min(offset, Ordering::Relaxed);
        self.signals.waker.notify_one();
    }

    /// Waits for no more answers: those that have not come are lost.
    pub fn give_up(&self) {
        self.signals.given_up.store(true, Ordering::Relaxed);
        self.signals.waker.notify_one();
    }

    /// Whether the cap was reached and the load says that this ends the run.
    pub fn is_aborted(&self) -> bool {
        self.signals.aborted.load(Ordering::Relaxed)
    }

    /// Starts handed to a connection so far.
    pub fn dispatched(&self) -> u64 {
        self.signals.dispatched.load(Ordering::Relaxed)
    }

    /// Whether everything was sent and answered.
    pub fn is_done(&self) -> bool {
        self.signals.done.load(Ordering::Relaxed) || self.thread.is_finished()
    }

    /// Lets the thread end and waits for it.
    ///
    /// # Errors
    /// What it said when it panicked.
    pub fn join(self) -> Result<StarterSummary, String> {
        // A thread that has ended already hears nothing.
        let _ = self.release.send(());
        self.thread.join().map_err(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            words
                .or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()))
                .unwrap_or_else(|| "a panic without words".to_owned())
        })
    }
}

/// What the thread and those who watch it tell each other.
#[derive(Debug, Default)]
struct Signals {
    waker: Notify,
    stop_at: AtomicU64,
    given_up: AtomicBool,
    aborted: AtomicBool,
    done: AtomicBool,
    dispatched: AtomicU64,
}

/// The loop of one starter.
struct Loop<R> {
    shard: Shard,
    client: StartClient,
    /// The starts that are under way, by the client's keys.
    under_way: Vec<Dispatched>,
    options: StarterOptions<R>,
    timeline: Timeline,
    signals: Arc<Signals>,
    buffers: Buffers,
    flush: Interval,
}

/// Reused for each start.
#[derive(Default)]
struct Buffers {
    id: String,
    header: Vec<u8>,
    input: Vec<u8>,
    answered: Vec<Answered>,
}

/// What a wait is for, besides the word of those who watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// An offset. Answers are taken in meanwhile; arrivals that are due together are sent together.
    Due(u64),
    /// An answer, or the time to look after arrivals that have waited too long.
    Answered,
}

impl<R: From<LoadReport>> Loop<R> {
    fn new(options: StarterOptions<R>, client: StartClient, timeline: Timeline, signals: Arc<Signals>) -> Self {
        Loop {
            shard: Shard::new(&options.schedule, options.stripe, options.admission),
            client,
            under_way: Vec::new(),
            options,
            timeline,
            signals,
            buffers: Buffers::default(),
            flush: tokio::time::interval(FLUSH_INTERVAL),
        }
    }

    async fn run(mut self, mut pacer: Pacer) -> StarterSummary {
        let mut burst = 0;
        loop {
            let stop_at = self.signals.stop_at.load(Ordering::Relaxed);
            if stop_at != NO_STOP {
                self.shard.stop(stop_at);
            }
            if self.signals.given_up.swap(false, Ordering::Relaxed) {
                self.client.give_up_all();
                self.give_way().await;
            }
            let Some(now) = self.timeline.now() else {
                // Nothing is due before the beginning.
                self.wait(&mut pacer, Until::Due(0)).await;
                continue;
            };
            let step = self.shard.poll(now);
            if let Action::Dispatch(start) = step {
                self.dispatch(start);
                burst += 1;
                if burst == BURST {
                    burst = 0;
                    self.client.end_group();
                    self.give_way().await;
                }
                continue;
            }
            burst = 0;
            self.client.end_group();
            match step {
                Action::Wait(due) => self.wait(&mut pacer, Until::Due(due)).await,
                Action::Done if self.shard.in_flight() == 0 => break,
                Action::Abort => {
                    self.signals.aborted.store(true, Ordering::Relaxed);
                    self.wait(&mut pacer, Until::Answered).await;
                }
                _ => self.wait(&mut pacer, Until::Answered).await,
            }
        }
        let windows = self.shard.finish();
        self.report(windows);
        self.signals.done.store(true, Ordering::Relaxed);
        StarterSummary {
            counts: self.client.counts(),
            scheduling: None,
        }
    }

    /// Lets the connections write and read, and takes in what is answered, without waiting.
    async fn give_way(&mut self) {
        tokio::task::yield_now().await;
        let (client, answered) = (&mut self.client, &mut self.buffers.answered);
        poll_fn(|cx| {
            let _ = client.poll_answered(cx, answered);
            Poll::Ready(())
        })
        .await;
        self.take_answers();
        if self.flush.tick().now_or_never().is_some() {
            self.flush();
        }
    }

    async fn wait(&mut self, pacer: &mut Pacer, until: Until) {
        loop {
            let (client, answered) = (&mut self.client, &mut self.buffers.answered);
            let due = async {
                match until {
                    Until::Due(due) => pacer.wait(self.timeline, due).await,
                    Until::Answered => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.signals.waker.notified() => return,
                () = poll_fn(|cx| client.poll_answered(cx, answered)) => self.take_answers(),
                () = due => return,
                _ = self.flush.tick() => self.flush(),
            }
            if until == Until::Answered {
                return;
            }
        }
    }

    fn dispatch(&mut self, start: Dispatched) {
        let request = self.encode(start);
        let key = self.client.start(request);
        if key == self.under_way.len() {
            self.under_way.push(start);
        } else {
            self.under_way[key] = start;
        }
        self.signals.dispatched.fetch_add(1, Ordering::Relaxed);
    }

    fn encode(&mut self, start: Dispatched) -> bytes::Bytes {
        let Buffers { id, header, input, .. } = &mut self.buffers;
        let n = start.arrival.n;
        id.clear();
        crate::load::ids::write(
            id,
            &self.options.id_prefix,
            self.options.schedule.phase_at(start.arrival.due),
            n,
        );
        let entry = RunHeader {
            run: (&*self.options.id_prefix).into(),
            n,
            sent_unix_ns: self.timeline.unix_ns_of(start.sent),
        };
        entry.encode_into(header);
        self.options.input.write(n, input);
        self.options.template.encode(id, header, input)
    }

    fn take_answers(&mut self) {
        // They came together: one look at the clock is for all of them.
        let now = self.timeline.elapsed();
        let mut answered = std::mem::take(&mut self.buffers.answered);
        for (key, answer) in answered.drain(..) {
            self.answered(now, self.under_way[key], answer);
        }
        self.buffers.answered = answered;
    }

    fn answered(&mut self, now: u64, start: Dispatched, answer: Result<(), StartError>) {
        let answer = match answer {
            Ok(()) => {
                if self.options.sample.contains(start.arrival.n) {
                    // Nobody listens any more: then the run is over, and the sample with it.
                    let _ = self.options.sampled.send((start.arrival.n, start.sent));
                }
                StartAnswer::Accepted
            }
            Err(error) if error.refused => StartAnswer::Rejected(error.code, error.message),
            Err(error) => StartAnswer::Unanswered(error.code, error.message),
        };
        self.shard.answered(now, start, answer);
    }

    /// Hands over what happened.
    fn flush(&mut self) {
        self.shard.tick(self.timeline.elapsed());
        let windows = self.shard.take_windows();
        self.report(windows);
    }

    fn report(&mut self, windows: Vec<ShardWindow>) {
        let (ends, errors) = (self.shard.take_ends(), self.shard.take_errors());
        // The accountant outlives the starters; were it gone, the run would have ended with its panic.
        let send = |report: LoadReport| drop(self.options.reports.send(report.into()));
        if !ends.is_empty() {
            send(LoadReport::Starts(ends));
        }
        if !windows.is_empty() {
            send(LoadReport::Windows(windows));
        }
        if !errors.is_empty() {
            send(LoadReport::StartErrors(errors));
        }
    }
}

#[cfg(test)]
mod tests;
