//! Every text of a results file that is hostile, through every output.

use std::path::Path;

use benchmark_results::{
    Results,
    file::{self, Claim, harmless, read_from, to_json},
    summary::{self, Style},
    testing,
};
use serde_json::Value;

use crate::{
    compare::{Options, RunFile, Side, compare, render_markdown, render_terminal},
    export::{self, Format},
    report::{self, Named},
};

/// Clears a terminal, writes its title, turns the direction of writing, hides, ends a line.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}\u{7f}\r\u{2028}|<b>`x";

const BAD: [char; 12] = [
    '\u{1b}',
    '\u{7}',
    '\u{9b}',
    '\u{202e}',
    '\u{2066}',
    '\u{200b}',
    '\u{feff}',
    '\u{e0041}',
    '\u{7f}',
    '\r',
    '\u{2028}',
    '\u{0}',
];

/// Places of all texts in a document, as JSON pointers.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::String(_) => into.push(at.to_owned()),
        Value::Array(values) => {
            // One of each kind is enough, and the next for what differs.
            for (index, value) in values.iter().enumerate().take(2) {
                places(value, &format!("{at}/{index}"), into);
            }
        }
        Value::Object(values) => {
            for (key, value) in values {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{at}/{key}"), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn read(value: &Value) -> Option<Results> {
    let text = value.to_string();
    read_from(&mut text.as_bytes(), Path::new("r.json")).ok()
}

/// The document with every text hostile that is free: names of things, as of a verdict, are not.
fn hostile(results: &Results) -> (Value, usize) {
    let mut value = serde_json::to_value(results).unwrap();
    let mut all = Vec::new();
    places(&value, "", &mut all);
    let mut free = 0;
    for place in all {
        let text = value.pointer_mut(&place).unwrap();
        let before = std::mem::replace(text, Value::Null);
        *text = Value::String(format!("{}{HOSTILE}", before.as_str().unwrap()));
        if read(&value).is_some() {
            free += 1;
        } else {
            *value.pointer_mut(&place).unwrap() = before;
        }
    }
    (value, free)
}

fn outputs(results: &Results) -> Vec<(&'static str, String)> {
    let run = || {
        vec![Named {
            name: results.run.id.clone(),
            results,
        }]
    };
    let mut other = results.clone();
    other.run.id += "-2";
    other.run.started_at = "2026-11-24T00:00:00Z".to_owned();
    let side = |name: &str, results| Side {
        name: name.to_owned(),
        runs: vec![RunFile {
            name: "r.json",
            results,
        }],
    };
    let compared = compare(&side("base", results), &[side("new", &other)], &Options::default());
    let mut outputs = vec![
        (
            "summary",
            summary::render(results, Some(Path::new("r.json")), Style::PLAIN),
        ),
        ("verdict", summary::verdict_line(results, Style::PLAIN)),
        ("markdown", report::markdown(&run())),
        ("page", report::html(&run())),
        ("json", to_json(results).unwrap()),
    ];
    outputs.extend(
        report::svgs(results)
            .into_iter()
            .map(|(_, picture)| ("picture", picture)),
    );
    match compared {
        Ok(comparison) => outputs.extend([
            ("comparison", render_terminal(&comparison, Style::PLAIN)),
            ("comparison as Markdown", render_markdown(&comparison)),
            ("page of a comparison", report::comparison_html(&comparison, &run())),
        ]),
        Err(error) => outputs.push(("refusal", error.to_string())),
    }
    for format in [Format::Csv, Format::Hlog, Format::Prom] {
        let text = export::export(results, format).unwrap_or_else(|error| error.to_string());
        outputs.push(("export", text));
    }
    outputs
}

#[test]
fn no_text_of_a_file_or_of_a_run_does_anything_but_be_read() {
    for (results, least) in [
        (testing::with_figures(), 60),
        (testing::fleet::run_of(testing::fleet::worker_lost_iteration()), 100),
    ] {
        let (value, free) = hostile(&results);
        assert!(free > least, "only {free} texts were tried");
        let from_a_file = read(&value).unwrap();
        // As a run has it that was just over.
        let of_a_run: Results = serde_json::from_value(value).unwrap();
        assert!(of_a_run.verdict.headline.contains('\u{1b}'));
        for results in [from_a_file, harmless(of_a_run).unwrap()] {
            for (output, text) in outputs(&results) {
                let bad = text.char_indices().find(|(_, c)| BAD.contains(c));
                let around = bad.map(|(at, _)| &text[text.floor_char_boundary(at.saturating_sub(80))..at]);
                assert_eq!(bad, None, "{output}: after {around:?}");
            }
        }
    }
}

/// A refresh is written while the run goes on, before anything was made harmless, and read by who decodes its escapes.
#[test]
fn no_text_of_a_run_that_goes_on_does_anything_but_be_read() {
    let (value, _) = hostile(&testing::short());
    let of_a_run: Results = serde_json::from_value(value).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json");
    let mut claim = Claim::take(&path).unwrap();
    claim.write_results(&of_a_run).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes, to_json(&of_a_run).unwrap().into_bytes());
    let as_others_read: Value = serde_json::from_slice(&bytes).unwrap();
    let mut all = Vec::new();
    places(&as_others_read, "", &mut all);
    for place in all {
        let text = as_others_read.pointer(&place).unwrap().as_str().unwrap();
        assert!(!text.contains(BAD), "{place}: {text:?}");
    }
    assert_eq!(file::read(&path).unwrap(), harmless(of_a_run).unwrap());
}
