//! A worker that joins a run which the test leads.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use benchmark_fleet::{
    Command, EventKind, Leader, LeaderOptions, MemberState, Presence, Rejected, ServeOptions, Serving, SystemClock,
    Teller, Token, WindowSink, read_ends, serve,
    wire::{Window, window::Body},
};
use benchmark_scenarios::workloads::Simple;
use benchmark_scenarios::{Asked, Given, HostDefaults, Key, Plan, resolve};
use benchmark_temporal::testing;
use benchmark_workflows::RunClock;
use rustix::process::Signal;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use tokio::runtime::Runtime;

use crate::{
    child::{LIMIT, Worker},
    server::Client,
};

/// How often each arrival of each run was told to have ended.
#[derive(Default)]
struct Collector(Mutex<BTreeMap<(String, u64), u32>>);

impl WindowSink for Collector {
    fn take(&self, _: Teller, window: Window) -> Result<(), Rejected> {
        let Some(Body::Ends(ends)) = &window.body else {
            return Err(Rejected::Malformed("workers tell ends".to_owned()));
        };
        let mut told = self.0.lock().unwrap();
        for end in read_ends(ends)? {
            *told.entry((window.run.clone(), end.n)).or_default() += 1;
        }
        Ok(())
    }
}

/// A run that is led by the test.
struct Led {
    runtime: Runtime,
    leader: Leader,
    serving: Option<Serving>,
    address: SocketAddr,
    told: Arc<Collector>,
    plan: Plan,
    queue: String,
    run: String,
}

impl Led {
    fn new(token: Option<&str>) -> Led {
        Led::at("127.0.0.1:0".parse().unwrap(), token)
    }

    fn at(listen: SocketAddr, token: Option<&str>) -> Led {
        let (queue, run) = (testing::unique("queue"), testing::unique("run"));
        let mut asked = Asked::new();
        for (key, text) in [
            (Key::Address, testing::server().address()),
            (Key::Namespace, "default".to_owned()),
            (Key::TaskQueue, queue.clone()),
        ] {
            asked.add(key, Given::by_flag(key.flag(), text));
        }
        let facts = HostDefaults {
            cores: 2,
            task_queue: queue.clone(),
        };
        let plan = resolve(&asked, &facts).unwrap().plan;
        let told: Arc<Collector> = Arc::default();
        let clock = RunClock::get();
        let leader = Leader::new(
            LeaderOptions {
                version: "of a generator".to_owned(),
                workers_version: benchmark_worker::version(),
                allow_version_skew: false,
                run_id: run.clone(),
                plan_json: serde_json::to_string(&plan).unwrap(),
                plan_hash: plan.hash().to_string(),
                server_address: testing::server().address(),
                generators: 0,
                clock: Arc::new(SystemClock::new(Arc::new(move || clock.now_unix_ns()))),
            },
            told.clone(),
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let options = ServeOptions {
            listen,
            token: token.map(|token| Token::new(token).unwrap()),
            tls: None,
        };
        let serving = runtime.block_on(serve(leader.clone(), options)).unwrap();
        Led {
            address: serving.address(),
            runtime,
            leader,
            serving: Some(serving),
            told,
            plan,
            queue,
            run,
        }
    }

    /// Starts a worker that joins.
    fn worker(&self, arguments: &[&str]) -> Worker {
        let address = self.address.to_string();
        let mut all = vec!["--join", &address];
        all.extend(arguments);
        Worker::start(&all)
    }

    /// Waits until the leader sees this of its members.
    fn until(&self, what: &str, condition: impl Fn(&[MemberState]) -> bool) {
        let begun = Instant::now();
        while !condition(&self.leader.roll()) {
            assert!(begun.elapsed() < LIMIT, "in vain: {what}: {:#?}", self.leader.roll());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn until_ready(&self, workers: usize) {
        self.until("the workers are ready", |roll| {
            roll.iter().filter(|member| member.status.ready).count() == workers
        });
    }

    /// Executes so many workflows, from arrival `from` on.
    fn execute(&self, from: u64, count: u64) {
        self.runtime.block_on(async {
            let client = Client::new(&testing::server().address(), "default").await;
            let mut ids = Vec::new();
            for n in from..from + count {
                ids.push(client.start(&self.run, n, &self.queue, Simple::WORKFLOW_TYPE).await);
            }
            for id in ids {
                assert_eq!(client.end(&id).await, EventType::WorkflowExecutionCompleted);
            }
        });
    }

    /// The arrivals that were told, each once.
    fn arrivals(&self) -> Vec<u64> {
        let told = self.told.0.lock().unwrap();
        assert!(told.values().all(|times| *times == 1), "{told:?}");
        assert!(told.keys().all(|(run, _)| *run == self.run), "{told:?}");
        told.keys().map(|(_, n)| *n).collect()
    }
}

fn left(roll: &[MemberState]) -> usize {
    let left = roll
        .iter()
        .filter(|member| matches!(member.presence, Presence::Left { .. }));
    left.count()
}

#[test]
fn it_takes_everything_from_the_leader_and_flushes_at_a_signal() {
    let led = Led::new(Some("open-sesame-open-sesame"));
    let worker = led.worker(&["--fleet-token", "open-sesame-open-sesame", "--profile", "small"]);
    led.until_ready(1);
    led.execute(0, 20);
    led.until("the slots are told", |roll| roll[0].status.workflow_slots.is_some());
    // Stamped just before the signal: these windows are on nobody's way yet.
    led.execute(20, 5);
    worker.signal(Signal::TERM);
    let finished = worker.finish();
    assert_eq!(finished.code(), 0, "{finished:?}");
    assert!(finished.says(&format!("joined run {}", led.run)), "{finished:?}");
    assert!(
        !finished.says("open-sesame-open-sesame"),
        "the token is not shown: {finished:?}"
    );
    assert_eq!(led.arrivals(), (0..25).collect::<Vec<_>>());
    let roll = led.leader.roll();
    assert_eq!(left(&roll), 1, "{roll:?}");
    let member = &roll[0];
    assert!(member.status.memory_bytes > 0, "{member:?}");
    let facts = member.workers.as_ref().unwrap();
    assert_eq!((facts.profile.as_deref(), facts.count), (Some("small"), 1));
    // Known only once the workers polled.
    assert_eq!((facts.partitions, facts.normal_polls), (Some(4), Some(8)));
    assert_eq!(facts.task_queues.join(","), led.queue);
}

#[test]
fn the_end_of_the_run_ends_it() {
    let led = Led::new(None);
    let worker = led.worker(&["--expect-plan", &led.plan.hash().to_string()[..8]]);
    led.until_ready(1);
    led.execute(0, 3);
    led.leader.command(Command::End {
        reason: "all is measured".to_owned(),
    });
    let finished = worker.finish();
    assert_eq!(finished.code(), 0, "{finished:?}");
    assert!(finished.says("the run is over: all is measured"), "{finished:?}");
    assert_eq!(led.arrivals(), [0, 1, 2]);
    assert_eq!(left(&led.leader.roll()), 1);
}

#[test]
fn with_stay_it_joins_the_next_run() {
    let first = Led::new(None);
    let mut worker = first.worker(&["--stay"]);
    first.until_ready(1);
    first.execute(0, 2);
    first.leader.command(Command::End {
        reason: "the first is measured".to_owned(),
    });
    first.until("it left", |roll| left(roll) == 1);
    assert_eq!(first.arrivals(), [0, 1]);
    let address = first.address;
    drop(first);

    let second = Led::at(address, None);
    worker.until_says(&format!("joined run {}", second.run));
    second.until_ready(1);
    // Not before it polls this run's queue, and so once.
    let ready = second.leader.take_events();
    let ready = ready.iter().filter(|event| event.kind == EventKind::Ready).count();
    assert_eq!(ready, 1);
    second.execute(0, 2);
    worker.signal(Signal::TERM);
    let finished = worker.finish();
    assert_eq!(finished.code(), 0, "{finished:?}");
    assert_eq!(second.arrivals(), [0, 1]);
}

#[test]
fn a_leader_that_is_gone_ends_it_within_its_time_and_says_why() {
    let mut led = Led::new(None);
    let worker = led.worker(&["--leader-timeout", "2s"]);
    led.until_ready(1);
    let gone = Instant::now();
    led.serving = None;
    let finished = worker.finish();
    assert!(gone.elapsed() < Duration::from_secs(30), "{:?}", gone.elapsed());
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(finished.says("was not heard for"), "{finished:?}");
    assert!(finished.says("draining"), "{finished:?}");
}

#[test]
fn who_is_refused_says_so_and_ends() {
    let led = Led::new(Some("the-right-token-of-two"));
    let wrong = led.worker(&["--fleet-token", "the-wrong-token-of-two"]).finish();
    assert_eq!(wrong.code(), 2, "{wrong:?}");
    assert!(wrong.says("refuses this process"), "{wrong:?}");

    let other = led
        .worker(&["--fleet-token", "the-right-token-of-two", "--expect-plan", "000000"])
        .finish();
    assert_eq!(other.code(), 2, "{other:?}");
    assert!(other.says("plan"), "{other:?}");

    // A Temporal server speaks gRPC and is no leader.
    let server = testing::server().address();
    let elsewhere = Worker::start(&["--join", &server]).finish();
    assert_eq!(elsewhere.code(), 2, "{elsewhere:?}");
    assert!(elsewhere.says("is no leader of a benchmark"), "{elsewhere:?}");

    let nobody = Worker::start(&["--join", "127.0.0.1:1", "--join-timeout", "1s"]).finish();
    assert_eq!(nobody.code(), 2, "{nobody:?}");
    assert!(nobody.says("was not reached"), "{nobody:?}");
    assert!(led.leader.roll().is_empty());
}
