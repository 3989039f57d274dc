//! Strip plots: the values of all runs of a primary metric, a strip for each side: what a mean hides is seen here.

use benchmark_results::format::{BEYOND, NONE};
use maud::{Markup, html};

use super::{
    plot::scrolling,
    scale::{Scale, percent, plain},
    sides::{Compared, PooledSide},
};
use crate::compare::{Candidate, Metric, MetricRow, excerpt};

/// Height of a strip, pixels.
const HEIGHT: f64 = 26.0;
/// Room for the marks of the axis, pixels.
const AXIS: f64 = 22.0;
/// Where the axis of values begins and ends, as a share of the strip: dots at its ends stay within.
const ENDS: (f64, f64) = (0.02, 0.98);
/// Where it ends when some values lie beyond every number: those stand at the end of the strip.
const BEFORE_BEYOND: f64 = 0.86;
/// A log axis where the largest value is so many times the smallest.
const FAR_APART: f64 = 20.0;

/// The strips of all primary metrics, and the values as a table.
pub(super) fn strips(compared: &Compared) -> Markup {
    let first = compared.comparison.candidates.first();
    let primary: Vec<&MetricRow> = first
        .iter()
        .flat_map(|first| &first.rows)
        .filter(|row| row.primary)
        .collect();
    html! {
        @if !primary.is_empty() {
            h3 { "The runs" }
            p.note {
                "Each dot is a run, each line the mean of its side."
                @if primary.iter().any(|row| row.odd.is_some()) {
                    " A run that lies far from the others of its side (three median absolute deviations) is hollow, and counts all the \
                     same."
                }
            }
            @for row in &primary { (strip(compared, row.metric)) }
            (table(compared, &primary))
        }
    }
}

/// A side's part of a metric.
struct Part<'a> {
    side: &'a PooledSide<'a>,
    /// The runs' ids.
    runs: &'a [String],
    values: &'a [f64],
    mean: Option<f64>,
    /// Which of them lie far from the others.
    odd: &'a [usize],
}

impl Part<'_> {
    /// The class of a run's dot.
    fn dot(&self, run: usize) -> &'static str {
        if self.odd.contains(&run) { "dot odd" } else { "dot" }
    }

    /// The value of a run, with what is odd of it.
    fn figure(&self, metric: Metric, run: usize, value: f64) -> String {
        let mark = if self.odd.contains(&run) { " (odd)" } else { "" };
        metric.figure(value) + mark
    }
}

/// The baseline's part, then the candidates'.
fn parts<'a>(compared: &'a Compared<'a>, metric: Metric) -> Vec<Part<'a>> {
    let comparison = compared.comparison;
    let row = |candidate: &'a Candidate| candidate.rows.iter().find(|row| row.metric == metric);
    let mut sides = compared.sides.iter();
    let base = comparison.candidates.first().and_then(row).zip(sides.next());
    let base = base.map(|(row, side)| Part {
        side,
        runs: &comparison.baseline.runs,
        values: &row.baseline_values,
        mean: row.baseline,
        odd: row.odd.as_ref().map_or(&[], |odd| &odd.baseline),
    });
    let others = comparison.candidates.iter().zip(sides).filter_map(|(candidate, side)| {
        let row = row(candidate)?;
        Some(Part {
            side,
            runs: &candidate.side.runs,
            values: &row.values,
            mean: row.value,
            odd: row.odd.as_ref().map_or(&[], |odd| &odd.values),
        })
    });
    base.into_iter().chain(others).collect()
}

fn strip(compared: &Compared, metric: Metric) -> Markup {
    let parts = parts(compared, metric);
    let all = || parts.iter().flat_map(|part| part.values).copied();
    let lowest = all().fold(f64::INFINITY, f64::min);
    let highest = all().filter(|value| *value != BEYOND).fold(f64::NEG_INFINITY, f64::max);
    let is_beyond = all().any(|value| value == BEYOND);
    let scale = match metric.is_latency() && highest > lowest * FAR_APART {
        true => Scale::latencies(lowest, highest),
        false => Scale::around(lowest.min(highest), highest),
    };
    let end = if is_beyond { BEFORE_BEYOND } else { ENDS.1 };
    let place = |value: f64| match value {
        BEYOND => ENDS.1,
        value => ENDS.0 + (end - ENDS.0) * scale.place(value),
    };
    let ticks = if highest.is_finite() { scale.ticks() } else { Vec::new() };
    html! {
        div.strips {
            div.metric { (metric.label()) }
            @for part in &parts {
                div.side { (excerpt::shortened(&part.side.name)) }
                svg class={ "strip " (part.side.class) } height=(plain(HEIGHT)) role="img"
                    aria-label={ (metric.label()) " of the runs of " (part.side.name) ". The figures stand in the table below." } {
                    line.grid x1="0" x2="100%" y1=(plain(HEIGHT / 2.0)) y2=(plain(HEIGHT / 2.0)) {}
                    @if let Some(mean) = part.mean {
                        line.mean x1=(percent(place(mean))) x2=(percent(place(mean))) y1="3" y2=(plain(HEIGHT - 3.0)) {}
                    }
                    @for (n, (value, run)) in part.values.iter().zip(part.runs).enumerate() {
                        circle class=(part.dot(n)) cx=(percent(place(*value))) cy=(plain(HEIGHT / 2.0)) r="4.5" {
                            title { (run) "  " (part.figure(metric, n, *value)) }
                        }
                    }
                }
            }
            div {}
            svg.strip height=(plain(AXIS)) aria-hidden="true" {
                @for tick in &ticks {
                    text.tick x=(percent(place(*tick))) y="14" text-anchor="middle" { (metric.figure(*tick)) }
                }
                @if is_beyond { text.tick x="100%" y="14" text-anchor="end" { (metric.figure(BEYOND)) } }
            }
        }
    }
}

fn table(compared: &Compared, primary: &[&MetricRow]) -> Markup {
    let of_metrics: Vec<Vec<Part>> = primary.iter().map(|row| parts(compared, row.metric)).collect();
    html! {
        details.data {
            summary { "Values of the runs" }
            (scrolling(&html! {
                th scope="col" { "side" }
                th.text scope="col" { "run" }
                @for row in primary { th scope="col" { (row.metric.label()) } }
            }, &html! {
                @for (index, side) in compared.sides.iter().enumerate() {
                    @for (n, run) in of_metrics.first().and_then(|parts| parts.get(index)).iter().flat_map(|part| part.runs).enumerate() {
                        tr {
                            td { (side.name) }
                            td.text { (excerpt::shortened(run)) }
                            @for (parts, row) in of_metrics.iter().zip(primary) {
                                td { (value_of(parts.get(index), row.metric, n)) }
                            }
                        }
                    }
                }
            }))
        }
    }
}

/// The value of a run, or a dash.
fn value_of(part: Option<&Part>, metric: Metric, run: usize) -> String {
    let value = part.and_then(|part| Some(part.figure(metric, run, *part.values.get(run)?)));
    value.unwrap_or_else(|| NONE.into())
}
