//! Bounds on what a member says, so that a results file may hold it: the one place where that is done.
//!
//! A results file's reader refuses figures, texts and lists that no run writes (`benchmark_results::limits`). A member is
//! another process, perhaps a broken or a hostile one, and must not be able to make the leader write such a file. What is
//! merely wrong stays wrong; what is beyond all bounds becomes the bound, and what is no number becomes 0.

use benchmark_results::limits::LARGEST_FIGURE;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use crate::{
    limits::{FACTS_ENTRIES, MEMBERS, TEXT_BYTES},
    text, wire,
};

/// The largest figure that a member may tell of itself: of as many members as there can be, and of a hundred
/// iterations, the sum is still one that is read.
const FIGURE: f64 = LARGEST_FIGURE / (MEMBERS as f64 * 100.0);

/// The largest number of bytes: those of a machine are many, and are not added up.
const BYTES: f64 = LARGEST_FIGURE / 10.0;

/// A finite figure within bounds.
pub fn figure(figure: f64) -> f64 {
    if figure.is_finite() {
        figure.clamp(-FIGURE, FIGURE)
    } else {
        0.0
    }
}

/// A count within bounds.
pub fn count(count: u64) -> u64 {
    count.min(FIGURE as u64)
}

/// A text on one line, within bounds, without what a terminal obeys.
pub fn line(line: &str) -> String {
    text::cut(text::shown(line), TEXT_BYTES)
}

/// Reads facts from JSON, and brings all of their figures, texts and lists within bounds.
///
/// # Errors
/// When it is not JSON, or not of these facts.
pub fn facts<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    let mut value = serde_json::from_str(json)?;
    bound(&mut value, FIGURE);
    serde_json::from_value(value)
}

fn bound(value: &mut Value, most: f64) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => *number = bound_number(number, most),
        Value::String(text) => *text = line(text),
        Value::Array(entries) => {
            let more = entries.len().saturating_sub(FACTS_ENTRIES);
            entries.truncate(FACTS_ENTRIES);
            entries.iter_mut().for_each(|entry| bound(entry, most));
            // Only lists of texts can say so; others are short by their nature.
            if more > 0 && entries.iter().all(Value::is_string) {
                entries.pop();
                entries.push(Value::String(format!("and {} more", more + 1)));
            }
        }
        Value::Object(fields) => {
            if fields.len() > FACTS_ENTRIES {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .take(FACTS_ENTRIES)
                    .collect::<Map<_, _>>();
            }
            for (name, field) in fields {
                let most = if name.to_ascii_lowercase().contains("bytes") {
                    BYTES
                } else {
                    most
                };
                bound(field, most);
            }
        }
    }
}

fn bound_number(number: &Number, most: f64) -> Number {
    if let Some(whole) = number.as_u64() {
        return whole.min(most as u64).into();
    }
    if let Some(whole) = number.as_i64() {
        return whole.max(-(most as i64)).into();
    }
    let bounded = number.as_f64().filter(|figure| figure.is_finite()).unwrap_or_default();
    Number::from_f64(bounded.clamp(-most, most)).unwrap_or_else(|| 0.into())
}

/// Brings what a member says of its state within bounds. Uses of a machine are not negative.
pub(crate) fn status(status: &mut wire::Status) {
    for used in [&mut status.cpu_cores, &mut status.cpu_share] {
        *used = figure(*used).max(0.0);
    }
    status.memory_bytes = status.memory_bytes.min(BYTES as u64);
    status.windows_dropped = count(status.windows_dropped);
    // A century, in nanoseconds.
    const CENTURY: i64 = 100 * 366 * 86_400 * 1_000_000_000;
    status.clock_offset_ns = status.clock_offset_ns.map(|offset| offset.clamp(-CENTURY, CENTURY));
    status.clock_uncertainty_ns = status.clock_uncertainty_ns.min(CENTURY as u64);
    status.waiting_for = line(&status.waiting_for);
}

#[cfg(test)]
mod tests {
    use benchmark_results::schema::{HostFacts, WorkerFacts};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::fixtures::host;

    fn workers(change: impl FnOnce(&mut Value)) -> Value {
        let mut facts = json!({
            "count": 1, "workflowSlots": 1, "activitySlots": 1, "localActivitySlots": 1, "pollers": "p",
            "maxCachedWorkflows": 5, "identities": [], "taskQueues": [],
        });
        change(&mut facts);
        facts
    }

    #[test]
    fn facts_that_are_within_bounds_stay_as_they_are() {
        let json = serde_json::to_string(&host()).unwrap();
        assert_eq!(facts::<HostFacts>(&json).unwrap(), host());
        let mut large = host();
        large.memory_bytes.value = Some(24 << 40);
        assert_eq!(
            facts::<HostFacts>(&serde_json::to_string(&large).unwrap()).unwrap(),
            large
        );
    }

    #[test]
    fn figures_texts_and_lists_have_bounds() {
        let value = workers(|facts| {
            facts["pollers"] = json!(format!("\u{1b}[2J{}", "é".repeat(TEXT_BYTES)));
            facts["identities"] = json!(vec!["w"; 500]);
            facts["activitiesPerSecond"] = json!(1e308);
            facts["stickyTimeoutMs"] = json!(u64::MAX);
        });
        let bounded: WorkerFacts = facts(&value.to_string()).unwrap();
        assert!(bounded.pollers.len() <= TEXT_BYTES && !bounded.pollers.contains('\u{1b}'));
        assert_eq!(bounded.identities.len(), FACTS_ENTRIES);
        assert_eq!(bounded.identities.last().unwrap(), "and 437 more");
        assert_eq!(bounded.activities_per_second, Some(FIGURE));
        assert_eq!(bounded.sticky_timeout_ms, Some(FIGURE as u64));
        assert!(facts::<WorkerFacts>("[1]").is_err());
    }

    #[test]
    fn a_status_has_bounds() {
        let mut told = wire::Status {
            cpu_cores: f64::NAN,
            cpu_share: 1e300,
            memory_bytes: u64::MAX,
            windows_dropped: u64::MAX,
            clock_offset_ns: Some(i64::MIN),
            clock_uncertainty_ns: u64::MAX,
            waiting_for: "x".repeat(9_999),
            ..Default::default()
        };
        status(&mut told);
        assert_eq!((told.cpu_cores, told.cpu_share), (0.0, FIGURE));
        assert_eq!(told.memory_bytes, BYTES as u64);
        assert_eq!(told.windows_dropped, FIGURE as u64);
        assert_eq!(told.clock_offset_ns, Some(-(told.clock_uncertainty_ns as i64)));
        // The last character says that it was cut.
        assert!((TEXT_BYTES - 4..=TEXT_BYTES).contains(&told.waiting_for.len()));
        let mut sound = wire::Status {
            cpu_cores: 3.5,
            memory_bytes: 7,
            ..Default::default()
        };
        status(&mut sound);
        assert_eq!((sound.cpu_cores, sound.memory_bytes), (3.5, 7));
    }

    proptest! {
        #[test]
        fn any_figure_is_one_that_is_read(bits: u64, whole: u64, below: i64) {
            prop_assert!(figure(f64::from_bits(bits)).abs() <= LARGEST_FIGURE);
            for number in [Some(Number::from(whole)), Some(below.into()), Number::from_f64(f64::from_bits(bits))] {
                let Some(number) = number else { continue };
                prop_assert!(bound_number(&number, BYTES).as_f64().unwrap().abs() <= LARGEST_FIGURE);
            }
        }
    }
}
