//! Several runs against one server: two variants in turn, and repetitions of one plan.
//!
//! Where a run did not keep its schedule because the machine was busy, the program makes its turn again; where it gives that
//! up, the series is made once more.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use benchmark_analysis::compare::{Metric, NoiseProfile};
use benchmark_results::{Results, file};
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    account,
    bench::{Bench, Finished, Going, until_gone},
    refusals::{refused, tripwire},
};

/// What the runs have in common. At 20/s an arrival may be 25 ms late, which a busy machine rarely exceeds.
pub const LOAD: &str = "--workflow-type timer --rate 20 --ramp-up 500ms --warm-up 500ms --min-throughput 0 \
                    --max-error-ratio 1 --max-p99-latency 10m";

/// How often a series is made at the most.
const ATTEMPTS: usize = 2;

/// Exit code of a series and of a run that the machine spoiled.
const SPOILED: i32 = 3;

/// Runs it until the machine does not spoil it; it is told the number of the attempt.
pub fn unspoiled(bench: &Bench, command: impl Fn(usize) -> Command) -> (usize, Finished) {
    (1..=ATTEMPTS)
        .map(|attempt| (attempt, bench.run(command(attempt))))
        .find(|(attempt, finished)| *attempt == ATTEMPTS || finished.code() != SPOILED)
        .unwrap()
}

/// A series with JSON for its comparison, and the folder with its results.
pub fn compared(bench: &Bench, arguments: &str) -> (Value, Finished, PathBuf) {
    let (attempt, finished) = unspoiled(bench, |attempt| {
        bench.embedded(&format!("ab {arguments} {LOAD} --format json --store series-{attempt}"))
    });
    let comparison = serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"));
    (comparison, finished, bench.path(&format!("series-{attempt}")))
}

/// All results in a folder, by the time of their beginnings, with the names of their files.
pub fn stored(folder: &Path) -> Vec<(String, Results)> {
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

pub fn names(runs: &[(String, Results)]) -> Vec<&str> {
    runs.iter().map(|(name, _)| name.as_str()).collect()
}

pub fn rows(comparison: &Value) -> &Vec<Value> {
    comparison["candidates"][0]["rows"].as_array().unwrap()
}

pub fn row<'a>(comparison: &'a Value, metric: &str) -> &'a Value {
    let mut rows = rows(comparison).iter();
    rows.find(|row| row["metric"] == metric)
        .unwrap_or_else(|| panic!("no row of {metric}: {comparison}"))
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
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
    assert_eq!(
        (profile.runs, profile.seeds),
        (3, Some(3)),
        "each run has a seed of its own"
    );
    let metric: Metric = "e2e-response-p50".parse().unwrap();
    assert!(profile.spreads.contains_key(&metric), "{:?}", profile.spreads);

    // The same of the files, without a server.
    let (_, again) = noise.stderr.split_once("again:  run-benchmark ").unwrap();
    fs::remove_file(path).unwrap();
    let from = typed(&bench, again.lines().next().unwrap());
    assert_eq!((from.code(), &from.stdout), (0, &noise.stdout), "{from:?}");
    assert_eq!(NoiseProfile::load(Path::new(path)).unwrap(), profile);

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
    assert_eq!(unknown.code(), 4, "{unknown:?}");
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
        let (_, second) = said.split_once("run 1 of 6  a  VALID")?;
        second.contains("\nmeasure ").then_some(())
    });
    going.signal(Signal::INT);
    let finished = going.finish();
    assert_eq!(finished.code(), 130, "{finished:?}");
    assert_eq!(finished.stdout, "", "half a turn is not compared: {finished:?}");
    assert!(
        finished
            .stderr
            .contains("since SIGINT came: 0 of 3 turns are whole, which is too few"),
        "{finished:?}"
    );
    let runs = stored(&bench.path("series"));
    // A busy machine may have spoiled the turn before.
    let names = names(&runs);
    let attempt = names.len() - 1;
    let last = [format!("left-out-a-1-{attempt}"), format!("left-out-b-1-{attempt}")];
    assert_eq!(names[attempt - 1..], last);
    for (name, run) in &runs {
        let cause = name.contains("-b-").then_some("SIGINT");
        assert_eq!(run.run.interrupted_by.as_deref(), cause, "{name}");
    }
    for (name, results) in &runs {
        assert!(results.complete, "{name}");
        account::closes(results);
        account::agrees_with_the_server(results);
    }
    until_gone(&server);
    assert_eq!(bench.temporary(), Vec::<String>::new());
}

/// A generator that stood still kept no schedule: its run is INVALID.
#[test]
fn a_turn_that_was_spoiled_is_made_again_and_what_is_whole_is_compared_when_the_series_ends_early() {
    const STILL: Duration = Duration::from_millis(1500);
    let bench = Bench::alone();
    let mut going = bench.begin(bench.embedded(&format!(
        "ab --a timer-duration=20ms --b timer-duration=900ms --runs 20 --duration 4s --cool-down 0s \
         --primary e2e-response-p50 --margin 5% --store series {LOAD}"
    )));
    let server = going.server();
    let measures = |going: &Going, from: &str| {
        let said = going.said();
        let after = said.split_once(from)?.1;
        after.contains("\nmeasure ").then_some(())
    };
    going.until("the first run's load", |going| measures(going, "embedded dev server"));
    going.signal(Signal::STOP);
    std::thread::sleep(STILL);
    going.signal(Signal::CONT);
    // Three turns, of which the machine may spoil some more, and then a run that is cut short.
    let three = |going: &Going| {
        let said = going.said();
        said.lines()
            .any(|line| line.starts_with("run 6 of 40  b  VALID"))
            .then_some(())
    };
    going.until("the end of the third turn", three);
    going.until("the seventh run's load", |going| {
        measures(going, "run 6 of 40  b  VALID")
    });
    going.signal(Signal::INT);
    let finished = going.finish();
    assert_eq!(finished.code(), 130, "the signal's, not the comparison's: {finished:?}");
    for words in [
        "run 1 of 40  a  INVALID",
        "run a-1 is INVALID: turn 1 is made again, 1 of at most 2 times",
        "since SIGINT came: 3 of 20 turns are whole, and what follows is of these",
    ] {
        assert!(finished.stderr.contains(words), "{words}: {finished:?}");
    }
    assert!(finished.stdout.contains("REGRESSED"), "{finished:?}");

    let runs = stored(&bench.path("series"));
    let (left_out, whole): (Vec<&str>, Vec<&str>) =
        names(&runs).into_iter().partition(|name| name.starts_with("left-out-"));
    assert_eq!(whole, ["a-1", "b-1", "b-2", "a-2", "a-3", "b-3"]);
    assert_eq!(left_out[0], "left-out-a-1-1");
    for (name, results) in &runs {
        assert_eq!(results.run.interrupted_by.is_some(), name.contains("-4-"), "{name}");
        let turn: u64 = name.split('-').find_map(|part| part.parse().ok()).unwrap();
        assert_eq!(results.plan.load.seed, turn, "{name}: seed i in turn i");
    }

    let (_, again) = finished.stderr.split_once("again:  run-benchmark ").unwrap();
    let compared = typed(&bench, again.lines().next().unwrap());
    assert_eq!(compared.code(), 1, "{compared:?}");
    let judged = |finished: &Finished| {
        let row = finished
            .stdout
            .lines()
            .find(|line| line.starts_with("e2e response p50"));
        row.map(str::to_owned)
    };
    assert!(judged(&compared).is_some(), "{compared:?}");
    assert_eq!(judged(&compared), judged(&finished), "{compared:?}");
    until_gone(&server);
}

/// A command that the program printed, in a shell.
fn typed(bench: &Bench, arguments: &str) -> Finished {
    let program = assert_cmd::cargo::cargo_bin!("run-benchmark");
    let line = format!("'{}' {arguments}", program.display());
    bench.run(bench.program(Path::new("/bin/sh"), &["-c", &line]))
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
    // On a busy machine it may be one that is made again.
    assert!(
        [["run-1"], ["left-out-run-1-1"]]
            .iter()
            .any(|expected| names(&runs) == expected),
        "{finished:?}"
    );
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
        ("ab --a seed=1 --b seed=2", "seed is no option of a variant"),
        (
            "ab --a rate=20 --b rate=40 --runs 2",
            "--runs 2 is too few: so few turns tell no change at all, 3 tell changes from about ±21.9 times",
        ),
        (
            "ab --a rate=20 --b rate=40 --runs 1",
            "so few turns tell no change at all",
        ),
        ("ab --a rate=20 --b rate=40 --runs 101", "101 is not in 1..=100"),
        ("ab --a rate=20 --b rate=40 --store old", "--store old"),
        ("ab --a rate=20 --b rate=40 --output new.json", "a result for each run"),
        ("ab --a rate=20 --b rate=40 --margin 51%", "--margin 51% is not allowed"),
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
