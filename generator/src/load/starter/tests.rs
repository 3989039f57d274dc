//! The loop of a starter and a frontend on one thread, so that each sees of the other what it has got to when it has its
//! turn.

use std::sync::{Mutex, mpsc};

use benchmark_scenarios::Key;
use benchmark_temporal::{ConnectOptions, start::StartTemplateOptions};

use super::*;
use crate::{
    account::accountant::{Report, StartReport},
    load::shard::StartEnd,
    scripted_server, testing,
};

/// A thousand arrivals are due before the first is sent: the server has the first of them long before the last is handed to
/// a connection.
#[tokio::test]
async fn a_thread_gives_its_connections_a_turn_within_a_burst() {
    let signals = Arc::new(Signals {
        stop_at: AtomicU64::new(NO_STOP),
        ..Signals::default()
    });
    let (so_far, heard) = (Arc::clone(&signals), Arc::new(Mutex::new(Vec::new())));
    let hearing = Arc::clone(&heard);
    let address = scripted_server::listening(move |_, _| {
        hearing.lock().unwrap().push(so_far.dispatched.load(Ordering::Relaxed));
        Ok(Vec::new())
    })
    .await
    .to_string();
    let ends = LocalSet::new().run_until(send_late(&address, signals)).await;
    assert_eq!(ends, [StartEnd::Accepted; 1_000]);
    let heard = heard.lock().unwrap();
    assert_eq!((heard.len(), heard[999]), (1_000, 1_000));
    assert!(heard[0] < 500, "{heard:?}");
}

/// Sends a second's starts when it is over; what became of them.
async fn send_late(address: &str, signals: Arc<Signals>) -> Vec<StartEnd> {
    let plan = testing::plan([
        (Key::Address, address),
        (Key::Rate, "1000"),
        (Key::Duration, "1s"),
        (Key::RampUp, "0s"),
        (Key::WarmUp, "0s"),
        (Key::MaxLag, "10m"),
        (Key::MaxInFlight, "2000"),
    ]);
    let connect = ConnectOptions::new(address, plan.namespace.clone());
    let dialer = Arc::new(Dialer::new(&connect, plan.starter.start_timeout).unwrap());
    let client = StartClient::connect(Arc::clone(&dialer), 0, 2).await.unwrap();
    let (reports, reported) = mpsc::channel();
    let options = StarterOptions {
        index: 0,
        schedule: Schedule::new(&plan.load),
        stripe: Stripe::WHOLE,
        admission: Admission::of_stripe(&plan.load, Stripe::WHOLE),
        template: Arc::new(StartTemplate::new(&StartTemplateOptions {
            namespace: &plan.namespace,
            workflow_type: "SimpleWorkflow",
            task_queue: &plan.task_queue,
            identity: "me",
            header_key: "benchmark",
        })),
        input: WorkloadInput::new(&plan.workload, plan.load.seed),
        id_prefix: "run".into(),
        dialer,
        first_connection: 0,
        connections: 2,
        sample: HashedSample::new(1, 0.0),
        reports,
        scheduling: ThreadScheduling::Ordinary("a test".to_owned()),
        sampled: tokio::sync::mpsc::unbounded_channel().0,
    };
    let a_second_ago = benchmark_workflows::RunClock::get().now_unix_ns() - 1_000_000_000;
    let timeline = Timeline::beginning_at(a_second_ago, 0);
    Loop::new(options, client, timeline, signals)
        .run(Pacer::new().unwrap())
        .await;
    let ends = reported.try_iter().flat_map(|report| match report {
        Report::Here(StartReport::Starts(ends)) => ends,
        _ => Vec::new(),
    });
    ends.map(|(_, end)| end).collect()
}
