//! Runs against a server that is there already, with workers in the program, elsewhere, or nowhere.

use std::sync::Arc;

use benchmark_results::schema::{CompletionSource, VerdictValue};
use benchmark_temporal::{ConnectOptions, embedded::EmbeddedServer};
use benchmark_worker::{WorkerOptions, WorkerPool};
use benchmark_workflows::{Stamp, StampSink, TASK_QUEUE};

use crate::{
    account,
    bench::Bench,
    server::{self, block_on, counts_of, until_counts},
};

/// For workers that belong to no run.
struct Nowhere;

impl StampSink for Nowhere {
    fn stamp(&self, _: Stamp) {}
}

/// Workers of another program than the one that is tested.
fn workers_elsewhere(server: &EmbeddedServer) -> WorkerPool {
    let connect = ConnectOptions::new(server.address(), server::NAMESPACE);
    let mut options = WorkerOptions::new(connect, TASK_QUEUE);
    options.count = 2;
    block_on(WorkerPool::start(options, Arc::new(Nowhere))).unwrap()
}

#[test]
fn the_ledger_is_what_the_server_tells_somebody_else() {
    let bench = Bench::new();
    let server = server::start(&server::options());
    let arguments = "--workers 2 --rate 30 --duration 4s --failure-ratio 10% --workflow-type child-workflow";
    let finished = bench.run(bench.against(&server.address(), arguments));
    let results = finished.results();
    account::closes(&results);
    account::agrees_with_the_server(&results);
    account::times_every_end(&results);
    let ledger = &results.ledger;
    let of_type = format!(
        "WorkflowId STARTS_WITH '{}/' AND WorkflowType = 'ChildWorkflow'",
        results.run.id
    );
    let counts = server::counts(&server.address(), &of_type);
    assert_eq!(counts.get("Completed").copied(), Some(ledger.completed));
    assert_eq!(counts.get("Failed").copied().unwrap_or(0), ledger.failed);
    assert_eq!(counts.values().sum::<u64>(), ledger.accepted);
    // It was not ours to stop.
    assert!(server.ended().is_none());
    assert!(!results.environment.server.embedded);
    // Nothing was said of where the file goes.
    assert_eq!(
        finished.results_file().unwrap(),
        bench.path(&format!("runs/{}/results.json", results.run.id))
    );
}

#[test]
fn what_is_open_of_this_run_is_terminated_and_nothing_of_another() {
    let server = server::start(&server::options());
    let arguments = "--generator-only --rate 20 --duration 2s --drain 1s --output results.json";
    let run = |more: &str| {
        let bench = Bench::new();
        let finished = bench.run(bench.against(&server.address(), &format!("{arguments} {more}")));
        assert_eq!(finished.code(), 3, "nothing was measured: {finished:?}");
        assert!(
            finished.stderr.contains("nobody polls benchmark-task-queue"),
            "{finished:?}"
        );
        let results = finished.results();
        account::closes(&results);
        account::agrees_with_the_server(&results);
        assert_eq!(results.ledger.open, results.ledger.arrivals);
        results
    };
    let left = run("--no-cleanup");
    assert!(!left.reconciliation.cleanup.requested);
    assert_eq!(left.reconciliation.cleanup.open_after, Some(left.ledger.open));

    let cleaned = run("");
    let cleanup = &cleaned.reconciliation.cleanup;
    assert!(cleanup.requested);
    assert_eq!(
        (cleanup.open_before, cleanup.open_after),
        (Some(cleaned.ledger.open), Some(0))
    );
    assert_eq!(cleanup.problem, None);
    until_counts(
        &server.address(),
        &cleaned.run.id,
        &[("Terminated", cleaned.ledger.accepted)],
    );
    until_counts(&server.address(), &left.run.id, &[("Running", left.ledger.accepted)]);
}

#[test]
fn workers_elsewhere_are_seen_through_the_server() {
    let bench = Bench::new();
    let server = server::start(&server::options());
    let workers = workers_elsewhere(&server);
    let arguments = "--generator-only --rate 20 --duration 4s --sample 50% --min-throughput 0.1 --output results.json";
    let finished = bench.run(bench.against(&server.address(), arguments));
    assert_eq!(workers.failures(), []);
    drop(workers);
    let results = finished.results();
    assert!(
        finished.stderr.contains("pollers on benchmark-task-queue"),
        "{finished:?}"
    );
    assert!(results.environment.server.pollers.value.unwrap() > 0);
    account::closes(&results);
    account::agrees_with_the_server(&results);

    let (ledger, reconciliation) = (&results.ledger, &results.reconciliation);
    assert_eq!(reconciliation.source, CompletionSource::Visibility);
    assert_eq!((reconciliation.stamped, reconciliation.not_stamped), (0, 0));
    assert_eq!(ledger.completed, ledger.arrivals);
    // A hash decides who is in the sample: of 77 about half.
    assert!(
        (20..=57).contains(&reconciliation.sampled),
        "{}",
        reconciliation.sampled
    );
    let phases = &results.phases;
    let timed: u64 = [&phases.ramp, &phases.warm_up, &phases.measure]
        .iter()
        .map(|phase| phase.latencies.e2e_response.completed.count)
        .sum();
    assert_eq!(timed, reconciliation.sampled, "the sample is what is timed");
    assert!(phases.measure.completion_rate.unwrap() > 0.0);
    for window in &results.windows {
        assert_eq!((window.completed, window.failed, window.backlog), (None, None, None));
    }
    if results.verdict.value != VerdictValue::Invalid {
        assert_eq!(finished.code(), 0, "{finished:?}");
        assert!(finished.stdout.contains("long-polled"), "{finished:?}");
    }
    assert_eq!(
        counts_of(&server.address(), &results.run.id).get("Completed"),
        Some(&ledger.completed)
    );
}

#[test]
fn whoever_finds_no_room_for_a_poll_is_asked_for_afterwards() {
    let bench = Bench::new();
    let server = server::start(&server::options());
    let workers = workers_elsewhere(&server);
    let arguments = "--generator-only --rate 20 --duration 4s --sample 1 --sample-cap 0 --output results.json";
    let finished = bench.run(bench.against(&server.address(), arguments));
    assert_eq!(workers.failures(), []);
    drop(workers);
    let results = finished.results();
    account::closes(&results);
    let measure = &results.phases.measure;
    let sample = results.reconciliation.sample_ends.unwrap();
    assert_eq!((sample.accepted, sample.polled), (measure.ledger.accepted, 0));
    assert_eq!((sample.asked, sample.missing), (measure.ledger.completed, 0));
    // The server's times are told on our clock: no end lies before its start, and none after the run.
    let e2e = &measure.latencies.e2e_response.completed;
    assert_eq!(e2e.count, measure.ledger.completed);
    assert!(e2e.min.unwrap() > 0.0, "{e2e:?}");
    assert!(e2e.max.unwrap() < 60_000.0, "{e2e:?}");
    assert!(measure.latencies.e2e_service.completed.max.unwrap() <= e2e.max.unwrap());
}
