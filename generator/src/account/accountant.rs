//! The thread that keeps the account: everything that happens in a run is reported to it, and it alone writes it down.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use benchmark_results::{Ledger, schema::Phase};
use benchmark_scenarios::Problem;

use crate::{
    account::{
        accounts::{Accounts, Closed, Origin, SampledEnd, StampedEnd},
        room::Place,
        starts::Second,
    },
    load::{
        shard::{ShardWindow, StartEnd, StartErrors},
        starter::LoadReport,
        timeline::Timeline,
    },
};

/// How often the live view is renewed.
const VIEW_INTERVAL: Duration = Duration::from_millis(250);

/// Something that happened.
pub enum Report {
    /// A thread of this process that sends starts, or its sampler, tells what happened.
    Here(StartReport),
    /// A generator elsewhere tells the same. The place is held until it is written down.
    Elsewhere(Origin, Vec<StartReport>, Place),
    /// A worker stamped ends.
    Ends(Origin, Vec<StampedEnd>, Place),
    /// Somebody wants to look, or to write down what the server said.
    Visit(Box<dyn FnOnce(&mut Accounts) + Send>),
}

/// What a generator tells of its starts.
#[derive(Debug)]
pub enum StartReport {
    /// Starts ended: number and how.
    Starts(Vec<(u64, StartEnd)>),
    /// Seconds of a shard are over.
    Windows(Vec<ShardWindow>),
    /// The same of another process.
    Seconds(Vec<Second>),
    /// Starts were refused or lost.
    StartErrors(StartErrors),
    /// The server told of a workflow of the sample.
    Poll(PolledEnd),
}

impl From<LoadReport> for Report {
    fn from(report: LoadReport) -> Self {
        Report::Here(match report {
            LoadReport::Starts(starts) => StartReport::Starts(starts),
            LoadReport::Windows(windows) => StartReport::Windows(windows),
            LoadReport::StartErrors(errors) => StartReport::StartErrors(errors),
        })
    }
}

/// What the server told of a workflow of the sample. Offsets from the beginning of the window, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolledEnd {
    /// The arrival's number.
    pub n: u64,
    /// When its start was sent.
    pub sent: u64,
    /// What was told.
    pub told: SampledEnd,
    /// When it ended by the server's clock, where that is known.
    pub closed: Option<Closed>,
}

/// What can be seen of a run while it goes on.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    /// Offset of this view, seconds.
    pub at: f64,
    /// Counts so far, all phases.
    pub ledger: Ledger,
    /// Accepted and not yet ended.
    pub backlog: u64,
    /// Unanswered starts, at the end of the last second.
    pub in_flight: u64,
    /// Starts sent in the last whole second.
    pub started_rate: u64,
    /// Workflows completed in the last whole second.
    pub completed_rate: u64,
    /// Milliseconds in the current phase so far: start response p50 and p99, end to end response p50 and p99, lag p99.
    pub quantiles: [Option<f64>; 5],
}

/// The thread that keeps the account.
#[derive(Debug)]
pub struct Accountant {
    reports: Sender<Report>,
    view: Arc<Mutex<LiveView>>,
    heard_until: Arc<AtomicU64>,
    thread: JoinHandle<Accounts>,
}

impl Accountant {
    /// Starts keeping an account of what comes through a channel.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn spawn(
        accounts: Accounts,
        (reports, incoming): (Sender<Report>, Receiver<Report>),
        timeline: Timeline,
    ) -> std::io::Result<Self> {
        let view = Arc::new(Mutex::new(LiveView::default()));
        let heard_until = Arc::new(AtomicU64::new(u64::MAX));
        let keeper = Keeper {
            accounts,
            timeline,
            heard_until: Arc::clone(&heard_until),
            view: Arc::clone(&view),
        };
        let thread = std::thread::Builder::new()
            .name("accountant".into())
            .spawn(move || keeper.keep(&incoming))?;
        Ok(Accountant {
            reports,
            view,
            heard_until,
            thread,
        })
    }

    /// Keeps the seconds after an offset open: somebody who was not heard since may still tell what happened in them.
    pub fn hear_until(&self, offset: u64) {
        self.heard_until.store(offset, Ordering::Relaxed);
    }

    /// Where reports are sent.
    pub fn reports(&self) -> Sender<Report> {
        self.reports.clone()
    }

    /// The latest view.
    pub fn view(&self) -> LiveView {
        self.view.lock().map(|view| view.clone()).unwrap_or_default()
    }

    /// Runs a function on the account, between two reports, and returns what it returns.
    ///
    /// # Errors
    /// When the accountant has died.
    pub async fn visit<T: Send + 'static>(
        &self,
        function: impl FnOnce(&mut Accounts) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let gone = || Problem::new("the accountant's thread has died; this is a defect of the program");
        let (answer, answered) = tokio::sync::oneshot::channel();
        let visit = Box::new(move |accounts: &mut Accounts| drop(answer.send(function(accounts))));
        self.reports.send(Report::Visit(visit)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    /// Takes the account when all that report have let go of it.
    pub fn finish(self) -> Accounts {
        drop(self.reports);
        match self.thread.join() {
            Ok(accounts) => accounts,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// What the thread works with.
struct Keeper {
    accounts: Accounts,
    timeline: Timeline,
    heard_until: Arc<AtomicU64>,
    view: Arc<Mutex<LiveView>>,
}

impl Keeper {
    fn keep(mut self, incoming: &Receiver<Report>) -> Accounts {
        let mut renewed = Instant::now();
        loop {
            match incoming.recv_timeout(VIEW_INTERVAL) {
                Ok(report) => self.take(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.accounts,
            }
            if renewed.elapsed() >= VIEW_INTERVAL {
                renewed = Instant::now();
                let now = self.timeline.elapsed();
                self.accounts.advance(now.min(self.heard_until.load(Ordering::Relaxed)));
                if let Ok(mut view) = self.view.lock() {
                    *view = look(&self.accounts, now);
                }
            }
        }
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Here(report) => self.take_starts(Origin::Leader, report),
            Report::Elsewhere(origin, reports, _place) => {
                reports.into_iter().for_each(|report| self.take_starts(origin, report));
            }
            Report::Ends(origin, ends, _place) => {
                ends.into_iter().for_each(|end| self.accounts.add_stamp(origin, end));
            }
            Report::Visit(visit) => visit(&mut self.accounts),
        }
    }

    fn take_starts(&mut self, origin: Origin, report: StartReport) {
        let accounts = &mut self.accounts;
        match report {
            StartReport::Starts(starts) => starts
                .into_iter()
                .for_each(|(n, end)| accounts.add_start(origin, n, end)),
            StartReport::Windows(windows) => windows.iter().for_each(|window| accounts.add_window(origin, window)),
            StartReport::Seconds(seconds) => seconds
                .into_iter()
                .for_each(|second| accounts.add_window(origin, &second.open())),
            StartReport::StartErrors(errors) => accounts.add_start_errors(errors),
            StartReport::Poll(poll) => accounts.add_sampled(poll.n, poll.sent, poll.told, poll.closed),
        }
    }
}

fn look(accounts: &Accounts, now: u64) -> LiveView {
    let (started_rate, completed_rate, in_flight) = accounts.seconds().latest();
    // The phase with samples that was reached last: what is measured, as soon as there is something.
    let latest = [Phase::Measure, Phase::WarmUp, Phase::Ramp]
        .into_iter()
        .find_map(|phase| accounts.phases().get(&phase));
    let quantiles = latest.map_or([None; 5], |phase| {
        let start = &phase.starts.accepted.response;
        let e2e = phase.ends.completed.as_ref().map(|pair| &pair.response);
        [
            start.quantile_ms(0.5),
            start.quantile_ms(0.99),
            e2e.and_then(|samples| samples.quantile_ms(0.5)),
            e2e.and_then(|samples| samples.quantile_ms(0.99)),
            phase.starts.lag.quantile_ms(0.99),
        ]
    });
    LiveView {
        at: now as f64 / 1e9,
        ledger: accounts.ledger(),
        backlog: accounts.backlog(),
        in_flight,
        started_rate,
        completed_rate,
        quantiles,
    }
}
