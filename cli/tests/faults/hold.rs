//! What must hold after every run, whatever the fault was.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use benchmark_results::{
    Results,
    schema::{CheckStatus, VerdictValue},
};
use rustix::process::Signal;

use crate::{
    account,
    bench::{Bench, Finished},
    play::Ran,
    pressure::{Pressure, is_right},
    row::{LOAD, Reachable, Row},
    server,
};

/// From a signal to the end: a supervisor kills after this.
const AFTER_A_SIGNAL: Duration = Duration::from_secs(30);

/// How long the server's counts may take to follow what happened.
const SETTLES: Duration = Duration::from_secs(30);

/// Checks everything that must hold for a row.
pub fn must_hold(row: &Row, ran: &Ran) {
    ended_in_time(row, ran);
    nothing_runs_on(ran);
    let results = ran.results();
    assert!(results.complete, "{:?}", ran.finished);
    readable(&ran.bench, &ran.finished, &results.run.id);
    account::closes(results);
    verdict(row, ran, results);
    signal(ran, results);
    match row.expect.server {
        Reachable::Yes => {
            account::agrees_with_the_server(results);
            let cleanup = &results.reconciliation.cleanup;
            // After a signal there are seconds for it. A server without CPU needs more: then that is told, and below it is seen
            // to have ended them all the same.
            let is_late = ran.after_signal.is_some() && Pressure::of(results).is_crowded() && cleanup.problem.is_some();
            assert!(is_late || cleanup.open_after == Some(0), "{:?}", ran.finished);
        }
        Reachable::NotCounts => assert_eq!(results.ledger.unknown, 0),
        Reachable::No => {
            let cleanup = &results.reconciliation.cleanup;
            assert_eq!(results.reconciliation.server.value, None, "it could not be asked");
            assert!(
                cleanup.problem.is_some() || cleanup.open_after.is_none(),
                "what may be open is told: {cleanup:?}"
            );
        }
    }
    if let Some(address) = &ran.server {
        as_the_server_tells(row, results, address);
    }
    (row.expect.more)(ran);
}

fn verdict(row: &Row, ran: &Ran, results: &Results) {
    let told: Vec<String> = results
        .verdict
        .checks
        .iter()
        .filter(|check| check.status > CheckStatus::NotApplicable)
        .map(|check| format!("{} {:?}: {}", check.name, check.status, check.value))
        .collect();
    let told = format!("{told:#?}; {:?}", Pressure::of(results));
    assert!(
        is_right(results, &row.expect.verdicts, &row.expect.may),
        "{:?} because of {told}",
        results.verdict.value
    );
    for (name, status) in &row.expect.causes {
        let check = results.verdict.checks.iter().find(|check| check.name == *name);
        let check = check.unwrap_or_else(|| panic!("no check {name}"));
        assert!(check.status >= *status, "{check:?}; besides {told}");
    }
    assert_eq!(
        ran.finished.code(),
        i32::from(results.outcome.exit_code),
        "{:?}",
        ran.finished
    );
    let word = match results.verdict.value {
        VerdictValue::Valid => "VALID",
        VerdictValue::Overloaded => "OVERLOADED",
        VerdictValue::Invalid => "INVALID",
    };
    assert!(ran.finished.stdout.contains(word), "{:?}", ran.finished);
}

fn signal(ran: &Ran, results: &Results) {
    let Some((signal, _)) = ran.after_signal else {
        return;
    };
    let (name, code) = match signal {
        Signal::HUP => ("SIGHUP", 129),
        Signal::INT => ("SIGINT", 130),
        _ => ("SIGTERM", 143),
    };
    assert_eq!(ran.finished.code(), code, "{:?}", ran.finished);
    assert_eq!(results.run.interrupted_by.as_deref(), Some(name));
}

fn ended_in_time(row: &Row, ran: &Ran) {
    match ran.after_signal {
        Some((signal, after)) => assert!(
            after <= AFTER_A_SIGNAL,
            "{after:?} after {signal:?}: {:?}",
            ran.finished
        ),
        None => {
            let load = option(row, "--duration");
            let drain = option(row, "--drain");
            let allowed = load + drain + row.expect.ends_within;
            assert!(ran.took <= allowed, "{:?}, and {allowed:?} are allowed", ran.took);
        }
    }
}

/// The seconds of an option of a row.
fn option(row: &Row, name: &str) -> Duration {
    let own = row.arguments.split_whitespace();
    let words: Vec<&str> = own.chain(LOAD.split_whitespace()).collect();
    let at = words.iter().position(|word| *word == name).expect("each row has it");
    benchmark_scenarios::units::parse(words[at + 1]).unwrap()
}

/// The program reads its own results.
pub fn readable(bench: &Bench, finished: &Finished, run: &str) {
    let path = finished.results_file().expect("a results file");
    let shown = bench.run(bench.command(&["show".as_ref(), path.as_os_str()]));
    assert_eq!(shown.code(), 0, "{shown:?}");
    assert!(shown.stdout.contains(run), "{shown:?}");
}

/// No process of the run is left, and no temporary file.
fn nothing_runs_on(ran: &Ran) {
    let folder = ran.bench.path("");
    let home = folder.parent().expect("it lies in one");
    let left: Vec<_> = procfs::process::all_processes()
        .unwrap()
        .filter_map(Result::ok)
        .filter(|process| process.pid().cast_unsigned() != std::process::id() && belongs(process, home))
        .filter_map(|process| process.cmdline().ok())
        .filter(|line| !line.is_empty() && !line.iter().any(|word| word.ends_with("server.db")))
        .collect();
    assert_eq!(left, Vec::<Vec<String>>::new());
    assert_eq!(ran.bench.temporary(), Vec::<String>::new());
}

/// Whether a process runs in a folder, or has its temporary files there.
fn belongs(process: &procfs::process::Process, folder: &Path) -> bool {
    let there = |path: &Path| path.starts_with(folder);
    process.cwd().is_ok_and(|path| there(&path))
        || process.environ().is_ok_and(|variables| {
            let temporary = variables.get("TMPDIR".as_ref() as &std::ffi::OsStr);
            temporary.is_some_and(|path| there(Path::new(path)))
        })
}

/// What somebody else is told by the server: the account is true, and nothing of the run is open.
fn as_the_server_tells(row: &Row, results: &Results, address: &str) {
    let ledger = &results.ledger;
    if row.expect.server == Reachable::No {
        let told: u64 = server::counts_of(address, &results.run.id).values().sum();
        assert!(
            (ledger.accepted..=ledger.accepted + ledger.unknown).contains(&told),
            "{told} on the server: {ledger:?}"
        );
        return;
    }
    let begun = Instant::now();
    loop {
        let told = server::counts_of(address, &results.run.id);
        let count = |status: &str| told.get(status).copied().unwrap_or(0);
        // What was open at the end of the drain has ended since: by itself, or terminated.
        let agrees = count("Running") == 0
            && count("Completed") >= ledger.completed
            && count("Failed") == ledger.failed
            && count("TimedOut") == ledger.timed_out
            && count("Terminated") >= ledger.terminated
            && count("Canceled") == ledger.cancelled
            && told.values().sum::<u64>() == ledger.accepted;
        if agrees {
            return;
        }
        assert!(begun.elapsed() < SETTLES, "{told:?} on the server: {ledger:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
