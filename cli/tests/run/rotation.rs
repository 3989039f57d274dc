//! A server that retires its connections all the time, as each frontend does every few minutes.

use benchmark_results::schema::VerdictValue;

use crate::{account, bench::Bench, pressure::is_right};

#[test]
fn twenty_rotations_on_a_healthy_server_lose_nothing_and_start_nothing_twice() {
    let bench = Bench::new();
    let mut command = bench.embedded(
        "--rate 50 --duration 16s --ramp-up 1s --warm-up 1s --connections 4 --min-throughput 0.1 --output results.json",
    );
    command.args(["--server-config", "frontend.keepAliveMaxConnectionAge=\"2s\""]);
    let finished = bench.run(command);
    let results = finished.results();
    account::closes(&results);
    account::agrees_with_the_server(&results);
    assert!(is_right(&results, &[VerdictValue::Valid], &[]), "{finished:?}");
    let connections = results.generator.start_connections.unwrap();
    assert!(connections.retired >= 20, "{connections:?}");
    assert!(connections.opened >= connections.retired, "{connections:?}");
    assert_eq!(
        (connections.lost, connections.failed_attempts),
        (0, 0),
        "{connections:?}"
    );
    let ledger = &results.ledger;
    assert_eq!((ledger.rejected, ledger.unknown), (0, 0), "{finished:?}");
    assert_eq!(ledger.accepted, ledger.dispatched, "each was taken once");
    let of_starts = results
        .errors
        .iter()
        .find(|group| group.operation == "StartWorkflowExecution");
    assert_eq!(of_starts, None);
}
