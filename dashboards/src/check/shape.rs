//! What every board and panel has to have.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    board::{Board, Panel},
    check::Findings,
};

/// The version of the classic model that Grafana 10.4 to 13 read.
const SCHEMA: u64 = 39;

/// The panels that all of them have.
const KINDS: [&str; 7] = ["timeseries", "stat", "table", "heatmap", "bargauge", "text", "logs"];

/// What a description says, in this order: what is shown, what good looks like, what to do.
const SAYS: [&str; 2] = ["**Good:**", "**Otherwise:**"];

/// A panel of several data sources, whose queries name theirs, and what computes with their answers inside of Grafana.
const MIXED: (&str, &str) = ("datasource", "-- Mixed --");
const COMPUTED: (&str, &str) = ("__expr__", "__expr__");

/// Where each kind of data comes from: a variable, by which an operator's own data source is chosen.
const SOURCES: [(&str, &str); 3] = [
    ("prometheus", "${datasource}"),
    ("loki", "${loki}"),
    ("cloudwatch", "${cloudwatch}"),
];

pub(super) fn check(board: &Board, findings: &mut Findings) {
    if board.title().is_empty() {
        findings.add("", "has no title");
    }
    if board.json["schemaVersion"] != SCHEMA {
        findings.add(
            "",
            format!(
                "schemaVersion is {}, and {SCHEMA} is what Grafana 10.4 to 13 read",
                board.json["schemaVersion"]
            ),
        );
    }
    if board.json["description"].as_str().is_none_or(str::is_empty) {
        findings.add("", "has no description");
    }
    let mut ids = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for panel in &board.panels {
        if panel.title.is_empty() {
            findings.add(&format!("panel {}", panel.json["id"]), "has no title");
        } else if !titles.insert(&panel.title) {
            findings.add(&panel.title, "two panels have this title");
        }
        if !panel.json["id"].is_u64() || !ids.insert(panel.json["id"].as_u64()) {
            findings.add(&panel.title, "needs an id that no other panel has: run tidy");
        }
        check_panel(panel, findings);
    }
    for variable in &board.variables {
        if variable.kind == "query" {
            source(
                &variable.json["datasource"],
                &format!("variable {}", variable.name),
                findings,
            );
            if variable.json["refresh"] != 2 {
                findings.add(
                    &format!("variable {}", variable.name),
                    "refresh must be 2: a run begins while the board is open",
                );
            }
        }
    }
}

fn check_panel(panel: &Panel, findings: &mut Findings) {
    let title = &panel.title;
    if !KINDS.contains(&panel.kind.as_str()) {
        findings.add(
            title,
            format!("is a {:?}; all Grafanas have {}", panel.kind, KINDS.join(", ")),
        );
    }
    if panel.kind == "text" {
        if panel.json["options"]["content"].as_str().is_none_or(str::is_empty) {
            findings.add(title, "is a text without one");
        }
        return;
    }
    let description = panel.json["description"].as_str().unwrap_or_default();
    if description.is_empty() {
        findings.add(
            title,
            "has no description: what it shows, what good looks like, what to do",
        );
    }
    let mut rest = description;
    for part in SAYS {
        match rest.split_once(part) {
            Some((before, after)) if !before.trim().is_empty() && !after.trim().is_empty() => rest = after,
            _ if description.is_empty() => {}
            _ => findings.add(
                title,
                format!("its description lacks {part}, or what belongs before or after it"),
            ),
        }
    }
    if has_numbers(panel) && unit(panel).is_none() {
        findings.add(title, "has no unit");
    }
    let mixed = names(&panel.json["datasource"]) == MIXED;
    if !mixed {
        source(&panel.json["datasource"], title, findings);
    }
    if panel.targets.is_empty() {
        findings.add(title, "asks for nothing");
    }
    let mut letters = BTreeSet::new();
    for target in &panel.targets {
        if !(mixed && names(&target.json["datasource"]) == COMPUTED) {
            source(&target.json["datasource"], title, findings);
        }
        if target.query.is_none() && target.search.is_none() {
            findings.add(title, format!("query {} is empty", target.letter));
        }
        if target.letter.is_empty() || !letters.insert(&target.letter) {
            findings.add(
                title,
                format!("query {:?}: each needs a letter of its own", target.letter),
            );
        }
        // What is computed with need not be shown itself.
        if target.json["hide"] == true && !mixed {
            findings.add(title, format!("query {} is hidden", target.letter));
        }
    }
    // What is unsaid is 80, in red: a limit that nobody chose.
    let limits = &panel.json["fieldConfig"]["defaults"]["thresholds"]["steps"];
    if matches!(panel.kind.as_str(), "stat" | "bargauge") && limits.as_array().is_none_or(Vec::is_empty) {
        findings.add(title, "has no thresholds, and Grafana's own are red from 80");
    }
}

fn has_numbers(panel: &Panel) -> bool {
    matches!(
        panel.kind.as_str(),
        "timeseries" | "stat" | "heatmap" | "bargauge" | "table"
    )
}

fn unit(panel: &Panel) -> Option<&str> {
    let unit = match panel.kind.as_str() {
        "heatmap" => &panel.json["options"]["yAxis"]["unit"],
        _ => &panel.json["fieldConfig"]["defaults"]["unit"],
    };
    unit.as_str().filter(|unit| !unit.is_empty())
}

fn names(source: &Value) -> (&str, &str) {
    let of = |name: &str| source[name].as_str().unwrap_or_default();
    (of("type"), of("uid"))
}

fn source(source: &Value, place: &str, findings: &mut Findings) {
    let (kind, uid) = names(source);
    if !SOURCES.contains(&(kind, uid)) {
        let allowed = SOURCES.map(|(kind, uid)| format!("{kind} by {uid}"));
        findings.add(
            place,
            format!(
                "its data source is {kind:?} by {uid:?}, and not {}",
                allowed.join(", or ")
            ),
        );
    }
}
