//! Shift function: by how much each quantile differs between the sides, with what the runs leave open.
//!
//! The line is of each side's runs together, as if they were one long run. The band is of the runs: each run's own quantile, a
//! mean and its t interval on the logarithmic scale, pair by pair where the comparison is paired. It is pointwise: 95 % at each
//! quantile, and less for the whole curve.

use benchmark_results::{
    format::{self, NONE},
    histogram::DecodeError,
};

use super::{
    path::{between, line},
    percentiles::{self, nines_of},
    plot::{Hit, LegendKey, Mark, Plot, Table},
    pooled::{Kind, Pooled},
    scale::Scale,
    scene::Of,
    sides::{Compared, PooledSide, together},
};
use crate::{
    compare::{Metric, figures},
    stats::{Estimate, Interval},
};

/// Height of the plots, pixels.
const HEIGHT: f64 = 220.0;
/// Points of a curve.
const POINTS: usize = 48;
/// From p50 to p99.9.
const NINES: (f64, f64) = (std::f64::consts::LOG10_2, 3.0);
/// Confidence of the band at each point.
const CONFIDENCE: f64 = 0.95;
/// How far a band may stretch the axis, in the largest shift of the lines: few runs leave almost everything open.
const STRETCH: f64 = 3.0;
/// The axis shows such a change at least.
const LEAST: f64 = 0.05;
/// A metric whose changes are told as these are.
const RATIO: Metric = Metric::PRIMARY[0];
/// Quantiles of the table.
const TABLE: [f64; 6] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9];

/// The shift of one side against the baseline at one quantile.
struct Point {
    /// Change of the pooled quantile, 0.1 for +10 %.
    change: Option<f64>,
    /// What the runs leave open.
    band: Option<Interval>,
}

/// One side against the baseline.
struct Curve<'a> {
    side: &'a PooledSide<'a>,
    /// Of pairs, whether the baseline's run came first; empty of groups.
    orders: Vec<bool>,
    runs: Vec<Pooled>,
    pool: Pooled,
}

/// The plot of one latency.
pub(super) fn plot(compared: &Compared, of: Of) -> Plot {
    let (id, title) = match of {
        Of::End => ("shift-end-to-end", "End to end: shift by quantile"),
        Of::Start => ("shift-start", "Start: shift by quantile"),
    };
    let plot = Plot {
        y: Scale::around(-LEAST, LEAST),
        y_text: change,
        x: percentiles::places(&TABLE, place_of),
        ..Plot::new(id, title, HEIGHT)
    };
    match read(compared, of) {
        Ok((base, pool, curves)) => draw(plot, &base, &pool, &curves),
        Err(error) => Plot {
            empty: Some(error.to_string()),
            ..plot
        },
    }
}

type Sides<'a> = (Vec<Pooled>, Pooled, Vec<Curve<'a>>);

fn read<'a>(compared: &'a Compared, of: Of) -> Result<Sides<'a>, DecodeError> {
    let Some((base, others)) = compared.sides.split_first() else {
        return Ok((Vec::new(), Pooled::new(), Vec::new()));
    };
    let base = base.latencies(of, Kind::Response)?;
    let pool = together(&base);
    let curves = others
        .iter()
        .zip(&compared.comparison.candidates)
        .map(|(side, candidate)| {
            let runs = side.latencies(of, Kind::Response)?;
            Ok(Curve {
                side,
                orders: candidate.pairs.iter().map(|pair| pair.baseline_first).collect(),
                pool: together(&runs),
                runs,
            })
        });
    Ok((base, pool, curves.collect::<Result<_, _>>()?))
}

fn draw(plot: Plot, base: &[Pooled], pool: &Pooled, curves: &[Curve]) -> Plot {
    let step = |n: usize| NINES.0 + (NINES.1 - NINES.0) * n as f64 / POINTS as f64;
    let shift = |curve: &Curve, nines: f64| Point {
        change: curve
            .pool
            .at(nines)
            .zip(pool.at(nines))
            .map(|(value, base)| value / base - 1.0),
        band: band(base, curve, nines),
    };
    let lines: Vec<Vec<Point>> = curves
        .iter()
        .map(|curve| (0..=POINTS).map(|n| shift(curve, step(n))).collect())
        .collect();
    let changes = || lines.iter().flatten().filter_map(|point| point.change);
    if changes().next().is_none() {
        return Plot {
            empty: Some("Too few samples for a quantile on both sides, or too few that completed.".into()),
            ..plot
        };
    }
    let y = axis(&lines);
    let place = |n: usize| n as f64 / POINTS as f64;
    let zero = line([(0.0, Some(y.place(0.0))), (1.0, Some(y.place(0.0)))], HEIGHT, 0.01);
    let mut marks = vec![Mark::new("line asked dash thin", zero)];
    for (curve, points) in curves.iter().zip(&lines) {
        let edges = |point: &Point| point.band.map(|band| (y.place(band.low), y.place(band.high)));
        let edges = points.iter().enumerate().map(|(n, point)| (place(n), edges(point)));
        marks.push(Mark::new(format!("span {}", curve.side.class), between(edges, HEIGHT)));
    }
    for (curve, points) in curves.iter().zip(&lines) {
        let at = |point: &Point| point.change.map(|change| y.place(change));
        let at = points.iter().enumerate().map(|(n, point)| (place(n), at(point)));
        marks.push(Mark::new(format!("line {}", curve.side.class), line(at, HEIGHT, 0.01)));
    }
    let said = |n: usize| {
        let mut text = percentiles::percentile(step(n));
        for (curve, points) in curves.iter().zip(&lines) {
            if let Some(told) = told(&points[n]) {
                text += &format!("\n{}  {told}", curve.side.name);
            }
        }
        text
    };
    let key = |curve: &Curve| LegendKey::line(&curve.side.class, &curve.side.name);
    Plot {
        note: note(base, curves),
        y,
        legend: curves.iter().map(key).collect(),
        hits: Hit::points(POINTS, said),
        table: table(pool, curves, &shift),
        marks,
        ..plot
    }
}

/// What the runs leave open at a quantile; `None` where a run has none, or a side has a single run.
fn band(base: &[Pooled], curve: &Curve, nines: f64) -> Option<Interval> {
    let own = |runs: &[Pooled]| -> Option<Vec<f64>> {
        let values = runs
            .iter()
            .map(|run| run.at(nines).filter(|value| *value > 0.0).map(f64::ln));
        values.collect()
    };
    if base.len() < 2 || curve.runs.len() < 2 {
        return None;
    }
    let (first, second) = (own(base)?, own(&curve.runs)?);
    let estimate = if curve.orders.is_empty() {
        Estimate::groups(&first, &second)
    } else {
        let differences: Vec<f64> = first.iter().zip(&second).map(|(a, b)| b - a).collect();
        Estimate::of_pairs(&differences, &curve.orders).map(|(estimate, _)| estimate)
    };
    Some(estimate?.interval(CONFIDENCE).map(f64::exp_m1))
}

/// An axis that has room for the lines and zero, and for as much of the bands as leaves the lines to be seen.
fn axis(lines: &[Vec<Point>]) -> Scale {
    let points = || lines.iter().flatten();
    let furthest = points()
        .filter_map(|point| point.change)
        .fold(LEAST, |most, change| most.max(change.abs()));
    let room = furthest * STRETCH;
    let ends = points().flat_map(|point| {
        let band = point.band.map(|band| [band.low, band.high]);
        band.into_iter()
            .flatten()
            .map(|end| end.clamp(-room, room))
            .chain(point.change)
    });
    let (low, high) = ends.fold((-LEAST, LEAST), |(low, high), end| (low.min(end), high.max(end)));
    Scale::around(low, high)
}

fn note(base: &[Pooled], curves: &[Curve]) -> String {
    let mut note = "How much longer (above zero) or shorter each quantile of the response latency is than the baseline's. Lines are of \
                    each side's runs together; what did not complete ranks beyond all that did."
        .to_owned();
    note += match curves.iter().any(|curve| curve.runs.len() > 1) && base.len() > 1 {
        true => {
            " The band is a 95 % interval at each quantile by itself, from the runs' own quantiles: where it holds zero, these \
             runs leave open whether there is a shift."
        }
        false => " There is no band: a single run says nothing of how much runs differ.",
    };
    note
}

fn table(pool: &Pooled, curves: &[Curve], shift: &dyn Fn(&Curve, f64) -> Point) -> Table {
    let mut head = vec!["quantile".to_owned(), "baseline".to_owned()];
    for curve in curves {
        head.extend([curve.side.name.clone(), "change".to_owned(), "95 % interval".to_owned()]);
    }
    let rows = TABLE.iter().map(|percent| {
        let nines = nines_of(*percent);
        let mut row = vec![format!("p{percent}"), format::maybe_ms(pool.at(nines))];
        for curve in curves {
            let point = shift(curve, nines);
            row.push(format::maybe_ms(curve.pool.at(nines)));
            row.push(point.change.map_or(NONE.to_owned(), change));
            row.push(point.band.as_ref().map_or(NONE.to_owned(), interval));
        }
        row
    });
    Table {
        head,
        rows: rows.collect(),
        note: "Of each side's runs together. A quantile with fewer than five samples beyond it is not shown.".into(),
    }
}

fn told(point: &Point) -> Option<String> {
    let mut text = change(point.change?);
    if let Some(band) = &point.band {
        text += &format!(" {}", interval(band));
    }
    Some(text)
}

fn interval(band: &Interval) -> String {
    format!("[{}, {}]", change(band.low), change(band.high))
}

/// A change as it is told everywhere: `+17.0 %`.
fn change(change: f64) -> String {
    figures::change(RATIO, Some(change))
}

/// Where a percentile lies on the axis, 0 to 1.
fn place_of(percent: f64) -> f64 {
    (nines_of(percent) - NINES.0) / (NINES.1 - NINES.0)
}
