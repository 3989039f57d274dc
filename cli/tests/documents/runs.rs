//! Commands that need a server are run on one: addresses and files are those of the test, rates are low, times short. What a
//! busy machine makes of the figures is no matter of the texts: the account has to close.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use benchmark_results::file;
use benchmark_temporal::testing;
use rustix::process::Signal;

use crate::{
    account,
    bench::{Bench, Finished, Going},
    commands::{Typed, Way, typed},
    owned,
};

/// What is put in the place of a flag's value, or added where a command does not have the flag.
type Given<'a> = &'a [(&'a str, &'a str)];

/// A load that ends soon, at a rate that a busy machine carries.
const LOAD: Given = &[("--rate", "20"), ("--duration", "3s")];

/// The commands that are tried in this way; of those with the same flags the first.
fn tried(way: Way) -> Vec<Typed> {
    let mut seen = BTreeSet::new();
    let mut commands = typed();
    commands.retain(|command| {
        let (program, arguments) = command.call();
        let told = arguments.iter().enumerate();
        // A command's own name and its flags, without their values.
        let shape = told.filter(|(index, word)| *index == 0 || word.starts_with("--"));
        let shape: BTreeSet<String> = shape.map(|(_, word)| (*word).to_owned()).collect();
        command.way() == Some(way) && seen.insert((program.to_owned(), shape))
    });
    commands
}

/// Arguments with other values, which are added where the flag is not there. No flag is taken twice.
fn with(arguments: &[&str], given: Given) -> Vec<String> {
    let mut all: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    for (flag, value) in given {
        let places: Vec<usize> = (0..all.len()).filter(|at| all[*at] == *flag).collect();
        for at in &places {
            all[at + 1] = (*value).to_owned();
        }
        if places.is_empty() {
            all.extend([*flag, *value].map(str::to_owned));
        }
    }
    all
}

fn program(command: &Typed) -> PathBuf {
    assert_cmd::cargo::cargo_bin(command.call().0)
}

/// Every results file below a folder.
fn results_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(results_files(&path));
        } else if path.extension().is_some_and(|name| name == "json") {
            files.push(path);
        }
    }
    files
}

/// 1 and 4 are what a threshold or a comparison came to, 3 is a run that the machine spoiled.
fn is_no_refusal(command: &Typed, finished: &Finished) {
    let code = finished.code();
    assert!(
        matches!(code, 0 | 1 | 3 | 4),
        "{} ended with {code}: {finished:?}",
        command.shown()
    );
}

/// The account of every run that a command made.
fn closes(command: &Typed, bench: &Bench, finished: &Finished) {
    is_no_refusal(command, finished);
    let files = results_files(&bench.path("runs"));
    assert!(!files.is_empty(), "{} left no results: {finished:?}", command.shown());
    for path in files {
        let results = file::read(&path).unwrap();
        assert!(results.complete && results.ledger.arrivals > 0, "{}", path.display());
        account::closes(&results);
    }
}

/// A plain worker executes what the generators send that have none; then it is gone, and runs bring their own.
#[test]
fn runs_on_a_cluster_are_made_on_a_server() {
    let server = owned::start(&owned::options());
    let address = server.address();
    let (workers, runs): (Vec<_>, Vec<_>) = tried(Way::Cluster)
        .into_iter()
        .partition(|command| command.call().0 == "benchmark-worker");
    let (alone, staffed): (Vec<_>, Vec<_>) = runs
        .into_iter()
        .partition(|command| !command.call().1.contains(&"--workers"));
    assert!(!workers.is_empty() && !alone.is_empty() && !staffed.is_empty());

    let run = |command: &Typed| {
        let bench = Bench::new();
        let (_, arguments) = command.call();
        let arguments = with(&arguments, &[LOAD, &[("--address", &address)]].concat());
        let finished = bench.run(bench.program(&program(command), &arguments));
        closes(command, &bench, &finished);
    };
    for command in &workers {
        let bench = Bench::new();
        let (_, arguments) = command.call();
        let arguments = with(
            &arguments,
            &[("--address", &address), ("--metrics-listen", "127.0.0.1:0")],
        );
        let worker = bench.begin(bench.program(&program(command), &arguments));
        alone.iter().for_each(run);
        worker.signal(Signal::TERM);
        let finished = worker.finish();
        assert_eq!(finished.code(), 0, "{}: {finished:?}", command.shown());
    }
    staffed.iter().for_each(run);
}

/// A leader and as many members as it waits for, each a process in a folder of its own.
#[test]
fn a_fleet_is_led_and_joined_by_processes() {
    const TOKEN: &str = "a-secret-of-sixteen";
    let server = owned::start(&owned::options());
    let (leaders, members): (Vec<_>, Vec<_>) = tried(Way::Fleet)
        .into_iter()
        .partition(|command| command.call().1.contains(&"--fleet-listen"));
    let (workers, generators): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|command| command.call().0 == "benchmark-worker");
    assert!(workers.len() > 1 && !generators.is_empty());
    let folder = || {
        let bench = Bench::new();
        fs::write(bench.path("token"), TOKEN).unwrap();
        bench
    };
    for command in &leaders {
        let (_, arguments) = command.call();
        let number = |flag| {
            let at = arguments.iter().position(|word| *word == flag).unwrap();
            arguments[at + 1].parse::<usize>().unwrap()
        };
        let bench = folder();
        let address = server.address();
        let here: Given = &[
            ("--address", &address),
            ("--fleet-listen", "127.0.0.1:0"),
            ("--fleet-timeout", "60s"),
        ];
        let mut leader = bench.begin(bench.program(&program(command), &with(&arguments, &[LOAD, here].concat())));
        let address = leader.fleet_address();
        let begin = |member: &Typed| -> (Bench, Going) {
            let bench = folder();
            let (program_name, arguments) = member.call();
            let arguments = if program_name == "benchmark-worker" {
                with(&arguments, &[("--join", &address), ("--metrics-listen", "127.0.0.1:0")])
            } else {
                with(&arguments, &[("join", &address)])
            };
            let mut process = bench.program(&program(member), &arguments);
            // A command that names no file has its token from the environment.
            if !arguments.iter().any(|word| word == "--fleet-token-file") {
                process.env("BENCHMARK_FLEET_TOKEN", TOKEN);
            }
            let going = bench.begin(process);
            (bench, going)
        };
        let expected = workers.iter().cycle().take(number("--expect-workers"));
        let expected: Vec<&Typed> = expected
            .chain(generators.iter().cycle().take(number("--generators") - 1))
            .collect();
        assert!(workers.len() + generators.len() <= expected.len(), "not all are tried");
        let members: Vec<(Bench, Going)> = expected.iter().map(|member| begin(member)).collect();
        // One that is refused says why; the others, and the leader, only that it did not come.
        let ended = expected.iter().zip(members).map(|(member, (_bench, going))| {
            let finished = going.finish();
            (finished.code() != 0).then(|| format!("{}: {finished:?}", member.shown()))
        });
        let wrong: Vec<String> = ended.flatten().collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        closes(command, &bench, &leader.finish());
    }
}

#[test]
fn what_brings_its_own_server_is_run() {
    let commands = tried(Way::Own);
    for name in ["ab", "noise", "calibrate"] {
        assert!(commands.iter().any(|command| command.call().1[0] == name), "{name}");
    }
    // They wait more than they work.
    std::thread::scope(|scope| {
        for command in &commands {
            scope.spawn(|| own(command));
        }
    });
}

fn own(command: &Typed) {
    let (_, arguments) = command.call();
    let bench = Bench::new();
    let run = |given: Given| bench.run(bench.program(&program(command), &with(&arguments, given)));
    match arguments[0] {
        "calibrate" => {
            let is_given = arguments.contains(&"--rate");
            let highest = if is_given { "--rate" } else { "--max-rate" };
            is_no_refusal(command, &run(&[(highest, "50"), ("--seconds", "3")]));
        }
        name => {
            let binary = testing::binary().path;
            let binary: Given = &[("--server-binary", binary.to_str().unwrap())];
            let series: Given = &[("--runs", "3"), ("--cool-down", "0s")];
            let series = if name.starts_with("--") { &[] } else { series };
            closes(command, &bench, &run(&[LOAD, binary, series].concat()));
        }
    }
}
