//! Cells of a comparison's table: what it says of a row beside its values and its verdict: the same in Markdown and on
//! the page.

use benchmark_results::format::{NONE, percent};

use super::{comparison::MetricRow, metric::ChangeScale};

/// What stands above the rows that decide nothing.
pub(crate) const EXPLORATORY: &str = "Exploratory: each for itself, not corrected; decides nothing";

/// The change in the metric's own unit, with its sign: `+9.1ms`. A share's change is in its own unit as it is.
pub(crate) fn absolute(row: &MetricRow) -> String {
    match row.absolute_change.filter(|_| row.metric.scale() == ChangeScale::Ratio) {
        Some(difference) => {
            let sign = if difference < 0.0 { '-' } else { '+' };
            format!("{sign}{}", row.metric.figure(difference.abs()))
        }
        None => NONE.into(),
    }
}

/// The confidence of the row's interval: `97.5 %`.
pub(crate) fn confidence(row: &MetricRow) -> String {
    match row.interval {
        Some(_) => percent(row.confidence),
        None => NONE.into(),
    }
}

/// p of no change, of primary metrics Holm-corrected: `0.032`, `< 0.001`.
pub(crate) fn p(row: &MetricRow) -> String {
    match row.adjusted_p.or(row.p) {
        Some(p) if p < 0.000_95 => "< 0.001".into(),
        Some(p) if p < 0.0995 => format!("{p:.3}"),
        Some(p) => format!("{p:.2}"),
        None => NONE.into(),
    }
}

/// Runs that the row rests on: `5 v 5`.
pub(crate) fn runs(row: &MetricRow) -> String {
    match (row.baseline_values.len(), row.values.len()) {
        (0, _) | (_, 0) => NONE.into(),
        (first, second) => format!("{first} v {second}"),
    }
}

/// What an exploratory row shows, with a sign: where it went, which is no verdict.
pub(crate) fn hint(row: &MetricRow) -> &'static str {
    let Some(interval) = row.interval.as_ref().filter(|_| row.p.is_some()) else {
        return "";
    };
    match row.equivalence_interval {
        _ if interval.low > 0.0 => "▲ higher",
        _ if interval.high < 0.0 => "▼ lower",
        Some(inner) if inner.lies_within(&row.margin) => "= alike",
        _ => "",
    }
}
