//! The connections of a generator: over which addresses they are dealt out, how often they write, and what becomes of
//! starts when servers retire them.

#[path = "../src/testing.rs"]
mod testing;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use benchmark_generator::{
    account::accountant::{Report, StartReport},
    calibrate::null_frontend::{Counts, NullFrontend, Options},
    load::{
        sample::HashedSample,
        schedule::{Schedule, Stripe},
        shard::StartEnd,
        starters::{Starters, StartersOptions, StartersSummary},
        timeline::Timeline,
    },
};
use benchmark_scenarios::{Key, Plan};
use benchmark_temporal::{ConnectOptions, addresses::Resolver};

/// How long anything may take before a test gives up on it.
const LIMIT: Duration = Duration::from_secs(60);

fn plan(settings: &[(Key, &str)]) -> Plan {
    let common = [
        (Key::Address, "cluster.test:7233"),
        (Key::RampUp, "0s"),
        (Key::WarmUp, "0s"),
        (Key::Drain, "0"),
        (Key::Sample, "0"),
    ];
    testing::plan(common.iter().chain(settings).copied())
}

/// The server's name stands for these addresses.
fn named(addresses: Vec<SocketAddr>) -> ConnectOptions {
    let mut options = ConnectOptions::new("cluster.test:7233", "bench");
    options.resolver = Resolver::new(move |_, _| Ok(addresses.clone()));
    options
}

/// What became of all starts of a plan.
struct Ran {
    accepted: u64,
    others: u64,
    summary: StartersSummary,
}

async fn run(plan: &Plan, connect: &ConnectOptions) -> Ran {
    let schedule = Schedule::new(&plan.load);
    let (reports, told) = mpsc::channel();
    let (sampled, _samples) = tokio::sync::mpsc::unbounded_channel();
    let mut starters = Starters::connect(StartersOptions {
        plan,
        schedule: &schedule,
        part: Stripe::WHOLE,
        connect,
        id_prefix: Arc::from("test"),
        sample: HashedSample::new(1, 0.0),
        reports,
        sampled,
    })
    .await
    .unwrap();
    starters.begin(Timeline::beginning_in(0));
    let begun = Instant::now();
    while !starters.are_done() {
        assert!(begun.elapsed() < LIMIT, "the starts do not end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let summary = starters.join();
    let ends = told.try_iter().filter_map(|report| match report {
        Report::Here(StartReport::Starts(ends)) => Some(ends),
        _ => None,
    });
    let (accepted, others): (Vec<_>, Vec<_>) = ends.flatten().partition(|(_, end)| *end == StartEnd::Accepted);
    Ran {
        accepted: accepted.len() as u64,
        others: others.len() as u64,
        summary,
    }
}

/// A frontend on each of these loopback addresses, each on a port of its own.
fn frontends(count: u8) -> Vec<NullFrontend> {
    (2..2 + count)
        .map(|last| {
            NullFrontend::start(Options {
                listen: SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)),
                ..Options::default()
            })
            .unwrap()
        })
        .collect()
}

fn counts(frontends: Vec<NullFrontend>) -> Vec<Counts> {
    frontends.into_iter().map(|frontend| frontend.stop().unwrap()).collect()
}

/// The largest difference of an address's share of the starts from its equal share.
async fn unevenness(settings: &[(Key, &'static str)]) -> f64 {
    let frontends = frontends(3);
    let connect = named(frontends.iter().map(NullFrontend::address).collect());
    let settings = [
        &[(Key::Rate, "1000"), (Key::Duration, "3s"), (Key::Connections, "6")],
        settings,
    ];
    let ran = run(&plan(&settings.concat()), &connect).await;
    assert_eq!((ran.accepted, ran.others), (3_000, 0));
    assert_eq!(ran.summary.counts.addresses.len(), 3);
    let of_frontend = |counts: &Counts| {
        assert_eq!(counts.connections, 2);
        (counts.starts as f64 / 1_000.0 - 1.0).abs()
    };
    counts(frontends).iter().map(of_frontend).fold(0.0, f64::max)
}

#[tokio::test]
async fn three_addresses_behind_a_name_get_a_third_each() {
    for settings in [&[][..], &[(Key::Threads, "2")]] {
        let mut uneven = Vec::new();
        // A frontend that has to wait for a CPU gets less, as it should: on a busy machine the best of a few runs tells.
        while uneven.last().is_none_or(|uneven| *uneven > 0.05) {
            uneven.push(unevenness(settings).await);
            assert!(uneven.len() < 5, "{uneven:?}");
        }
    }
}

#[tokio::test]
async fn each_address_has_a_connection_unless_a_number_was_typed() {
    for (typed, expected) in [(None, 9), (Some("2"), 2)] {
        let frontends = frontends(9);
        let connect = named(frontends.iter().map(NullFrontend::address).collect());
        let mut settings = vec![(Key::Rate, "10"), (Key::Duration, "1s")];
        settings.extend(typed.map(|number| (Key::Connections, number)));
        let ran = run(&plan(&settings), &connect).await;
        assert_eq!((ran.accepted, ran.others), (10, 0));
        let counts = counts(frontends);
        let reached = counts.iter().filter(|counts| counts.connections == 1).count();
        assert_eq!(reached, expected, "{counts:?}");
        assert_eq!(ran.summary.counts.addresses.len(), expected);
    }
}

#[tokio::test]
async fn one_of_three_addresses_is_dead_and_nothing_is_lost() {
    let mut frontends = frontends(3);
    let addresses: Vec<_> = frontends.iter().map(NullFrontend::address).collect();
    frontends.remove(1).stop().unwrap();
    let ran = run(
        &plan(&[(Key::Rate, "500"), (Key::Duration, "2s"), (Key::Connections, "6")]),
        &named(addresses),
    )
    .await;
    assert_eq!((ran.accepted, ran.others), (1_000, 0));
    assert_eq!(ran.summary.counts.addresses.len(), 2);
    for counts in counts(frontends) {
        assert!(counts.starts > 200, "{counts:?}");
    }
}

#[tokio::test]
async fn twenty_rotations_lose_nothing_and_send_nothing_twice() {
    let frontend = NullFrontend::start(Options {
        max_connection_age: Some(Duration::from_millis(300)),
        ..Options::default()
    })
    .unwrap();
    let ran = run(
        &plan(&[(Key::Rate, "1000"), (Key::Duration, "4s"), (Key::Connections, "4")]),
        &named(vec![frontend.address()]),
    )
    .await;
    assert_eq!((ran.accepted, ran.others), (4_000, 0));
    let connections = &ran.summary.counts.connections;
    assert!(connections.retired >= 20, "{connections:?}");
    assert_eq!(connections.lost, 0, "{connections:?}");
    let counts = frontend.stop().unwrap();
    assert_eq!((counts.starts, counts.accepted), (4_000, 4_000), "{counts:?}");
    assert!(counts.connections >= 24, "{counts:?}");
}

#[tokio::test]
async fn starts_that_are_due_together_leave_in_one_write() {
    let frontend = NullFrontend::start(Options::default()).unwrap();
    let ran = run(
        &plan(&[(Key::Rate, "20000"), (Key::Duration, "2s"), (Key::Connections, "4")]),
        &named(vec![frontend.address()]),
    )
    .await;
    let writes = ran.summary.counts.writes as f64 / ran.accepted as f64;
    // Of 40,000: a busy machine sends late, or drops.
    assert!(ran.accepted > 2_000, "{}", ran.accepted);
    assert!(writes > 0.0 && writes <= 0.15, "{writes} writes a start");
}
