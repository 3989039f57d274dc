//! A comparison at the top of the page of its runs.

use maud::{Markup, html};

use crate::{
    compare::{Candidate, Comparison, Row, Verdict, figures},
    format::{NONE, plural},
};

/// The verdict in a sentence, and a table for each side that was compared.
pub(super) fn comparison(comparison: &Comparison) -> Markup {
    html! {
        section id="comparison" {
            h2 { "Comparison" }
            p { strong { (figures::outcome(comparison.outcome)) } "  " (figures::tally(comparison)) }
            @for candidate in &comparison.candidates { (table(comparison, candidate)) }
            @for remark in figures::noise(comparison) { p.note { "Noise: " (remark) } }
        }
    }
}

fn table(comparison: &Comparison, candidate: &Candidate) -> Markup {
    let (base, side) = (&comparison.baseline, &candidate.side);
    let runs = |count: usize| plural(count as u64, "run");
    html! {
        div.scroll {
            table {
                caption { (base.name) " against " (side.name) }
                thead {
                    tr {
                        th scope="col" { "metric" }
                        th scope="col" { (base.name) " (" (runs(base.runs.len())) ")" }
                        th scope="col" { (side.name) " (" (runs(side.runs.len())) ")" }
                        th scope="col" { "change" }
                        th scope="col" { "95 % interval" }
                        th scope="col" { "verdict" }
                    }
                }
                tbody {
                    @for line in candidate.rows.iter().filter(|row| row.primary) { (row(line, figures::word)) }
                }
            }
        }
        @for (about, remark) in figures::remarks(candidate.rows.iter()) { p.note { (about) ": " (remark) } }
        p.note { "Margin: " (figures::margins(candidate.rows.iter())) }
        @if !candidate.differences.is_empty() {
            p.note { "The sides differ in:" }
            ul {
                @for difference in &candidate.differences {
                    @let (key, values) = figures::difference(difference);
                    li { code { (key) } " " (values) }
                }
            }
        }
        details {
            summary { "Exploratory: each for itself, not corrected; decides nothing" }
            div.scroll {
                table {
                    tbody {
                        @for line in candidate.rows.iter().filter(|row| !row.primary) { (row(line, figures::short_word)) }
                    }
                }
            }
        }
    }
}

fn row(row: &Row, word: fn(Verdict) -> &'static str) -> Markup {
    let figure = |value: Option<f64>| value.map_or(NONE.into(), |value| row.metric.figure(value));
    html! {
        tr {
            th scope="row" { (row.metric.label()) }
            td { (figure(row.baseline)) }
            td { (figure(row.value)) }
            td { (figures::change(row.metric, row.change)) }
            td { (figures::interval(row.metric, row.interval.as_ref())) }
            td { (figures::mark(row)) " " (word(row.verdict)) }
        }
    }
}
