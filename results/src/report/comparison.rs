//! A comparison at the top of the page of its runs.
//!
//! What a reader wants first stands first: the outcome as a banner, then for each metric its change and verdict, and only
//! then both values: a narrow screen shows as much as it has room for, from the left.

use maud::{Markup, html};

use crate::{
    compare::{Candidate, Comparison, Outcome, Row, SideSummary, Verdict, figures},
    format::{NONE, plural},
};

/// The verdict as a banner, and a table for each side that was compared.
pub(super) fn comparison(comparison: &Comparison) -> Markup {
    html! {
        section id="comparison" {
            h2 { "Comparison" }
            div class={ "verdict " (ground(comparison.outcome)) } {
                div.word { (figures::outcome(comparison.outcome)) }
                div.why { (figures::tally(comparison)) }
            }
            @for candidate in &comparison.candidates { (table(comparison, candidate)) }
            @for remark in figures::noise(comparison) { p.note { "Noise: " (remark) } }
            @for remark in &comparison.disturbed { p.note { strong { "Machine: " } (remark) } }
        }
    }
}

fn table(comparison: &Comparison, candidate: &Candidate) -> Markup {
    let (base, side) = (&comparison.baseline, &candidate.side);
    html! {
        h3 { (figures::shortened(&side.name)) " against " (figures::shortened(&base.name)) }
        div.scroll {
            table {
                (head(base, side))
                tbody {
                    @for line in candidate.rows.iter().filter(|row| row.primary) { (row(line, figures::word)) }
                }
            }
        }
        @for (about, remark) in figures::remarks(candidate.rows.iter()) { p.note { (about) ": " (remark) } }
        @for guard in &candidate.guards {
            p.note { strong { "Guard " (figures::guard(guard.standing)) ": " } (guard.name) ": " (guard.text) }
        }
        p.note {
            "A change within the margin makes no difference: " (figures::margins(candidate.rows.iter())) "."
            @if candidate.paired { " The runs took turns and are compared pair by pair, so that drift cancels." }
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
            summary { "Exploratory: each for itself, not corrected; decides nothing" }
            div.scroll {
                table {
                    (head(base, side))
                    tbody {
                        @for line in candidate.rows.iter().filter(|row| !row.primary) { (row(line, figures::short_word)) }
                    }
                }
            }
        }
    }
}

fn head(base: &SideSummary, side: &SideSummary) -> Markup {
    let of = |side: &SideSummary| {
        let runs = plural(side.runs.len() as u64, "run");
        html! { th scope="col" { (figures::shortened(&side.name)) " (" (runs) ")" } }
    };
    html! {
        thead {
            tr {
                th scope="col" { "metric" }
                th scope="col" { "change" }
                th.text scope="col" { "verdict" }
                th scope="col" { "95 % interval" }
                (of(base))
                (of(side))
            }
        }
    }
}

fn row(row: &Row, word: fn(Verdict) -> &'static str) -> Markup {
    let figure = |value: Option<f64>| value.map_or(NONE.into(), |value| row.metric.figure(value));
    // A terminal needs blanks to align the figures, and a table aligns them itself.
    let interval = figures::interval(row.metric, row.interval.as_ref())
        .replace(' ', "")
        .replace(',', ", ");
    html! {
        tr {
            th scope="row" { (row.metric.label()) }
            td { (figures::change(row.metric, row.change)) }
            td.text { span class={ "tag " (ink(row.verdict)) } { (figures::mark(row)) " " (word(row.verdict)) } }
            td.sub { (interval) }
            td { (figure(row.baseline)) }
            td { (figure(row.value)) }
        }
    }
}

/// The class of the banner.
fn ground(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Regressed => "bad",
        Outcome::Improved | Outcome::Equivalent => "good",
        Outcome::Inconclusive | Outcome::NoVerdict => "warn",
    }
}

/// The class of a verdict. Its sign and its word say the same without colour.
fn ink(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Improved => "good",
        Verdict::Regressed => "bad",
        Verdict::Inconclusive => "warn",
        Verdict::Equivalent | Verdict::NoVerdict => "none",
    }
}
