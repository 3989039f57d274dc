//! The README tells what `--help` tells: the two commands first, every flag with its default, and no flag that is none.

use std::collections::BTreeSet;

use benchmark_generator::args;
use benchmark_scenarios::Key;

const README: &str = include_str!("../../README.md");

/// Flags in the README that are cargo's.
const FOREIGN: [&str; 4] = ["--release", "--workspace", "--locked", "--path"];

/// Lines of the README's code blocks.
fn commands() -> impl Iterator<Item = &'static str> {
    let blocks = README.split("```sh\n").skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap().lines())
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
    for line in README.lines() {
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
fn begins_with_the_two_commands() {
    let first: Vec<&str> = commands().take(2).collect();
    assert_eq!(
        first,
        [
            "cargo run --release -- --rate 25 --duration 30s",
            "cargo test --workspace"
        ]
    );
}

#[test]
fn every_command_can_be_typed() {
    let ours: Vec<&str> = commands()
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
    let in_readme: Vec<_> = rows.iter().map(|(h, f, _)| (h.clone(), f.clone())).collect();
    let in_help: Vec<_> = of_the_help.iter().map(|(h, f, _)| (h.clone(), f.clone())).collect();
    assert_eq!(flags(&in_readme), flags(&in_help));
    for ((_, flag, in_readme), (.., in_help)) in rows.iter().zip(&of_the_help) {
        if let Some(in_help) = in_help {
            assert_eq!(in_readme, in_help, "default of {flag}");
        }
    }
}

#[test]
fn the_table_of_joining_is_that_of_its_help() {
    let command = args::command();
    let join = command.find_subcommand("join").expect("a generator can join");
    let of_the_help: Vec<(String, Option<String>)> = join
        .get_arguments()
        .filter_map(|arg| {
            let help = arg.get_help()?.to_string();
            let default = help.split_once("[default: ");
            let default = default.map(|(_, rest)| rest.trim_end_matches(']').to_owned());
            Some((format!("--{}", arg.get_long()?), default))
        })
        .collect();
    // A switch has no default in the help; the table says that it is off.
    let said = |default: Option<String>| default.filter(|default| default != "off");
    let of_the_help: BTreeSet<_> = of_the_help
        .into_iter()
        .map(|(flag, default)| (flag, said(default)))
        .collect();
    let in_readme: BTreeSet<_> = rows()
        .into_iter()
        .filter(|(heading, ..)| heading == "Joining a run")
        .map(|(_, flag, default)| (flag, said(Some(default))))
        .collect();
    assert_eq!(in_readme, of_the_help);
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
    let of_others: BTreeSet<String> = Key::ALL.iter().map(|key| key.flag().to_owned()).collect();
    let is_of_a_flag = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let named: BTreeSet<String> = README
        .match_indices("--")
        // Only at the beginning of a word: tables and comments have rows of dashes.
        .filter(|(at, _)| !README[..*at].ends_with(is_of_a_flag))
        .map(|(at, _)| {
            README[at..]
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
    assert!(unknown.is_empty(), "the README names flags that are none: {unknown:?}");
    let missing: Vec<_> = known.difference(&named).filter(|flag| *flag != "--version").collect();
    assert!(missing.is_empty(), "the README does not name: {missing:?}");
}
