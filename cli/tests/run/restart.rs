//! The server goes away in the middle.

use benchmark_results::schema::VerdictValue;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    account,
    bench::{Bench, LIMIT},
    server::{self, until_counts},
};

#[test]
fn a_server_that_was_killed_and_came_back_costs_no_count() {
    let bench = Bench::new();
    let mut options = server::options();
    options.db_file = Some(bench.path("server.db"));
    let first = server::start(&options);
    let address = first.address();
    options.port = Some(first.port());

    let arguments = "--workers 2 --rate 10 --duration 12s --start-timeout 3s --drain 1m --output results.json";
    let mut going = bench.begin(bench.against(&address, arguments));
    assert!(!going.partial().complete, "it is in the middle");
    first.crash();
    let second = server::start(&options);
    let finished = going.finish();
    let results = finished.results();
    assert!(results.complete, "{finished:?}");

    account::closes(&results);
    account::agrees_with_the_server(&results);
    let (ledger, reconciliation) = (&results.ledger, &results.reconciliation);
    assert_eq!(
        ledger.dispatched, ledger.arrivals,
        "the load did not wait for the server"
    );
    assert_eq!((ledger.unknown, ledger.open), (0, 0));
    assert!(ledger.completed > 0);
    // Starts that came while nobody listened waited for a connection; those whose answer was lost, or whose time was up,
    // were looked up and counted as what they were.
    assert_eq!(ledger.rejected, reconciliation.unknown_not_found);
    let mut groups = results.errors.iter();
    let told = groups.any(|group| group.operation == "StartWorkflowExecution" && group.count > 0);
    assert!(told || ledger.rejected == 0, "{:?}", results.errors);
    // Those that the first server took and those that the second one took, each once.
    until_counts(&second.address(), &results.run.id, &[("Completed", ledger.completed)]);
    assert_eq!(ledger.completed, ledger.accepted);
    if results.verdict.value != VerdictValue::Invalid && ledger.rejected > 0 {
        assert_eq!(finished.code(), 1, "lost starts are errors: {finished:?}");
    }
}

#[test]
fn an_embedded_server_that_dies_ends_the_run_as_invalid() {
    let bench = Bench::new();
    let arguments = "--rate 10 --duration 8s --drain 2s --start-timeout 1s --output results.json";
    let mut going = bench.begin(bench.embedded(arguments));
    assert!(!going.partial().complete, "it is in the middle");
    let server = going.child_process();
    kill_process(Pid::from_raw(server).unwrap(), Signal::KILL).unwrap();
    let begun = std::time::Instant::now();
    let finished = going.finish();
    assert!(begun.elapsed() < LIMIT / 2, "it took {:?} to give up", begun.elapsed());
    assert_eq!(finished.code(), 3, "{finished:?}");
    let results = finished.results();
    account::closes(&results);
    assert_eq!(results.verdict.value, VerdictValue::Invalid);
    assert_eq!(results.reconciliation.server.value, None);
    let told = &results.reconciliation.disagreements;
    assert!(
        told.iter()
            .any(|line| line.contains("the embedded server ended by itself")),
        "{told:?}"
    );
    assert!(!finished.stdout.contains("achieved"), "no figure: {finished:?}");
}
