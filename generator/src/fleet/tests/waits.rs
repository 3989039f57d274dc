//! Nobody is waited for without limit: neither a generator that never says that it is done, nor a member that tells nothing,
//! nor answers of a server that stands still. The fleet, the account, the threads for starts and the frontend are the real ones.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use benchmark_fleet::{PeerAddress, wire};
use benchmark_results::file;
use benchmark_scenarios::{Key, Plan};
use benchmark_temporal::ConnectOptions;

use crate::{
    calibrate::null_frontend::{NullFrontend, Options},
    fleet::leader::{FleetLeader, FleetLeaderOptions, version},
    machine::health::HealthProbe,
    run::submission::{self, Submission, SubmissionOptions},
    scripted_frontend::{Behaviour, behaving},
    stop::{
        self, StopReason,
        deadline::{Ending, Step},
    },
    testing,
};

/// Longer than anything here takes on a busy machine, and much shorter than what it would wait for without limit.
const LIMIT: Duration = Duration::from_secs(60);

const KEY: [u8; 16] = [7; 16];

fn plan(frontend: &NullFrontend, more: &[(Key, &str)]) -> Plan {
    let address = frontend.address().to_string();
    let usual = [
        (Key::Address, address.as_str()),
        (Key::Rate, "50"),
        (Key::Duration, "2s"),
        (Key::RampUp, "0"),
        (Key::WarmUp, "0"),
        (Key::Sample, "0"),
    ];
    let own = |key: Key| more.iter().any(|(other, _)| *other == key);
    testing::plan(usual.iter().filter(|(key, _)| !own(*key)).chain(more).copied())
}

fn fleet(plan: &Plan) -> FleetLeader {
    FleetLeader::new(FleetLeaderOptions {
        plan,
        run_id: "run",
        server_address: "h:1".to_owned(),
        allow_version_skew: true,
    })
    .unwrap()
}

/// A member that joins and says how it stands, once.
fn join(fleet: &FleetLeader, role: wire::Role, status: wire::Status) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/tests/files/v1/short.json");
    let host = file::read(&path).unwrap().environment.host;
    let join = wire::JoinRequest {
        protocol: benchmark_fleet::PROTOCOL,
        version: version(),
        role: role.into(),
        key: KEY.to_vec(),
        name: "member".to_owned(),
        host_json: serde_json::to_string(&host).unwrap(),
        ..Default::default()
    };
    fleet
        .leader()
        .join(join, PeerAddress::Remote("10.0.0.1".to_owned()))
        .unwrap();
    let exchange = wire::ExchangeRequest {
        key: KEY.to_vec(),
        status: Some(status),
        ..Default::default()
    };
    fleet.leader().exchange(exchange).unwrap();
}

/// The window of a plan. It is told to stop when so many starts were sent.
async fn submit(
    plan: &Plan,
    fleet: Option<&FleetLeader>,
    stops_after: u64,
    on_tick: impl Fn(&Submission),
) -> Submission {
    let address = match &plan.target {
        benchmark_scenarios::Target::Cluster(cluster) => cluster.address.clone(),
        benchmark_scenarios::Target::Embedded(_) => panic!("an address was given"),
    };
    let connect = ConnectOptions::new(address, plan.namespace.clone());
    let server = benchmark_temporal::connect(&connect).await.unwrap();
    let probe = HealthProbe::new(Path::new("/"));
    let (stopper, stop) = stop::channel();
    let ending = Ending::new(stop.clone(), plan.load.stop_timeout);
    let options = SubmissionOptions {
        plan,
        server: &server,
        connect: &connect,
        id_prefix: Arc::from("run"),
        iteration: 1,
        fleet,
        probe: &probe,
        stop,
        ending: &ending,
        lost: &|| None,
    };
    let submission = submission::submit(options, async |submission| {
        on_tick(submission);
        if submission.accountant.view().ledger.dispatched >= stops_after {
            stopper.stop(StopReason::Cause("enough".to_owned()));
        }
        Ok(())
    });
    let submission = tokio::time::timeout(LIMIT, submission).await;
    submission.expect("it ends").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_generator_that_never_says_that_it_is_done_is_given_up() {
    let frontend = NullFrontend::start(Options::default()).unwrap();
    let more = [
        (Key::Generators, "2"),
        (Key::FleetListen, "127.0.0.1:0"),
        (Key::StopTimeout, "3s"),
        (Key::Duration, "30s"),
    ];
    let plan = plan(&frontend, &more);
    let fleet = fleet(&plan);
    let ready = wire::Status {
        iteration: 1,
        ready: true,
        ..Default::default()
    };
    join(&fleet, wire::Role::Generator, ready);
    // Its 30 s are cut short, and it never says so: answers have a part of the stop timeout.
    let submission = submit(&plan, Some(&fleet), 20, |_| {}).await;
    assert_eq!(submission.ended_by, Some(StopReason::Cause("enough".to_owned())));
    assert!(!fleet.generators_are_done(1));
    let lost = fleet.lost_parts(1);
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].part.index, lost[0].part.of), (1, 2));
}

#[tokio::test]
async fn a_member_that_tells_nothing_is_waited_for_until_the_deadline() {
    let frontend = NullFrontend::start(Options::default()).unwrap();
    let fleet = fleet(&plan(
        &frontend,
        &[(Key::ExpectWorkers, "1"), (Key::FleetListen, "127.0.0.1:0")],
    ));
    join(&fleet, wire::Role::Worker, wire::Status::default());
    let (_stopper, stop) = stop::channel();
    let ending = Ending::new(stop, LIMIT);
    let (begun, limit) = (Instant::now(), Duration::from_millis(300));
    fleet.hear_everybody(&ending.step(Step::Members, limit)).await;
    // It is there, and does not become silent for seconds.
    assert!(
        (limit..Duration::from_secs(4)).contains(&begun.elapsed()),
        "{:?}",
        begun.elapsed()
    );
    assert!(!fleet.somebody_is_silent());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cap_that_aborts_ends_the_run_and_no_answer_is_waited_for_longer_than_a_start() {
    let (frontend, control) = behaving(Behaviour::default());
    control.stall();
    let more = [
        (Key::MaxInFlight, "5"),
        (Key::WhenFull, "abort"),
        (Key::StartTimeout, "1s"),
        (Key::Duration, "30s"),
    ];
    let submission = submit(&plan(&frontend, &more), None, u64::MAX, |_| {}).await;
    let Some(StopReason::Cause(cause)) = &submission.ended_by else {
        panic!("{:?}", submission.ended_by);
    };
    assert!(cause.starts_with("--when-full abort"), "{cause}");
    assert!(submission.stopped_at.is_some());
    assert!(submission.events.iter().any(|event| event.kind == "stopped"));
    let ledger = submission.accountant.visit(|accounts| accounts.ledger()).await.unwrap();
    assert_eq!((ledger.dispatched, ledger.accepted), (5, 0), "{ledger:?}");
    control.resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stop_after_the_load_leaves_what_was_measured_as_it_is() {
    let (frontend, control) = behaving(Behaviour::default());
    // All hundred are sent, the last ones are not answered, and then it is told to stop.
    let more = [(Key::StartTimeout, "1m"), (Key::StopTimeout, "2s")];
    let plan = plan(&frontend, &more);
    let submission = submit(&plan, None, 100, |submission| {
        if submission.timeline.elapsed() > 1_500_000_000 {
            control.stall();
        }
    })
    .await;
    let ledger = submission.accountant.visit(|accounts| accounts.ledger()).await.unwrap();
    assert_eq!((ledger.arrivals, ledger.dispatched), (100, 100), "{ledger:?}");
    assert!(ledger.unknown > 0, "{ledger:?}");
    // Nothing of the window was cut off.
    assert_eq!(submission.stopped_at, None);
    control.resume();
}
