//! Environment and plan of the runs: where they took place, what they were to do, and how to do it again.
//!
//! Facts and plans are shown as they stand in the file, key by key: what a later version adds is shown without a change
//! here, and with several runs what differs stands out.

use benchmark_results::format;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    scene::{Drawn, Scene},
    text::{command, makes_a_series, short, words},
};

/// Rows of a table of facts, at most.
const ROWS: usize = 300;
/// Between the parts of a key.
const BELOW: &str = " · ";
/// Longest value that is shown, characters.
const TEXT: usize = 300;
/// Longest plan that is shown as JSON, bytes, so that no file makes a page of megabytes.
const PLAN: usize = 32 * 1024;
/// Longest command line that is shown, characters.
const COMMAND: usize = 8 * 1024;

/// A key and its value in words.
struct Fact {
    key: String,
    value: String,
    /// Where it was read, or nothing.
    source: String,
}

/// Tables of environments and plans.
pub(super) fn tables(scene: &Scene) -> Markup {
    let environments = |run: &Drawn| serde_json::to_value(&run.results.environment).unwrap_or_default();
    let plans = |run: &Drawn| serde_json::to_value(&run.results.plan).unwrap_or_default();
    html! {
        div.pair[scene.only().is_some()] {
        div { h3 { "Environment, as discovered" } (table(scene, environments)) }
        div {
        h3 { "Plan" }
        p.note {
            @for (n, run) in scene.runs.iter().enumerate() {
                @if n > 0 { ", " }
                @if scene.only().is_none() { (run.name) " " }
                "plan " code { (run.results.plan_hash.short()) }
            }
            "; equal hashes are equal plans"
        }
        (table(scene, plans))
        }
        }
    }
}

fn table(scene: &Scene, of: impl Fn(&Drawn) -> Value) -> Markup {
    let columns: Vec<Vec<Fact>> = scene
        .runs
        .iter()
        .map(|run| {
            let mut facts = Vec::new();
            flatten(&mut facts, "", &of(run));
            facts
        })
        .collect();
    let mut keys: Vec<&str> = Vec::new();
    for fact in columns.iter().flatten() {
        if !keys.contains(&fact.key.as_str()) {
            keys.push(&fact.key);
        }
    }
    // What belongs to no group comes first, so that it does not seem to belong to the one before.
    keys.sort_by_key(|key| key.contains(BELOW));
    let find = |column: &Vec<Fact>, key: &str| column.iter().position(|fact| fact.key == key);
    html! {
        div.scroll {
            table.facts {
                @if scene.only().is_none() {
                    thead { tr { th {} @for run in &scene.runs { th.text scope="col" { (super::figures::swatch(run)) } } } }
                }
                tbody {
                    @for (n, key) in keys.iter().take(ROWS).enumerate() {
                        @let (group, own) = key.split_once(BELOW).unwrap_or(("", key));
                        @if !group.is_empty() && (n == 0 || keys[n - 1].split_once(BELOW).is_none_or(|(before, _)| before != group)) {
                            tr.group { th scope="rowgroup" colspan=(columns.len() + 1) { (group) } }
                        }
                        @let facts: Vec<Option<&Fact>> = columns.iter().map(|column| Some(&column[find(column, key)?])).collect();
                        @let differ = facts.windows(2).any(|pair| pair[0].map(|f| &f.value) != pair[1].map(|f| &f.value));
                        tr.differs[differ] {
                            th scope="row" { (own) }
                            @for fact in &facts {
                                td title=[fact.map(|fact| &fact.source).filter(|source| !source.is_empty())] {
                                    (fact.map_or(format::NONE, |fact| fact.value.as_str()))
                                }
                            }
                        }
                    }
                }
            }
        }
        @if keys.len() > ROWS { p.note { "and " (format::plural((keys.len() - ROWS) as u64, "key")) " more in the results file" } }
    }
}

/// All values below one, by their path. Facts become one row, what was not found says why.
fn flatten(facts: &mut Vec<Fact>, path: &str, value: &Value) {
    let below = |key: &str| {
        let key = short(&words(key), 80);
        if path.is_empty() {
            key
        } else {
            format!("{path}{BELOW}{key}")
        }
    };
    let mut push = |value: String, source: &str| {
        facts.push(Fact {
            key: path.to_owned(),
            value: short(&value, TEXT),
            source: short(source, TEXT),
        });
    };
    match value {
        Value::Null => {}
        Value::Bool(yes) => push(if *yes { "yes" } else { "no" }.into(), ""),
        Value::Number(number) if path.ends_with("bytes") => push(bytes(number), ""),
        Value::Number(number) => push(number.to_string(), ""),
        Value::String(text) => push(text.clone(), ""),
        Value::Array(list) => {
            let texts: Vec<String> = list
                .iter()
                .take(50)
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect();
            if !texts.is_empty() {
                push(texts.join(", "), "");
            }
        }
        Value::Object(fields) => match (fields.get("value"), fields.get("source").and_then(Value::as_str)) {
            (Some(Value::Null), Some(reason)) => push(format!("not known: {reason}"), ""),
            (Some(value), Some(source)) if fields.len() == 2 => {
                let first = facts.len();
                flatten(facts, path, value);
                for fact in &mut facts[first..] {
                    fact.source = short(source, TEXT);
                }
            }
            _ => {
                for (key, value) in fields.iter().take(ROWS) {
                    flatten(facts, &below(key), value);
                }
            }
        },
    }
}

/// Bytes with the unit that fits.
fn bytes(number: &serde_json::Number) -> String {
    let value = number.as_f64().unwrap_or_default();
    for (unit, name) in [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if value >= unit as f64 {
            return format!("{} {name}", super::scale::plain(value / unit as f64));
        }
    }
    format!("{value} bytes")
}

/// How to run it again: the command, the versions, the plan.
pub(super) fn again(run: &Drawn) -> Markup {
    let results = run.results;
    let plan = serde_json::to_string_pretty(&results.plan).unwrap_or_default();
    html! {
        @if results.run.command.is_empty() {
            p.note { "The command is not in the file." }
        } @else {
            div.copy { pre { code { (short(&command(&results.run.command), COMMAND)) } } }
        }
        p.note {
            "run-benchmark " (short(&results.run.version, 60))
            @match &results.run.git_revision.value {
                Some(revision) => { ", revision " code { (short(revision, 60)) } }
                None => {}
            }
            @if makes_a_series(&results.run.command) {
                ". The command makes the whole series that this run is one of"
            }
            ". Secrets are left out of the command, which is as it stands in the file: read it before you run it. Run " code { (short(&results.run.id, 80)) } " began "
            (short(&results.run.started_at, 40))
            @if let Some(finished) = &results.run.finished_at { " and ended " (short(finished, 40)) }
            "; plan " code { (results.plan_hash.short()) } "."
        }
        details {
            summary { "The whole plan" }
            @if plan.len() <= PLAN {
                div.copy { pre { code { (plan) } } }
            } @else {
                p.note { "It has " (format::count(plan.len() as u64)) " bytes: see " code { "plan" } " in the results file." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_become_rows_with_their_source() {
        let mut facts = Vec::new();
        let value = json!({
            "cpuModel": { "value": "Example", "source": "/proc/cpuinfo" },
            "memoryBytes": { "value": 8_u64 << 30, "source": "/proc/meminfo" },
            "instanceType": { "value": null, "source": "no metadata service" },
            "namespace": { "value": { "name": "default", "created": false }, "source": "DescribeNamespace" },
            "queues": ["a", "b"],
            "nothing": null,
        });
        flatten(&mut facts, "", &value);
        let rows: Vec<String> = facts
            .iter()
            .map(|fact| format!("{} = {} ({})", fact.key, fact.value, fact.source))
            .collect();
        assert_eq!(
            rows,
            [
                "cpu model = Example (/proc/cpuinfo)",
                "memory bytes = 8 GiB (/proc/meminfo)",
                "instance type = not known: no metadata service ()",
                "namespace · name = default (DescribeNamespace)",
                "namespace · created = no (DescribeNamespace)",
                "queues = a, b ()",
            ]
        );
    }
}
