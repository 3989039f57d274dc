//! Threads that send starts to a frontend that answers as it is told.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, mpsc},
    time::{Duration, Instant},
};

use benchmark_results::{Histogram, Ledger};
use benchmark_scenarios::{Key, Problem};
use benchmark_workflows::RunHeader;
use prost::Message as _;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tonic::Code;

use super::*;
use crate::{
    account::accountant::{Report, StartReport},
    calibrate::null_frontend::{FrontendAnswer, NullFrontend, Options},
    load::{
        ids,
        shard::{ShardWindow, StartEnd},
    },
    scripted_frontend::{Behaviour, Lose, Refuse, behaving},
    scripted_server, testing,
};

const LIMIT: Duration = Duration::from_secs(60);

/// Threads at work.
struct Sending {
    starters: Starters,
    reports: mpsc::Receiver<Report>,
    sampled: UnboundedReceiver<(u64, u64)>,
    schedule: Schedule,
}

/// Begins a load of a minute, unless it is told otherwise, of whose starts a third is in the sample.
async fn sending(frontend: &NullFrontend, settings: &[(Key, &str)]) -> Sending {
    let mut sending = connected(frontend.address(), settings).await.unwrap();
    sending.starters.begin(Timeline::beginning_in(0));
    sending
}

/// The same before it begins.
async fn connected(address: SocketAddr, settings: &[(Key, &str)]) -> Result<Sending, Problem> {
    let address = address.to_string();
    let common = [
        (Key::Address, address.as_str()),
        (Key::RampUp, "0s"),
        (Key::WarmUp, "0s"),
        (Key::Duration, "1m"),
    ];
    let settings: BTreeMap<Key, &str> = common.iter().chain(settings).copied().collect();
    let plan = testing::plan(settings);
    let (reporting, reports) = mpsc::channel();
    let (sampling, sampled) = unbounded_channel();
    let schedule = Schedule::new(&plan.load);
    let starters = Starters::connect(StartersOptions {
        plan: &plan,
        schedule: &schedule,
        part: Stripe::WHOLE,
        connect: &ConnectOptions::new(address.clone(), plan.namespace.clone()),
        id_prefix: "run".into(),
        sample: third(),
        reports: reporting,
        sampled: sampling,
    })
    .await?;
    Ok(Sending {
        starters,
        reports,
        sampled,
        schedule,
    })
}

fn third() -> HashedSample {
    HashedSample::new(1, 1.0 / 3.0)
}

/// Waits for something, but not for ever.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What was reported when all is over.
#[derive(Default)]
struct Told {
    ends: BTreeMap<u64, StartEnd>,
    windows: Vec<ShardWindow>,
    errors: BTreeMap<&'static str, u64>,
    sampled: Vec<(u64, u64)>,
    summary: Option<StartersSummary>,
}

impl Told {
    fn count(&self, wanted: StartEnd) -> u64 {
        self.ends.values().filter(|end| **end == wanted).count() as u64
    }

    /// The start side of the ledger, with all that was accepted open.
    fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        let samples = self.windows.iter().flat_map(|window| window.phases.values());
        samples.for_each(|samples| ledger.add(&samples.ledger));
        ledger.open = ledger.accepted;
        ledger
    }
}

impl Sending {
    async fn end(mut self) -> Told {
        until("the starts do not end", || self.starters.are_done()).await;
        let mut told = Told {
            summary: Some(self.starters.join()),
            ..Told::default()
        };
        for report in self.reports.iter() {
            match report {
                Report::Here(StartReport::Starts(ends)) => {
                    for (n, end) in ends {
                        assert_eq!(told.ends.insert(n, end), None, "{n} ended twice");
                    }
                }
                Report::Here(StartReport::Windows(windows)) => told.windows.extend(windows),
                Report::Here(StartReport::StartErrors(errors)) => {
                    for (code, (count, _)) in errors {
                        *told.errors.entry(code).or_default() += count;
                    }
                }
                _ => unreachable!("threads that send starts report nothing else"),
            }
        }
        while let Ok(sampled) = self.sampled.try_recv() {
            told.sampled.push(sampled);
        }
        told
    }
}

/// A fifth is refused, and the answer to a tenth is lost.
#[tokio::test]
async fn every_start_ends_once_and_as_the_server_answered() {
    let (frontend, _) = behaving(Behaviour {
        refuse: Some(Refuse {
            share: 0.2,
            code: Code::FailedPrecondition,
        }),
        lose: Some(Lose {
            share: 0.1,
            how: FrontendAnswer::Reset,
        }),
        ..Behaviour::default()
    });
    let settings = [(Key::Rate, "500"), (Key::Duration, "1s"), (Key::Threads, "2")];
    let sending = sending(&frontend, &settings).await;
    until("not all are sent", || sending.starters.dispatched() == 500).await;
    let told = sending.end().await;
    let counts = frontend.stop().unwrap();
    assert_eq!(counts.starts, 500);
    assert_eq!(
        told.ends.keys().copied().collect::<Vec<_>>(),
        (0..500).collect::<Vec<_>>()
    );
    let ended = (
        told.count(StartEnd::Accepted),
        told.count(StartEnd::Rejected),
        told.count(StartEnd::Unknown),
    );
    assert_eq!(ended, (counts.accepted, counts.refused, counts.lost));
    let ledger = told.ledger();
    assert_eq!((ledger.accepted, ledger.rejected, ledger.unknown), ended);
    assert_eq!(ledger.broken_identities(), []);
    assert_eq!(told.errors["FAILED_PRECONDITION"], counts.refused);
    assert_eq!(told.errors.values().sum::<u64>(), counts.refused + counts.lost);
    // Who is in the sample is told of as soon as the server has it, with the instant at which it was sent.
    let (mut sampled, mut expected): (Vec<u64>, Vec<u64>) =
        (told.sampled.iter().map(|(n, _)| *n).collect(), Vec::new());
    sampled.sort_unstable();
    expected.extend((0..500).filter(|n| third().contains(*n) && told.ends[n] == StartEnd::Accepted));
    assert_eq!(sampled, expected);
    let summary = told.summary.unwrap();
    assert_eq!(summary.panic, None);
    assert_ne!(summary.scheduling, Fact::missing("no thread for starts got so far"));
}

/// A worker knows from it which arrival its workflow is, and its latencies begin with these instants.
#[tokio::test]
async fn a_start_says_which_arrival_it_is_and_when_it_was_due_and_sent() {
    let requests = Arc::new(Mutex::new(BTreeMap::new()));
    let seen = Arc::clone(&requests);
    let address = scripted_server::listening(move |name, message| {
        if name == "StartWorkflowExecution" {
            let request = StartWorkflowExecutionRequest::decode(message).unwrap();
            seen.lock()
                .unwrap()
                .insert(request.workflow_id, request.header.unwrap());
        }
        Ok(Vec::new())
    })
    .await;
    let settings = [(Key::Rate, "50"), (Key::Duration, "2s"), (Key::WarmUp, "1s")];
    let mut sending = connected(address, &settings).await.unwrap();
    let timeline = Timeline::beginning_in(0);
    sending.starters.begin(timeline);
    let schedule = sending.schedule.clone();
    let sent: BTreeMap<u64, u64> = sending.end().await.sampled.into_iter().collect();
    assert!(!sent.is_empty());
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len() as u64, schedule.total());
    for n in 0..schedule.total() {
        let header = &requests[&ids::workflow_id("run", schedule.phase_of(n), n)];
        let header = RunHeader::from_payload(&header.fields[HEADER_KEY]).unwrap();
        assert_eq!((&*header.run, header.n), ("run", n));
        assert!(header.sent_unix_ns >= timeline.unix_ns_of(schedule.offset(n)));
        if let Some(sent) = sent.get(&n) {
            assert_eq!(header.sent_unix_ns, timeline.unix_ns_of(*sent));
        }
    }
}

/// Half of them within 10 ms: a thread that woke only to hand over its reports would send a fifth of them so soon. On a busy
/// machine the best of a few runs tells.
#[tokio::test]
async fn a_start_is_sent_when_it_is_due() {
    let frontend = NullFrontend::start(Options::default()).unwrap();
    let mut medians = Vec::new();
    while medians.last().is_none_or(|median| *median > 10.0) {
        assert!(medians.len() < 5, "{medians:?} ms");
        let told = sending(&frontend, &[(Key::Rate, "23"), (Key::Duration, "2s")])
            .await
            .end()
            .await;
        let mut lag = Histogram::new();
        let samples = told.windows.iter().flat_map(|window| window.phases.values());
        samples.for_each(|samples| lag.add(&samples.lag));
        medians.push(lag.to_latency().p50.unwrap());
    }
}

#[tokio::test]
async fn a_frontend_that_is_not_there_is_told_before_anything_is_due() {
    let frontend = NullFrontend::start(Options::default()).unwrap();
    let address = frontend.address();
    frontend.stop().unwrap();
    let told = connected(address, &[(Key::Rate, "100")]).await.err().unwrap();
    let words = told.to_string();
    assert!(
        words.starts_with("a connection for starts cannot be opened: ") && words.contains(&address.to_string()),
        "{words}"
    );
}

#[tokio::test]
async fn what_is_due_after_a_stop_is_no_arrival() {
    let frontend = NullFrontend::start(Options::default()).unwrap();
    let sending = sending(&frontend, &[(Key::Rate, "100")]).await;
    let stop_at = 1_000_000_000;
    sending.starters.stop_at(stop_at);
    let due = sending.schedule.count_before(stop_at + 1);
    // A later one takes nothing back.
    sending.starters.stop_at(stop_at * 2);
    let told = sending.end().await;
    assert_eq!(told.ledger().arrivals, due);
    assert_eq!(told.count(StartEnd::Accepted), due);
}

#[tokio::test]
async fn answers_that_are_given_up_are_lost() {
    let (frontend, control) = behaving(Behaviour::default());
    control.stall();
    let settings = [(Key::Rate, "100"), (Key::StartTimeout, "10m")];
    let sending = sending(&frontend, &settings).await;
    until("nothing is sent", || sending.starters.dispatched() > 5).await;
    sending.starters.stop_at(0);
    assert!(!sending.starters.are_done(), "answers are waited for");
    sending.starters.give_up();
    let told = sending.end().await;
    let ledger = told.ledger();
    assert!(ledger.unknown > 5);
    assert_eq!(
        (ledger.unknown, told.count(StartEnd::Unknown)),
        (ledger.dispatched, ledger.dispatched)
    );
}

#[tokio::test]
async fn a_cap_that_ends_the_run_is_told() {
    let (frontend, control) = behaving(Behaviour::default());
    let settings = [(Key::Rate, "500"), (Key::MaxInFlight, "500"), (Key::WhenFull, "abort")];
    let sending = sending(&frontend, &settings).await;
    until("nothing is sent", || sending.starters.dispatched() > 5).await;
    assert!(!sending.starters.are_aborted());
    control.stall();
    until("the cap is not reached", || sending.starters.are_aborted()).await;
    control.resume();
    sending.starters.stop_at(0);
    let told = sending.end().await;
    let ledger = told.ledger();
    assert!(ledger.dropped_cap > 0, "{ledger:?}");
    assert_eq!(ledger.broken_identities(), []);
}

#[tokio::test]
async fn whoever_lets_go_of_them_ends_them() {
    let (frontend, control) = behaving(Behaviour::default());
    // Answers do not come, and would be waited for.
    control.stall();
    let settings = [(Key::Rate, "100"), (Key::StartTimeout, "10m")];
    let sending = sending(&frontend, &settings).await;
    until("nothing is sent", || sending.starters.dispatched() > 0).await;
    drop(sending.starters);
    // Each thread has a way to report: when there is none any more they have ended.
    loop {
        match sending.reports.recv_timeout(LIMIT) {
            Ok(_) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("a thread goes on"),
        }
    }
}
