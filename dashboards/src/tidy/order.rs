//! The order of keys: what a person looks for first stands first, the rest by the alphabet.

use serde_json::{Map, Value};

const FIRST: [&str; 22] = [
    "refId",
    "uid",
    "id",
    "type",
    "name",
    "title",
    "label",
    "description",
    "tags",
    "schemaVersion",
    "time",
    "refresh",
    "timezone",
    "graphTooltip",
    "gridPos",
    "datasource",
    "expr",
    "expression",
    "query",
    "legendFormat",
    "targets",
    "links",
];

/// What is long and comes last.
const LAST: [&str; 4] = ["annotations", "templating", "fieldConfig", "panels"];

pub(super) fn ordered(value: Value) -> Value {
    match value {
        Value::Array(all) => Value::Array(all.into_iter().map(ordered).collect()),
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|(one, _), (other, _)| rank(one).cmp(&rank(other)));
            let pairs = pairs.into_iter().map(|(key, value)| (key, ordered(value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn rank(key: &str) -> (usize, &str) {
    let at = |list: &[&str]| list.iter().position(|known| *known == key);
    let place = at(&FIRST)
        .or_else(|| at(&LAST).map(|at| FIRST.len() + 1 + at))
        .unwrap_or(FIRST.len());
    (place, key)
}
