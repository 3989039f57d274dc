//! The page: head, sections in their order, foot.

use benchmark_results::{format, schema::Results};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    bottleneck, comparison, environment, errors_and_events, figures, flow, heat, judgement, members, over_time,
    percentiles,
    scene::{Drawn, Of, Scene},
    sides::Compared,
    text::{ends, is_web, short},
    theme,
};

/// Sections: anchor and name.
const SECTIONS: [(&str, &str); 10] = [
    ("checks", "Checks"),
    ("figures", "Figures"),
    ("load", "Load"),
    ("ends", "Completions and backlog"),
    ("heat", "Latency over time"),
    ("percentiles", "Percentiles"),
    ("troubles", "Lag, errors, events"),
    ("ledger", "Ledger"),
    ("fleet", "Fleet"),
    ("environment", "Environment and plan"),
];

/// The document. `left_out` is how many runs are beyond those that are drawn.
pub(super) fn document(scene: &Scene, left_out: usize, compared: Option<&Compared>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(theme::policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title(scene, compared)) }
                style { (PreEscaped(theme::page_css())) }
            }
            body {
                (head(scene, left_out, compared))
                main { (sections(scene, compared)) }
                footer {
                    "Made by run-benchmark from "
                    (match scene.runs.len() { 1 => "a results file".to_owned(), n => format!("{n} results files") })
                    ". Latencies count from the instant at which a start was due (response) or was sent (service). This page \
                     loads nothing from anywhere."
                }
                script { (PreEscaped(theme::SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn title(scene: &Scene, compared: Option<&Compared>) -> String {
    if let Some(compared) = compared {
        let compared = compared.comparison;
        return match &compared.candidates[..] {
            [only] => format!(
                "{} against {}",
                ends(&only.side.name, 40),
                ends(&compared.baseline.name, 40)
            ),
            several => format!("{} against {}", several.len(), ends(&compared.baseline.name, 40)),
        };
    }
    match (scene.only(), scene.runs.first()) {
        (Some(only), _) => ends(&only.results.run.id, 80),
        (None, Some(_)) => format!("{} runs", scene.runs.len()),
        (None, None) => "No run".into(),
    }
}

fn head(scene: &Scene, left_out: usize, compared: Option<&Compared>) -> Markup {
    html! {
        header {
            h1 { (title(scene, compared)) }
            p.kicker {
                @match scene.only() {
                    Some(run) => { (kicker(run.results)) }
                    None => { (scene.runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>().join(" · ")) }
                }
            }
            @if let Some(run) = scene.only() { (dashboard(run.results)) }
            // What was asked for comes before the runs that it rests on.
            @if let Some(compared) = compared { (comparison::comparison(compared)) }
            @if scene.runs.is_empty() { p.empty { "There is no result to report." } }
            @for run in &scene.runs { (judgement::banner(run, scene.only().is_none())) }
            @if left_out > 0 {
                p.note {
                    @match compared {
                        Some(_) => { "Below stand " (scene.runs.len()) " runs, the first of each side in turn, and not "
                            (format::plural(left_out as u64, "more run")) "; strips, shifts and percentiles are of all." }
                        None => { "Colours can be told apart of " (scene.runs.len()) " runs: "
                            (format::plural(left_out as u64, "run")) " more were given and are left out." }
                    }
                }
            }
            @if !scene.runs.is_empty() {
                nav.nav aria-label="Sections" {
                    @if compared.is_some() { a href="#comparison" { "Comparison" } }
                    @for (id, name) in SECTIONS { a href={ "#" (id) } { (name) } }
                    a href="#again" { "Run it again" }
                }
            }
        }
    }
}

/// The link to the run on its board; what else a file may hold there is no link.
fn dashboard(results: &Results) -> Markup {
    let url = results.run.dashboard_url.as_deref().filter(|url| is_web(url));
    html! { @if let Some(url) = url { p.note { a href=(url) { "This run on its board in Grafana" } } } }
}

/// What was run where and when.
fn kicker(results: &Results) -> String {
    let load = &results.plan.load;
    let server = &results.environment.server;
    let times = if results.plan.iterations > 1 {
        format!(", {} times", results.plan.iterations)
    } else {
        String::new()
    };
    format!(
        "{} · {} for {}{times} · {} {} at {} · {}",
        results.plan.workload.kind.name(),
        format::rate(load.rate.per_second()),
        format::length(load.duration.as_secs_f64()),
        if server.embedded { "embedded server" } else { "server" },
        short(server.version.value.as_deref().unwrap_or("of unknown version"), 40),
        short(&server.address, 80),
        short(&results.run.started_at, 40),
    )
}

fn sections(scene: &Scene, compared: Option<&Compared>) -> Markup {
    let runs = 0..scene.runs.len();
    html! {
        @if !scene.runs.is_empty() {
            (section(0, each(scene, |run| html! { (judgement::checks(run)) (bottleneck::bottleneck(run)) })))
            (section(1, figures::headline(scene)))
            (section(2, over_time::rates(scene).figure()))
            (section(3, html! { (over_time::completions(scene).figure()) (over_time::backlog(scene).figure()) }))
            (section(4, html! {
                @for run in runs.clone() { (heat::map(scene, run, Of::End).figure()) }
                @for run in runs { (heat::map(scene, run, Of::Start).figure()) }
            }))
            (section(5, html! {
                (percentiles::plot(scene, compared, Of::End).figure()) (percentiles::plot(scene, compared, Of::Start).figure())
             }))
            (section(6, html! {
                (over_time::lag(scene).figure())
                (errors_and_events::plot(scene).figure())
                (each(scene, |run| html! { (errors_and_events::groups(run.results)) (errors_and_events::events(run)) }))
            }))
            (section(7, html! {
                p.note { "Every arrival of all phases ends in exactly one place." }
                (each(scene, |run| flow::flow(run.results)))
            }))
            (section(8, each(scene, members::members)))
            (section(9, environment::tables(scene)))
            section id="again" { h2 { "Run it again" } (each(scene, environment::again)) }
        }
    }
}

fn section(index: usize, content: Markup) -> Markup {
    let (id, name) = SECTIONS[index];
    html! { section id=(id) { h2 { (name) } (content) } }
}

/// The same for each run, under its name where there are several.
fn each(scene: &Scene, of: impl Fn(&Drawn) -> Markup) -> Markup {
    html! {
        @for run in &scene.runs {
            @if scene.only().is_none() { h3 { (figures::swatch(run)) } }
            (of(run))
        }
    }
}
