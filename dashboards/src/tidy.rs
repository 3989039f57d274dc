//! An export of Grafana as it is checked in: the same board always looks the same, so that a diff is what was changed.
//!
//! An export holds the board, what Grafana's version filled in by itself, what somebody had chosen when it was made, and
//! numbers that change with each save. Only the board stays.

mod export;
mod order;

use serde_json::{Map, Value};

pub use export::ExportError;

/// What Grafana fills in where nothing is said, by the part of a board: a value that equals it is left out.
const DEFAULTS: &str = include_str!("tidy/defaults.json");

/// What says nothing about a board: numbers of one Grafana's database, and of its versions.
const BOARD_NOISE: [&str; 7] = [
    "id",
    "version",
    "iteration",
    "gnetId",
    "__inputs",
    "__requires",
    "__elements",
];
const PANEL_NOISE: [&str; 2] = ["pluginVersion", "libraryPanel"];
const TARGET_NOISE: [&str; 5] = [
    "editorMode",
    "fullMetaSearch",
    "includeNullMetadata",
    "useBackend",
    "disableTextWrap",
];
/// What somebody had chosen, and what follows from the query.
const VARIABLE_NOISE: [&str; 3] = ["current", "options", "definition"];

/// An export as it is checked in.
///
/// # Errors
/// When it is no export of the classic model.
pub fn tidy(export: &str) -> Result<String, ExportError> {
    let mut board = export::board(serde_json::from_str(export)?)?;
    let defaults: Value = serde_json::from_str(DEFAULTS)?;
    clean(&mut board, &defaults);
    let mut text = serde_json::to_string_pretty(&order::ordered(board))?;
    text.push('\n');
    Ok(text)
}

fn clean(board: &mut Value, defaults: &Value) {
    drop_keys(board, &BOARD_NOISE);
    if let Some(list) = board.pointer_mut("/annotations/list").and_then(Value::as_array_mut) {
        // Grafana puts its own back.
        list.retain(|annotation| annotation["builtIn"] != 1);
    }
    for annotation in each(board, "/annotations/list") {
        tidy_part(annotation, &defaults["annotation"]);
    }
    for variable in each(board, "/templating/list") {
        drop_keys(variable, &VARIABLE_NOISE);
        // The same query as a text, as all versions read it.
        if let Some(query) = variable["query"]["query"].as_str().map(str::to_owned) {
            variable["query"] = Value::String(query);
        }
        tidy_part(variable, &defaults["variable"]);
    }
    for link in each(board, "/links") {
        tidy_part(link, &defaults["link"]);
    }
    clean_panels(board, defaults);
    let mut next = highest(board) + 1;
    number(board, &mut Vec::new(), &mut next);
    prune(board, &defaults["board"]);
    without_nulls(board);
}

/// Cleans the panels of a board or of a folded row.
fn clean_panels(of: &mut Value, defaults: &Value) {
    for panel in each(of, "/panels") {
        clean_panels(panel, defaults);
        drop_keys(panel, &PANEL_NOISE);
        for target in each(panel, "/targets") {
            drop_keys(target, &TARGET_NOISE);
            tidy_part(target, &defaults["target"]);
        }
        for link in each(panel, "/links") {
            tidy_part(link, &defaults["link"]);
        }
        let kind = panel["type"].as_str().unwrap_or_default().to_owned();
        prune(panel, &defaults["panels"][&kind]);
        tidy_part(panel, &defaults["panel"]);
    }
    if let Some(panels) = of.get_mut("panels").and_then(Value::as_array_mut) {
        // In the order in which they are read.
        let place = |panel: &Value| [&panel["gridPos"]["y"], &panel["gridPos"]["x"]].map(|at| at.as_u64().unwrap_or(0));
        panels.sort_by_key(place);
    }
}

fn tidy_part(part: &mut Value, defaults: &Value) {
    if let Some(source) = part.get_mut("datasource") {
        export::settle_source(source);
    }
    prune(part, defaults);
}

fn each<'a>(of: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    of.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

fn drop_keys(of: &mut Value, keys: &[&str]) {
    if let Some(map) = of.as_object_mut() {
        map.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

/// Leaves out what equals its default, and objects of which nothing is left by that.
fn prune(value: &mut Value, defaults: &Value) {
    let (Some(map), Some(defaults)) = (value.as_object_mut(), defaults.as_object()) else {
        return;
    };
    map.retain(|key, value| match defaults.get(key) {
        None => true,
        Some(default) => !is_default(value, default),
    });
}

fn is_default(value: &mut Value, default: &Value) -> bool {
    // Versions of Grafana differ in what they fill in.
    if let Some(any) = default.get("$any").and_then(Value::as_array) {
        return any.iter().any(|default| default == value);
    }
    if value == default {
        return true;
    }
    let Value::Object(_) = default else { return false };
    prune(value, default);
    value.as_object().is_some_and(Map::is_empty)
}

fn highest(of: &Value) -> u64 {
    let panels = of["panels"].as_array().into_iter().flatten();
    panels
        .map(|panel| panel["id"].as_u64().unwrap_or(0).max(highest(panel)))
        .max()
        .unwrap_or(0)
}

/// Gives each panel a number of its own, and leaves those that have one: links to single panels lead to it.
fn number(of: &mut Value, used: &mut Vec<u64>, next: &mut u64) {
    for panel in each(of, "/panels") {
        match panel["id"].as_u64().filter(|id| *id > 0 && !used.contains(id)) {
            Some(id) => used.push(id),
            None => {
                panel["id"] = Value::from(*next);
                *next += 1;
            }
        }
        number(panel, used, next);
    }
}

/// Leaves out what is not there. The first step of a threshold has no value, which is said so.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(without_nulls),
        Value::Object(map) => {
            let is_step = map.len() == 2 && map.contains_key("color") && map.contains_key("value");
            map.retain(|_, value| is_step || !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
