//! Each command of the texts: parsed by the program that it calls, run where it works from files, and run on a server where it
//! needs one (`runs`). A command of a program that nobody knows how to try fails.
//!
//! Only parsed and planned is what speaks TLS: it names a host on the internet, whose certificate nobody here has. That TLS
//! works is tested by `temporal/tests/tls.rs`. Lines of `aws` are run by `terraform/test` on an AWS of its own, those of
//! `terraform` and `docker` by `terraform/test` and `docker/test`, those of `benchmark-cluster` are parsed by `cluster/tests/docs.rs`.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use benchmark_cli::{args, worker_args};
use benchmark_results::file;

use crate::{REAL, RUN_ID, documents, place, root, run_benchmark};

/// A command of a text: where it stands, and its words.
pub struct Typed {
    document: String,
    words: Vec<String>,
}

/// How a command of one of the two programs is tried, besides being parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It works from files and is run as it stands.
    Files,
    /// The first command of all is run as it stands.
    First,
    /// It is run with a server of its own, or with a null frontend.
    Own,
    /// It is run on a server that is there.
    Cluster,
    /// It leads or joins a fleet.
    Fleet,
    /// It is planned.
    Tls,
}

/// The lines of all shell blocks, continued ones in one piece, without comments, redirections and what a shell sets.
pub fn typed() -> Vec<Typed> {
    let mut all = Vec::new();
    for (document, block) in blocks() {
        for line in without_substitutions(&block)
            .lines()
            .flat_map(|line| line.split(" && "))
        {
            let line = line
                .split(" #")
                .next()
                .unwrap_or_default()
                .split('>')
                .next()
                .unwrap_or_default();
            let words: Vec<String> = line
                .split_whitespace()
                .skip_while(|word| word.contains('=') && !word.starts_with('-'))
                .map(|word| word.trim_matches(['\'', '"']).to_owned())
                .collect();
            if words.first().is_some_and(|word| !word.starts_with('#')) {
                all.push(Typed {
                    document: document.clone(),
                    words,
                });
            }
        }
    }
    all
}

/// All shell blocks by their documents, continued lines in one piece.
fn blocks() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (document, text) in documents() {
        for block in text.split("```sh\n").skip(1) {
            let block = block.split("```").next().unwrap().replace("\\\n", " ");
            all.push((document.clone(), block));
        }
    }
    all
}

/// What other commands would put there is one word.
fn without_substitutions(text: &str) -> String {
    let mut parts = text.split("$(");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "there" + part.split_once(')').map_or("", |(_, rest)| rest)
    })
}

impl Typed {
    /// The program and its arguments, `cargo run` as the program that it runs.
    pub fn call(&self) -> (&str, Vec<&str>) {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        match &words[..] {
            ["cargo", "run", "--release", "--", rest @ ..] => ("run-benchmark", rest.to_vec()),
            ["cargo", "run", "--release", "--bin", program, "--", rest @ ..] => (program, rest.to_vec()),
            [program, rest @ ..] => (program, rest.to_vec()),
            [] => unreachable!("a line without words is none"),
        }
    }

    /// How it is tried; `None` for one of another program, and for one that nobody knows how to try.
    pub fn way(&self) -> Option<Way> {
        let (program, arguments) = self.call();
        let has = |flag: &str| arguments.iter().any(|word| word.starts_with(flag));
        let first = *arguments.first()?;
        match program {
            "benchmark-worker" if has("--join") => Some(Way::Fleet),
            "benchmark-worker" if has("--address") => Some(Way::Cluster),
            "run-benchmark" => match first {
                "compare" | "report" | "history" | "show" | "diagnose" | "export" | "plan" => Some(Way::Files),
                "noise" if has("--from") => Some(Way::Files),
                "ab" | "noise" | "calibrate" => Some(Way::Own),
                "join" => Some(Way::Fleet),
                _ if !first.starts_with("--") => None,
                _ if has("--tls") || has("--api-key") => Some(Way::Tls),
                _ if has("--fleet-listen") => Some(Way::Fleet),
                _ if has("--address") => Some(Way::Cluster),
                _ if self.document == "README.md" && self.words[0] == "cargo" => Some(Way::First),
                _ => Some(Way::Own),
            },
            _ => None,
        }
    }

    pub fn shown(&self) -> String {
        format!("{}: {}", self.document, self.words.join(" "))
    }
}

#[test]
fn every_command_is_one_that_its_program_takes() {
    let typed = typed();
    assert!(typed.len() > 40, "{}", typed.len());
    for command in &typed {
        let (program, arguments) = command.call();
        let argv = std::iter::once(program).chain(arguments.iter().copied());
        let refused = match program {
            "run-benchmark" | "benchmark-worker" if command.way().is_none() => Some("nobody tries it".to_owned()),
            "run-benchmark" => args::parse(argv).err().map(|error| error.to_string()),
            "benchmark-worker" => worker_args::parse(argv).err().map(|error| error.to_string()),
            // `cluster/tests/docs.rs` has its parser.
            "benchmark-cluster" => None,
            "cargo" => refused_by_cargo(&arguments),
            // `terraform/test` runs those of docs/aws.md, `docker/test` what the images' page says.
            "terraform" | "docker" | "docker/binaries" => files_missing(program, &arguments),
            // `terraform/test` runs those of docs/aws.md that it is told to.
            "aws" if command.document == "docs/aws.md" => None,
            // A test below runs it.
            "jq" => None,
            // What it sets is what the commands after it read, each from an environment of its own.
            "export" => None,
            other => Some(format!("nobody tries {other}")),
        };
        if let Some(refused) = refused {
            panic!("{}\n{refused}", command.shown());
        }
    }
}

/// Whether packages, benches and folders that a cargo command names are there.
fn refused_by_cargo(arguments: &[&str]) -> Option<String> {
    for pair in arguments.windows(2) {
        let file = match pair {
            ["-p", package] => format!("{}/Cargo.toml", package.strip_prefix("benchmark-")?),
            ["--path", folder] => format!("{folder}/Cargo.toml"),
            _ => continue,
        };
        if !root().join(&file).exists() {
            return Some(format!("{file} is not there"));
        }
    }
    None
}

/// Files and folders of this repository that a command of another tool names.
fn files_missing(program: &str, arguments: &[&str]) -> Option<String> {
    let named = |argument: &&str| argument.split('=').next_back().unwrap_or_default().to_owned();
    let of_ours = |name: &String| {
        ["docker/", "terraform/", "terraform"]
            .iter()
            .any(|folder| name.starts_with(folder))
    };
    let names = std::iter::once(program)
        .filter(|program| program.contains('/'))
        .map(str::to_owned);
    let mut names = names.chain(arguments.iter().map(named).filter(of_ours));
    let missing = names.find(|name| !root().join(name).exists())?;
    Some(format!("{missing} is not there"))
}

/// Another run like the real one: its own id and its own time.
fn another(to: &Path, number: usize) {
    let mut results = file::read(&root().join(REAL)).unwrap();
    results.run.id = format!("1ng8n{number:02}-lucid-panda");
    results.run.started_at = format!("2026-11-23T15:{number:02}:00Z");
    results.run.finished_at = Some(format!("2026-11-23T15:{number:02}:31Z"));
    fs::write(to, file::to_json(&results).unwrap()).unwrap();
}

#[test]
fn what_works_from_files_is_run_as_it_stands() {
    let place = place();
    // A history begins with more than one run.
    for number in [1, 2] {
        let folder = place.path().join(format!("runs/{number}"));
        fs::create_dir(&folder).unwrap();
        another(&folder.join("results.json"), number);
    }
    let mut ran = 0;
    for (number, command) in typed().iter().enumerate() {
        let ("run-benchmark", arguments) = command.call() else {
            continue;
        };
        // Runs themselves take minutes and clusters: their plan is made, with the same options.
        let arguments: Vec<&str> = match arguments.first() {
            Some(&("compare" | "report" | "history" | "show" | "diagnose" | "export" | "plan")) => arguments,
            Some(&"noise") if arguments.contains(&"--from") => arguments,
            Some(first) if first.starts_with("--") => [&["plan"], &arguments[..]].concat(),
            _ => continue,
        };
        // Files that a text names, as results unless a flag says what they are.
        for (index, name) in arguments.iter().enumerate() {
            let path = place.path().join(name);
            match arguments[index.saturating_sub(1)] {
                "--output" => {}
                "--api-key-file" | "--fleet-token-file" => fs::write(path, "a-secret-of-sixteen").unwrap(),
                "--tls-ca" | "--tls-cert" | "--tls-key" => fs::write(path, "").unwrap(),
                _ if name.ends_with(".json") && !path.exists() => another(&path, 3 + (number + index) % 50),
                _ => {}
            }
        }
        let output = run_benchmark(place.path()).args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = match arguments[0] {
            // Single runs get no verdict.
            "compare" => &[0, 4][..],
            // The program that made the real run did not read the server's metrics; the test below has a run that did.
            "diagnose" => &[2],
            _ => &[0],
        };
        let code = output.status.code().unwrap();
        assert!(
            expected.contains(&code),
            "{} ended with {code}: {said}",
            command.shown()
        );
        ran += 1;
    }
    assert!(ran > 15, "{ran}");
    assert!(place.path().join("windows.csv").exists());
    assert!(
        place.path().join("runs").join(RUN_ID).read_dir().unwrap().count() > 1,
        "no report beside the run"
    );
}

/// Each `jq` of the texts, a line of its own or in the place of a word.
fn asked_of_jq() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (document, block) in blocks() {
        let lines = block.lines().filter(|line| line.starts_with("jq ")).map(str::to_owned);
        // A filter may have parentheses, in its quotes.
        let words = block.split("$(jq ").skip(1).map(|rest| {
            let mut is_quoted = false;
            let ended = rest.find(|c| {
                is_quoted ^= c == '\'';
                c == ')' && !is_quoted
            });
            format!("jq {}", &rest[..ended.unwrap()])
        });
        all.extend(lines.chain(words).map(|line| (document.clone(), line)));
    }
    all
}

/// `facts.json` is what terraform tells of an environment, every other file a run's results.
#[test]
fn what_jq_is_asked_for_is_there() {
    let asked = asked_of_jq();
    assert!(asked.len() > 4, "{asked:?}");
    let place = place();
    let facts = root().join("cluster/tests/facts/bench.json");
    fs::copy(facts, place.path().join("facts.json")).unwrap();
    for (document, line) in asked {
        for name in line.split_whitespace().filter(|word| word.ends_with(".json")) {
            let path = place.path().join(name);
            if !path.exists() {
                another(&path, 3);
            }
        }
        let mut shell = Command::new("sh");
        let output = shell.args(["-c", &line]).current_dir(place.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() != Some(127), "jq is not on PATH: install it");
        let shown = String::from_utf8(output.stdout).unwrap();
        let is_there = !shown.trim().is_empty() && shown.lines().all(|line| line.trim() != "null");
        assert!(output.status.success() && is_there, "{document}: {line}\n{shown}{said}");
    }
}

/// The account must close whatever the machine made of the run: 1 is a threshold that was missed, 3 an INVALID run.
#[test]
fn the_first_command_is_run_as_it_stands() {
    let typed = typed();
    let first = typed.iter().find(|command| command.document == "README.md").unwrap();
    let ("run-benchmark", arguments) = first.call() else {
        panic!("{}", first.shown())
    };
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("bin");
    fs::create_dir(&path).unwrap();
    symlink(benchmark_temporal::testing::binary().path, path.join("temporal")).unwrap();
    let run = |arguments: &[&str]| {
        let output = run_benchmark(place.path())
            .env("PATH", &path)
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = run(&arguments);
    assert!(matches!(code, Some(0 | 1 | 3)), "{code:?}: {said}");
    let folder = place.path().join("runs").read_dir().unwrap().next().unwrap().unwrap();
    let results = file::read(&folder.path().join("results.json")).unwrap();
    assert!(
        results.complete && results.ledger.arrivals == 717,
        "{:?}",
        results.ledger
    );
    assert!(results.ledger.identities().iter().all(|(_, left, right)| left == right));
    for command in ["show", "diagnose"] {
        let (code, said) = run(&[command, &results.run.id]);
        assert_eq!(code, Some(0), "{command}: {said}");
    }
}
