//! Each workload from the command line to the file, with the embedded server and workers in the program's own process.

use benchmark_results::{Results, schema::VerdictValue};
use benchmark_scenarios::workloads::{ChildWorkflow, Simple};

use crate::{
    account,
    bench::{Bench, Finished, until_gone},
};

/// Runs with the embedded server and checks all that must hold when everything ended.
fn whole(arguments: &str) -> (Finished, Results) {
    let bench = Bench::new();
    let finished = bench.run(bench.embedded(&format!(
        "{arguments} --workers 2 --min-throughput 0.1 --output results.json"
    )));
    let results = finished.results();
    assert!(results.complete, "{finished:?}");
    account::closes(&results);
    account::agrees_with_the_server(&results);
    account::times_every_end(&results);
    assert_eq!(results.ledger.open, 0);
    assert_eq!(results.ledger.dispatched, results.ledger.arrivals);
    assert_eq!(finished.code(), i32::from(results.outcome.exit_code));
    assert!(results.environment.server.embedded);
    until_gone(&results.environment.server.address);
    assert_eq!(
        bench.temporary(),
        Vec::<String>::new(),
        "the server's log is gone with it"
    );
    (finished, results)
}

/// A machine that is busy with other tests may make a run INVALID; what it may not do is change what happened.
fn passes_unless_the_machine_was_busy(finished: &Finished, results: &Results) {
    match results.verdict.value {
        VerdictValue::Invalid => assert_eq!(finished.code(), 3, "{finished:?}"),
        _ => assert_eq!(finished.code(), 0, "{finished:?}"),
    }
}

#[test]
fn simple() {
    let (finished, results) = whole("--rate 20 --duration 4s");
    passes_unless_the_machine_was_busy(&finished, &results);
    assert_eq!(results.ledger.completed, results.ledger.arrivals);
    // 4 s at 20/s, of which the first 0.4 s rise from 2/s.
    assert!((74..=80).contains(&results.ledger.arrivals), "{:?}", results.ledger);
    assert_eq!(results.phases.measure.ledger.arrivals, 64);
    assert_eq!(results.config.workflow_type, "simple");
    assert!(finished.stdout.contains(&results.run.id), "{finished:?}");
}

#[test]
fn multi_activity() {
    let (finished, results) = whole(
        "--workflow-type multi-activity --activity-count 4 --parallel-activities 2 --activity-duration 20ms..60ms \
         --rate 10 --duration 4s",
    );
    passes_unless_the_machine_was_busy(&finished, &results);
    assert_eq!(results.ledger.completed, results.ledger.arrivals);
    // Two in parallel, then two one after the other: at least three times the shortest sleep.
    assert!(results.phases.measure.latencies.e2e_service.completed.min.unwrap() >= 60.0);
}

#[test]
fn timer() {
    let (finished, results) = whole("--workflow-type timer --timer-duration 200ms --rate 10 --duration 3s --sample 1");
    passes_unless_the_machine_was_busy(&finished, &results);
    assert_eq!(results.ledger.completed, results.ledger.arrivals);
    let e2e = &results.phases.measure.latencies.e2e_service.completed;
    assert!(e2e.min.unwrap() >= 200.0, "{e2e:?}");
    // All were long-polled as well, and the two observers agree.
    assert_eq!(results.reconciliation.sampled, results.ledger.accepted);
    assert_eq!(results.reconciliation.sample_disagreements, 0);
    assert_eq!(results.reconciliation.poll_delay.count, results.ledger.accepted);
}

#[test]
fn children_are_not_counted() {
    let (finished, results) = whole("--workflow-type child-workflow --child-count 2 --rate 10 --duration 3s");
    passes_unless_the_machine_was_busy(&finished, &results);
    // The server has three times as many workflows; the account has none of the children.
    assert_eq!(results.ledger.completed, results.ledger.arrivals);
    assert_ne!(ChildWorkflow::WORKFLOW_TYPE, Simple::WORKFLOW_TYPE);
}

#[test]
fn state_transitions() {
    let (finished, results) = whole("--workflow-type state-transitions --rate 5 --duration 3s");
    passes_unless_the_machine_was_busy(&finished, &results);
    assert_eq!(results.ledger.completed, results.ledger.arrivals);
}

#[test]
fn a_share_that_fails_shows_as_failed() {
    let (finished, results) = whole("--failure-ratio 20% --rate 20 --duration 4s --seed 7");
    let ledger = &results.ledger;
    assert!(ledger.failed > 0 && ledger.completed > ledger.failed, "{ledger:?}");
    assert_eq!(ledger.failed + ledger.completed, ledger.arrivals);
    let group = results
        .errors
        .iter()
        .find(|group| group.operation == "workflow")
        .unwrap();
    assert_eq!((group.code.as_str(), group.count), ("Failed", ledger.failed));
    assert_eq!(group.examples.len(), usize::try_from(ledger.failed.min(10)).unwrap());
    for example in &group.examples {
        assert!(
            example.workflow_id.as_ref().unwrap().starts_with(&results.run.id),
            "{example:?}"
        );
        assert!(!example.message.is_empty(), "{example:?}");
    }
    let threshold = results
        .outcome
        .thresholds
        .iter()
        .find(|threshold| threshold.name == "max-error-ratio")
        .unwrap();
    assert!(!threshold.met);
    assert!(!results.passed);
    if results.verdict.value != VerdictValue::Invalid {
        assert_eq!(finished.code(), 1, "{finished:?}");
        assert!(finished.stdout.contains("NOT MET"), "{finished:?}");
    }
}

#[test]
fn a_threshold_that_is_missed_fails_the_run_and_says_so() {
    let (finished, results) = whole("--rate 20 --duration 3s --max-p99-latency 1ms");
    let threshold = results
        .outcome
        .thresholds
        .iter()
        .find(|threshold| threshold.name == "max-p99-latency")
        .unwrap();
    assert!(!threshold.met && !results.passed);
    if results.verdict.value != VerdictValue::Invalid {
        assert_eq!(finished.code(), 1, "{finished:?}");
        let said = finished.stdout.lines().find(|line| line.contains("NOT MET")).unwrap();
        assert!(said.contains("max-p99-latency"), "{finished:?}");
        assert_eq!(results.failure_reasons.len(), 1, "{:?}", results.failure_reasons);
    }
}

#[test]
fn iterations_stay_visible_and_add_up() {
    let (finished, results) = whole("--rate 20 --duration 2s --iterations 2");
    passes_unless_the_machine_was_busy(&finished, &results);
    let [first, second] = results.iterations.as_slice() else {
        panic!("two iterations: {:?}", results.iterations.len());
    };
    assert_eq!((first.index, second.index), (1, 2));
    assert_ne!(first.workflow_id_prefix, second.workflow_id_prefix);
    let lag = |iteration: &benchmark_results::schema::Iteration| iteration.phases.measure.latencies.lag.count;
    assert_eq!(lag(first) + lag(second), results.phases.measure.latencies.lag.count);
    assert_eq!(first.ledger.arrivals, second.ledger.arrivals);
    let of = |index: u32| {
        results
            .windows
            .iter()
            .filter(|window| window.iteration == index)
            .count()
    };
    assert!(of(1) >= 2 && of(2) >= 2);
    if results.verdict.value != VerdictValue::Invalid {
        assert!(finished.stdout.contains("iteration"), "{finished:?}");
    }
}
