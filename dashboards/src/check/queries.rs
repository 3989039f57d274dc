//! Queries ask for series and labels that there are, over times that hold enough scrapes.

use std::collections::BTreeSet;

use crate::{
    board::{Board, Target},
    check::Findings,
    promql::{self, ANY, Query, RANGE, RATE_INTERVAL, Selector, is_negated},
    series::{Family, Kind, Known, TARGET_LABELS},
};

/// Functions that take a counter as what it is.
const RATES: [&str; 2] = ["rate", "resets"];

/// Functions that look at all of the time shown, and do not extrapolate.
const OVER_RANGE: [&str; 5] = [
    "last_over_time",
    "resets",
    "max_over_time",
    "min_over_time",
    "count_over_time",
];

/// Variables of Grafana itself.
fn built_in(name: &str) -> Option<String> {
    match name {
        "__rate_interval" => Some(format!("{}s", RATE_INTERVAL.as_secs())),
        "__range" => Some(format!("{}s", RANGE.as_secs())),
        "__interval" | "__auto" => Some("60s".to_owned()),
        _ => None,
    }
}

pub(super) fn check(board: &Board, known: &Known, findings: &mut Findings) {
    let mut used = BTreeSet::new();
    let mut replaced = |text: &str, reasons: &mut Vec<String>| {
        let value = |name: &str| {
            if board.variables.iter().any(|variable| variable.name == name) {
                used.insert(name.to_owned());
                return Some(ANY.to_owned());
            }
            built_in(name)
        };
        let replaced = promql::replace(text, value);
        replaced.map_err(|problem| reasons.push(problem)).ok()
    };
    for panel in &board.panels {
        for target in &panel.targets {
            let source = &target.json["datasource"]["type"];
            let text = target.query.as_ref().or(target.search.as_ref());
            // What Grafana computes with other answers names them by their letters.
            let Some(text) = text.filter(|_| source != "__expr__") else {
                continue;
            };
            let mut reasons = Vec::new();
            if let Some(query) = replaced(text, &mut reasons)
                && source == "prometheus"
                && let Some(query) = examine(&query, known, &mut reasons)
            {
                legend(target, &query, known, panel.kind == "timeseries", &mut reasons);
                chosen(board, &query, known, &mut reasons);
            }
            for reason in reasons {
                findings.add(&panel.title, format!("query {}: {reason}", target.letter));
            }
        }
        for text in texts(&panel.json) {
            // Only which variables there are: texts and links use them, too.
            let _ = replaced(&text, &mut Vec::new());
        }
    }
    for variable in &board.variables {
        let Some(text) = &variable.query else { continue };
        if variable.json["datasource"]["type"] != "prometheus" {
            continue;
        }
        let mut reasons = Vec::new();
        if let Some((selector, label)) = variable.label_values() {
            let query = replaced(selector, &mut reasons).and_then(|query| parsed(&query, &mut reasons));
            for selector in query.iter().flat_map(|query| &query.selectors) {
                names_and_labels(selector, known, &mut reasons);
                has_label(selector, label, known, &mut reasons);
            }
        } else {
            reasons.push(format!("is no label_values(SELECTOR, LABEL): {text}"));
        }
        let name = format!("variable {}", variable.name);
        reasons.into_iter().for_each(|reason| findings.add(&name, reason));
    }
    for (name, expression) in &board.annotations {
        let mut reasons = Vec::new();
        let query = replaced(expression, &mut reasons).and_then(|query| examine(&query, known, &mut reasons));
        if let Some(query) = query {
            chosen(board, &query, known, &mut reasons);
        }
        let name = format!("annotation {name}");
        reasons.into_iter().for_each(|reason| findings.add(&name, reason));
    }
    for variable in &board.variables {
        if variable.kind != "datasource" && !used.contains(&variable.name) {
            findings.add(&format!("variable {}", variable.name), "is used by nothing");
        }
    }
}

/// All texts below a value.
fn texts(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(all) => all.iter().flat_map(texts).collect(),
        serde_json::Value::Object(all) => all.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn parsed(query: &str, reasons: &mut Vec<String>) -> Option<Query> {
    promql::parse(query)
        .map_err(|error| reasons.push(format!("no PromQL: {}", error.lines().next().unwrap_or_default())))
        .ok()
}

/// That what a query asks for exists.
pub(super) fn exists(query: &str, known: &Known, reasons: &mut Vec<String>) -> Option<Query> {
    let query = parsed(query, reasons)?;
    for selector in &query.selectors {
        names_and_labels(selector, known, reasons);
    }
    groupings(&query, known, reasons);
    Some(query)
}

/// The rules for a query whose answer is drawn.
fn examine(query: &str, known: &Known, reasons: &mut Vec<String>) -> Option<Query> {
    let query = exists(query, known, reasons)?;
    if query.subquery {
        reasons
            .push("evaluates something again and again over a time of its own: not all servers take that".to_owned());
    }
    for selector in &query.selectors {
        time(selector, known, reasons);
    }
    Some(query)
}

/// That its series and labels exist.
fn names_and_labels(selector: &Selector, known: &Known, reasons: &mut Vec<String>) {
    let families = families(selector, known);
    if families.is_empty() {
        reasons.push(match &selector.name {
            Some(name) => match known.like(name) {
                Some(like) => format!("no series is called {name}; {like} is"),
                None => format!("no series is called {name}"),
            },
            None => format!("no series has a name that {:?} asks for", selector.matchers),
        });
        return;
    }
    for matcher in selector.matchers.iter().filter(|matcher| matcher.name != "__name__") {
        let has = |(_, family): &(&str, &Family)| family.labels.contains_key(&matcher.name);
        let has = families.iter().any(has);
        // What is scraped may have them; and of several names one may have a label that others are not asked for.
        if TARGET_LABELS.contains(&matcher.name.as_str()) && !has
            || selector.name.is_none() && is_negated(matcher) && has
        {
            continue;
        }
        for (name, family) in &families {
            let Some(values) = family.labels.get(&matcher.name) else {
                reasons.push(format!(
                    "{name} has no label {}; it has {}",
                    matcher.name,
                    labels_of(family)
                ));
                continue;
            };
            let asks = !is_negated(matcher) && !matcher.value.contains(ANY) && !matcher.value.is_empty();
            if asks && !values.iter().any(|value| matcher.is_match(value)) {
                let seen: Vec<&str> = values.iter().map(String::as_str).take(12).collect();
                reasons.push(format!(
                    "{name} has no {} {:?}; it has {}",
                    matcher.name,
                    matcher.value,
                    seen.join(", ")
                ));
            }
        }
    }
}

fn labels_of(family: &Family) -> String {
    let labels: Vec<&str> = family.labels.keys().map(String::as_str).collect();
    match labels.is_empty() {
        true => "none".to_owned(),
        false => labels.join(", "),
    }
}

/// The families that a selector asks for.
fn families<'a>(selector: &Selector, known: &'a Known) -> Vec<(&'a str, &'a Family)> {
    match &selector.name {
        Some(name) => known.iter().filter(|(known, _)| known == name).collect(),
        None => {
            let pattern = selector
                .matchers
                .iter()
                .find(|matcher| matcher.name == "__name__" && !is_negated(matcher));
            let fits = |name: &str| pattern.is_some_and(|pattern| pattern.is_match(name));
            known.iter().filter(|(name, _)| fits(name)).collect()
        }
    }
}

fn has_label(selector: &Selector, label: &str, known: &Known, reasons: &mut Vec<String>) {
    for (name, family) in families(selector, known) {
        if !family.labels.contains_key(label) && !TARGET_LABELS.contains(&label) {
            reasons.push(format!("{name} has no label {label}; it has {}", labels_of(family)));
        }
    }
}

/// Counters are rates or totals of a run, gauges are not rates, and windows follow the scrapes.
fn time(selector: &Selector, known: &Known, reasons: &mut Vec<String>) {
    let function = selector.function.unwrap_or_default();
    let rated = RATES.contains(&function);
    let over_range = OVER_RANGE.contains(&function);
    if matches!(function, "increase" | "irate" | "idelta" | "delta") {
        reasons.push(format!(
            "{function}: a rate, or a run's total as it stands, is exact where this guesses"
        ));
    }
    match selector.range {
        Some(RANGE) if over_range => {}
        Some(RATE_INTERVAL) if !over_range => {}
        Some(range) => reasons.push(format!(
            "looks at {}: rates follow the scrapes by $__rate_interval, and a run's last value is last_over_time(…[$__range])",
            match range {
                RANGE => "$__range".to_owned(),
                RATE_INTERVAL => "$__rate_interval".to_owned(),
                range => format!("[{}s]", range.as_secs_f64()),
            }
        )),
        None => {}
    }
    for (name, family) in families(selector, known) {
        // A run's series begin at 0 with the run, so that their value is the run's total.
        let of_a_run = selector.matchers.iter().any(|matcher| matcher.name == "run_id");
        match family.kind {
            Kind::Counter | Kind::Native if !rated && !of_a_run => {
                reasons.push(format!("{name} is a counter of no run: only its rate says something"));
            }
            Kind::Gauge if rated => reasons.push(format!("{name} is no counter: its rate says nothing")),
            Kind::Counter if function == "deriv" => reasons.push(format!("{name} is a counter: its slope is its rate")),
            _ => {}
        }
    }
}

fn groupings(query: &Query, known: &Known, reasons: &mut Vec<String>) {
    for label in &query.groupings {
        if !has_somewhere(query, label, known) {
            reasons.push(format!("groups by {label}, which none of its series has"));
        }
    }
}

fn has_somewhere(query: &Query, label: &str, known: &Known) -> bool {
    TARGET_LABELS.contains(&label)
        || label == "__name__"
        || query.selectors.iter().any(|selector| {
            families(selector, known)
                .iter()
                .any(|(_, family)| family.labels.contains_key(label))
        })
}

/// A legend names each line by labels that the answer has.
fn legend(target: &Target, query: &Query, known: &Known, drawn: bool, reasons: &mut Vec<String>) {
    let legend = target.json["legendFormat"].as_str().unwrap_or_default();
    if drawn && (legend.is_empty() || legend == "__auto") {
        reasons.push("needs a legend".to_owned());
    }
    for label in legend
        .split("{{")
        .skip(1)
        .filter_map(|part| part.split("}}").next())
        .map(str::trim)
    {
        let there = match &query.result {
            Some(labels) => labels.iter().any(|there| there == label),
            None => has_somewhere(query, label, known),
        };
        if !there {
            reasons.push(format!("its legend names {label}, which the answer does not have"));
        }
    }
}

/// Variables that filter: the label and the variable that a selector of a series with that label compares it with.
const CHOSEN: [(&str, &str); 2] = [("run_id", "$run_id"), ("task_queue", "$task_queue")];

/// Where a board lets a run or a task queue be chosen, every series that has it follows the choice.
fn chosen(board: &Board, query: &Query, known: &Known, reasons: &mut Vec<String>) {
    for (label, variable) in CHOSEN {
        if !board.variables.iter().any(|of_board| of_board.name == variable[1..]) {
            continue;
        }
        for selector in &query.selectors {
            let has = families(selector, known)
                .iter()
                .any(|(_, family)| family.labels.contains_key(label));
            let follows = selector
                .matchers
                .iter()
                .any(|matcher| matcher.name == label && matcher.value.contains(ANY));
            if has && !follows {
                let name = selector.name.as_deref().unwrap_or("a series");
                reasons.push(format!("{name} is not filtered by {label}=~\"{variable}\""));
            }
        }
    }
}
