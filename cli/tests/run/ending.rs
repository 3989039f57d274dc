//! What comes after the load ends in time and with its results, whatever the server or the disk does.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use benchmark_results::{
    file,
    schema::{CheckStatus, VerdictValue},
};
use rustix::process::{Pid, Signal, kill_process};

use crate::{account, bench::Bench};

/// A supervisor's patience, and what a machine that is shared by many tests takes on top of it.
const PATIENCE: Duration = Duration::from_secs(30 + 15);

#[test]
fn a_server_that_stands_still_holds_no_signal_up() {
    let bench = Bench::new();
    // Each start would be waited for longer than a supervisor waits.
    let arguments = "--rate 20 --duration 2m --start-timeout 2m --drain 1m --output results.json";
    let mut going = bench.begin(bench.embedded(arguments));
    assert!(!going.partial().complete, "it is in the middle");
    let server = Pid::from_raw(going.child_process()).unwrap();
    kill_process(server, Signal::STOP).unwrap();
    let before = going.partial().ledger.dispatched;
    going.until("starts that nobody answers", |going| {
        let ledger = going.results_so_far()?.ledger;
        (ledger.dispatched > before).then_some(())
    });
    let begun = Instant::now();
    going.signal(Signal::TERM);
    let finished = going.finish();
    assert!(
        begun.elapsed() < PATIENCE,
        "it took {:?}: {finished:?}",
        begun.elapsed()
    );
    assert_eq!(finished.code(), 143, "{finished:?}");
    let results = finished.results();
    assert!(results.complete && results.run.finished_at.is_some());
    assert_eq!(results.run.interrupted_by.as_deref(), Some("SIGTERM"));
    account::closes_so_far(&results);
    assert!(results.ledger.unknown > 0, "{:?}", results.ledger);
    assert_eq!(results.reconciliation.server.value, None, "nobody could be asked");
    assert_eq!(results.verdict.value, VerdictValue::Invalid);
    assert!(
        !results.verdict.headline.contains("accounted for"),
        "{:?}",
        results.verdict
    );
    // It dies with the program, stopped or not.
    let gone = Instant::now();
    while Path::new(&format!("/proc/{}/exe", server.as_raw_nonzero())).exists() {
        assert!(gone.elapsed() < PATIENCE, "the server is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn results_that_cannot_be_written_are_told_and_kept_elsewhere() {
    let bench = Bench::new();
    fs::create_dir(bench.path("out")).unwrap();
    let mut going = bench.begin(bench.embedded("--rate 10 --duration 6s --output out/results.json --json"));
    going.until("the first results", |_| {
        bench.path("out/results.json").exists().then_some(())
    });
    fs::remove_dir_all(bench.path("out")).unwrap();
    let finished = going.finish();
    assert_eq!(finished.code(), 2, "{finished:?}");
    let problem = finished.stderr.lines().rfind(|line| line.contains("error:")).unwrap();
    assert!(problem.contains("out/results.json"), "{problem}");
    assert_eq!(problem.matches("os error").count(), 1, "{problem}");
    let printed: benchmark_results::Results = serde_json::from_str(&finished.stdout).unwrap();
    assert!(finished.stderr.contains("completed"), "the summary: {finished:?}");
    let kept = bench.temporary().into_iter().find(|name| name.ends_with(".json"));
    let kept = kept.unwrap_or_else(|| panic!("nothing was kept: {finished:?}"));
    assert!(problem.contains(&kept), "{problem}");
    let kept = file::read(&bench.folder().join("tmp").join(kept)).unwrap();
    assert!(kept.complete);
    assert_eq!(kept.run.id, printed.run.id);
    account::closes(&kept);
}

#[test]
fn a_backlog_that_still_moves_is_the_same_in_both_accounts() {
    let bench = Bench::new();
    // Five activities at a time, half a second each, for twenty-five of them a second.
    let arguments = "--rate 25 --duration 8s --drain 3s --workers 1 --activity-slots 5 --workflow-type multi-activity \
                     --activity-count 1 --activity-duration 500ms --output results.json";
    let finished = bench.run(bench.embedded(arguments));
    let results = finished.results();
    account::closes(&results);
    let (ledger, reconciliation) = (&results.ledger, &results.reconciliation);
    assert!(ledger.open > 0 && ledger.completed > 0, "{ledger:?}");
    let cut_off = reconciliation.cut_off.as_ref().unwrap();
    assert!((11.0..20.0).contains(&cut_off.seconds), "{cut_off:?}");
    assert_eq!(cut_off.cut_short_by, None);
    assert_eq!(reconciliation.disagreements, Vec::<String>::new());
    let status = |name: &str| {
        let mut checks = results.verdict.checks.iter();
        checks.find(|check| check.name == name).unwrap().status
    };
    assert!(status("server-counts") <= CheckStatus::Pass, "{:?}", results.verdict);
    assert_eq!(status("open-after-drain"), CheckStatus::Overloaded);
    if let Some(server) = &reconciliation.server.value {
        assert_eq!(server.values().sum::<u64>(), ledger.accepted);
    }
    assert_eq!(reconciliation.cleanup.open_after, Some(0));
}
