//! Signals: the first ends the run in order, the second at once, and a kill leaves what was known.

use std::net::TcpListener;

use benchmark_results::{Results, schema::VerdictValue};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    account,
    bench::{Bench, Finished, Going, listens, until_gone},
    server::{self, until_counts},
};

/// Long enough to be in the middle of it, with results written once.
const LONG: &str = "--rate 10 --duration 1m --output results.json";

fn in_the_middle(bench: &Bench, command: std::process::Command) -> Going {
    let mut going = bench.begin(command);
    let partial = going.partial();
    assert!(!partial.complete);
    account::closes_so_far(&partial);
    going
}

fn ended_in_order(finished: &Finished, signal: &str) -> Results {
    let results = finished.results();
    assert!(results.complete, "{finished:?}");
    assert_eq!(results.run.interrupted_by.as_deref(), Some(signal));
    assert!(results.run.finished_at.is_some());
    assert_eq!(finished.code(), i32::from(results.outcome.exit_code));
    assert!(
        results.events.iter().any(|event| event.kind == "interrupted"),
        "{:?}",
        results.events
    );
    // A minute at 10/s would be 600.
    assert!(results.ledger.arrivals < 500, "{:?}", results.ledger);
    assert_eq!(results.reconciliation.cleanup.open_after, Some(0));
    account::closes(&results);
    account::agrees_with_the_server(&results);
    results
}

#[test]
fn sigterm_ends_the_run_with_whole_results_and_no_server() {
    let bench = Bench::new();
    let mut going = in_the_middle(&bench, bench.embedded(LONG));
    let server = going.server();
    going.signal(Signal::TERM);
    let finished = going.finish();
    assert_eq!(finished.code(), 143, "{finished:?}");
    let results = ended_in_order(&finished, "SIGTERM");
    assert_eq!(results.ledger.open, 0);
    assert!(finished.stdout.contains("interrupted by SIGTERM"), "{finished:?}");
    until_gone(&server);
    assert_eq!(bench.temporary(), Vec::<String>::new());
}

#[test]
fn sigint_terminates_what_is_open_on_a_server_that_stays() {
    let bench = Bench::new();
    let server = server::start(&server::options());
    let arguments = format!("{LONG} --workers 1 --workflow-type timer --timer-duration 10m --drain 1s");
    let going = in_the_middle(&bench, bench.against(&server.address(), &arguments));
    going.signal(Signal::INT);
    let finished = going.finish();
    assert_eq!(finished.code(), 130, "{finished:?}");
    let results = ended_in_order(&finished, "SIGINT");
    assert!(results.ledger.open > 0);
    assert_eq!(results.reconciliation.cleanup.open_before, Some(results.ledger.open));
    until_counts(
        &server.address(),
        &results.run.id,
        &[("Terminated", results.ledger.open)],
    );
}

#[test]
fn a_terminal_that_goes_away_ends_the_run_in_order() {
    let bench = Bench::new();
    let mut going = in_the_middle(
        &bench,
        bench.embedded(&format!("{LONG} --workflow-type timer --timer-duration 10m --drain 1m")),
    );
    let server = going.server();
    // Its shell and the kernel each send one.
    going.signal(Signal::HUP);
    going.until("the drain", |going| going.said().contains("\ndrain ").then_some(()));
    going.signal(Signal::HUP);
    let finished = going.finish();
    assert_eq!(finished.code(), 129, "{finished:?}");
    ended_in_order(&finished, "SIGHUP");
    until_gone(&server);
}

#[test]
fn under_nohup_a_terminal_may_go_away() {
    let bench = Bench::new();
    let server = server::start(&server::options());
    let program = bench.against(&server.address(), LONG);
    let mut command = bench.program(
        std::path::Path::new("/bin/sh"),
        &["-c", "trap '' HUP; exec \"$0\" \"$@\""],
    );
    command.arg(program.get_program()).args(program.get_args());
    let mut going = in_the_middle(&bench, command);
    going.signal(Signal::HUP);
    let before = going.partial().ledger.arrivals;
    going.until("more of the load", |going| {
        (going.results_so_far()?.ledger.arrivals > before).then_some(())
    });
    going.signal(Signal::TERM);
    let finished = going.finish();
    assert_eq!(finished.code(), 143, "{finished:?}");
    ended_in_order(&finished, "SIGTERM");
}

#[test]
fn sigquit_ends_it_at_once() {
    let bench = Bench::new();
    let mut going = in_the_middle(&bench, bench.embedded(LONG));
    let server = going.server();
    going.signal(Signal::QUIT);
    let finished = going.finish();
    assert_eq!(finished.code(), 131, "{finished:?}");
    assert!(!finished.results().complete);
    until_gone(&server);
}

#[test]
fn a_server_that_is_kept_is_told_of_also_when_it_ends_at_once() {
    let bench = Bench::new();
    let mut going = in_the_middle(&bench, bench.embedded(&format!("{LONG} --keep-server")));
    let (server, pid) = (going.server(), going.child_process());
    going.signal(Signal::QUIT);
    let finished = going.finish();
    let stands = listens(&server);
    // It must go before anything is asserted, or a failure would leave it behind.
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    until_gone(&server);
    assert!(stands, "{finished:?}");
    let told = format!("the server is still running at {server}");
    assert!(finished.stderr.contains(&told), "{finished:?}");
    assert!(finished.stderr.contains(&format!("kill {pid}")), "{finished:?}");
}

#[test]
fn a_second_signal_ends_it_at_once_and_leaves_no_server() {
    let bench = Bench::new();
    let mut going = in_the_middle(
        &bench,
        bench.embedded(&format!("{LONG} --workflow-type timer --timer-duration 10m --drain 1m")),
    );
    let server = going.server();
    going.signal(Signal::TERM);
    // It waits for its workflows now, which do not end.
    going.until("the drain", |going| going.said().contains("\ndrain ").then_some(()));
    going.signal(Signal::INT);
    let finished = going.finish();
    assert_eq!(finished.code(), 130, "{finished:?}");
    for said in [
        "\nSIGTERM: ending in order within 25s; another signal ends it at once\n",
        "\nSIGINT: ended at once; ",
    ] {
        assert!(finished.stderr.contains(said), "{said}: {finished:?}");
    }
    assert!(!finished.results().complete);
    until_gone(&server);
    assert_eq!(bench.temporary(), [""; 0]);
}

#[test]
fn a_kill_leaves_what_was_known_and_no_server() {
    let bench = Bench::new();
    let mut going = in_the_middle(&bench, bench.embedded(LONG));
    let server = going.server();
    going.signal(Signal::KILL);
    let finished = going.finish();
    assert_eq!(finished.status.code(), None, "{finished:?}");
    until_gone(&server);
    assert_eq!(bench.temporary(), [""; 0], "not even the server's log");
    let results = finished.results();
    assert!(!results.complete);
    assert_eq!(results.run.finished_at, None);
    assert!(results.ledger.completed > 0);
    assert_ne!(
        results.verdict.value,
        VerdictValue::Valid,
        "a partial file is no measurement"
    );
    assert!(!results.passed);
    account::closes_so_far(&results);
}

#[test]
fn a_signal_before_the_load_leaves_nothing() {
    // It takes the connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let bench = Bench::new();
    let address = silent.local_addr().unwrap().to_string();
    let going = bench.begin(bench.against(&address, "--connect-timeout 1m"));
    let _connection = silent.accept().unwrap();
    going.signal(Signal::INT);
    let finished = going.finish();
    assert_eq!(finished.code(), 130, "{finished:?}");
    assert!(finished.stderr.contains("nothing was written"), "{finished:?}");
    assert_eq!(bench.left_behind(), Vec::<String>::new());
}
