//! Files mutated at random: whatever is read can be worked on, and nothing panics.

use std::path::Path;

use benchmark_results::{
    Results, file,
    summary::{self, Style},
    testing,
};
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use crate::export;

/// A sound file.
fn sound() -> Value {
    serde_json::to_value(testing::short()).unwrap()
}

/// What is done with a file that was read.
fn work_on(results: &Results) {
    for style in [Style::PLAIN, Style::COLOR] {
        let _ = summary::render(results, Some(Path::new("results.json")), style);
        let _ = summary::verdict_line(results, style);
    }
    for format in export::Format::ALL {
        let _ = export::export(results, format);
    }
}

fn survive(mut text: &[u8]) {
    match file::read_from(&mut text, Path::new("results.json")) {
        Ok(results) => work_on(&results),
        Err(error) => {
            let line = error.to_string();
            assert!(line.starts_with("results.json ") && !line.contains('\n'), "{line:?}");
            assert!(line.chars().count() < 400, "{line}");
        }
    }
}

/// Values of every kind, and the worst of each.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..1_000_000_000_000_000_u64).prop_map(Value::from),
        (0..20_u64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-1e15..1e15_f64).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[0-9]{1,12}(ns|ms|s|h|days|years)".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"value": null, "source": ""})),
        prop::collection::vec(any::<u8>().prop_map(Value::from), 0..30).prop_map(Value::from),
    ]
}

/// What is done to one place of a file.
#[derive(Clone, Debug)]
enum Change {
    Replace(Value),
    Remove,
    Empty,
    Repeat,
    Swap(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => value().prop_map(Change::Replace),
        1 => Just(Change::Remove),
        1 => Just(Change::Empty),
        1 => Just(Change::Repeat),
        1 => any::<Index>().prop_map(Change::Swap),
    ]
}

/// The places of a value, as JSON pointers: each list by its first entry only, so that long lists do not outweigh the rest.
fn places(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| places(value, format!("{at}/{key}"), into)),
        Value::Array(list) => list
            .iter()
            .take(1)
            .for_each(|value| places(value, format!("{at}/0"), into)),
        _ => {}
    }
    into.push(at);
}

fn apply(file: &mut Value, places: &[String], place: &str, change: Change) {
    let other = match &change {
        Change::Swap(index) => file.pointer(index.get(places).as_str()).cloned(),
        _ => None,
    };
    if let Change::Remove = change {
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(map)) = file.pointer_mut(parent) {
            map.remove(key);
        }
        return;
    }
    let Some(target) = file.pointer_mut(place) else {
        return;
    };
    match change {
        Change::Replace(value) => *target = value,
        Change::Empty => match target {
            Value::Object(_) => *target = Value::Object(Map::new()),
            Value::Array(_) => *target = json!([]),
            Value::String(_) => *target = json!(""),
            _ => *target = json!(0),
        },
        Change::Repeat => {
            if let Value::Array(list) = target {
                let copy = list.clone();
                list.extend(copy);
            }
        }
        Change::Swap(_) => *target = other.unwrap_or_default(),
        Change::Remove => {}
    }
}

fn with_a_fleet() -> Value {
    let mut results = testing::fleet::run_of(testing::fleet::worker_lost_iteration());
    for member in &mut results.fleet.members {
        member.usage.truncate(2);
    }
    results.windows.truncate(20);
    serde_json::to_value(results).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn values_that_are_others(fleet in any::<bool>(), changes in prop::collection::vec((any::<Index>(), change()), 1..4)) {
        static FILES: std::sync::LazyLock<[(Value, Vec<String>); 2]> = std::sync::LazyLock::new(|| {
            [sound(), with_a_fleet()].map(|file| {
                let mut all = Vec::new();
                places(&file, String::new(), &mut all);
                (file, all)
            })
        });
        let (file, places) = &FILES[usize::from(fleet)];
        let mut file = file.clone();
        for (index, change) in changes {
            let place = index.get(places).clone();
            apply(&mut file, places, &place, change);
        }
        survive(file.to_string().as_bytes());
    }

    #[test]
    fn bytes_that_are_others(changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6)) {
        let mut text = sound().to_string().into_bytes();
        for (index, byte) in changes {
            let at = index.index(text.len());
            text[at] = byte;
        }
        survive(&text);
    }

    #[test]
    fn digits_that_are_others(changes in prop::collection::vec((any::<Index>(), b'0'..=b'9'), 1..9)) {
        let mut text = sound().to_string().into_bytes();
        let digits: Vec<usize> = (0..text.len()).filter(|at| text[*at].is_ascii_digit()).collect();
        for (index, digit) in changes {
            text[*index.get(&digits)] = digit;
        }
        survive(&text);
    }

    #[test]
    fn pieces_that_are_missing_or_doubled(from in any::<Index>(), length in 0..2_000_usize, doubled in any::<bool>()) {
        let mut text = sound().to_string().into_bytes();
        let from = from.index(text.len());
        let to = (from + length).min(text.len());
        if doubled {
            let piece = text[from..to].to_vec();
            text.splice(to..to, piece);
        } else {
            text.drain(from..to);
        }
        survive(&text);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&bytes);
        survive(&[b"{\"schemaVersion\":1,", &bytes[..]].concat());
    }

    #[test]
    fn any_text(text in "[{}\\[\\]:,\"a-z0-9.eE+\\\\ \n-]{0,200}") {
        survive(text.as_bytes());
        survive(format!("{{\"schemaVersion\":1,{text}").as_bytes());
    }
}
