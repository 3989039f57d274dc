//! A thread that sends starts.
//!
//! It owns its connections, its shard and its histograms, and a runtime that runs nothing else, so that nothing on the
//! way of a start is shared with another thread. What happened is handed to the accountant in batches.

mod pool;

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::Sender,
    },
    thread::JoinHandle,
    time::Duration,
};

use benchmark_temporal::{
    ConnectError, ConnectOptions,
    start::{StartConnection, StartError, StartTemplate, connect_start},
};
use benchmark_workflows::RunHeader;
use tokio::{sync::Notify, task::LocalSet};

use crate::{
    accountant::{Report, StartReport},
    accounts::Sample,
    pacer::Pacer,
    realtime::{self, Scheduling},
    schedule::{Schedule, Stripe},
    shard::{Admission, Answer, Dispatched, Shard, Step},
    timeline::Timeline,
    workload::WorkloadInput,
};
use pool::Pool;

/// How often what happened is handed over, when nothing else does it.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// Starts that are handed to a connection before it gets a turn to write them.
const BURST: u32 = 32;

/// No stop was asked for.
const NO_STOP: u64 = u64::MAX;

/// What a starter is given.
#[derive(Clone)]
pub struct StarterOptions {
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
    pub connect: ConnectOptions,
    /// Connections of this starter.
    pub connections: u32,
    /// A start's own deadline.
    pub start_timeout: Duration,
    /// Which workflows are long-polled.
    pub sample: Sample,
    /// Where reports go.
    pub reports: Sender<Report>,
    /// Where accepted starts of the sample go: number and offset at which each was sent.
    pub sampled: tokio::sync::mpsc::UnboundedSender<(u64, u64)>,
}

/// A starter's thread.
#[derive(Debug)]
pub struct Starter {
    waker: Arc<Notify>,
    stop_at: Arc<AtomicU64>,
    aborted: Arc<AtomicBool>,
    done: Arc<AtomicBool>,
    dispatched: Arc<AtomicU64>,
    release: tokio::sync::oneshot::Sender<()>,
    begin: Option<tokio::sync::oneshot::Sender<Timeline>>,
    ready: Option<tokio::sync::oneshot::Receiver<Result<(), ConnectError>>>,
    thread: JoinHandle<StarterSummary>,
}

/// What a starter says at its end.
#[derive(Clone, Debug, Default)]
pub struct StarterSummary {
    /// Most unanswered starts at one time on one connection.
    pub peak_in_flight_per_connection: u64,
    /// How the thread was scheduled; `None` when it did not get so far.
    pub scheduling: Option<Scheduling>,
}

impl Starter {
    /// Makes the thread, which connects and then waits for [`Starter::begin`].
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn spawn(options: StarterOptions) -> std::io::Result<Self> {
        let (waker, stop_at) = (Arc::new(Notify::new()), Arc::new(AtomicU64::new(NO_STOP)));
        let aborted = Arc::new(AtomicBool::new(false));
        let done = Arc::new(AtomicBool::new(false));
        let dispatched = Arc::new(AtomicU64::new(0));
        let (release, released) = tokio::sync::oneshot::channel();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (ready, connected) = tokio::sync::oneshot::channel();
        let signals = Signals {
            waker: Arc::clone(&waker),
            stop_at: Arc::clone(&stop_at),
            aborted: Arc::clone(&aborted),
            done: Arc::clone(&done),
            dispatched: Arc::clone(&dispatched),
        };
        let name = format!("starter-{}", options.index);
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = ready.send(Err(ConnectError::Settings(format!("a runtime for starts: {error}"))));
                    return StarterSummary::default();
                }
            };
            LocalSet::new().block_on(&runtime, async move {
                let prepared = async {
                    let timer = |error| ConnectError::Settings(format!("a timer for starts: {error}"));
                    Ok((Pacer::new().map_err(timer)?, connect_all(&options).await?))
                };
                let (pacer, connections) = match prepared.await {
                    Ok(prepared) => prepared,
                    Err(error) => {
                        let _ = ready.send(Err(error));
                        return StarterSummary::default();
                    }
                };
                let _ = ready.send(Ok(()));
                match begun.await {
                    Ok(timeline) => {
                        let scheduling = realtime::request();
                        let summary = Loop::new(options, connections, timeline, signals).run(pacer).await;
                        // It stays until it has been looked at: the system forgets what an ended thread has used.
                        let _ = released.await;
                        StarterSummary {
                            scheduling: Some(scheduling),
                            ..summary
                        }
                    }
                    Err(_) => StarterSummary::default(),
                }
            })
        })?;
        Ok(Starter {
            waker,
            stop_at,
            aborted,
            done,
            dispatched,
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
        self.stop_at.fetch_min(offset, Ordering::Relaxed);
        self.waker.notify_one();
    }

    /// Whether the cap was reached and the load says that this ends the run.
    pub fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    /// Starts handed to a connection so far.
    pub fn dispatched(&self) -> u64 {
        self.dispatched.load(Ordering::Relaxed)
    }

    /// Whether everything was sent and answered.
    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed) || self.thread.is_finished()
    }

    /// Lets the thread end and waits for it. A panic in it goes on here.
    pub fn join(self) -> StarterSummary {
        // A thread that has ended already hears nothing.
        let _ = self.release.send(());
        match self.thread.join() {
            Ok(summary) => summary,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

async fn connect_all(options: &StarterOptions) -> Result<Vec<StartConnection>, ConnectError> {
    let mut connections = Vec::new();
    for _ in 0..options.connections {
        connections.push(connect_start(&options.connect, options.start_timeout).await?);
    }
    Ok(connections)
}

/// What the thread and those who watch it tell each other.
struct Signals {
    waker: Arc<Notify>,
    stop_at: Arc<AtomicU64>,
    aborted: Arc<AtomicBool>,
    done: Arc<AtomicBool>,
    dispatched: Arc<AtomicU64>,
}

/// The loop of one starter.
struct Loop {
    core: Rc<RefCell<Core>>,
    timeline: Timeline,
    signals: Signals,
}

/// What the loop shares with the answers that are under way.
struct Core {
    shard: Shard,
    pool: Pool,
    options: StarterOptions,
    buffers: Buffers,
    full: bool,
}

/// Reused for each start.
#[derive(Default)]
struct Buffers {
    id: String,
    header: Vec<u8>,
    input: Vec<u8>,
}

impl Loop {
    fn new(options: StarterOptions, connections: Vec<StartConnection>, timeline: Timeline, signals: Signals) -> Self {
        let core = Core {
            shard: Shard::new(&options.schedule, options.stripe, options.admission),
            pool: Pool::new(connections),
            options,
            buffers: Buffers::default(),
            full: false,
        };
        Loop {
            core: Rc::new(RefCell::new(core)),
            timeline,
            signals,
        }
    }

    async fn run(self, mut pacer: Pacer) -> StarterSummary {
        let flusher = tokio::task::spawn_local(flush_regularly(
            Rc::clone(&self.core),
            self.timeline,
            Arc::clone(&self.signals.waker),
        ));
        let mut burst = 0;
        loop {
            // Nothing is due before the beginning; a stop by then is heard at the first look.
            let Some(now) = self.timeline.now() else {
                pacer.wait(self.timeline, 0).await;
                continue;
            };
            let step = {
                let core = &mut *self.core.borrow_mut();
                let stop_at = self.signals.stop_at.load(Ordering::Relaxed);
                if stop_at != NO_STOP {
                    core.shard.stop(stop_at);
                }
                core.shard.poll(now)
            };
            match step {
                Step::Dispatch(start) => {
                    self.dispatch(start);
                    self.signals.dispatched.fetch_add(1, Ordering::Relaxed);
                    burst += 1;
                    if burst == BURST {
                        burst = 0;
                        self.core.borrow_mut().pool.end_group();
                        tokio::task::yield_now().await;
                    }
                }
                Step::Wait(due) => {
                    burst = 0;
                    self.core.borrow_mut().pool.end_group();
                    tokio::select! {
                        biased;
                        () = self.signals.waker.notified() => {}
                        () = pacer.wait(self.timeline, due) => {}
                    }
                }
                Step::Full(_) => {
                    burst = 0;
                    self.core.borrow_mut().full = true;
                    self.signals.waker.notified().await;
                    self.core.borrow_mut().full = false;
                }
                Step::Abort | Step::Done => {
                    if self.close(step == Step::Abort) {
                        break;
                    }
                    self.signals.waker.notified().await;
                }
            }
        }
        flusher.abort();
        let core = &mut *self.core.borrow_mut();
        let windows = core.shard.finish();
        core.report(windows);
        self.signals.done.store(true, Ordering::Relaxed);
        StarterSummary {
            peak_in_flight_per_connection: core.pool.peak_in_flight(),
            scheduling: None,
        }
    }

    /// Notes that nothing more is sent; true when nothing is unanswered either.
    fn close(&self, aborted: bool) -> bool {
        if aborted {
            self.signals.aborted.store(true, Ordering::Relaxed);
        }
        let core = &mut *self.core.borrow_mut();
        // From now on each answer wakes the loop, and the last one ends it.
        core.full = true;
        core.shard.in_flight() == 0
    }

    fn dispatch(&self, start: Dispatched) {
        let (connection, answer) = {
            let core = &mut *self.core.borrow_mut();
            let request = core.encode(start, self.timeline);
            let connection = core.pool.acquire();
            (connection, core.pool.get(connection).start(request))
        };
        let (core, timeline, waker) = (Rc::clone(&self.core), self.timeline, Arc::clone(&self.signals.waker));
        tokio::task::spawn_local(async move {
            let answer = answer.await;
            let now = timeline.elapsed();
            let core = &mut *core.borrow_mut();
            core.pool.release(connection);
            core.answered(now, start, answer);
            if core.full {
                waker.notify_one();
            }
        });
    }
}

impl Core {
    fn encode(&mut self, start: Dispatched, timeline: Timeline) -> bytes::Bytes {
        let Buffers { id, header, input } = &mut self.buffers;
        let n = start.arrival.n;
        id.clear();
        crate::ids::write(
            id,
            &self.options.id_prefix,
            self.options.schedule.phase_at(start.arrival.due),
            n,
        );
        let entry = RunHeader {
            run: (&*self.options.id_prefix).into(),
            n,
            due_unix_ns: timeline.unix_ns_of(start.arrival.due),
            sent_unix_ns: timeline.unix_ns_of(start.sent),
        };
        entry.encode_into(header);
        self.options.input.write(n, input);
        self.options.template.encode(id, header, input)
    }

    fn answered(&mut self, now: u64, start: Dispatched, answer: Result<(), StartError>) {
        let answer = match answer {
            Ok(()) => {
                if self.options.sample.contains(start.arrival.n) {
                    // Nobody listens any more: then the run is over, and the sample with it.
                    let _ = self.options.sampled.send((start.arrival.n, start.sent));
                }
                Answer::Accepted
            }
            Err(error) if error.refused => Answer::Rejected(error.code, error.message),
            Err(error) => Answer::Unanswered(error.code, error.message),
        };
        self.shard.answered(now, start, answer);
    }

    fn flush(&mut self, now: u64) {
        self.shard.tick(now);
        let windows = self.shard.take_windows();
        self.report(windows);
    }

    fn report(&mut self, windows: Vec<crate::shard::ShardWindow>) {
        let (ends, errors) = (self.shard.take_ends(), self.shard.take_errors());
        // The accountant outlives the starters; were it gone, the run would have ended with its panic.
        let send = |report| drop(self.options.reports.send(Report::Here(report)));
        if !ends.is_empty() {
            send(StartReport::Starts(ends));
        }
        if !windows.is_empty() {
            send(StartReport::Windows(windows));
        }
        if !errors.is_empty() {
            send(StartReport::StartErrors(errors));
        }
    }
}

/// Hands over what happened, and lets the loop look after arrivals that have waited too long.
async fn flush_regularly(core: Rc<RefCell<Core>>, timeline: Timeline, waker: Arc<Notify>) {
    let mut interval = tokio::time::interval(FLUSH_INTERVAL);
    loop {
        interval.tick().await;
        core.borrow_mut().flush(timeline.elapsed());
        waker.notify_one();
    }
}
