//! From what was found to what stands in a results file: values with their labels, or none and why.

use std::collections::BTreeMap;

use benchmark_results::schema::{FigureUnit, ServerFigure};

use crate::{
    answer::Sample,
    figure::{Counted, Figure, Keep, Kind},
    promql::{self, Asked},
};

/// Labels and value.
pub(crate) type Found = Vec<(BTreeMap<String, String>, f64)>;

/// What a Prometheus at `source` answered to a figure's query. `is_known`: whether it knows requests of the namespace.
pub fn answered(
    figure: &Figure,
    asked: &Asked,
    source: &str,
    answer: Result<Vec<Sample>, String>,
    is_known: bool,
) -> Vec<ServerFigure> {
    let found = answer.and_then(|samples| {
        if samples.is_empty() {
            return absent(figure, asked, is_known);
        }
        Ok(samples
            .into_iter()
            .map(|sample| (sample.labels, sample.value))
            .collect())
    });
    tell(figure, asked, source, found)
}

/// All figures, none of which could be had.
pub fn unanswered(asked: &Asked, source: &str, reason: &str) -> Vec<ServerFigure> {
    crate::FIGURES
        .iter()
        .flat_map(|figure| tell(figure, asked, source, Err(reason.to_owned())))
        .collect()
}

/// What it means that there are no series of a figure.
pub(crate) fn absent(figure: &Figure, asked: &Asked, is_known: bool) -> Result<Found, String> {
    let series = figure.kind.series();
    if is_known && series.iter().all(|series| series.absent == Counted::Never) && matches!(figure.kind, Kind::Rate(_)) {
        return Ok(vec![(BTreeMap::new(), 0.0)]);
    }
    let names: Vec<&str> = series
        .iter()
        .filter_map(|series| series.names.first().copied())
        .take(2)
        .collect();
    Err(format!(
        "there are no series of {} for namespace {}",
        names.join(" and "),
        asked.namespace
    ))
}

/// The entries of a results file.
pub(crate) fn tell(figure: &Figure, asked: &Asked, source: &str, found: Result<Found, String>) -> Vec<ServerFigure> {
    let query = promql::query(figure, asked);
    let entry = |labels, value, reason| ServerFigure {
        name: figure.name.to_owned(),
        labels,
        value,
        unit: figure.unit,
        query: query.clone(),
        source: source.to_owned(),
        reason,
    };
    let none = |reason: String| vec![entry(BTreeMap::new(), None, Some(reason))];
    let mut found = match found {
        Ok(found) => found,
        Err(reason) => return none(reason),
    };
    // 0 ÷ 0, and quantiles of nothing.
    found.retain(|(_, value)| value.is_finite());
    if found.is_empty() {
        return none(match figure.unit {
            FigureUnit::Milliseconds => "nothing was timed in the window".to_owned(),
            _ => "nothing was counted in the window".to_owned(),
        });
    }
    match figure.keep {
        Keep::All => found.sort_by(|a, b| a.0.cmp(&b.0)),
        Keep::Largest(most) | Keep::Busiest(most) => {
            found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            found.truncate(most);
        }
    }
    found
        .into_iter()
        .map(|(labels, value)| entry(labels, Some(value), None))
        .collect()
}
