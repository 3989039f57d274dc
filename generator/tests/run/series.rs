//! Several runs against one server: two variants in turn, and repetitions of one plan.
//!
//! What is compared lasts longer than a busy machine takes for the rest: timers of half a second and more. Where a run did
//! not keep its schedule because the machine was busy, the program refuses the comparison, and the series is made once
//! more.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use benchmark_results::{
    Results,
    compare::{COMPARISON_VERSION, Metric, NoiseProfile},
    file,
};
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    account,
    bench::{Bench, Finished, until_gone},
    refusals::{refused, tripwire},
};

/// What the runs have in common. At 20/s an arrival may be 25 ms late, which a busy machine rarely exceeds.
const LOAD: &str = "--workflow-type timer --rate 20 --ramp-up 500ms --warm-up 500ms --min-throughput 0 \
                    --max-error-ratio 1 --max-p99-latency 10m";

/// How often a series is made at the most.
const ATTEMPTS: usize = 3;

/// Runs it until the machine spoils no run of it; it is told the number of the attempt.
fn unspoiled(bench: &Bench, command: impl Fn(usize) -> Command) -> (usize, Finished) {
    let spoiled = |finished: &Finished| finished.stdout.contains("INVALID") || finished.stderr.contains("INVALID");
    (1..=ATTEMPTS)
        .map(|attempt| (attempt, bench.run(command(attempt))))
        .find(|(attempt, finished)| *attempt == ATTEMPTS || !spoiled(finished))
        .unwrap()
}

/// A series with JSON for its comparison, and the folder with its results.
fn compared(bench: &Bench, arguments: &str) -> (Value, Finished, PathBuf) {
    let (attempt, finished) = unspoiled(bench, |attempt| {
        bench.embedded(&format!("ab {arguments} {LOAD} --format json --store series-{attempt}"))
    });
    let comparison = serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"));
    (comparison, finished, bench.path(&format!("series-{attempt}")))
}

/// All results in a folder, by the time of their beginnings, with the names of their files.
fn stored(folder: &Path) -> Vec<(String, Results)> {
    let mut runs: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, file::read(&path).unwrap())
        })
        .collect();
    runs.sort_by(|(_, one), (_, other)| one.run.started_at.cmp(&other.run.started_at));
    runs
}

fn names(runs: &[(String, Results)]) -> Vec<&str> {
    runs.iter().map(|(name, _)| name.as_str()).collect()
}

fn rows(comparison: &Value) -> &Vec<Value> {
    comparison["candidates"][0]["rows"].as_array().unwrap()
}

fn row<'a>(comparison: &'a Value, metric: &str) -> &'a Value {
    let mut rows = rows(comparison).iter();
    rows.find(|row| row["metric"] == metric)
        .unwrap_or_else(|| panic!("no row of {metric}: {comparison}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// A false finding has a chance of 5 %, which is too much for a test. Here it takes more than chance: what is within the
/// margin is equivalent before anything else is said, so for a finding the interval must exclude zero and reach beyond the
/// margin, and then the difference itself is about half of the margin or more. Half of the margin is 60 ms beside a timer of 500 ms: one variant would have to be slower by that in nearly all of
/// five turns.
#[test]
fn five_runs_of_the_same_on_either_side_do_not_differ() {
    let bench = Bench::alone();
    let (comparison, finished, folder) = compared(
        &bench,
        "--a seed=1 --b seed=2 --runs 5 --duration 3s --timer-duration 500ms --cool-down 0s \
         --primary e2e-response-p50,e2e-service-p50 --margin 25%",
    );
    assert_eq!(finished.code(), 0, "{finished:?}");
    assert_eq!(comparison["comparisonVersion"], COMPARISON_VERSION);
    assert_eq!(comparison["exitCode"], 0);
    assert!(
        ["equivalent", "inconclusive"].contains(&comparison["outcome"].as_str().unwrap()),
        "{comparison}"
    );
    let primary: Vec<_> = rows(&comparison).iter().filter(|row| row["primary"] == true).collect();
    assert_eq!(primary.len(), 2, "{comparison}");
    for row in primary {
        let verdict = row["verdict"].as_str().unwrap();
        assert!(["equivalent", "inconclusive"].contains(&verdict), "{row}");
        assert_eq!(row["method"], "pairedT", "{row}");
    }
    assert!(finished.stderr.contains("run 10 of 10  b  "), "{finished:?}");

    let runs = stored(&folder);
    assert_eq!(
        names(&runs),
        ["a-1", "b-1", "b-2", "a-2", "a-3", "b-3", "b-4", "a-4", "a-5", "b-5"]
    );
    for (name, results) in &runs {
        account::closes(results);
        account::agrees_with_the_server(results);
        assert!(results.complete, "{name}");
        assert_eq!(results.plan.load.seed, if name.starts_with('a') { 1 } else { 2 });
        assert_eq!(results.reconciliation.cleanup.open_after, Some(0), "{name}");
    }
    let servers: BTreeSet<&String> = runs.iter().map(|(_, run)| &run.environment.server.address).collect();
    assert_eq!(servers.len(), 1, "one server for all: {servers:?}");
    until_gone(servers.first().unwrap());
    assert_eq!(bench.temporary(), Vec::<String>::new());
}

/// What the interval has to contain follows from the measured baseline. At 95 % it misses by chance in one series of
/// twenty, so the truth is given some room: half a per cent of the timer of two seconds, by which the server may fire it late.
#[test]
fn a_known_delay_is_found_and_its_size_lies_in_the_interval() {
    const TIMER_MS: f64 = 500.0;
    const DELAY_MS: f64 = 1500.0;
    const ROOM_MS: f64 = 10.0;
    let bench = Bench::alone();
    let (comparison, finished, _) = compared(
        &bench,
        "--a timer-duration=500ms --b timer-duration=2s --runs 4 --duration 2500ms --cool-down 0s \
         --primary e2e-response-p50",
    );
    assert_eq!(finished.code(), 1, "{finished:?}");
    assert_eq!(comparison["outcome"], "regressed", "{comparison}");
    let row = row(&comparison, "e2e-response-p50");
    assert_eq!(row["verdict"], "regressed", "{row}");
    let base = number(&row["baseline"]);
    assert!(base >= TIMER_MS, "{row}");
    let (low, high) = (number(&row["interval"]["low"]), number(&row["interval"]["high"]));
    let change = |delay: f64| delay / base;
    assert!(
        low <= change(DELAY_MS + ROOM_MS) && high >= change(DELAY_MS - ROOM_MS),
        "{:.3} is not in {low:.3} to {high:.3}: {row}",
        change(DELAY_MS)
    );
    let differences: Vec<_> = comparison["candidates"][0]["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|difference| {
            (
                difference["key"].as_str().unwrap(),
                difference["standing"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(
        differences
            .iter()
            .any(|(key, standing)| key.ends_with("timerDuration") && *standing == "onPurpose"),
        "{differences:?}"
    );
}

#[test]
fn single_runs_have_a_verdict_once_the_noise_of_their_plan_is_known() {
    let plan = format!("{LOAD} --timer-duration 200ms --duration 3s");
    let bench = Bench::alone();
    // As anybody does it: the noise first, then a run before and a run after a change.
    let (_, noise) = unspoiled(&bench, |attempt| {
        bench.embedded(&format!("noise --runs 3 --cool-down 0s --store noise-{attempt} {plan}"))
    });
    assert_eq!(noise.code(), 0, "{noise:?}");
    assert!(noise.stdout.contains("spread between 3 runs"), "{noise:?}");
    let (_, path) = noise.stderr.split_once("noise profile in ").unwrap();
    let (path, _) = path.split_once(';').unwrap();
    assert!(path.contains("/home/data/"), "{path}");
    let profile = NoiseProfile::load(Path::new(path)).unwrap();
    assert_eq!(profile.runs, 3);
    let metric: Metric = "e2e-response-p50".parse().unwrap();
    assert!(profile.spreads.contains_key(&metric), "{:?}", profile.spreads);

    let runs = ["before", "after"].map(|name| {
        let file = |attempt| format!("{name}-{attempt}.json");
        let (attempt, run) = unspoiled(&bench, |attempt| {
            bench.embedded(&format!("{plan} --output {}", file(attempt)))
        });
        assert_eq!(run.code(), 0, "{run:?}");
        file(attempt)
    });
    let compare = |more: &[&str]| {
        let mut arguments = vec!["compare", &runs[0], &runs[1], "--primary", "e2e-response-p50"];
        arguments.extend(more);
        bench.command(&arguments)
    };

    let known = bench.run(compare(&["--format", "json"]));
    let comparison: Value = serde_json::from_str(&known.stdout).unwrap_or_else(|error| panic!("{error}: {known:?}"));
    let judged = row(&comparison, "e2e-response-p50");
    assert_eq!(judged["method"], "noiseProfile", "{judged}");
    assert_ne!(judged["verdict"], "noVerdict", "{judged}");
    assert_eq!(comparison["noise"][0]["runs"], 3, "{comparison}");
    assert!(number(&comparison["noise"][0]["spreads"]["e2e-response-p50"]) > 0.0);
    let told = bench.run(compare(&[]));
    assert!(told.stdout.lines().any(|line| line.starts_with("noise ")), "{told:?}");

    let mut command = compare(&["--format", "json"]);
    command.env("XDG_DATA_HOME", bench.path("nothing-here"));
    let unknown = bench.run(command);
    assert_eq!(unknown.code(), 0, "{unknown:?}");
    let comparison: Value = serde_json::from_str(&unknown.stdout).unwrap();
    assert_eq!(comparison["outcome"], "noVerdict", "{comparison}");
    let judged = row(&comparison, "e2e-response-p50");
    assert_eq!(judged["verdict"], "noVerdict", "{judged}");
    assert!(
        judged["reason"].as_str().unwrap().contains("no noise profile"),
        "{judged}"
    );
    assert_eq!(comparison["noise"].as_array().unwrap().len(), 0, "{comparison}");
}

#[test]
fn sigint_in_a_run_ends_the_series_and_keeps_its_results() {
    let bench = Bench::alone();
    let mut going = bench.begin(bench.embedded(&format!(
        "ab --a duration=2s --b duration=1m --runs 3 --timer-duration 10ms --cool-down 0s --store series {LOAD}"
    )));
    let server = going.server();
    going.until("the second run's load", |going| {
        let said = going.said();
        let (_, second) = said.split_once("run 1 of 6  a  ")?;
        second.contains("\nmeasure ").then_some(())
    });
    going.signal(Signal::INT);
    let finished = going.finish();
    assert_eq!(finished.code(), 130, "{finished:?}");
    assert_eq!(finished.stdout, "", "half a series is not compared: {finished:?}");
    assert!(
        finished.stderr.contains("its results so far are in series"),
        "{finished:?}"
    );
    let runs = stored(&bench.path("series"));
    assert_eq!(names(&runs), ["a-1", "b-1"]);
    let interrupted: Vec<_> = runs.iter().map(|(_, run)| run.run.interrupted_by.as_deref()).collect();
    assert_eq!(interrupted, [None, Some("SIGINT")]);
    for (name, results) in &runs {
        assert!(results.complete, "{name}");
        account::closes(results);
        account::agrees_with_the_server(results);
    }
    until_gone(&server);
    assert_eq!(bench.temporary(), Vec::<String>::new());
}

#[test]
fn sigint_between_two_runs_ends_the_series() {
    let bench = Bench::alone();
    let mut going = bench.begin(bench.embedded(&format!(
        "noise --duration 2s --runs 3 --timer-duration 10ms --cool-down 10m --store series {LOAD}"
    )));
    let server = going.server();
    going.until("the first run's end", |going| {
        going.said().contains("\nrun 1 of 3").then_some(())
    });
    going.signal(Signal::INT);
    let finished = going.finish();
    assert_eq!(finished.code(), 130, "{finished:?}");
    let runs = stored(&bench.path("series"));
    assert_eq!(names(&runs), ["run-1"]);
    assert_eq!(runs[0].1.run.interrupted_by, None);
    until_gone(&server);
    assert_eq!(bench.temporary(), Vec::<String>::new());
}

#[test]
fn a_series_that_makes_no_sense_is_refused_before_anything_is_started() {
    let bench = Bench::new();
    let server = tripwire(&bench);
    fs::create_dir(bench.path("old")).unwrap();
    for (arguments, words) in [
        ("ab --a rate=20 --b rate=20", "the variants are the same"),
        ("ab", "the variants are the same"),
        ("ab --a colour=red --b rate=20", "\"colour\" is no option of a variant"),
        ("ab --a rate --b rate=20", "it has no ="),
        ("ab --a rate=20 --b rate=fast", "rate"),
        ("ab --a rate=20 --b rate=40 --store old", "--store old"),
        ("ab --a rate=20 --b rate=40 --output new.json", "a result for each run"),
        ("ab --a rate=20 --b rate=40 --margin 50%", "--margin 50% is not allowed"),
        (
            "ab --a rate=20 --b rate=40 --primary speed",
            "--primary: \"speed\" is no metric",
        ),
        ("noise --store old", "--store old"),
        ("noise --runs 2", "at least 3 runs"),
    ] {
        let mut command = bench.command(&arguments.split_whitespace().collect::<Vec<_>>());
        command.arg("--server-binary").arg(&server);
        let finished = bench.run(command);
        let line = refused(&finished);
        assert!(line.contains(words), "{arguments}: {line}");
        let mut left = bench.left_behind();
        left.sort();
        assert_eq!(left, ["old", "tripwire"], "no server was started: {arguments}");
    }
}
