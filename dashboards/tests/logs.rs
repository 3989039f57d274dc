//! The queries of logs, without a Loki: run over recorded lines of the server and of our programs, in streams with the labels
//! that the log router of `terraform/` gives them. Each finds something, and asks for keys that every line has.

use std::{collections::BTreeSet, fs};

use benchmark_dashboards::{
    board::Board,
    boards, folder, promql,
    testing::logql::{Labels, LogQuery},
};
use serde_json::Value;

/// Recorded by `series/record`.
const LINES: [&str; 2] = ["server-1.31.2.log", "program.log"];

/// The labels of a stream, as FireLens is told to set them.
fn stream() -> Labels {
    let module = folder().join("../terraform/modules/alloy-sidecar/outputs.tf");
    let module = fs::read_to_string(module).unwrap();
    let option = |name: &str| {
        let line = module.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let mut labels: Labels = option("Labels ")
        .split(',')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for key in option("Label_Keys").split(',') {
        labels.insert(key.trim_start_matches('$').to_owned(), "arn".to_owned());
    }
    labels
}

fn lines() -> Vec<String> {
    let read = |file: &&str| fs::read_to_string(folder().join("series").join(file)).unwrap();
    let text: String = LINES.iter().map(read).collect();
    text.lines().map(str::to_owned).collect()
}

/// The queries of Loki on a board, by panel.
fn queries(board: &Board) -> Vec<(String, String)> {
    let value = |name: &str| {
        Some(match name {
            "cluster" | "service" => ".+".to_owned(),
            "level" => "error|warn|info|debug".to_owned(),
            "search" => String::new(),
            "__auto" | "__range" => "1m".to_owned(),
            _ => return None,
        })
    };
    let targets = board
        .panels
        .iter()
        .flat_map(|panel| panel.targets.iter().map(|target| (&panel.title, target)));
    targets
        .filter(|(_, target)| target.json["datasource"]["type"] == "loki")
        .map(|(title, target)| {
            (
                title.clone(),
                promql::replace(target.query.as_deref().unwrap(), value).unwrap(),
            )
        })
        .collect()
}

/// What is wrong with a query.
fn problems(query: &str) -> Vec<String> {
    let (stream, lines) = (stream(), lines());
    let query = match LogQuery::parse(query) {
        Ok(query) => query,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    let mut known: BTreeSet<&str> = stream.keys().map(String::as_str).collect();
    for matcher in &query.streams {
        if !known.contains(matcher.name.as_str()) {
            problems.push(format!("no stream has a label {}; they have {known:?}", matcher.name));
        }
    }
    known.extend(query.keys.keys().map(String::as_str));
    for label in &query.groupings {
        if !known.contains(label.as_str()) {
            problems.push(format!("groups by {label}, which is no label"));
        }
    }
    for key in query.keys.values() {
        let has = |line: &&String| serde_json::from_str::<Value>(line).unwrap()[key].is_string();
        if let Some(line) = lines.iter().find(|line| !has(line)) {
            problems.push(format!("no {key}: {line}"));
        }
    }
    if !lines.iter().any(|line| query.find(&stream, line).is_some()) {
        problems.push("finds nothing".to_owned());
    }
    problems
}

#[test]
fn every_query_finds_lines_by_labels_and_keys_that_there_are() {
    let mut asked = 0;
    for board in boards() {
        for (panel, query) in queries(&board) {
            let problems = problems(&query);
            assert!(problems.is_empty(), "{}, {panel}: {problems:#?}\n{query}", board.uid());
            asked += 1;
        }
        for variable in board
            .variables
            .iter()
            .filter(|variable| variable.json["datasource"]["type"] == "loki")
        {
            let query = variable.query.as_deref().unwrap();
            let label = query.trim_end_matches(')').rsplit(['(', ',']).next().unwrap().trim();
            assert!(stream().contains_key(label), "{}: {query}", variable.name);
            asked += 1;
        }
    }
    assert!(asked >= 9, "{asked}");
}

#[test]
fn what_nobody_writes_is_found() {
    for (query, problem) in [
        ("{task=~\".+\"}", "no stream has a label task"),
        ("{cluster=~\".+\"} | json msg=\"message\"", "no message: "),
        (
            "sum by (component) (rate({cluster=~\".+\"}[1m]))",
            "groups by component",
        ),
        (
            "{cluster=~\".+\"} | json level=\"level\" | level=\"WARNING\"",
            "finds nothing",
        ),
    ] {
        let problems = problems(query);
        assert!(
            problems.iter().any(|found| found.contains(problem)),
            "{query}: {problems:#?}"
        );
    }
}
