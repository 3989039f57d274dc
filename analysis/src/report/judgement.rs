//! The verdict of each run, then its checks: what is wrong first, each with its remedy; what passed is folded away.

use benchmark_results::{
    format,
    schema::{Check, CheckStatus, Results, VerdictValue},
    summary::cut_short_after,
};
use maud::{Markup, html};

use super::{plot::scrolling, scene::Drawn, text::short, theme};

/// Longest text of a check that is shown, characters.
const TEXT: usize = 1_000;
/// Checks that are shown; a sound file has about thirty.
const CHECKS: usize = 200;

/// The verdict as a banner. Its name stands in it where there are several runs.
pub(super) fn banner(run: &Drawn, several: bool) -> Markup {
    let results = run.results;
    let (word, sign, class) = theme::verdict(results.verdict.value);
    html! {
        div class={ "verdict " (class) } {
            div.word { span aria-hidden="true" { (sign) " " } (word) }
            div.why {
                @if several { strong { (run.name) ": " } }
                (short(&results.verdict.headline, TEXT))
                @if let Some(ended) = cut_short_after(results) {
                    small { (short(&ended, 160)) }
                }
                @if !results.complete {
                    small { "partial: the run was going on, or was killed, when this was written" }
                }
            }
        }
    }
}

/// Problems, thresholds, and what passed.
pub(super) fn checks(run: &Drawn) -> Markup {
    let results = run.results;
    let checks: Vec<&Check> = results.verdict.checks.iter().take(CHECKS).collect();
    let is_problem = |check: &&Check| check.status >= CheckStatus::Warning;
    let (mut problems, quiet): (Vec<&Check>, Vec<&Check>) = checks.into_iter().partition(is_problem);
    problems.sort_by_key(|check| std::cmp::Reverse(check.status));
    let passed = quiet.iter().filter(|check| check.status == CheckStatus::Pass).count();
    html! {
        @if !problems.is_empty() { ul.checks { @for check in &problems { (problem(check)) } } }
        (thresholds(results))
        @if !quiet.is_empty() {
            details {
                summary {
                    (format::plural(passed as u64, "check")) " passed"
                    @if quiet.len() > passed { ", " (quiet.len() - passed) " could not be made" }
                }
                (scrolling(&html! {
                    th scope="col" { "check" } th.text scope="col" { "status" } th.text scope="col" { "measured" }
                    th.text scope="col" { "limit" }
                }, &html! {
                    @for check in &quiet {
                        @let (word, sign, class) = theme::status(check.status);
                        tr {
                            th scope="row" { (name(check)) }
                            td.text { span class={ "tag " (class) } { (sign) " " (word) } }
                            td.text { (short(&check.value, TEXT)) }
                            td.text.sub { (short(&check.limit, TEXT)) }
                        }
                    }
                }))
            }
        }
    }
}

fn problem(check: &Check) -> Markup {
    let (word, sign, class) = theme::status(check.status);
    html! {
        li class=(class) {
            div.name { (name(check)) span class={ "tag " (class) } { (sign) " " (word) } }
            p { (short(&check.value, TEXT)) " " span.limit { "· limit " (short(&check.limit, TEXT)) } }
            @if !check.remedy.is_empty() { p.remedy { (short(&check.remedy, TEXT)) } }
        }
    }
}

fn name(check: &Check) -> String {
    short(&check.name.replace('-', " "), 60)
}

fn thresholds(results: &Results) -> Markup {
    if results.verdict.value == VerdictValue::Invalid {
        return html! { p.note { "The thresholds are not judged: an invalid run has measured nothing." } };
    }
    html! {
        @if !results.outcome.thresholds.is_empty() {
            (scrolling(&html! {
                th scope="col" { "threshold" } th.text scope="col" { "" } th.text scope="col" { "measured" }
                th.text scope="col" { "asked" }
            }, &html! {
                @for threshold in results.outcome.thresholds.iter().take(CHECKS) {
                    tr {
                        th scope="row" { (short(&threshold.name, 60)) }
                        td.text {
                            @if threshold.met { span.tag.good { "✓ met" } } @else { span.tag.bad { "✕ not met" } }
                        }
                        td.text { (short(&threshold.measured, TEXT)) }
                        td.text.sub { (short(&threshold.required, TEXT)) }
                    }
                }
            }))
        }
    }
}
