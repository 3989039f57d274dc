//! Latency by percentile: the whole distribution, with the far end drawn out.
//!
//! The horizontal axis gives each further nine the same room (−log10(1 − q)), as HdrHistogram's plots do. A curve ends
//! where fewer than five samples lie beyond it, which is the rule of the file's percentiles too.

use super::{
    path::line,
    plot::{Hit, Key, Mark, Plot, Table},
    scale::Scale,
    scene::{Of, Scene},
};
use crate::{
    Histogram, format,
    limits::SAMPLES_BEYOND_QUANTILE,
    schema::{Latencies, Latency},
};

/// Height of the plots, pixels.
const HEIGHT: f64 = 260.0;
/// Points of a curve for each nine.
const POINTS: usize = 30;
/// Nines of the axis, at least and at most.
const NINES: (f64, f64) = (2.0, 6.0);

/// A curve: latencies by place on the axis, shorter than the others where there are too few samples.
struct Curve<'a> {
    name: String,
    class: String,
    latency: &'a Latency,
    histogram: Histogram,
}

/// Response and service of starts, or of workflows from end to end; all runs.
pub(super) fn plot(scene: &Scene, of: Of) -> Plot {
    let (id, title, both): (_, _, fn(&Latencies) -> [&Latency; 2]) = match of {
        Of::End => ("percentiles-end-to-end", "End to end, by percentile", |latencies| {
            [&latencies.e2e_response.completed, &latencies.e2e_service.completed]
        }),
        Of::Start => ("percentiles-start", "Start, by percentile", |latencies| {
            [&latencies.start_response.accepted, &latencies.start_service.accepted]
        }),
    };
    let mut unreadable = Vec::new();
    let mut curves = Vec::new();
    for (index, run) in scene.runs.iter().enumerate() {
        let pair = both(&run.results.phases.measure.latencies);
        for (latency, kind) in pair.into_iter().zip(["response", "service"]) {
            let name = scene.named(index, kind);
            match Histogram::decode(&latency.histogram) {
                Ok(histogram) if histogram.count() >= 2 * SAMPLES_BEYOND_QUANTILE => curves.push(Curve {
                    class: format!("{}{}", run.class, if kind == "service" { " dash" } else { "" }),
                    name,
                    latency,
                    histogram,
                }),
                Ok(_) => {}
                Err(error) => unreadable.push(format!("{name}: {error}.")),
            }
        }
    }
    let mut note =
        "Measured phase. Response counts from the instant at which the start was due, service from the one at \
                    which it was sent: the room between them is time that the generator waited."
            .to_owned();
    note += scene.caveat(&scene.all());
    for problem in unreadable {
        note += " ";
        note += &problem;
    }
    let nines = curves
        .iter()
        .map(|curve| reach(&curve.histogram))
        .fold(NINES.0, f64::max)
        .min(NINES.1);
    let lowest = curves
        .iter()
        .filter_map(|curve| curve.histogram.quantile_ms(0.0))
        .fold(f64::INFINITY, f64::min);
    let highest = curves.iter().filter_map(|curve| at(curve, nines)).fold(0.0, f64::max);
    let y = Scale::latencies(lowest, highest);
    let steps = (nines * POINTS as f64).ceil() as usize;
    let place = |step: usize| step as f64 / steps as f64;
    let mut marks = Vec::new();
    for curve in &curves {
        let points = (0..=steps).map(|step| (place(step), at(curve, place(step) * nines).map(|ms| y.place(ms))));
        marks.push(Mark {
            class: format!("line {}", curve.class),
            path: line(points, HEIGHT, 0.01),
        });
    }
    let hits = (0..=steps).map(|step| {
        let mut text = percentile(place(step) * nines);
        for curve in &curves {
            if let Some(ms) = at(curve, place(step) * nines) {
                text += &format!("\n{}  {}", curve.name, format::ms(ms));
            }
        }
        Hit {
            from: (place(step) - 0.5 / steps as f64).max(0.0),
            to: (place(step) + 0.5 / steps as f64).min(1.0),
            text,
        }
    });
    let is_empty = curves.is_empty();
    Plot {
        id: id.into(),
        title: title.into(),
        note,
        height: HEIGHT,
        y,
        y_text: format::ms,
        x: axis(nines),
        over_time: false,
        bands: Vec::new(),
        legend: curves
            .iter()
            .map(|curve| Key {
                class: curve.class.clone(),
                filled: false,
                text: curve.name.clone(),
            })
            .collect(),
        empty: is_empty.then(|| "Too few samples for any percentile.".to_owned()),
        hits: if is_empty { Vec::new() } else { hits.collect() },
        marks,
        table: table(&curves),
    }
}

/// How many nines a histogram reaches with enough samples beyond.
fn reach(histogram: &Histogram) -> f64 {
    (histogram.count() as f64 / SAMPLES_BEYOND_QUANTILE as f64).log10()
}

/// The latency at a number of nines; `None` beyond the curve's end.
fn at(curve: &Curve, nines: f64) -> Option<f64> {
    let quantile = 1.0 - 10_f64.powf(-nines);
    (nines <= reach(&curve.histogram) + 1e-9).then(|| curve.histogram.quantile_ms(quantile))?
}

/// Marks of the axis: the percentiles that people name.
fn axis(nines: f64) -> Vec<(f64, String)> {
    let named = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999];
    let place = |percent: f64| -(1.0 - percent / 100.0_f64).log10() / nines;
    named
        .into_iter()
        .map(|percent| (place(percent), format!("{percent}")))
        .filter(|(place, _)| *place <= 1.0 + 1e-9)
        .map(|(place, text)| {
            (
                place.clamp(0.0, 1.0),
                if text == "0" { "min".into() } else { format!("p{text}") },
            )
        })
        .collect()
}

/// Nines as a percentile, with as many digits as tell it from its neighbours: `p99.37`.
fn percentile(nines: f64) -> String {
    let percent = 100.0 * (1.0 - 10_f64.powf(-nines));
    let decimals = (nines.floor() as usize).max(1);
    let text = format!("{percent:.decimals$}");
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn table(curves: &[Curve]) -> Table {
    let Some(first) = curves.first() else {
        return Table::default();
    };
    let quantiles = first.latency.quantiles().map(|(name, ..)| name.to_owned());
    let head = ["latency".to_owned(), "samples".into(), "min".into(), "mean".into()];
    let rows = curves.iter().map(|curve| {
        let latency = curve.latency;
        let before = [latency.min, latency.mean];
        let figures = before
            .into_iter()
            .chain(latency.quantiles().map(|(.., value)| value))
            .chain([latency.max]);
        [curve.name.clone(), format::count(latency.count)]
            .into_iter()
            .chain(figures.map(format::maybe_ms))
            .collect()
    });
    Table {
        head: head.into_iter().chain(quantiles).chain(["max".to_owned()]).collect(),
        rows: rows.collect(),
        note: "A percentile with fewer than five samples beyond it is not shown.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_nine_has_the_same_room() {
        let marks = axis(3.0);
        assert_eq!(
            marks.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(),
            ["min", "p50", "p90", "p99", "p99.9"]
        );
        for (mark, place) in [(2, 1.0 / 3.0), (3, 2.0 / 3.0), (4, 1.0)] {
            assert!((marks[mark].0 - place).abs() < 1e-9, "{marks:?}");
        }
    }

    #[test]
    fn percentiles_have_the_digits_that_they_need() {
        for (nines, text) in [(0.0, "p0"), (1.0, "p90"), (2.2, "p99.37"), (3.0, "p99.9")] {
            assert_eq!(percentile(nines), text);
        }
    }
}
