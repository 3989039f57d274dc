//! The headline figures: cards for one run, a row for each of several, and the table of latencies.
//!
//! An INVALID run shows none: they would be read as the cluster's.

use benchmark_results::{
    format::{self, NONE, count, maybe_ms, maybe_rate, rate},
    schema::{CompletionSource, Iteration, Latencies, Latency, Results, VerdictValue},
};
use maud::{Markup, html};

use super::{
    plot::scrolling,
    scene::{Drawn, Scene},
    theme,
};

/// Iterations that are shown; the file has all of them.
const ITERATIONS: usize = 50;

/// Whether the figures of a run may be shown.
fn is_shown(results: &Results) -> bool {
    results.verdict.value != VerdictValue::Invalid
}

pub(super) fn headline(scene: &Scene) -> Markup {
    html! {
        @if let Some(run) = scene.only() {
            @if is_shown(run.results) { (cards(run.results)) } @else { (withheld()) }
        } @else {
            (runs(scene))
        }
        @for run in &scene.runs {
            @if is_shown(run.results) {
                @if scene.only().is_none() { h3 { (swatch(run)) } }
                (latencies(run.results))
                (iterations(run.results))
            } @else if scene.only().is_none() {
                h3 { (swatch(run)) }
                (withheld())
            }
        }
    }
}

fn withheld() -> Markup {
    html! {
        p.empty {
            "An invalid run has no headline figures: they would describe the generator or the fleet and be read as the \
             cluster's. The plots below are there to find the cause."
        }
    }
}

/// The name of a run beside its colour.
pub(super) fn swatch(run: &Drawn) -> Markup {
    html! {
        span.run {
            svg class=(run.class) width="12" height="12" aria-hidden="true" { rect.fill width="12" height="12" rx="3" {} }
            (run.name)
        }
    }
}

struct Card {
    what: &'static str,
    figure: String,
    beside: String,
}

fn cards(results: &Results) -> Markup {
    let measure = &results.phases.measure;
    let (start, end) = (
        &measure.latencies.start_response.accepted,
        &measure.latencies.e2e_response.completed.of_accepted(&measure.ledger),
    );
    let bound = match results.verdict.value {
        VerdictValue::Overloaded => "a lower bound: the cluster refused more",
        _ => "completed while measuring",
    };
    let against = |latency: &Latency, service: &Latency| match (latency.p50, service.p99) {
        (Some(p50), Some(p99)) => format!("p50 {}, service p99 {}", format::ms(p50), format::ms(p99)),
        (Some(p50), None) => format!("p50 {}", format::ms(p50)),
        _ => latency.at_worst(),
    };
    let errors = measure.ledger.error_ratio();
    let all = [
        Card {
            what: "started",
            figure: maybe_rate(measure.start_rate),
            beside: format!("of {} asked", rate(results.plan.load.rate.per_second())),
        },
        Card {
            what: "throughput",
            figure: maybe_rate(measure.completion_rate),
            beside: bound.into(),
        },
        Card {
            what: "start p99",
            figure: maybe_ms(start.p99),
            beside: against(start, &measure.latencies.start_service.accepted),
        },
        Card {
            what: "end to end p99",
            figure: maybe_ms(end.p99),
            beside: against(
                end,
                &measure.latencies.e2e_service.completed.of_accepted(&measure.ledger),
            ),
        },
        Card {
            what: "errors",
            figure: errors.map_or_else(|| NONE.into(), format::percent),
            beside: format!("of {}", format::plural(measure.ledger.arrivals, "measured arrival")),
        },
    ];
    html! {
        div.cards {
            @for card in &all {
                div.card { p.what { (card.what) } p.figure { (card.figure) } p.beside { (card.beside) } }
            }
        }
    }
}

/// One row for each run.
fn runs(scene: &Scene) -> Markup {
    let heads = [
        "asked",
        "started",
        "completed",
        "start p50",
        "start p99",
        "e2e p50",
        "e2e p99",
        "errors",
    ];
    html! {
        (scrolling(&html! {
            th scope="col" { "run" } th.text scope="col" { "verdict" }
            @for head in heads { th scope="col" { (head) } }
        }, &html! {
            @for run in &scene.runs {
                @let (word, sign, class) = theme::verdict(run.results.verdict.value);
                tr {
                    th scope="row" { (swatch(run)) }
                    td.text { span class={ "tag " (class) } { (sign) " " (word) } }
                    @for cell in row(run.results) { td { (cell) } }
                }
            }
        }))
    }
}

/// Asked, started, completed; p50 and p99 of start and end to end; errors. All but what was asked are withheld of an INVALID
/// run.
pub(super) fn row(results: &Results) -> [String; 8] {
    let measure = &results.phases.measure;
    let (start, end) = (
        &measure.latencies.start_response.accepted,
        &measure.latencies.e2e_response.completed.of_accepted(&measure.ledger),
    );
    let figure = |text: String| if is_shown(results) { text } else { NONE.into() };
    [
        rate(results.plan.load.rate.per_second()),
        figure(maybe_rate(measure.start_rate)),
        figure(maybe_rate(measure.completion_rate)),
        figure(maybe_ms(start.p50)),
        figure(maybe_ms(start.p99)),
        figure(maybe_ms(end.p50)),
        figure(maybe_ms(end.p99)),
        figure(
            measure
                .ledger
                .error_ratio()
                .map_or_else(|| NONE.into(), format::percent),
        ),
    ]
}

/// The five latencies of a phase: name, distribution, whether it is what a caller sees.
pub(super) fn named(latencies: &Latencies) -> [(&'static str, &Latency); 5] {
    [
        ("start response", &latencies.start_response.accepted),
        ("start service", &latencies.start_service.accepted),
        ("end to end response", &latencies.e2e_response.completed),
        ("end to end service", &latencies.e2e_service.completed),
        ("lag", &latencies.lag),
    ]
}

fn latencies(results: &Results) -> Markup {
    html! {
        (scrolling(&html! {
            th scope="col" { "latency" }
            @for head in ["p50", "p90", "p99", "p99.9", "max", "samples"] { th scope="col" { (head) } }
        }, &html! {
            @for (name, latency) in named(&results.phases.measure.latencies) {
                tr {
                    th scope="row" { (name) }
                    @for value in [latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max] {
                        td { (maybe_ms(value)) }
                    }
                    td { (count(latency.count)) }
                }
            }
        }))
        @if results.reconciliation.source == CompletionSource::Visibility {
            p.note { "End to end: from " (format::plural(results.reconciliation.sampled, "sampled workflow"))
                ", long-polled; no worker of this run stamps ends." }
        }
    }
}

/// Each iteration in a row, when there are several.
fn iterations(results: &Results) -> Markup {
    let cells = |iteration: &Iteration| {
        let measure = &iteration.phases.measure;
        let end = measure.latencies.e2e_response.completed.of_accepted(&measure.ledger);
        let shown = iteration.verdict.value != VerdictValue::Invalid;
        let figures = [
            maybe_rate(measure.start_rate),
            maybe_rate(measure.completion_rate),
            maybe_ms(measure.latencies.start_response.accepted.p99),
            maybe_ms(end.p50),
            maybe_ms(end.p99),
        ];
        figures.map(|text| if shown { text } else { NONE.to_owned() })
    };
    let more = results.iterations.len().saturating_sub(ITERATIONS);
    html! {
        @if results.iterations.len() > 1 {
            (scrolling(&html! {
                th scope="col" { "iteration" } th.text scope="col" { "verdict" }
                @for head in ["started", "completed", "start p99", "e2e p50", "e2e p99"] { th scope="col" { (head) } }
            }, &html! {
                @for iteration in results.iterations.iter().take(ITERATIONS) {
                    @let (word, sign, class) = theme::verdict(iteration.verdict.value);
                    tr {
                        th scope="row" { (iteration.index) }
                        td.text { span class={ "tag " (class) } { (sign) " " (word) } }
                        @for cell in cells(iteration) { td { (cell) } }
                    }
                }
            }))
            @if more > 0 { p.note { "and " (format::plural(more as u64, "iteration")) " more in the results file" } }
        }
    }
}
