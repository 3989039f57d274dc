//! Runs made up for the tests: observed counts and latencies, judged and assembled as real ones are.

pub mod fleet;
mod surroundings;

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use benchmark_scenarios::Plan;
use proptest::prelude::*;

use surroundings::{MEASURE, RAMP, RATE, WARM_UP};
pub use surroundings::{environment, generator, plan};

use crate::{
    assemble::{IterationParts, RunParts, assemble},
    diagnosis::names,
    histogram::Histogram,
    ledger::Ledger,
    merge,
    schema::{
        AtCap, Check, Cleanup, CompletionSource, ErrorExample, ErrorGroup, Event, Fact, FigureMethod, FigureUnit,
        Fleet, IntervalHistograms, Latencies, Latency, Phase, PhaseReport, Phases, Reconciliation, RemoteWritten,
        Results, Run, ServerClock, ServerFigure, ServerFigures, Verdict, VerdictValue, Window,
    },
    thresholds::Signal,
};

/// A histogram of `count` samples: most around `typical`, one in a hundred four times as long, the last `longest`.
fn latencies(count: u64, typical_us: i64, longest_us: i64) -> Histogram {
    let mut histogram = Histogram::new();
    for n in 0..count {
        let micros = match n {
            0 => longest_us,
            n if n % 100 == 0 => typical_us * 4,
            n => typical_us + (n % 50) as i64 * typical_us / 50,
        };
        histogram.record_micros(micros);
    }
    histogram
}

/// A ledger in which all that was accepted completed, but `failed`.
fn ledger(arrivals: u64, failed: u64) -> Ledger {
    Ledger {
        arrivals,
        dispatched: arrivals,
        accepted: arrivals,
        completed: arrivals - failed,
        failed,
        ..Ledger::default()
    }
}

fn report(start: u64, seconds: u64, ledger: Ledger) -> PhaseReport {
    let mut all = Latencies::empty();
    all.lag = latencies(ledger.dispatched, 60, 1_900).to_latency();
    all.start_service.accepted = latencies(ledger.accepted, 3_000, 48_000).to_latency();
    all.start_response.accepted = latencies(ledger.accepted, 3_100, 48_100).to_latency();
    all.e2e_service.completed = latencies(ledger.completed, 14_000, 240_000).to_latency();
    all.e2e_response.completed = latencies(ledger.completed, 14_100, 241_000).to_latency();
    all.e2e_service.not_completed = latencies(ledger.failed, 20_000, 30_000).to_latency();
    all.e2e_response.not_completed = latencies(ledger.failed, 20_100, 30_100).to_latency();
    PhaseReport {
        start_seconds: start as f64,
        seconds: seconds as f64,
        ledger,
        start_rate: Some(ledger.dispatched as f64 / seconds as f64),
        completion_rate: Some(ledger.completed as f64 / seconds as f64),
        at_cap: Some(AtCap {
            dropped: 0,
            lag: Latency::empty(),
        }),
        latencies: all,
    }
}

/// A measured phase in which all is well but for two that failed.
pub fn measure() -> PhaseReport {
    report(RAMP + WARM_UP, MEASURE, ledger(RATE * MEASURE, 2))
}

fn windows() -> Vec<Window> {
    (0..RAMP + WARM_UP + MEASURE + 1)
        .map(|second| {
            let phase = match second {
                s if s < RAMP => Phase::Ramp,
                s if s < RAMP + WARM_UP => Phase::WarmUp,
                s if s < RAMP + WARM_UP + MEASURE => Phase::Measure,
                _ => Phase::Drain,
            };
            let due = match phase {
                Phase::Ramp => RATE / 2,
                Phase::Drain => 0,
                _ => RATE,
            };
            Window {
                iteration: 1,
                second,
                phase,
                due,
                dispatched: due,
                dropped: 0,
                accepted: due,
                rejected: 0,
                unknown: 0,
                completed: Some(due),
                failed: Some(0),
                // About 400/s × (21 − 4.5) ms, with some scatter.
                backlog: Some(if phase == Phase::Drain { 0 } else { 5 + second * 7 % 5 }),
                in_flight: 2,
                waited_at_cap: Some(0),
                held_at_cap: Some(0),
                lag_p99: Some(0.2),
                start_p50: Some(3.1),
                start_p99: Some(9.9),
                e2e_p50: Some(14.0),
                e2e_p99: Some(52.0),
            }
        })
        .collect()
}

fn reconciliation(ledger: &Ledger) -> Reconciliation {
    Reconciliation {
        source: CompletionSource::Stamps,
        server: Fact::found(
            BTreeMap::from([("Completed".into(), ledger.completed), ("Failed".into(), ledger.failed)]),
            "CountWorkflowExecutions",
        ),
        settled_after_seconds: Some(1.2),
        stamped: ledger.ended(),
        implausible: Some(0),
        seen_before_stamp: Some(0),
        compared_with_server: Some(2_000),
        stamped_early: Some(0),
        sampled: 2_160,
        poll_delay: latencies(2_160, 900, 9_000).to_latency(),
        server_clock: Some(Fact::found(
            ServerClock {
                offset_ms: 0.4,
                uncertainty_ms: 1.1,
                samples: 150,
                ..ServerClock::default()
            },
            "DescribeWorkflowExecution",
        )),
        cleanup: Cleanup {
            requested: true,
            open_before: Some(ledger.open),
            open_after: Some(0),
            problem: None,
        },
        ..Reconciliation::not_made("")
    }
}

/// An iteration in which all is well: 108,000 arrivals, 2 of which were told to fail.
pub fn iteration() -> IterationParts {
    static SOUND: LazyLock<IterationParts> = LazyLock::new(sound_iteration);
    SOUND.clone()
}

fn sound_iteration() -> IterationParts {
    let phases = Phases {
        ramp: report(0, RAMP, ledger(RATE / 2 * RAMP, 0)),
        warm_up: report(RAMP, WARM_UP, ledger(RATE * WARM_UP, 0)),
        measure: measure(),
    };
    let ledger = merge::ledgers([&phases.ramp, &phases.warm_up, &phases.measure].map(|phase| &phase.ledger));
    IterationParts {
        workflow_id_prefix: "01k3-brisk-otter".into(),
        started_at: "2026-11-20T10:00:00Z".into(),
        reconciliation: reconciliation(&ledger),
        ledger,
        phases,
        errors: vec![ErrorGroup {
            operation: "workflow".into(),
            code: "Failed".into(),
            count: 2,
            examples: [40_217, 77_120]
                .map(|n| ErrorExample {
                    workflow_id: Some(format!("01k3-brisk-otter/{n}")),
                    message: "injected".into(),
                })
                .to_vec(),
        }],
        windows: windows(),
        intervals: vec![IntervalHistograms {
            iteration: 1,
            start_seconds: 0,
            seconds: 1,
            start_response: latencies(200, 3_100, 20_000).encode(),
            e2e_response: latencies(200, 14_100, 60_000).encode(),
        }],
        generator: generator(),
        fleet: Fleet::alone(),
        interrupted: false,
    }
}

fn run(interrupted_by: Option<&str>) -> Run {
    Run {
        id: "01k3-brisk-otter".into(),
        started_at: "2026-11-20T10:00:00Z".into(),
        finished_at: Some("2026-11-20T10:05:03Z".into()),
        version: "0.1.0".into(),
        git_revision: Fact::missing("built outside of a repository"),
        command: ["run-benchmark", "--rate", "400"].map(str::to_owned).to_vec(),
        interrupted_by: interrupted_by.map(str::to_owned),
        dashboard_url: None,
    }
}

/// A run of these iterations, that a signal may have ended.
pub fn assembled(iterations: Vec<IterationParts>, signal: Option<Signal>) -> Results {
    let mut plan = plan();
    plan.iterations = iterations.len().max(1) as u32;
    assemble(RunParts {
        run: run(signal.map(Signal::name)),
        plan,
        environment: environment(),
        iterations,
        server_figures: Vec::new(),
        events: signal
            .map(|signal| Event {
                at_seconds: 132.0,
                iteration: 1,
                kind: "interrupted".into(),
                message: signal.name().into(),
            })
            .into_iter()
            .collect(),
        complete: true,
        signal,
    })
    .unwrap()
}

fn assembled_of(plan: Plan, iterations: Vec<IterationParts>, events: Vec<Event>) -> Results {
    assemble(RunParts {
        run: run(None),
        plan,
        environment: environment(),
        iterations,
        server_figures: Vec::new(),
        events,
        complete: true,
        signal: None,
    })
    .unwrap()
}

/// A run in which all is well.
pub fn valid() -> Results {
    assembled(vec![iteration()], None)
}

/// The cluster carries 282/s of 400/s; the rest piles up.
pub fn overloaded_iteration() -> IterationParts {
    let mut iteration = iteration();
    let mut backlog = 0;
    for window in &mut iteration.windows {
        let carried = 282.min(backlog + window.accepted);
        backlog = backlog + window.accepted - carried;
        window.completed = Some(carried);
        window.backlog = Some(backlog);
        window.e2e_p50 = Some(14.0 + backlog as f64 / 282.0 * 1000.0);
    }
    iteration.phases.measure.completion_rate = Some(282.0);
    let mut slow = Histogram::new();
    for n in 0..96_000_i64 {
        slow.record_micros(14_000 + n * 1_040);
    }
    iteration.phases.measure.latencies.e2e_response.completed = slow.to_latency();
    iteration.phases.measure.latencies.e2e_service.completed = slow.to_latency();
    iteration
}

/// A generator that had no core: late, and short of starts.
pub fn starved_iteration() -> IterationParts {
    let mut iteration = iteration();
    let measure = &mut iteration.phases.measure;
    measure.latencies.lag = latencies(96_000, 110_000, 990_000).to_latency();
    measure.ledger.dropped_lag = 3_000;
    measure.ledger.dispatched -= 3_000;
    measure.ledger.accepted -= 3_000;
    measure.ledger.completed -= 3_000;
    for window in iteration
        .windows
        .iter_mut()
        .filter(|window| window.phase == Phase::Measure)
        .take(30)
    {
        window.dispatched = 300;
        window.accepted = 300;
        window.dropped = 100;
        window.lag_p99 = Some(412.0);
    }
    let phases = &iteration.phases;
    iteration.ledger = merge::ledgers([&phases.ramp, &phases.warm_up, &phases.measure].map(|phase| &phase.ledger));
    iteration.reconciliation = reconciliation(&iteration.ledger);
    iteration.generator.cpu_share = 0.97;
    iteration
}

/// Three iterations, the second of which was overloaded.
pub fn iterations() -> Results {
    assembled(vec![iteration(), overloaded_iteration(), iteration()], None)
}

/// A run that ended before its first iteration.
pub fn empty() -> Results {
    assembled(Vec::new(), None)
}

/// SIGINT after 72 of 240 measured seconds.
pub fn interrupted() -> Results {
    let mut iteration = iteration();
    iteration.phases.measure = report(RAMP + WARM_UP, 72, ledger(RATE * 72, 0));
    iteration.windows.truncate((RAMP + WARM_UP + 72) as usize);
    let phases = &iteration.phases;
    iteration.ledger = merge::ledgers([&phases.ramp, &phases.warm_up, &phases.measure].map(|phase| &phase.ledger));
    iteration.reconciliation = reconciliation(&iteration.ledger);
    iteration.errors.clear();
    iteration.interrupted = true;
    assembled(vec![iteration], Some(Signal::Interrupt))
}

/// Workers of somebody else: nobody stamps, the server counts, a sample is timed.
pub fn visibility_only() -> Results {
    let mut iteration = iteration();
    for window in &mut iteration.windows {
        window.backlog = None;
    }
    iteration.reconciliation.source = CompletionSource::Visibility;
    iteration.reconciliation.stamped = 0;
    let latencies_of = &mut iteration.phases.measure.latencies;
    latencies_of.e2e_response.completed = latencies(1_920, 14_100, 241_000).to_latency();
    latencies_of.e2e_service.completed = latencies(1_920, 14_000, 240_000).to_latency();
    assembled(vec![iteration], None)
}

/// A verdict with nothing but its value.
pub fn verdict(value: VerdictValue) -> Verdict {
    Verdict {
        value,
        headline: "as it was".into(),
        checks: Vec::<Check>::new(),
    }
}

/// Ledgers in which every arrival ended in exactly one place.
pub fn ledger_strategy() -> impl Strategy<Value = Ledger> {
    prop::array::uniform10(0..1_000_000_u64).prop_map(|ends| {
        let [
            dropped_lag,
            dropped_cap,
            rejected,
            unknown,
            completed,
            failed,
            timed_out,
            terminated,
            cancelled,
            open,
        ] = ends;
        let accepted = completed + failed + timed_out + terminated + cancelled + open;
        let dispatched = accepted + rejected + unknown;
        Ledger {
            arrivals: dispatched + dropped_lag + dropped_cap,
            dispatched,
            dropped_lag,
            dropped_cap,
            rejected,
            unknown,
            accepted,
            completed,
            failed,
            timed_out,
            terminated,
            cancelled,
            open,
            ends_unknown: 0,
        }
    })
}

/// Too short for the upper quantiles.
pub fn short() -> Results {
    let mut iteration = iteration();
    let scaled = |start, seconds| report(start, seconds, ledger(25 * seconds, 0));
    iteration.phases = Phases {
        ramp: scaled(0, 1),
        warm_up: scaled(1, 1),
        measure: scaled(2, 8),
    };
    iteration.ledger = ledger(250, 0);
    iteration.reconciliation = reconciliation(&iteration.ledger);
    iteration.errors.clear();
    iteration.windows = windows()
        .into_iter()
        .skip((RAMP + WARM_UP - 2) as usize)
        .take(10)
        .enumerate()
        .map(|(second, window)| Window {
            second: second as u64,
            due: 25,
            dispatched: 25,
            accepted: 25,
            completed: Some(25),
            backlog: Some(second as u64 % 2),
            ..window
        })
        .collect();
    let mut plan = plan();
    plan.load.rate = "25".parse().unwrap();
    plan.load.duration = Duration::from_secs(10);
    plan.load.ramp_up = Duration::from_secs(1);
    plan.load.warm_up = Duration::from_secs(1);
    plan.thresholds.min_throughput = 23.75;
    assemble(RunParts {
        run: run(None),
        plan,
        environment: environment(),
        iterations: vec![iteration],
        server_figures: Vec::new(),
        events: Vec::new(),
        complete: true,
        signal: None,
    })
    .unwrap()
}

/// A short run whose server refused, and of which one figure could not be had.
pub fn with_figures() -> Results {
    let figure = |name: &str, value: Option<f64>| ServerFigure {
        name: name.into(),
        labels: BTreeMap::from([
            ("service_name".into(), "frontend".into()),
            ("resource_exhausted_cause".into(), "RpsLimit".into()),
        ]),
        value,
        unit: FigureUnit::PerSecond,
        query: "sum(rate(service_errors_resource_exhausted[2s]))".into(),
        source: "http://127.0.0.1:9090/metrics".into(),
        reason: value.is_none().then(|| "there are no series of it".into()),
    };
    let mut results = short();
    results.run.dashboard_url = Some("http://127.0.0.1:3000/d/temporal-benchmark?var-run_id=a&to=2".into());
    results.remote_write = Some(RemoteWritten {
        url: "http://127.0.0.1:9090/api/v1/write".into(),
        taken: 3,
        lost: 1,
        problem: Some("answered 400 Bad Request".into()),
    });
    results.server_figures = vec![ServerFigures {
        iteration: 1,
        started_at: "2026-11-20T10:00:01Z".into(),
        seconds: 2.0,
        method: FigureMethod::Pages,
        problems: vec!["a page could not be read".into()],
        figures: vec![figure("exhausted-requests", Some(12.5)), figure("sql-pool", None)],
    }];
    results
}

/// One figure of the server: name, labels and value.
pub type MadeFigure<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

/// The same results with these figures of the server.
pub fn with_these_figures(mut results: Results, figures: &[MadeFigure]) -> Results {
    // Without a request of the server's, nothing is known of it.
    let requests: MadeFigure = (names::REQUESTS, &[], 1_000.0);
    let made = [&requests]
        .into_iter()
        .chain(figures)
        .map(|(name, labels, value)| ServerFigure {
            name: (*name).to_owned(),
            labels: labels
                .iter()
                .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
                .collect(),
            value: Some(*value),
            unit: FigureUnit::Count,
            query: "up".to_owned(),
            source: "http://127.0.0.1:9/metrics".to_owned(),
            reason: None,
        });
    results.server_figures = vec![ServerFigures {
        iteration: 1,
        started_at: "2026-11-20T10:01:00Z".to_owned(),
        seconds: 240.0,
        method: FigureMethod::Pages,
        problems: Vec::new(),
        figures: made.collect(),
    }];
    results
}
