//! Outcome of a figure as it stands in a results file: values with their labels, or none and why.

use std::collections::BTreeMap;

use benchmark_results::{
    limits::LARGEST_FIGURE,
    schema::{FigureUnit, ServerFigure},
    text,
};

use crate::{
    answer::Sample,
    figure::{Absence, Figure, FigureKind, Keep},
    promql::{self, QueryWindow},
    table::BACKLOG,
};

/// Values of one figure at most: a hostile answer could have thousands.
const MOST: usize = 100;

/// Longest label, characters.
const LABEL: usize = 200;

/// Longest reason, characters.
const REASON: usize = 500;

/// What to set where it is absent although tasks wait.
const BACKLOG_IS_LATE: &str = "; a server tells the backlog of a task queue once a minute: matching.updateAckInterval, and \
    from 1.31 matching.backlogMetricsEmitInterval, set to 5s in its dynamic configuration, show it in shorter runs";

/// Labels and value.
pub(crate) type LabelledValues = Vec<(BTreeMap<String, String>, f64)>;

/// What a Prometheus at `source` answered to a figure's query. `is_known`: whether it knows requests of the namespace.
pub fn answered(
    figure: &Figure,
    asked: &QueryWindow,
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
pub fn unanswered(asked: &QueryWindow, source: &str, reason: &str) -> Vec<ServerFigure> {
    crate::FIGURES
        .iter()
        .flat_map(|figure| tell(figure, asked, source, Err(reason.to_owned())))
        .collect()
}

/// What it means that there are no series of a figure.
pub(crate) fn absent(figure: &Figure, asked: &QueryWindow, is_known: bool) -> Result<LabelledValues, String> {
    let series = figure.kind.series();
    if is_known
        && series.iter().all(|series| series.absent == Absence::Never)
        && matches!(figure.kind, FigureKind::Rate(_))
    {
        return Ok(vec![(BTreeMap::new(), 0.0)]);
    }
    let names: Vec<&str> = series
        .iter()
        .filter_map(|series| series.names.first().copied())
        .take(2)
        .collect();
    let late = if names.contains(&BACKLOG) { BACKLOG_IS_LATE } else { "" };
    Err(format!(
        "there are no series of {} for namespace {}{late}",
        names.join(" and "),
        asked.namespace
    ))
}

/// Labels no longer than a results file and its readers have use for.
fn short(labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let cut = |text: String| text::line(&text, LABEL);
    labels
        .into_iter()
        .map(|(name, value)| (cut(name), cut(value)))
        .collect()
}

/// The entries of a results file.
pub(crate) fn tell(
    figure: &Figure,
    asked: &QueryWindow,
    source: &str,
    found: Result<LabelledValues, String>,
) -> Vec<ServerFigure> {
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
    let none = |reason: String| vec![entry(BTreeMap::new(), None, Some(text::line(&reason, REASON)))];
    let mut found = match found {
        Ok(found) => found,
        Err(reason) => return none(reason),
    };
    // 0 ÷ 0, and quantiles of nothing; and what no results file may hold.
    found.retain(|(_, value)| value.abs() <= LARGEST_FIGURE);
    if found.is_empty() {
        return none(match figure.unit {
            FigureUnit::Milliseconds => "nothing was timed in the window".to_owned(),
            _ => "nothing was counted in the window".to_owned(),
        });
    }
    match figure.keep {
        Keep::All => {
            found.sort_by(|a, b| a.0.cmp(&b.0));
            found.truncate(MOST);
        }
        Keep::Largest(most) | Keep::Busiest(most) => {
            found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            found.truncate(most);
        }
    }
    found
        .into_iter()
        .map(|(labels, value)| entry(short(labels), Some(value), None))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::figure;

    fn asked() -> QueryWindow {
        QueryWindow {
            namespace: "n".to_owned(),
            matchers: None,
            window: Duration::from_secs(10),
        }
    }

    fn sample(label: &str, value: f64) -> Sample {
        Sample {
            labels: BTreeMap::from([("task_type".to_owned(), label.to_owned())]),
            value,
        }
    }

    fn told(name: &str, answer: Result<Vec<Sample>, String>, is_known: bool) -> Vec<ServerFigure> {
        answered(figure(name).unwrap(), &asked(), "http://p", answer, is_known)
    }

    #[test]
    fn an_answer_is_told_by_its_labels() {
        let figures = told("sync-match", Ok(vec![sample("b", 0.5), sample("a", 1.0)]), true);
        assert_eq!(figures[0].labels["task_type"], "a");
        assert_eq!((figures[1].value, figures[1].reason.as_deref()), (Some(0.5), None));
        let none = told("sync-match", Ok(vec![sample("a", f64::NAN)]), true);
        assert_eq!(none[0].reason.as_deref(), Some("nothing was counted in the window"));
        let refused = told("sync-match", Err("answered 500".to_owned()), true);
        assert_eq!(refused[0].reason.as_deref(), Some("answered 500"));
    }

    #[test]
    fn what_never_happened_is_none_only_where_the_server_is_known() {
        assert_eq!(told("exhausted-requests", Ok(vec![]), true)[0].value, Some(0.0));
        assert_eq!(told("exhausted-requests", Ok(vec![]), false)[0].value, None);
        assert_eq!(
            told("sql-pool", Ok(vec![]), true)[0].value,
            None,
            "other stores have none"
        );
    }

    #[test]
    fn a_backlog_that_is_not_told_yet_has_its_remedy() {
        let reason = |name| told(name, Ok(vec![]), true)[0].reason.clone().unwrap();
        for late in ["task-backlog-peak", "task-backlog-slope"] {
            assert!(reason(late).contains("matching.backlogMetricsEmitInterval"), "{late}");
        }
        assert!(!reason("open-polls").contains("matching."));
    }

    #[test]
    fn whatever_is_answered_can_be_written_and_read() {
        let many = (0..5_000).map(|n| sample(&n.to_string(), 1.0)).collect();
        assert_eq!(told("sync-match", Ok(many), true).len(), MOST);
        let huge = told("sync-match", Ok(vec![sample("a", 1e300)]), true);
        assert_eq!(huge[0].value, None);
        let long = told("sync-match", Ok(vec![sample(&"x".repeat(100_000), 1.0)]), true);
        assert!(long[0].labels["task_type"].chars().count() <= LABEL + 1);
        let reason = told("sync-match", Err("y".repeat(100_000)), true);
        assert!(reason[0].reason.as_ref().unwrap().chars().count() <= REASON + 1);
    }
}
