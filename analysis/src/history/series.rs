//! Series of runs, those that may be shown as one line over time: the same plan in the same surroundings.

use serde::Serialize;
use serde_json::Value;

use super::{
    changes::{self, Change, Examined, HistoryMetric},
    run::RunRow,
};
use crate::compare::conditions::{self, SEED, covers};

/// Runs of one plan in one environment, in the order of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSeries {
    /// From 1, in the order of the first run.
    pub number: usize,
    /// Its runs; never empty.
    pub runs: Vec<RunRow>,
    /// The earlier series that it is most like, and in what it differs from that; none for the first.
    pub differs: Option<SeriesDifference>,
    /// In how many of them changes of each figure were looked for.
    pub looked: Vec<Examined>,
    /// Where its figures change; empty with too few runs to tell.
    pub changes: Vec<Change>,
}

/// In what a series differs from an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesDifference {
    /// The number of the earlier series.
    pub from: usize,
    /// Each key, with its value there and here.
    pub keys: Vec<(String, String, String)>,
}

impl RunSeries {
    /// What is worse now than it was: the latest change of a figure, when that is for the worse. What was made good again by a
    /// later one is not.
    pub fn worse(&self) -> impl Iterator<Item = &Change> {
        let latest = |metric: HistoryMetric| self.changes.iter().rfind(|change| change.metric == metric);
        HistoryMetric::ALL
            .into_iter()
            .filter_map(latest)
            .filter(|change| change.worse)
    }

    /// Runs whose figures belong into a trend.
    pub fn counted(&self) -> impl Iterator<Item = &RunRow> {
        self.runs.iter().filter(|run| run.counts())
    }
}

/// Sorts runs by time into their series.
pub(super) fn of(mut runs: Vec<RunRow>) -> Vec<RunSeries> {
    runs.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
    let mut groups: Vec<Vec<RunRow>> = Vec::new();
    for run in runs {
        match groups.iter_mut().find(|group| group[0].is_like(&run)) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    let differences: Vec<Option<SeriesDifference>> =
        (0..groups.len()).map(|index| most_alike(&groups, index)).collect();
    (1..)
        .zip(groups.into_iter().zip(differences))
        .map(|(number, (runs, differs))| {
            let (looked, changes) = changes::of(&runs);
            RunSeries {
                number,
                looked,
                changes,
                runs,
                differs,
            }
        })
        .collect()
}

/// The earlier series from which this one differs least.
fn most_alike(groups: &[Vec<RunRow>], index: usize) -> Option<SeriesDifference> {
    (0..index)
        .map(|other| SeriesDifference {
            from: other + 1,
            keys: differences(&groups[other][0], &groups[index][0]),
        })
        .min_by_key(|difference| difference.keys.len())
}

fn differences(there: &RunRow, here: &RunRow) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    if there.plan_key != here.plan_key {
        // A plan always has a JSON form; without one there would be nothing to compare.
        let json = |run: &RunRow| serde_json::to_value(&run.plan).unwrap_or_default();
        compare("plan", &json(there), &json(here), &mut all);
        let ignored = |key: &str| conditions::IGNORED.iter().any(|(ignored, _)| covers(ignored, key));
        all.retain(|(key, ..)| key != SEED && !ignored(key));
    }
    for (key, there, here) in there.differing(here) {
        all.push((format!("environment.{key}"), there.to_owned(), here.to_owned()));
    }
    all
}

fn compare(at: &str, there: &Value, here: &Value, into: &mut Vec<(String, String, String)>) {
    match (there, here) {
        (Value::Object(one), Value::Object(other)) => {
            let missing = Value::Null;
            let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
            for key in keys {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).unwrap_or(&missing).clone();
                compare(&format!("{at}.{key}"), &of(one), &of(other), into);
            }
        }
        (there, here) if there != here => into.push((at.to_owned(), plain(there), plain(here))),
        _ => {}
    }
}

/// A value as a person writes it: texts without quotation marks, at most 60 characters.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    benchmark_results::text::line(&text, 60)
}
