//! Errors and events over time: errors as bars, events as lines through them and as a list.

use std::fmt::Write;

use benchmark_results::{
    format,
    schema::{Results, Window},
};
use maud::{Markup, html};

use super::{
    course::{Column, Grid},
    path::line,
    plot::{Hit, LegendKey, Mark, Plot, Table, WIDTH, scrolling},
    scale::{self, Scale, coordinate},
    scene::{Drawn, Scene, moment, phase_name},
    text::short,
};

/// Height of the plot, pixels.
const HEIGHT: f64 = 150.0;
/// Errors that the axis has room for at least: they are whole numbers.
const FEWEST: f64 = 5.0;
/// Events that are listed and drawn of a run; the file has all of them.
const EVENTS: usize = 60;
/// Error groups that are listed of a run.
const GROUPS: usize = 20;
/// Workflow ids that are shown of a group.
const IDS: usize = 3;

/// A kind of error: name, colour, count of a window.
type Kind = (&'static str, &'static str, fn(&Window) -> Option<f64>);

const KINDS: [Kind; 4] = [
    ("dropped", "c6", |window| Some(window.dropped as f64)),
    ("rejected", "c1", |window| Some(window.rejected as f64)),
    ("unknown", "c4", |window| Some(window.unknown as f64)),
    ("failed", "c3", |window| window.failed.map(|count| count as f64)),
];

fn all(window: &Window) -> Option<f64> {
    Some(KINDS.iter().filter_map(|(.., count)| count(window)).sum())
}

/// Errors over time: by kind for one run, all kinds together for each of several.
pub(super) fn plot(scene: &Scene) -> Plot {
    let single = scene.only();
    let gather = |grid: Grid| -> Vec<Vec<Column>> {
        match single {
            Some(run) => (KINDS.iter().map(|(.., count)| run.course.gather(grid, count))).collect(),
            None => (scene.runs.iter().map(|run| run.course.gather(grid, all))).collect(),
        }
    };
    let columns = gather(scene.grid);
    let (mut plot, names) = match single {
        Some(run) => (
            by_kind(scene, run, &columns),
            KINDS.map(|(name, ..)| name.to_owned()).to_vec(),
        ),
        None => (
            by_run(scene, &columns),
            scene.runs.iter().map(|run| run.name.clone()).collect(),
        ),
    };
    plot.hits = hits(scene, &names, &columns);
    plot.table = table(scene, names, &gather(scene.rows));
    for run in &scene.runs {
        let mut path = String::new();
        for at in happened(run).into_iter().filter_map(|event| event.at) {
            if (0.0..=scene.grid.seconds()).contains(&at) {
                let _ = write!(path, "M{} 0v{HEIGHT}", coordinate(scene.share(at) * WIDTH));
            }
        }
        if !path.is_empty() {
            let class = if single.is_some() { "c0" } else { &run.class };
            plot.marks.push(Mark::new(format!("event {class}"), path));
            if single.is_some() {
                plot.legend.push(LegendKey::line(class, "event, listed below"));
            }
        }
    }
    plot
}

/// The numbers of one column, of each kind or run.
fn totals(columns: &[Vec<Column>], n: usize) -> Vec<f64> {
    columns.iter().map(|one| one[n].total().unwrap_or(0.0)).collect()
}

fn empty_plot(scene: &Scene, highest: f64) -> Plot {
    let step = scene.grid.step;
    let columns = if step > 1.0 {
        format!("{step} seconds in each column")
    } else {
        "second by second".into()
    };
    Plot {
        note: format!("Arrivals given up, starts refused or lost, and workflows that did not complete; {columns}."),
        y: Scale::linear(highest.max(FEWEST)),
        y_text: scale::short,
        ..Plot::new("errors", "Errors", HEIGHT).over_time(scene, &scene.all())
    }
}

/// Bars, a kind upon the other.
fn by_kind(scene: &Scene, run: &Drawn, columns: &[Vec<Column>]) -> Plot {
    let total = |n: usize| totals(columns, n).iter().sum::<f64>();
    let highest = (0..scene.grid.columns).map(total).fold(0.0, f64::max);
    let mut plot = empty_plot(scene, highest);
    if highest == 0.0 {
        let is_quiet = happened(run).is_empty();
        plot.empty = is_quiet.then(|| "None of it, and no other event.".into());
    }
    let width = WIDTH / scene.grid.columns as f64;
    let mut below = vec![0.0; scene.grid.columns];
    for ((name, class, _), columns) in KINDS.iter().zip(columns) {
        let mut path = String::new();
        for (n, column) in columns.iter().enumerate() {
            let count = column.total().unwrap_or(0.0);
            if count > 0.0 {
                let (bottom, top) = (plot.y.place(below[n]), plot.y.place(below[n] + count));
                // One error among thousands is still to be seen.
                let height = ((top - bottom) * HEIGHT).max(2.0);
                let [x, y, width, height] = [
                    n as f64 * width,
                    (1.0 - bottom) * HEIGHT - height,
                    (width - 0.3).max(2.0),
                    height,
                ]
                .map(coordinate);
                let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
                below[n] += count;
            }
        }
        if !path.is_empty() {
            plot.marks.push(Mark::new(format!("fill {class}"), path));
            plot.legend.push(LegendKey::area(*class, *name));
        }
    }
    plot
}

/// A line for each run.
fn by_run(scene: &Scene, columns: &[Vec<Column>]) -> Plot {
    let highest = columns.iter().flatten().filter_map(Column::total).fold(0.0, f64::max);
    let mut plot = empty_plot(scene, highest);
    let middle = |n: usize| (n as f64 + 0.5) / scene.grid.columns as f64;
    for (run, columns) in scene.runs.iter().zip(columns) {
        let place = |column: &Column| column.total().map(|count| plot.y.place(count));
        let points = columns.iter().enumerate().map(|(n, column)| (middle(n), place(column)));
        let path = line(points, HEIGHT, 0.004);
        plot.marks.push(Mark::new(format!("line {}", run.class), path));
        plot.legend.push(LegendKey::line(&run.class, &run.name));
    }
    plot
}

/// What each column says: its errors, of several runs those of each, and the first events in it.
fn hits(scene: &Scene, names: &[String], columns: &[Vec<Column>]) -> Vec<Hit> {
    let mut events: Vec<Vec<String>> = vec![Vec::new(); scene.grid.columns];
    for event in scene.runs.iter().flat_map(happened) {
        let Some(at) = event.at.filter(|at| (0.0..=scene.grid.seconds()).contains(at)) else {
            continue;
        };
        let here = &mut events[scene.grid.column(at)];
        if here.len() < 3 {
            here.push(format!("{}: {}", event.kind, short(&event.text, 80)));
        }
    }
    Hit::columns(scene.grid.columns, |n| {
        let mut said = vec![moment(scene.grid, n)];
        let counts = names.iter().zip(totals(columns, n));
        let told = counts.filter(|(_, count)| scene.only().is_none() || *count > 0.0);
        said.extend(told.map(|(name, count)| format!("{name}  {}", count_of(count))));
        if said.len() == 1 {
            said.push("no error".into());
        }
        said.extend(events[n].clone());
        said.join("\n")
    })
}

fn table(scene: &Scene, names: Vec<String>, columns: &[Vec<Column>]) -> Table {
    let rows = (0..scene.rows.columns)
        .map(|n| (n, totals(columns, n)))
        .filter(|(_, row)| row.iter().any(|count| *count > 0.0));
    let row = |(n, row): (usize, Vec<f64>)| {
        let cells = row.into_iter().map(count_of);
        std::iter::once(moment(scene.rows, n)).chain(cells).collect()
    };
    Table {
        rows: rows.map(row).collect(),
        head: std::iter::once("time".to_owned()).chain(names).collect(),
        note: "Only times at which there was an error.".into(),
    }
}

fn count_of(value: f64) -> String {
    format::count(value.max(0.0) as u64)
}

/// An event on the time axis of its run.
struct Happened {
    at: Option<f64>,
    kind: String,
    text: String,
}

fn happened(run: &Drawn) -> Vec<Happened> {
    let events = run.results.events.iter().take(EVENTS);
    events
        .map(|event| Happened {
            at: run.course.at(event.iteration, event.at_seconds),
            kind: short(&event.kind.replace('-', " "), 40),
            text: short(&event.message, 300),
        })
        .collect()
}

/// Events and changes of phase, in order of time.
pub(super) fn events(run: &Drawn) -> Markup {
    let mut list: Vec<(Happened, bool)> = happened(run).into_iter().map(|event| (event, false)).collect();
    for stretch in run.course.phases.iter().take(EVENTS) {
        let iteration = match run.course.is_repeated() {
            true => format!(" of iteration {}", stretch.iteration),
            false => String::new(),
        };
        let phase = Happened {
            at: Some(stretch.from),
            kind: phase_name(stretch.phase).into(),
            text: format!("begins{iteration}, {}", format::length(stretch.to - stretch.from)),
        };
        list.push((phase, true));
    }
    list.sort_by(|(a, _), (b, _)| a.at.unwrap_or(f64::MAX).total_cmp(&b.at.unwrap_or(f64::MAX)));
    let more = run.results.events.len().saturating_sub(EVENTS);
    html! {
        @if !list.is_empty() {
            h4 { "Events" }
            ol.events {
                @for (event, quiet) in &list {
                    li.quiet[*quiet] {
                        span.when { (event.at.map_or_else(|| format::NONE.into(), scale::clock)) }
                        span { (event.kind) }
                        span.said { (event.text) }
                    }
                }
            }
        }
        @if more > 0 { p.note { "and " (format::plural(more as u64, "event")) " more in the results file" } }
    }
}

/// Errors by operation and code, with examples.
pub(super) fn groups(results: &Results) -> Markup {
    let more = results.errors.len().saturating_sub(GROUPS);
    html! {
        @if !results.errors.is_empty() {
            h4 { "Errors by operation and code" }
            (scrolling(&html! {
                th scope="col" { "operation" } th scope="col" { "code" } th scope="col" { "count" }
                th.text scope="col" { "for example" }
            }, &html! {
                @for group in results.errors.iter().take(GROUPS) {
                    tr {
                        th scope="row" { (short(&group.operation, 60)) }
                        td { (short(&group.code, 60)) }
                        td { (format::count(group.count)) }
                        td.text {
                            @if let Some(example) = group.examples.first() { (short(&example.message, 240)) }
                            @for id in group.examples.iter().filter_map(|e| e.workflow_id.as_deref()).take(IDS) {
                                " " code { (short(id, 80)) }
                            }
                        }
                    }
                }
            }))
            @if more > 0 { p.note { "and " (format::plural(more as u64, "kind")) " of error more in the results file" } }
        }
    }
}
