//! Bottleneck: what kept a run from being faster, and the server's figures that tell so.

use benchmark_results::{
    diagnosis::{self, Diagnosis, Finding},
    format,
    schema::{Results, ServerFigure},
};
use maud::{Markup, html};

use super::{plot::scrolling, scene::Drawn, text::short};

/// Longest text that is shown, characters.
const TEXT: usize = 1_000;
/// Figures that are shown of all iterations together; one has about a hundred.
const FIGURES: usize = 300;

/// The diagnosis and the figures; nothing where they were not read.
pub(super) fn bottleneck(run: &Drawn) -> Markup {
    let results = run.results;
    if results.server_figures.is_empty() {
        return html! {};
    }
    html! {
        @match diagnosis::diagnose(results) {
            Diagnosis::NotAsked => {},
            Diagnosis::Unknown(reason) => { h3 { "Bottleneck" } p.note { "Not known: " (short(&reason, TEXT)) } },
            Diagnosis::Nothing => { h3 { "Bottleneck" } p { (capital(diagnosis::NOTHING)) "." } },
            Diagnosis::Found(findings) => {
                h3 { "Bottleneck" }
                ul.checks { @for finding in &findings { (found(finding)) } }
            },
        }
        @for problem in results.server_figures.iter().flat_map(|figures| &figures.problems).take(1) {
            p.note { (short(problem, TEXT)) }
        }
        (figures(results))
    }
}

fn found(finding: &Finding) -> Markup {
    html! {
        li.warn {
            div.name { (capital(&finding.headline)) }
            p { (finding.evidence.join("; ")) }
            p.remedy { (finding.remedy) }
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn figures(results: &Results) -> Markup {
    let all: Vec<(u32, &ServerFigure)> = results
        .server_figures
        .iter()
        .flat_map(|figures| figures.figures.iter().map(|figure| (figures.iteration, figure)))
        .collect();
    let several = results.server_figures.len() > 1;
    html! {
        details {
            summary { "the server's figures (" (format::count(all.len() as u64)) ")" }
            (scrolling(&html! {
                @if several { th scope="col" { "iteration" } }
                th scope="col" { "figure" } th.text scope="col" { "of" } th scope="col" { "value" }
                th.text scope="col" { "" }
            }, &html! {
                @for (iteration, figure) in all.iter().take(FIGURES) {
                    tr {
                        @if several { td { (iteration) } }
                        th scope="row" { (short(&figure.name.replace('-', " "), 60)) }
                        td.text { (short(&labels(figure), TEXT)) }
                        td { (figure.shown()) }
                        td.text.sub { (short(figure.reason.as_deref().unwrap_or(""), TEXT)) }
                    }
                }
            }))
            @if all.len() > FIGURES { p.note { "and " (all.len() - FIGURES) " more in the file" } }
        }
    }
}

fn labels(figure: &ServerFigure) -> String {
    let values: Vec<&str> = figure.labels.values().map(String::as_str).collect();
    values.join(" · ")
}
