//! What it costs once a second to take the account out for whoever watches the run:
//! `cargo bench -p benchmark-generator --bench account`.
//!
//! The account is as full as one gets: three phases, each of the five latencies in all of its buckets from 20 µs to 60 s, starts
//! refused by every code, 64 members. Once all of it is taken out, as by who sees it for the first time, and once as in each
//! second of the measured phase: of the phases before only their workflows' ends are still new.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use benchmark_generator::{
    account::accounts::{Accounts, KnownLatencies, LatencyKind, Origin, StampedEnd},
    load::{
        sample::HashedSample,
        schedule::Schedule,
        shard::{PhaseSamples, ShardWindow, StartEnd},
    },
};
use benchmark_results::{WorkflowEnd, schema::Phase};
use benchmark_scenarios::{Arrivals, Load, Rate, WhenFull};

/// The program's own: with the system's a copied histogram is new memory from the kernel each time, which costs ten times as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: u32 = 200;
const SECONDS: u64 = 30;
const CODES: [&str; 5] = [
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "INTERNAL",
    "UNKNOWN",
];
/// Values of a latency: enough that every bucket of three digits is hit.
const VALUES: u64 = 15_000;

/// Nanoseconds from 20 µs to 60 s, evenly by their logarithm.
fn latency(n: u64) -> u64 {
    let share = (n % VALUES) as f64 / VALUES as f64;
    (20_000.0 * 3_000_000_f64.powf(share)) as u64
}

fn main() {
    let load = Load {
        rate: "10000".parse().unwrap_or(Rate::MAX),
        duration: Duration::from_secs(SECONDS),
        ramp_up: Duration::from_secs(10),
        warm_up: Duration::from_secs(10),
        drain: Duration::from_secs(60),
        stop_timeout: Duration::from_secs(25),
        arrivals: Arrivals::Constant,
        seed: 1,
        max_in_flight: 1_000,
        when_full: WhenFull::Queue,
        max_lag: Duration::from_secs(1),
    };
    let schedule = Schedule::new(&load);
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.02), 60, true);
    for (second, phase) in (0..).zip([Phase::Ramp, Phase::WarmUp, Phase::Measure]) {
        let mut samples = PhaseSamples::default();
        for n in 0..VALUES {
            samples.ledger.arrivals += 1;
            samples.ledger.dispatched += 1;
            samples.ledger.accepted += 1;
            samples.lag.record(Duration::from_nanos(latency(n)));
            samples.accepted.record(0, 0, latency(n));
        }
        for code in CODES {
            samples.ledger.arrivals += 1;
            samples.ledger.dispatched += 1;
            samples.ledger.rejected += 1;
            samples.rejected_by.insert(code, 1);
        }
        let window = ShardWindow {
            second,
            phases: BTreeMap::from([(phase, Box::new(samples))]),
            ..ShardWindow::default()
        };
        accounts.add_window(Origin::Leader, &window);
    }
    let arrivals = schedule.total();
    for n in 0..arrivals {
        accounts.add_start(Origin::Member((n % 64) as u32), n, StartEnd::Accepted);
        let due = schedule.offset(n);
        let stamp = StampedEnd {
            n,
            sent: due,
            ended: due + latency(n * 7),
            end: WorkflowEnd::Completed,
            message: None,
            told: due + latency(n * 7),
            wrong: 0,
        };
        accounts.add_stamp(Origin::Member((n % 64) as u32), stamp);
    }
    let all = accounts.cut(u64::MAX, &KnownLatencies::new());
    let is_start = |kind| {
        matches!(
            kind,
            LatencyKind::Lag | LatencyKind::StartResponse | LatencyKind::StartService
        )
    };
    let of_before = all
        .latencies
        .iter()
        .filter(|(phase, kind, _)| *phase != Phase::Measure && is_start(*kind));
    let known: KnownLatencies = of_before
        .map(|(phase, kind, samples)| ((*phase, *kind), samples.count()))
        .collect();
    for (what, known) in [("all of it", KnownLatencies::new()), ("a second later", known)] {
        let begin = Instant::now();
        for _ in 0..ROUNDS {
            black_box(accounts.cut(u64::MAX, &known));
        }
        let took = begin.elapsed().as_secs_f64() * 1e3 / f64::from(ROUNDS);
        let latencies = accounts.cut(u64::MAX, &known).latencies.len();
        println!("{what} of {arrivals} arrivals, {latencies} latencies: {took:.3} ms to take out");
    }
}
