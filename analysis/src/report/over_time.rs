//! Plots of windows over time: rates, completions, backlog, lag.

use benchmark_results::{
    format,
    schema::{Results, Window},
};

use super::{
    course::{Column, Grid},
    path::{between, line},
    plot::{Hit, LegendKey, Mark, Plot, Table},
    scale::{self, Scale},
    scene::{Scene, moment},
};

/// Height of these plots, pixels.
const HEIGHT: f64 = 210.0;

/// One line of a plot.
struct Series {
    run: usize,
    name: String,
    class: String,
    value: fn(&Window) -> Option<f64>,
}

/// What the line of a column shows.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// The mean of its seconds, with their lowest and highest around it.
    Mean,
    /// The highest of its seconds.
    Peak,
}

/// A plot before it is drawn.
struct Draft {
    id: &'static str,
    title: &'static str,
    note: String,
    by: By,
    /// Values on a log axis: latencies.
    log: bool,
    text: fn(f64) -> String,
    axis_text: fn(f64) -> String,
    /// What to say without any value.
    empty: &'static str,
}

/// Asked against achieved.
pub(super) fn rates(scene: &Scene) -> Plot {
    let mut series = Vec::new();
    for run in 0..scene.runs.len() {
        let own = &scene.runs[run].class;
        let single = scene.only().is_some();
        series.push(Series {
            run,
            name: scene.named(run, "asked"),
            class: format!("{} dash thin", if single { "asked" } else { own }),
            value: |window| Some(window.due as f64),
        });
        series.push(Series {
            run,
            name: scene.named(run, "started"),
            class: own.clone(),
            value: |window| Some(window.dispatched as f64),
        });
    }
    let note = "Starts that were due (dashed) and starts that were handed to a connection, a second. Where the lines part, \
                the load was not the one that was asked for.";
    draw(
        scene,
        &series,
        &Draft {
            id: "rates",
            title: "Asked against started",
            note: note.into(),
            by: By::Mean,
            log: false,
            text: format::rate,
            axis_text: scale::short,
            empty: "No second of this run is on record.",
        },
    )
}

/// Completions a second.
pub(super) fn completions(scene: &Scene) -> Plot {
    let mut series = Vec::new();
    if scene.only().is_some() {
        series.push(Series {
            run: 0,
            name: "accepted".into(),
            class: "asked dash thin".into(),
            value: |window| Some(window.accepted as f64),
        });
    }
    series.extend(of_each(scene, "completed", "c2", |window| {
        window.completed.map(|count| count as f64)
    }));
    let any = |results: &Results| results.windows.iter().any(|window| window.completed.is_some());
    let observed = scene.runs.iter().any(|run| any(run.results));
    draw(
        scene,
        if observed { &series } else { &[] },
        &Draft {
            id: "completions",
            title: "Completions",
            note: "Workflows that completed, a second, in the second in which they did.".into(),
            by: By::Mean,
            log: false,
            text: format::rate,
            axis_text: scale::short,
            empty: "Completions were not observed second by second.",
        },
    )
}

/// Workflows accepted and not yet ended.
pub(super) fn backlog(scene: &Scene) -> Plot {
    draw(
        scene,
        &of_each(scene, "backlog", "c1", |window| {
            window.backlog.map(|count| count as f64)
        }),
        &Draft {
            id: "backlog",
            title: "Backlog",
            note: "Workflows accepted and not yet ended. A backlog that keeps growing is load that is not carried."
                .into(),
            by: By::Mean,
            log: false,
            text: |value| format::count(value.round().max(0.0) as u64),
            axis_text: scale::short,
            empty: "The backlog was not observed second by second.",
        },
    )
}

/// How late the generator was.
pub(super) fn lag(scene: &Scene) -> Plot {
    let mut note = "How late the generator sent what was due: the 99th percentile of each second".to_owned();
    note += if scene.grid.step > 1.0 {
        ", of which each column shows the worst."
    } else {
        "."
    };
    draw(
        scene,
        &of_each(scene, "lag p99", "c3", |window| window.lag_p99),
        &Draft {
            id: "lag",
            title: "Lag",
            note,
            by: By::Peak,
            log: true,
            text: format::ms,
            axis_text: format::ms,
            empty: "No start was sent.",
        },
    )
}

/// The same of each run: in this class where there is one only, else in the run's own.
fn of_each(scene: &Scene, name: &str, single: &str, value: fn(&Window) -> Option<f64>) -> Vec<Series> {
    let series = |run: usize| Series {
        run,
        name: scene.named(run, name),
        class: match scene.only() {
            Some(_) => single.into(),
            None => scene.runs[run].class.clone(),
        },
        value,
    };
    (0..scene.runs.len()).map(series).collect()
}

fn draw(scene: &Scene, series: &[Series], draft: &Draft) -> Plot {
    let gather = |grid: Grid| -> Vec<Vec<Column>> {
        let one = |series: &Series| scene.runs[series.run].course.gather(grid, series.value);
        series.iter().map(one).collect()
    };
    let columns = gather(scene.grid);
    let values = || columns.iter().flatten().filter_map(Column::peak);
    let y = if draft.log {
        // Zero has no place on a log axis: it lies on its lowest value.
        let lowest = columns.iter().flatten().filter_map(|column| shown(column, draft.by));
        let lowest = lowest.filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        Scale::latencies(lowest, values().fold(0.0, f64::max))
    } else {
        Scale::linear(values().fold(0.0, f64::max))
    };
    let middle = |column: usize| scene.share(scene.grid.begin(column) + scene.grid.step / 2.0);
    let width = scene.grid.step / scene.grid.seconds();
    let mut marks = Vec::new();
    if draft.by == By::Mean && scene.grid.step > 1.0 {
        for (series, columns) in series.iter().zip(&columns) {
            let span = |column: &Column| column.mean().map(|_| (y.place(column.lowest), y.place(column.highest)));
            let spans = columns.iter().enumerate().map(|(n, column)| (middle(n), span(column)));
            marks.push(Mark::new(format!("span {}", series.class), between(spans, HEIGHT)));
        }
    }
    for (series, columns) in series.iter().zip(&columns) {
        let place = |column: &Column| shown(column, draft.by).map(|value| y.place(value));
        let points = columns.iter().enumerate().map(|(n, column)| (middle(n), place(column)));
        marks.push(Mark::new(format!("line {}", series.class), line(points, HEIGHT, width)));
    }
    let key = |series: &Series| LegendKey::line(&series.class, &series.name);
    let plot = Plot {
        note: draft.note.clone(),
        y,
        y_text: draft.axis_text,
        legend: series.iter().map(key).collect(),
        marks,
        ..Plot::new(draft.id, draft.title, HEIGHT).over_time(scene, &scene.all())
    };
    if values().next().is_none() {
        return Plot {
            empty: Some(draft.empty.to_owned()),
            legend: Vec::new(),
            ..plot
        };
    }
    let said = |n: usize| {
        let mut text = moment(scene.grid, n);
        for (series, columns) in series.iter().zip(&columns) {
            if let Some(said) = said(&columns[n], scene.grid, draft) {
                text += &format!("\n{}  {said}", series.name);
            }
        }
        text
    };
    Plot {
        hits: Hit::columns(scene.grid.columns, said),
        table: table(scene, series, &gather(scene.rows), draft),
        ..plot
    }
}

fn shown(column: &Column, by: By) -> Option<f64> {
    match by {
        By::Mean => column.mean(),
        By::Peak => column.peak(),
    }
}

/// A column in words: `399.8/s (396.0/s to 404.0/s)`.
fn said(column: &Column, grid: Grid, draft: &Draft) -> Option<String> {
    let text = (draft.text)(shown(column, draft.by)?);
    if grid.step <= 1.0 || draft.by == By::Peak || column.lowest == column.highest {
        return Some(text);
    }
    let (lowest, highest) = ((draft.text)(column.lowest), (draft.text)(column.highest));
    Some(format!("{text} ({lowest} to {highest})"))
}

fn table(scene: &Scene, series: &[Series], columns: &[Vec<Column>], draft: &Draft) -> Table {
    let names = series.iter().map(|series| series.name.clone());
    let rows = (0..scene.rows.columns).map(|n| {
        let cell = |columns: &Vec<Column>| said(&columns[n], scene.rows, draft).unwrap_or_else(|| format::NONE.into());
        std::iter::once(moment(scene.rows, n))
            .chain(columns.iter().map(cell))
            .collect()
    });
    Table {
        head: std::iter::once("time".to_owned()).chain(names).collect(),
        rows: rows.collect(),
        note: row_note(scene, draft.by),
    }
}

fn row_note(scene: &Scene, by: By) -> String {
    match (scene.rows.step > 1.0, by) {
        (false, _) => "One row is one second.".into(),
        (true, By::Mean) => format!(
            "One row is {} seconds: their mean, and the lowest to the highest second. The results file has every second.",
            scene.rows.step
        ),
        (true, By::Peak) => format!(
            "One row is the worst of {} seconds. The results file has every second.",
            scene.rows.step
        ),
    }
}
