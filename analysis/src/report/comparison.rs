//! A comparison at the top of the page of its runs.
//!
//! What a reader wants first stands first: the outcome as a banner, then for each metric its change and verdict, and only
//! then both values: a narrow screen shows as much as it has room for, from the left.

use benchmark_results::format::{NONE, plural};
use maud::{Markup, html};

use super::{scene::Of, shift, sides::Compared, strip};
use crate::compare::{
    Arrangement, Candidate, Comparison, MetricRow, MetricVerdict, SideSummary, cells, excerpt,
    figures::{self, Tone},
};

/// Warnings that are shown; the runs of a comparison have the same few.
const WARNINGS: usize = 60;

/// The verdict as a banner, a table for each side that was compared, the values of all runs, the shift of the whole curve.
pub(super) fn comparison(compared: &Compared) -> Markup {
    let comparison = compared.comparison;
    html! {
        section id="comparison" {
            h2 { "Comparison" }
            @let (words, why, tone) = figures::banner(comparison);
            div class={ "verdict " (ground(tone)) } {
                div.word { (words) }
                div.why {
                    (why)
                    @if let Some(warning) = comparison.warning() { small { (warning) } }
                }
            }
            @for candidate in &comparison.candidates { (table(comparison, candidate)) }
            @if let Some(remark) = figures::looking_again(comparison) { p.note { "More runs: " (remark) } }
            @for remark in figures::noise(comparison) { p.note { "Noise: " (remark) } }
            @for remark in &comparison.disturbed { p.note { strong { "Machine: " } (remark) } }
            (warnings(comparison))
            (strip::strips(compared))
            (shift::plot(compared, Of::End).figure())
            (shift::plot(compared, Of::Start).figure())
        }
    }
}

/// What the runs warn of themselves, those that are not drawn below too.
fn warnings(comparison: &Comparison) -> Markup {
    let summaries = comparison.candidates.iter().map(|candidate| &candidate.side);
    let all: Vec<&String> = [&comparison.baseline]
        .into_iter()
        .chain(summaries)
        .flat_map(|side| &side.warnings)
        .collect();
    html! {
        @if !all.is_empty() {
            details {
                summary { (plural(all.len() as u64, "warning")) " of the runs" }
                ul {
                    @for warning in all.iter().take(WARNINGS) { li { (warning) } }
                    @if all.len() > WARNINGS { li { "and " (all.len() - WARNINGS) " more, in the JSON" } }
                }
            }
        }
    }
}

fn table(comparison: &Comparison, candidate: &Candidate) -> Markup {
    let (base, side) = (&comparison.baseline, &candidate.side);
    html! {
        h3 { (excerpt::shortened(&side.name)) " against " (excerpt::shortened(&base.name)) }
        div.scroll {
            table {
                (head(base, side, "verdict"))
                tbody {
                    @for line in candidate.rows.iter().filter(|row| row.primary) { (row(line, &verdict(line))) }
                }
            }
        }
        @for (about, remark) in figures::remarks(candidate.rows.iter()) { p.note { (about) ": " (remark) } }
        @for said in candidate.gate.iter().flat_map(figures::gate) { p.note { "Gate: " (said) } }
        @if let Some(resolution) = &candidate.resolution { p.note { "Resolution: " (resolution.to_string()) } }
        @for (line, said) in candidate.rows.iter().filter_map(|row| Some((row, figures::without_odd(row)?))) {
            p.note { (line.metric.label()) ": " (said) }
        }
        @for guard in &candidate.guards {
            p.note { strong { "Guard " (figures::guard(guard.standing)) ": " } (guard.name) ": " (guard.text) }
        }
        p.note {
            "A change within the margin makes no difference: " (figures::margins(candidate.rows.iter())) "."
            @if candidate.arrangement == Arrangement::Turns { " The runs took turns and are compared pair by pair, so that drift cancels." }
        }
        @if !candidate.differences.is_empty() {
            p.note {
                "The sides differ in "
                @for (index, difference) in candidate.differences.iter().enumerate() {
                    @let (key, values) = figures::difference(difference);
                    @if index > 0 { "; " }
                    code { (key) } " " (values.replace(" -> ", " → "))
                }
            }
        }
        details {
            summary { (cells::EXPLORATORY) }
            div.scroll {
                table {
                    (head(base, side, ""))
                    tbody {
                        @for line in candidate.rows.iter().filter(|row| !row.primary) { (row(line, &hint(line))) }
                    }
                }
            }
        }
    }
}

fn head(base: &SideSummary, side: &SideSummary, said: &str) -> Markup {
    let of = |side: &SideSummary| {
        let runs = plural(side.runs.len() as u64, "run");
        html! { th scope="col" { (excerpt::shortened(&side.name)) " (" (runs) ")" } }
    };
    html! {
        thead {
            tr {
                th scope="col" { "metric" }
                th scope="col" { "change" }
                th.text scope="col" { (said) }
                th scope="col" { "interval" }
                (of(base))
                (of(side))
                th scope="col" { "absolute" }
                th scope="col" { "confidence" }
                th scope="col" { "p" }
                th scope="col" { "n" }
            }
        }
    }
}

fn row(row: &MetricRow, said: &Markup) -> Markup {
    let figure = |value: Option<f64>| value.map_or(NONE.into(), |value| row.metric.figure(value));
    // A terminal needs blanks to align the figures, and a table aligns them itself.
    let interval = figures::interval(row.metric, row.interval.as_ref())
        .replace(' ', "")
        .replace(',', ", ");
    html! {
        tr {
            th scope="row" { (row.metric.label()) }
            td { (figures::change(row.metric, row.change)) }
            td.text { (said) }
            td.sub { (interval) }
            td { (figure(row.baseline)) }
            td { (figure(row.value)) }
            td { (cells::absolute(row)) }
            td.sub { (cells::confidence(row)) }
            td.sub { (cells::p(row)) }
            td.sub { (cells::runs(row)) }
        }
    }
}

/// What is said of a row that decides.
fn verdict(row: &MetricRow) -> Markup {
    html! { span class={ "tag " (ink(row.verdict)) } { (figures::mark(row)) " " (figures::word(row.verdict)) } }
}

/// What one that decides nothing shows: in other words, and without a colour.
fn hint(row: &MetricRow) -> Markup {
    html! { span.hint { (cells::hint(row)) } }
}

/// The class of the banner.
fn ground(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "bad",
        Tone::Good => "good",
        Tone::Doubtful => "warn",
    }
}

/// The class of a verdict. Its sign and its word say the same without colour.
fn ink(verdict: MetricVerdict) -> &'static str {
    match verdict {
        MetricVerdict::Improved | MetricVerdict::SlightlyBetter => "good",
        MetricVerdict::Regressed => "bad",
        MetricVerdict::SlightlyWorse | MetricVerdict::Open => "warn",
        MetricVerdict::Equivalent | MetricVerdict::NoVerdict => "none",
    }
}
