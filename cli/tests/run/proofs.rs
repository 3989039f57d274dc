//! What `ab` says of differences that are known: none, 20 ms, and a setting of the server; also beside a busy neighbour.
//!
//! On a machine that others are busy on, too, a difference may be missed; what is found must be true all the same.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Child, Command},
};

use benchmark_analysis::compare::COMPARISON_VERSION;
use serde_json::Value;

use crate::{
    account,
    bench::{Bench, Finished, until_gone},
    series::{LOAD, compared, names, number, row, rows, stored},
};

/// How much later timers of one variant fire, milliseconds.
const DELAY_MS: f64 = 20.0;

/// By how much the interval may miss: at 95 % it does by chance in one series of twenty, and then by little.
const ROOM_MS: f64 = 2.0;

/// Two variants whose runs are the same: a threshold judges a run and does not change it.
const SAME: &str = "--a max-p99-latency=10m --b max-p99-latency=11m --timer-duration 200ms";

/// Two that differ by [`DELAY_MS`]. Where starts are evenly spaced, 50 ms apart, a timer of 200 ms fires in the moment of a later
/// start and one of 220 ms between two: on a busy machine the first has to wait for that start, and what differs is less than
/// the timers. Starts as from many callers meet both alike.
const LATER: &str = "--a timer-duration=200ms --b timer-duration=220ms --arrivals poisson";

/// What decides, and how short the runs are.
const SHORT: &str = "--primary e2e-response-p50 --duration 3s --cool-down 0s";

fn verdict(row: &Value) -> &str {
    row["verdict"].as_str().unwrap_or_else(|| panic!("no verdict: {row}"))
}

fn is_worse(row: &Value) -> bool {
    ["regressed", "slightlyWorse"].contains(&verdict(row))
}

/// No difference is claimed where there is none.
fn finds_nothing(comparison: &Value) {
    for row in rows(comparison).iter().filter(|row| row["primary"] == true) {
        assert!(!["regressed", "improved"].contains(&verdict(row)), "{row}");
    }
    // What is open is told by 4, since nobody reads a pipe.
    let is_open = comparison["outcome"] == "open";
    assert_eq!(comparison["exitCode"], if is_open { 4 } else { 0 }, "{comparison}");
}

/// The delay is in the interval, and is not found the other way round.
fn finds_no_other_delay(comparison: &Value) {
    let row = row(comparison, "e2e-response-p50");
    let base = number(&row["baseline"]);
    assert!(base >= 200.0, "{row}");
    let (low, high) = (number(&row["interval"]["low"]), number(&row["interval"]["high"]));
    let change = |delay: f64| delay / base;
    assert!(
        low <= change(DELAY_MS + ROOM_MS) && high >= change(DELAY_MS - ROOM_MS),
        "{:.3} is not in {low:.3} to {high:.3}: {row}",
        change(DELAY_MS)
    );
    assert!(
        !["improved", "slightlyBetter", "equivalent"].contains(&verdict(row)),
        "{row}"
    );
}

#[test]
fn six_turns_of_the_same_do_not_differ() {
    let bench = Bench::alone();
    let (comparison, finished, folder) = compared(&bench, &format!("{SAME} {SHORT}"));
    assert_eq!(comparison["exitCode"], finished.code(), "{finished:?}");
    assert_eq!(comparison["comparisonVersion"], COMPARISON_VERSION);
    finds_nothing(&comparison);
    let row = row(&comparison, "e2e-response-p50");
    assert_eq!(row["method"], "turnsT", "{row}");
    assert!(finished.stderr.contains("run 12 of 12  a  "), "{finished:?}");

    let runs = stored(&folder);
    let whole: Vec<&str> = names(&runs)
        .into_iter()
        .filter(|name| !name.starts_with("left-out"))
        .collect();
    assert_eq!(
        whole,
        [
            "a-1", "b-1", "b-2", "a-2", "a-3", "b-3", "b-4", "a-4", "a-5", "b-5", "b-6", "a-6"
        ]
    );
    for (name, results) in &runs {
        account::closes(results);
        account::agrees_with_the_server(results);
        assert!(results.complete, "{name}");
        assert_eq!(results.reconciliation.cleanup.open_after, Some(0), "{name}");
        let turn: u64 = name.split('-').find_map(|part| part.parse().ok()).unwrap();
        assert_eq!(
            results.plan.load.seed, turn,
            "{name}: both variants have the seed of the turn"
        );
    }
    let servers: BTreeSet<&String> = runs.iter().map(|(_, run)| &run.environment.server.address).collect();
    assert_eq!(servers.len(), 1, "one server for all: {servers:?}");
    until_gone(servers.first().unwrap());
    assert_eq!(bench.temporary(), Vec::<String>::new());
}

#[test]
fn a_known_delay_of_20_ms_is_found_and_its_size_lies_in_the_interval() {
    let bench = Bench::alone();
    let (comparison, finished, _) = compared(&bench, &format!("{LATER} {SHORT}"));
    finds_no_other_delay(&comparison);
    let row = row(&comparison, "e2e-response-p50");
    let is_quiet = comparison["disturbed"].as_array().unwrap().is_empty();
    assert!(is_worse(row) || !is_quiet, "{finished:?}");
    assert!(
        has_difference(&comparison, |key| key.ends_with("timerDuration")),
        "{comparison}"
    );
}

#[test]
fn a_setting_of_the_server_is_a_factor() {
    const SETTING: &str = "history.timerProcessorMaxPollRPS";
    let bench = Bench::alone();
    let (comparison, finished, folder) = compared(
        &bench,
        &format!(
            "--a server-config={SETTING}=20 --b server-config={SETTING}=40 --timer-duration 200ms {SHORT} --runs 3"
        ),
    );
    // Three turns may leave it open, whatever the setting does.
    assert!([0, 1, 4].contains(&finished.code()), "it was compared: {finished:?}");
    assert_eq!(comparison["exitCode"], finished.code(), "{comparison}");
    assert!(
        has_difference(&comparison, |key| key == format!("server.config.{SETTING}")),
        "{comparison}"
    );
    let again = format!("--factor server.config.{SETTING}");
    assert!(finished.stderr.contains(&again), "{finished:?}");
    for (name, run) in stored(&folder) {
        let set = run.environment.server.dynamic_config.get(SETTING).map(String::as_str);
        let own = if name.contains("a-") { "20" } else { "40" };
        assert_eq!(set, Some(own), "{name}");
    }
}

fn has_difference(comparison: &Value, is_it: impl Fn(&str) -> bool) -> bool {
    let differences = comparison["candidates"][0]["differences"].as_array().unwrap();
    differences
        .iter()
        .any(|difference| is_it(difference["key"].as_str().unwrap()) && difference["standing"] == "onPurpose")
}

/// A process that wants a core for itself. It ends by itself after a minute or two, and with the test.
struct Neighbour(Child);

impl Neighbour {
    fn begin() -> Self {
        let count = "i=0; while [ $i -lt 100000000 ]; do i=$((i+1)); done";
        Neighbour(Command::new("/bin/sh").args(["-c", count]).spawn().unwrap())
    }

    /// Whether it was there throughout.
    fn is_busy(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A series beside a neighbour: its comparison, if there is one. Where the machine has no room for both, the runs are INVALID,
/// and the program gives it up.
fn beside_a_neighbour(bench: &Bench, arguments: &str, store: &str) -> Option<Value> {
    let mut neighbour = Neighbour::begin();
    let finished: Finished = bench.run(bench.embedded(&format!(
        "ab {arguments} {SHORT} --runs 4 {LOAD} --format json --store {store}"
    )));
    assert!(neighbour.is_busy(), "the neighbour ended before the series did");
    if finished.stdout.is_empty() {
        assert_eq!(finished.code(), 3, "{finished:?}");
        assert!(finished.stderr.contains("which is too few"), "{finished:?}");
        return None;
    }
    Some(serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}")))
}

#[test]
fn beside_a_busy_neighbour_nothing_is_found_that_is_not_there() {
    let bench = Bench::alone();
    if let Some(comparison) = beside_a_neighbour(&bench, SAME, "same") {
        finds_nothing(&comparison);
    }
    if let Some(comparison) = beside_a_neighbour(&bench, LATER, "later") {
        finds_no_other_delay(&comparison);
    }
    assert!(Path::new(&bench.path("later")).is_dir());
}
