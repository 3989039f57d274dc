//! README and docs tell of `benchmark-worker` what its `--help` tells: every flag with its default, and no other.

use benchmark_cli::worker_args as args;

const DOCS: &str = concat!(
    include_str!("../../README.md"),
    include_str!("../../docs/options.md"),
    include_str!("../../docs/worker.md"),
);

/// Heading, flag and default of each row below a heading of the worker's, in order.
fn rows() -> Vec<(String, String, String)> {
    let mut heading = None;
    let mut rows = Vec::new();
    for line in DOCS.lines() {
        if let Some(title) = line.strip_prefix('#') {
            let title = title.trim_start_matches('#').trim();
            heading = title.strip_prefix("benchmark-worker: ").map(str::to_owned);
        } else if let Some(heading) = &heading
            && let Some(row) = line.strip_prefix("| `--")
        {
            let cells: Vec<String> = row
                .split(" | ")
                .map(|cell| cell.replace('`', "").replace("\\|", "|"))
                .collect();
            let flag = cells[0].split([' ', '[']).next().unwrap();
            rows.push((heading.clone(), format!("--{flag}"), cells[1].clone()));
        }
    }
    rows
}

#[test]
fn the_tables_are_those_of_the_help() {
    let command = args::command();
    let of_the_help: Vec<(String, String, Option<String>)> = command
        .get_arguments()
        .filter_map(|arg| {
            let help = arg.get_help()?.to_string();
            let default = help
                .split_once("[default: ")
                .map(|(_, rest)| rest.trim_end_matches(']').replace('`', ""));
            let heading = arg.get_help_heading()?.to_lowercase();
            Some((heading, format!("--{}", arg.get_long()?), default))
        })
        .collect();
    let rows = rows();
    let names = |rows: Vec<(&String, &String)>| rows.iter().map(|(h, f)| format!("{h}: {f}")).collect::<Vec<_>>();
    assert_eq!(
        names(rows.iter().map(|(h, f, _)| (h, f)).collect()),
        names(of_the_help.iter().map(|(h, f, _)| (h, f)).collect())
    );
    for ((_, flag, in_docs), (.., in_help)) in rows.iter().zip(&of_the_help) {
        let in_help = in_help.as_deref().unwrap_or("off");
        assert_eq!(in_docs, in_help, "default of {flag}");
    }
}

#[test]
fn every_command_can_be_typed() {
    let blocks = DOCS.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    let typed: Vec<&str> = lines
        .filter_map(|line| {
            line.strip_prefix("cargo run --release --bin benchmark-worker -- ")
                .or(line.strip_prefix("benchmark-worker "))
        })
        .collect();
    assert!(typed.len() >= 2, "{typed:?}");
    for line in typed {
        if let Err(error) = args::parse(std::iter::once("benchmark-worker").chain(line.split_whitespace())) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn the_help() {
    insta::assert_snapshot!(args::command().render_long_help());
}
