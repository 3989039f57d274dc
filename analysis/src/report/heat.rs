//! Latency over time as a heat map: where the workflows of each stretch of time lie, and its p50 and p99.
//!
//! The histograms of a column are added, and its percentiles are those of the sum: none is averaged.

use std::fmt::Write;

use benchmark_results::{
    Histogram, format,
    schema::{IntervalHistograms, Results},
};

use super::{
    path::line,
    plot::{Hit, LegendKey, Mark, Plot, Table, WIDTH},
    scale::{Scale, coordinate},
    scene::{Of, ROWS, Scene, moment},
    theme::HEATS,
};

/// Height of the map, pixels.
const HEIGHT: f64 = 260.0;
/// Cells of a decade while counting; neighbours become one until there are at most [`CELLS`].
const FINE: f64 = 48.0;
/// Cells from the bottom to the top, at most.
const CELLS: usize = 60;
/// Decades from the shortest latency, 1 µs, to the longest, 1 h.
const DECADES: f64 = 10.0;
/// Least share of a column at which each colour begins; the first holds all that is there.
const STEPS: [f64; HEATS] = [0.0, 0.003, 0.01, 0.03, 0.08, 0.2, 0.5];

/// A column of the map.
#[derive(Default)]
struct Stripe {
    /// Samples by cell, from 1 µs.
    cells: Vec<u64>,
    count: u64,
    quantiles: Option<[f64; 3]>,
}

/// The map of one run.
pub(super) fn map(scene: &Scene, run: usize, of: Of) -> Plot {
    let (id, title, what) = match of {
        Of::End => ("heat-end-to-end", "End to end, response", "workflows completed"),
        Of::Start => ("heat-start", "Start, response", "starts accepted"),
    };
    let name = match scene.only() {
        Some(_) => String::new(),
        None => format!(": {}", scene.runs[run].name),
    };
    let (stripes, unreadable) = stripes(scene, run, of);
    let lowest = stripes.iter().filter_map(|stripe| stripe.first()).min();
    let highest = stripes.iter().filter_map(|stripe| stripe.last()).max();
    let mut note = format!(
        "Colour: the share of the {what} in a column that took so long. Lines: the column's median and 99th percentile, from \
         its added histograms."
    );
    note += scene.caveat(&[run]);
    if unreadable > 0 {
        let _ = write!(note, " {} could not be read.", format::plural(unreadable, "histogram"));
    }
    let id = match scene.only() {
        Some(_) => id.into(),
        None => format!("{id}-{}", run + 1),
    };
    let mut plot = Plot {
        note,
        legend: legend(),
        ..Plot::new(id, format!("{title}{name}"), HEIGHT).over_time(scene, &[run])
    };
    let (Some(lowest), Some(highest)) = (lowest, highest) else {
        plot.empty = Some(format!("The file has no histograms over time of {what}."));
        return plot;
    };
    plot.y = Scale::latencies(latency_of(lowest), latency_of(highest + 1));
    cells(&mut plot, scene, &stripes, lowest, highest);
    lines(&mut plot, scene, &stripes);
    plot.hits = Hit::columns(stripes.len(), |n| said(scene, n, &stripes[n]));
    plot.table = table(scene, &stripes);
    plot
}

/// The histograms of a run, gathered into columns, and how many of them could not be read.
fn stripes(scene: &Scene, run: usize, of: Of) -> (Vec<Stripe>, u64) {
    let course = &scene.runs[run].course;
    let results: &Results = scene.runs[run].results;
    let mut placed: Vec<(usize, &IntervalHistograms)> = results
        .intervals
        .iter()
        .filter_map(|interval| {
            let middle = interval.start_seconds as f64 + interval.seconds as f64 / 2.0;
            Some((scene.grid.column(course.at(interval.iteration, middle)?), interval))
        })
        .collect();
    placed.sort_by_key(|(column, _)| *column);
    let mut stripes: Vec<Stripe> = (0..scene.grid.columns).map(|_| Stripe::default()).collect();
    let mut unreadable = 0;
    let mut sum = Histogram::new();
    for same in placed.chunk_by(|a, b| a.0 == b.0) {
        sum.reset();
        for (_, interval) in same {
            let text = match of {
                Of::End => &interval.e2e_response,
                Of::Start => &interval.start_response,
            };
            match Histogram::decode(text) {
                Ok(histogram) => sum.add(&histogram),
                Err(_) => unreadable += 1,
            }
        }
        stripes[same[0].0] = Stripe::of(&sum);
    }
    (stripes, unreadable)
}

impl Stripe {
    fn of(histogram: &Histogram) -> Self {
        let mut cells = vec![0; (FINE * DECADES) as usize];
        for (ms, count) in histogram.recorded() {
            let cell = &mut cells[cell_of(ms)];
            *cell = u64::saturating_add(*cell, count);
        }
        let quantile = |q: f64| histogram.quantile_ms(q);
        Stripe {
            cells,
            count: histogram.count(),
            quantiles: quantile(0.5)
                .zip(quantile(0.99))
                .zip(histogram.max_ms())
                .map(|((p50, p99), max)| [p50, p99, max]),
        }
    }

    fn first(&self) -> Option<usize> {
        self.cells.iter().position(|count| *count > 0)
    }

    fn last(&self) -> Option<usize> {
        self.cells.iter().rposition(|count| *count > 0)
    }
}

fn cell_of(ms: f64) -> usize {
    let place = (ms.max(0.001) / 0.001).log10() * FINE;
    (place as usize).min((FINE * DECADES) as usize - 1)
}

/// Where a cell begins, milliseconds.
fn latency_of(cell: usize) -> f64 {
    0.001 * 10_f64.powf(cell as f64 / FINE)
}

/// The cells: one path for each colour, so that a map is a few paths and not thousands of boxes.
fn cells(plot: &mut Plot, scene: &Scene, stripes: &[Stripe], lowest: usize, highest: usize) {
    let merged = (highest - lowest + 1).div_ceil(CELLS);
    let mut paths = vec![String::new(); HEATS];
    let width = coordinate(WIDTH / scene.grid.columns as f64 + 0.15);
    for (n, stripe) in stripes.iter().enumerate().filter(|(_, stripe)| stripe.count > 0) {
        let x = coordinate(n as f64 * WIDTH / scene.grid.columns as f64);
        let heat_of = |from: usize| -> Option<usize> {
            let here = &stripe.cells[from..(from + merged).min(stripe.cells.len())];
            let count = here.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
            let share = count as f64 / stripe.count as f64;
            (count > 0).then(|| STEPS.iter().rposition(|step| share >= *step).unwrap_or(0))
        };
        let heats: Vec<(usize, Option<usize>)> = (lowest..=highest)
            .step_by(merged)
            .map(|from| (from, heat_of(from)))
            .collect();
        for same in heats.chunk_by(|a, b| a.1 == b.1) {
            let Some(heat) = same[0].1 else { continue };
            let bottom = HEIGHT * (1.0 - plot.y.place(latency_of(same[0].0)));
            let top = HEIGHT * (1.0 - plot.y.place(latency_of(same[same.len() - 1].0 + merged)));
            let height = coordinate(bottom - top);
            let _ = write!(paths[heat], "M{x} {}h{width}v{height}h-{width}z", coordinate(top));
        }
    }
    for (heat, path) in paths.into_iter().enumerate().filter(|(_, path)| !path.is_empty()) {
        plot.marks.push(Mark::new(format!("fill h{heat}"), path));
    }
}

fn lines(plot: &mut Plot, scene: &Scene, stripes: &[Stripe]) {
    let width = scene.grid.step / scene.grid.seconds();
    for (quantile, class) in [(0, "p50"), (1, "p99")] {
        let points = stripes.iter().enumerate().map(|(n, stripe)| {
            let value = stripe.quantiles.map(|quantiles| plot.y.place(quantiles[quantile]));
            ((n as f64 + 0.5) / stripes.len() as f64, value)
        });
        let path = line(points, HEIGHT, width);
        plot.marks.push(Mark::new("halo", path.clone()));
        plot.marks.push(Mark::new(format!("line strong {class}"), path));
    }
}

fn said(scene: &Scene, column: usize, stripe: &Stripe) -> String {
    let when = moment(scene.grid, column);
    match stripe.quantiles {
        Some([p50, p99, max]) => format!(
            "{when}\np50  {}\np99  {}\nmax  {}\n{}",
            format::ms(p50),
            format::ms(p99),
            format::ms(max),
            format::plural(stripe.count, "sample")
        ),
        None => format!("{when}\nnothing"),
    }
}

/// Of neighbouring columns, the one with the highest p99: percentiles cannot be added up.
fn table(scene: &Scene, stripes: &[Stripe]) -> Table {
    let group = stripes.len().div_ceil(ROWS);
    let rows = stripes.chunks(group).enumerate().filter_map(|(n, chunk)| {
        let (at, [p50, p99, max], count) = chunk
            .iter()
            .enumerate()
            .filter_map(|(at, stripe)| Some((n * group + at, stripe.quantiles?, stripe.count)))
            .max_by(|a, b| a.1[1].total_cmp(&b.1[1]))?;
        let figures = [p50, p99, max].map(format::ms);
        Some(
            [moment(scene.grid, at)]
                .into_iter()
                .chain(figures)
                .chain([format::count(count)])
                .collect(),
        )
    });
    Table {
        head: ["time", "p50", "p99", "max", "samples"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        note: match group {
            1 => String::new(),
            _ => format!("Of every {group} columns the one with the highest p99. The results file has all histograms."),
        },
    }
}

fn legend() -> Vec<LegendKey> {
    let heats = STEPS.iter().enumerate().map(|(heat, step)| {
        let text = match heat {
            0 => format!("under {}", format::percent(STEPS[1]).replace(' ', "\u{a0}")),
            _ => format!("{}+", format::percent(*step).replace(' ', "\u{a0}")),
        };
        LegendKey::area(format!("h{heat}"), text)
    });
    let lines = ["p50", "p99"].map(|class| LegendKey::line(class, class));
    lines.into_iter().chain(heats).collect()
}
