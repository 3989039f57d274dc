//! What docs say of `benchmark-cluster`, against the program: each line that is to be typed is one that it takes, each command is
//! explained, and the presets are those of the data.

use std::collections::{BTreeMap, BTreeSet};

use benchmark_cluster::args;

const PAGES: [&str; 3] = [
    include_str!("../../docs/benchmark-cluster.md"),
    include_str!("../../docs/aws.md"),
    include_str!("../../docs/clusters.md"),
];

/// Lines of all shell blocks that call the program, without what a shell takes away.
fn typed() -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for page in PAGES {
        let mut is_shell = false;
        for line in page.lines() {
            if let Some(kind) = line.strip_prefix("```") {
                is_shell = kind == "sh";
            } else if is_shell && line.starts_with("benchmark-cluster ") {
                let line = line.split(" #").next().unwrap_or(line);
                lines.push(line.split_whitespace().map(str::to_owned).collect());
            }
        }
    }
    lines
}

#[test]
fn each_line_that_is_typed_is_taken() {
    let typed = typed();
    assert!(typed.len() >= 10, "{typed:?}");
    for line in typed {
        if let Err(error) = args::parse(&line) {
            panic!("{}: {error}", line.join(" "));
        }
    }
}

#[test]
fn each_command_is_explained() {
    let page = PAGES[0];
    for command in args::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let name = command.get_name();
        if matches!(name, "completions" | "man") {
            continue;
        }
        assert!(
            page.contains(&format!("`{name}")),
            "docs/benchmark-cluster.md says nothing of {name}"
        );
    }
}

#[test]
fn the_presets_are_those_of_the_data() {
    type Sizes = BTreeMap<String, BTreeMap<String, u32>>;
    let data: BTreeMap<u32, Sizes> = serde_json::from_str(include_str!("../src/presets.json")).expect("presets");
    let row = |(rate, sizes): (&u32, &Sizes)| {
        let cells = ["history", "matching", "frontend", "worker"].map(|service| {
            let size = &sizes[service];
            format!("{} × {}/{}", size["count"], size["cpu"], size["memory"])
        });
        format!("| {rate} | {} |", cells.join(" | "))
    };
    let rows: BTreeSet<String> = data.iter().map(row).collect();
    let is_preset = |line: &&str| {
        line.split(" | ").count() == 5 && line.trim_start_matches("| ").starts_with(|c: char| c.is_ascii_digit())
    };
    let written: BTreeSet<String> = PAGES[0].lines().filter(is_preset).map(str::to_owned).collect();
    assert_eq!(written, rows);
}
