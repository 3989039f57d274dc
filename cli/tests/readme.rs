//! README and docs tell what there is: the two commands first, every flag, and no flag that is none.

use std::collections::BTreeSet;

use benchmark_cli::args;
use benchmark_scenarios::Key;

const README: &str = include_str!("../../README.md");

/// All texts that commands and flags stand in.
const DOCS: &str = concat!(
    include_str!("../../README.md"),
    include_str!("../../docs/options.md"),
    include_str!("../../docs/comparing.md"),
    include_str!("../../docs/clusters.md"),
    include_str!("../../docs/fleet.md"),
);

/// What a newcomer is asked to read before anything else.
const MOST_WORDS: usize = 1_800;
const MOST_LINES: usize = 220;

/// Flags in the texts that are cargo's.
const FOREIGN: [&str; 6] = ["--release", "--workspace", "--locked", "--path", "--bench", "--bin"];

/// Commands of code blocks; one may take several lines.
fn commands() -> Vec<String> {
    let blocks = DOCS.split("```sh\n").skip(1);
    let texts = blocks.map(|block| block.split("```").next().unwrap().replace("\\\n", " "));
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn is_short_and_begins_with_the_two_commands() {
    let words = README.split_whitespace().count();
    let lines = README.lines().count();
    assert!(
        words <= MOST_WORDS && lines <= MOST_LINES,
        "{words} words in {lines} lines"
    );
    assert_eq!(
        commands()[..2],
        [
            "cargo run --release -- --rate 25 --duration 30s",
            "cargo test --workspace"
        ]
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
