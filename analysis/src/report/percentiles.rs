//! Latency by percentile: the whole distribution, with the far end drawn out.
//!
//! The horizontal axis gives each further nine the same room (−log10(1 − q)), as HdrHistogram's plots do. A curve ends
//! where fewer than five samples lie beyond it, which is the rule of the file's percentiles too, or where what did not complete
//! begins.

use benchmark_results::{format, histogram::DecodeError, limits::SAMPLES_BEYOND_QUANTILE, schema::Latency};

use super::{
    path::line,
    plot::{Hit, LegendKey, Mark, Plot, Table},
    pooled::{Kind, Pooled},
    scale::Scale,
    scene::{Of, Scene},
    sides::{Compared, together},
};

/// Height of the plots, pixels.
const HEIGHT: f64 = 260.0;
/// Points of a curve for each nine.
const POINTS: usize = 30;
/// Nines of the axis, at least and at most.
const NINES: (f64, f64) = (2.0, 6.0);

/// A curve: latencies by place on the axis, shorter than the others where there are too few samples.
struct Curve {
    name: String,
    class: String,
    latencies: Pooled,
}

/// Response and service of starts, or of workflows from end to end: of all runs, or of each side's runs together.
pub(super) fn plot(scene: &Scene, compared: Option<&Compared>, of: Of) -> Plot {
    let (id, title) = match of {
        Of::End => ("percentiles-end-to-end", "End to end, by percentile"),
        Of::Start => ("percentiles-start", "Start, by percentile"),
    };
    let mut unreadable = Vec::new();
    let mut curves = Vec::new();
    let mut add = |name: String, class: &str, kind, latencies: Result<Pooled, DecodeError>| match latencies {
        Ok(latencies) if latencies.recorded().count() >= 2 * SAMPLES_BEYOND_QUANTILE => curves.push(Curve {
            class: match kind {
                Kind::Response => class.to_owned(),
                Kind::Service => format!("{class} dash"),
            },
            name,
            latencies,
        }),
        Ok(_) => {}
        Err(error) => unreadable.push(format!("{name}: {error}.")),
    };
    let kinds = [(Kind::Response, "response"), (Kind::Service, "service")];
    match compared {
        Some(compared) => {
            for side in &compared.sides {
                for (kind, word) in kinds {
                    let latencies = side.latencies(of, kind).map(|runs| together(&runs));
                    add(format!("{} {word}", side.name), &side.class, kind, latencies);
                }
            }
        }
        None => {
            for (index, run) in scene.runs.iter().enumerate() {
                for (kind, word) in kinds {
                    let latencies = Pooled::of(of, kind, run.results);
                    add(scene.named(index, word), &run.class, kind, latencies);
                }
            }
        }
    }
    let mut note =
        "Measured phase. Response counts from the instant at which the start was due, service from the one at \
                    which it was sent: the room between them is time that the generator waited."
            .to_owned();
    if compared.is_some() {
        note += " Each curve is of all runs of a side together.";
    }
    note += scene.caveat(&scene.all());
    for problem in unreadable {
        note += " ";
        note += &problem;
    }
    let nines = curves
        .iter()
        .map(|curve| curve.latencies.reach())
        .fold(NINES.0, f64::max)
        .min(NINES.1);
    let lowest = curves
        .iter()
        .filter_map(|curve| curve.latencies.recorded().quantile_ms(0.0))
        .fold(f64::INFINITY, f64::min);
    let highest = curves
        .iter()
        .filter_map(|curve| curve.latencies.at(nines))
        .fold(0.0, f64::max);
    let y = Scale::latencies(lowest, highest);
    let steps = (nines * POINTS as f64).ceil() as usize;
    let place = |step: usize| step as f64 / steps as f64;
    let mut marks = Vec::new();
    for curve in &curves {
        let points = (0..=steps).map(|step| {
            (
                place(step),
                curve.latencies.at(place(step) * nines).map(|ms| y.place(ms)),
            )
        });
        marks.push(Mark::new(format!("line {}", curve.class), line(points, HEIGHT, 0.01)));
    }
    let said = |step: usize| {
        let mut text = percentile(place(step) * nines);
        for curve in &curves {
            if let Some(ms) = curve.latencies.at(place(step) * nines) {
                text += &format!("\n{}  {}", curve.name, format::ms(ms));
            }
        }
        text
    };
    let plot = Plot {
        note,
        y,
        x: axis(nines),
        ..Plot::new(id, title, HEIGHT)
    };
    if curves.is_empty() {
        return Plot {
            empty: Some("Too few samples for any percentile.".to_owned()),
            ..plot
        };
    }
    let key = |curve: &Curve| LegendKey::line(&curve.class, &curve.name);
    Plot {
        legend: curves.iter().map(key).collect(),
        hits: Hit::points(steps, said),
        marks,
        table: table(&curves),
        ..plot
    }
}

/// Marks of the axis: the percentiles that people name.
fn axis(nines: f64) -> Vec<(f64, String)> {
    let named = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999];
    places(&named, |percent| nines_of(percent) / nines)
}

/// Marks at percentiles, those that lie on the axis.
pub(super) fn places(percents: &[f64], place: impl Fn(f64) -> f64) -> Vec<(f64, String)> {
    let named = |percent: &f64| match *percent {
        0.0 => "min".to_owned(),
        percent => format!("p{percent}"),
    };
    percents
        .iter()
        .map(|percent| (place(*percent), named(percent)))
        .filter(|(place, _)| *place <= 1.0 + 1e-9)
        .map(|(place, text)| (place.clamp(0.0, 1.0), text))
        .collect()
}

/// A percentile in nines: 2 of 99.
pub(super) fn nines_of(percent: f64) -> f64 {
    -(1.0 - percent / 100.0_f64).log10()
}

/// Nines as a percentile, with as many digits as tell it from its neighbours: `p99.37`.
pub(super) fn percentile(nines: f64) -> String {
    let percent = 100.0 * (1.0 - 10_f64.powf(-nines));
    let decimals = (nines.floor() as usize).max(1);
    "p".to_owned() + &format::without_zeros(format!("{percent:.decimals$}"))
}

fn table(curves: &[Curve]) -> Table {
    let quantiles = Latency::empty().quantiles();
    let head = ["latency".to_owned(), "samples".into(), "min".into(), "mean".into()];
    let rows = curves.iter().map(|curve| {
        let recorded = curve.latencies.recorded();
        let of = |(_, one_in, _): &(&str, u64, Option<f64>)| curve.latencies.beyond_one_in(*one_in);
        let before = [recorded.quantile_ms(0.0), recorded.mean_ms()];
        let figures = before
            .into_iter()
            .chain(quantiles.iter().map(of))
            .chain([recorded.max_ms()]);
        [curve.name.clone(), format::count(recorded.count())]
            .into_iter()
            .chain(figures.map(format::maybe_ms))
            .collect()
    });
    Table {
        rows: rows.collect(),
        head: head
            .into_iter()
            .chain(quantiles.iter().map(|(name, ..)| (*name).to_owned()))
            .chain(["max".to_owned()])
            .collect(),
        note: "A percentile with fewer than five samples beyond it is not shown, nor one among what did not complete."
            .into(),
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
