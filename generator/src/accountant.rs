//! The thread that keeps the account: everything that happens in a run is reported to it, and it alone writes it down.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use benchmark_results::{Ledger, schema::Phase};
use benchmark_workflows::{End, Stamp, StampSink};

use crate::{
    accounts::{Accounts, StampedEnd, WorkflowEnd},
    shard::{ShardWindow, StartEnd, StartErrors},
    timeline::Timeline,
};

/// How often the live view is renewed.
const VIEW_INTERVAL: Duration = Duration::from_millis(250);

/// Something that happened.
pub enum Report {
    /// Starts ended: number and how.
    Starts(Vec<(u64, StartEnd)>),
    /// Seconds of a shard are over.
    Windows(Vec<ShardWindow>),
    /// Starts were refused or lost.
    StartErrors(StartErrors),
    /// A worker stamped an end; instants in Unix nanoseconds.
    Stamp(Stamp),
    /// A long poll saw an end: number, end, offsets at which it was sent and seen.
    Poll(u64, WorkflowEnd, u64, u64),
    /// Somebody wants to look, or to write down what the server said.
    Visit(Box<dyn FnOnce(&mut Accounts) + Send>),
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
    thread: JoinHandle<Accounts>,
}

impl Accountant {
    /// Starts keeping an account of what comes through a channel. `stamps` says whether workers stamp ends; else long
    /// polls time them. `run` is the prefix that the stamps of this iteration carry.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn spawn(
        accounts: Accounts,
        (reports, incoming): (Sender<Report>, Receiver<Report>),
        timeline: Timeline,
        stamps: bool,
        run: Arc<str>,
    ) -> std::io::Result<Self> {
        let view = Arc::new(Mutex::new(LiveView::default()));
        let thread_view = Arc::clone(&view);
        let thread = std::thread::Builder::new()
            .name("accountant".into())
            .spawn(move || keep(accounts, &incoming, timeline, stamps, &run, &thread_view))?;
        Ok(Accountant { reports, view, thread })
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
    ) -> anyhow::Result<T> {
        let gone = || anyhow::anyhow!("the accountant's thread has died; this is a defect of the program");
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

fn keep(
    mut accounts: Accounts,
    incoming: &Receiver<Report>,
    timeline: Timeline,
    stamps: bool,
    run: &str,
    view: &Mutex<LiveView>,
) -> Accounts {
    let mut renewed = Instant::now();
    loop {
        match incoming.recv_timeout(VIEW_INTERVAL) {
            Ok(report) => take(&mut accounts, report, timeline, stamps, run),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return accounts,
        }
        if renewed.elapsed() >= VIEW_INTERVAL {
            renewed = Instant::now();
            let now = timeline.now();
            accounts.advance(now);
            if let Ok(mut view) = view.lock() {
                *view = look(&accounts, now);
            }
        }
    }
}

fn take(accounts: &mut Accounts, report: Report, timeline: Timeline, stamps: bool, run: &str) {
    match report {
        Report::Starts(starts) => starts.into_iter().for_each(|(n, end)| accounts.add_start(n, end)),
        Report::Windows(windows) => windows.iter().for_each(|window| accounts.add_window(window)),
        Report::StartErrors(errors) => accounts.add_start_errors(errors),
        // A stamp of an earlier iteration, whose workflow ended after its drain, is not this account's.
        Report::Stamp(stamp) if stamp.run != run => {}
        Report::Stamp(stamp) => accounts.add_stamp(StampedEnd {
            n: stamp.n,
            sent: timeline.offset_of(stamp.sent_unix_ns),
            ended: timeline.offset_of(stamp.ended_unix_ns),
            end: match stamp.end {
                End::Completed => WorkflowEnd::Completed,
                End::Failed => WorkflowEnd::Failed,
                End::Cancelled => WorkflowEnd::Cancelled,
            },
            message: stamp.message,
        }),
        Report::Poll(n, end, sent, seen) => accounts.add_poll(n, end, sent, seen, stamps),
        Report::Visit(visit) => visit(accounts),
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

/// Where the workers of this process put their stamps: into whichever account is open.
#[derive(Clone, Debug, Default)]
pub struct StampDesk {
    account: Arc<Mutex<Option<Sender<Report>>>>,
}

impl StampDesk {
    /// Sends stamps to an account from now on, or nowhere.
    pub fn open(&self, account: Option<Sender<Report>>) {
        if let Ok(mut desk) = self.account.lock() {
            *desk = account;
        }
    }
}

impl StampSink for StampDesk {
    fn stamp(&self, stamp: Stamp) {
        // A lock that is held for the length of a send, by as many threads as there are workers.
        if let Ok(desk) = self.account.lock()
            && let Some(account) = &*desk
        {
            // The account may have been closed in this instant; then the stamp is too late for it.
            let _ = account.send(Report::Stamp(stamp));
        }
    }
}
