//! Shapes as SVG paths, in the stretched box of a plot.

use std::fmt::Write;

use super::{plot::WIDTH, scale::coordinate};

/// A line through places; `None` breaks it. Both are shares of the box, whose height is given; y counts from below. A
/// point between two breaks becomes a short stroke of this width.
pub(super) fn line(points: impl IntoIterator<Item = (f64, Option<f64>)>, height: f64, alone: f64) -> String {
    let mut path = String::new();
    let mut run: Vec<(f64, f64)> = Vec::new();
    let mut flush = |run: &mut Vec<(f64, f64)>| {
        if let [(x, y)] = run[..] {
            let _ = write!(
                path,
                "M{} {}h{}",
                coordinate(x - alone * WIDTH / 2.0),
                coordinate(y),
                coordinate(alone * WIDTH)
            );
        } else {
            for (n, (x, y)) in run.iter().enumerate() {
                let _ = write!(
                    path,
                    "{}{} {}",
                    if n == 0 { 'M' } else { 'L' },
                    coordinate(*x),
                    coordinate(*y)
                );
            }
        }
        run.clear();
    };
    for (x, y) in points {
        match y {
            Some(y) => run.push((x * WIDTH, height * (1.0 - y))),
            None => flush(&mut run),
        }
    }
    flush(&mut run);
    path
}

/// The area between two lines; `None` breaks it.
pub(super) fn between(points: impl IntoIterator<Item = (f64, Option<(f64, f64)>)>, height: f64) -> String {
    let mut path = String::new();
    let mut run: Vec<(f64, f64, f64)> = Vec::new();
    let mut flush = |run: &mut Vec<(f64, f64, f64)>| {
        let there = run.iter().map(|(x, low, _)| (*x, *low));
        let back = run.iter().rev().map(|(x, _, high)| (*x, *high));
        for (n, (x, y)) in there.chain(back).enumerate() {
            let _ = write!(
                path,
                "{}{} {}",
                if n == 0 { 'M' } else { 'L' },
                coordinate(x),
                coordinate(y)
            );
        }
        if !run.is_empty() {
            path.push('z');
        }
        run.clear();
    };
    for (x, span) in points {
        match span {
            Some((low, high)) => run.push((x * WIDTH, height * (1.0 - low), height * (1.0 - high))),
            None => flush(&mut run),
        }
    }
    flush(&mut run);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_where_there_is_nothing() {
        let points = [(0.0, Some(0.0)), (0.5, Some(1.0)), (0.6, None), (0.8, Some(0.5))];
        assert_eq!(line(points, 100.0, 0.1), "M0 100L500 0M750 50h100");
        assert_eq!(line([(0.1, None)], 100.0, 0.1), "");
    }

    #[test]
    fn an_area_closes() {
        let points = [(0.0, Some((0.0, 0.5))), (1.0, Some((0.25, 1.0)))];
        assert_eq!(between(points, 100.0), "M0 100L1000 75L1000 0L0 50z");
    }
}
