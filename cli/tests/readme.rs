//! README and docs tell what `--help` tells: the two commands first, every flag with its default, and no flag that is none.

use std::collections::{BTreeMap, BTreeSet};

use benchmark_cli::args;
use benchmark_scenarios::Key;

const README: &str = include_str!("../../README.md");

/// All texts that commands and flags stand in.
const DOCS: &str = concat!(
    include_str!("../../README.md"),
    include_str!("../../docs/options.md"),
    include_str!("../../docs/comparing.md"),
    include_str!("../../docs/worker.md"),
);

/// Words that a newcomer is asked to read before anything else.
const MOST_WORDS: usize = 4_000;

/// Flags in the texts that are cargo's.
const FOREIGN: [&str; 4] = ["--release", "--workspace", "--locked", "--path"];

/// Commands of code blocks; one may take several lines.
fn commands() -> Vec<String> {
    let blocks = DOCS.split("```sh\n").skip(1);
    let texts = blocks.map(|block| block.split("```").next().unwrap().replace("\\\n", " "));
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// A line of a table as its cells, without the marks of code.
fn cells(line: &str) -> Option<Vec<String>> {
    let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
    Some(
        row.split(" | ")
            .map(|cell| cell.replace('`', "").replace("\\|", "|"))
            .collect(),
    )
}

/// Heading, flag and default of each row under a heading of the help, in order.
fn rows() -> Vec<(String, String, String)> {
    let mut heading = String::new();
    let mut rows = Vec::new();
    for line in DOCS.lines() {
        if let Some(title) = line.strip_prefix('#') {
            heading = title.trim_start_matches('#').trim().to_owned();
        } else if let Some([flag, default, ..]) = cells(line).as_deref()
            && flag.starts_with("--")
        {
            rows.push((
                heading.clone(),
                flag.split([' ', '[']).next().unwrap().to_owned(),
                default.clone(),
            ));
        }
    }
    rows
}

#[test]
fn is_short_and_begins_with_the_two_commands() {
    let words = README.split_whitespace().count();
    assert!(words <= MOST_WORDS, "{words} words");
    assert_eq!(
        commands()[..2],
        [
            "cargo run --release -- --rate 25 --duration 30s",
            "cargo test --workspace"
        ]
    );
}

#[test]
fn every_command_can_be_typed() {
    let commands = commands();
    let ours: Vec<&str> = commands
        .iter()
        .filter_map(|line| {
            line.strip_prefix("cargo run --release -- ")
                .or(line.strip_prefix("run-benchmark "))
        })
        .collect();
    assert!(ours.len() >= 6, "{ours:?}");
    for line in ours {
        if let Err(error) = args::parse(std::iter::once("run-benchmark").chain(line.split_whitespace())) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn tables_are_those_of_the_help() {
    let command = args::command();
    let of_the_help: Vec<(String, String, Option<String>)> = command
        .get_arguments()
        .filter_map(|arg| {
            let help = arg.get_help()?.to_string();
            let default = help
                .split_once("[default: ")
                .map(|(_, rest)| rest.trim_end_matches(']').to_owned());
            Some((
                arg.get_help_heading()?.to_owned(),
                format!("--{}", arg.get_long()?),
                default,
            ))
        })
        .collect();
    let headings: BTreeSet<&str> = of_the_help.iter().map(|(heading, ..)| heading.as_str()).collect();
    let rows: Vec<_> = rows()
        .into_iter()
        .filter(|(heading, ..)| headings.contains(heading.as_str()))
        .collect();
    let flags = |rows: &[(String, String)]| rows.iter().map(|(h, f)| format!("{h}: {f}")).collect::<Vec<_>>();
    let in_docs: Vec<_> = rows.iter().map(|(h, f, _)| (h.clone(), f.clone())).collect();
    let in_help: Vec<_> = of_the_help.iter().map(|(h, f, _)| (h.clone(), f.clone())).collect();
    assert_eq!(flags(&in_docs), flags(&in_help));
    for ((_, flag, in_docs), (.., in_help)) in rows.iter().zip(&of_the_help) {
        if let Some(in_help) = in_help {
            assert_eq!(in_docs, in_help, "default of {flag}");
        }
    }
}

/// Flags and defaults of the tables whose first column is called "flag of `COMMAND`"; several flags may share a row.
fn rows_of(command: &str) -> BTreeSet<(String, String)> {
    let mut of_command = false;
    let mut rows = BTreeSet::new();
    for line in DOCS.lines() {
        match cells(line).as_deref() {
            Some([flags, default, ..]) if flags.starts_with("--") && of_command => {
                for flag in flags.split(", ") {
                    rows.insert((flag.split([' ', '[']).next().unwrap().to_owned(), default.clone()));
                }
            }
            Some([first, ..]) if !first.starts_with("--") => of_command = *first == format!("flag of {command}"),
            _ => {}
        }
    }
    rows
}

/// The flags of a command but for those of a run, with what the help says of their defaults.
fn defaults(command: &clap::Command) -> BTreeMap<String, Option<String>> {
    let arguments = command
        .get_arguments()
        .filter(|arg| arg.get_help_heading().is_none() || command.get_name() == "join")
        .filter(|arg| !arg.is_positional());
    arguments
        .map(|arg| {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let told = help.split_once("[default: ");
            let told = told.map(|(_, rest)| rest.trim_end_matches(']').to_owned());
            let set = || Some(arg.get_default_values().first()?.to_str()?.to_owned());
            let set = || set().filter(|_| arg.get_action().takes_values());
            (format!("--{}", arg.get_long().unwrap()), told.or_else(set))
        })
        .collect()
}

#[test]
fn tables_of_the_other_commands_are_those_of_their_help() {
    let command = args::command();
    for name in [
        "join",
        "calibrate",
        "compare",
        "ab",
        "report",
        "history",
        "show",
        "diagnose",
        "export",
    ] {
        let of_the_help = defaults(command.find_subcommand(name).unwrap());
        let in_docs = rows_of(name);
        let flags: Vec<&String> = in_docs.iter().map(|(flag, _)| flag).collect();
        assert_eq!(flags, of_the_help.keys().collect::<Vec<_>>(), "{name}");
        for (flag, default) in &in_docs {
            if let Some(expected) = &of_the_help[flag] {
                assert_eq!(default, &expected.replace('`', ""), "default of {name} {flag}");
            }
        }
    }
    let flags = |name| defaults(command.find_subcommand(name).unwrap());
    let (ab, mut noise) = (flags("ab"), flags("noise"));
    for (flag, default) in rows_of("noise") {
        assert_eq!(noise.remove(&flag), Some(Some(default)), "{flag} of noise");
    }
    assert!(
        noise.iter().all(|flag| ab.get(flag.0) == Some(flag.1)),
        "there is one table for the rest of both"
    );
}

#[test]
fn knows_every_flag_and_no_other() {
    let command = args::command();
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    let known: BTreeSet<String> = std::iter::once(&command)
        .chain(visible)
        .flat_map(|command| command.get_arguments())
        .filter_map(|arg| Some(format!("--{}", arg.get_long()?)))
        .chain(["--help".to_owned()])
        .collect();
    // A worker process has some of its own.
    let of_others: BTreeSet<String> = Key::all().map(|key| key.flag().to_owned()).collect();
    let is_of_a_flag = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let named: BTreeSet<String> = DOCS
        .match_indices("--")
        // Only at the beginning of a word: tables and comments have rows of dashes.
        .filter(|(at, _)| !DOCS[..*at].ends_with(is_of_a_flag))
        .map(|(at, _)| {
            DOCS[at..]
                .split(|c| !is_of_a_flag(c))
                .next()
                .unwrap()
                .trim_end_matches('-')
                .to_owned()
        })
        .filter(|flag| !flag.is_empty() && !FOREIGN.contains(&flag.as_str()))
        .collect();
    let unknown: Vec<_> = named
        .difference(&known)
        .filter(|flag| !of_others.contains(*flag))
        .collect();
    assert!(unknown.is_empty(), "the texts name flags that are none: {unknown:?}");
    let missing: Vec<_> = known.difference(&named).filter(|flag| *flag != "--version").collect();
    assert!(missing.is_empty(), "the texts do not name: {missing:?}");
}
