//! The gate of a pull request: whether a side is proven to be at most so much worse.
//!
//! A test of non-inferiority: each deciding metric has a one-sided 95 % bound of how much worse it may be, and all of them
//! must lie below the limit. That all do is said only when each does, so it needs no correction.

use super::{
    comparison::{Candidate, Gate, GateRow, GateStanding, GuardStanding},
    decide::{ALPHA, Answer, EQUIVALENCE_CONFIDENCE, MetricVerdict},
    metric::{ChangeScale, Direction, Metric},
};
use crate::stats::{Estimate, Interval, power::Known, student};

impl GateRow {
    /// Asks a judged metric. `verdict` is what was said of it in the end.
    pub(super) fn of(metric: Metric, answer: &Answer, verdict: MetricVerdict, limit: f64) -> Self {
        let (sign, limit) = match (metric.scale(), metric.direction()) {
            (ChangeScale::Ratio, Direction::Up) => (-1.0, -(-limit).ln_1p()),
            (ChangeScale::Ratio, Direction::Down) => (1.0, limit.ln_1p()),
            (ChangeScale::Difference, Direction::Up) => (-1.0, limit),
            (ChangeScale::Difference, Direction::Down) => (1.0, limit),
        };
        let mut row = GateRow {
            metric,
            bound: None,
            standing: GateStanding::Open,
            more_runs: None,
        };
        let (Some(interval), Some(known)) = (answer.equivalence_interval, answer.known) else {
            // What lies beyond every number is worse than any limit.
            if verdict == MetricVerdict::Regressed {
                row.standing = GateStanding::Worse;
            }
            return row;
        };
        if verdict == MetricVerdict::NoVerdict {
            return row;
        }
        let (least, most) = if sign > 0.0 {
            (interval.low, interval.high)
        } else {
            (-interval.high, -interval.low)
        };
        row.bound = Some(sign * metric.to_change(sign * most));
        row.standing = if most <= limit {
            GateStanding::Proven
        } else if least > limit {
            GateStanding::Worse
        } else {
            GateStanding::Open
        };
        if row.standing == GateStanding::Open {
            row.more_runs = more_runs(&known, sign, limit);
        }
        row
    }
}

fn more_runs(known: &Known, sign: f64, limit: f64) -> Option<u32> {
    let estimate = Estimate {
        value: sign * known.estimate.value,
        ..known.estimate
    };
    Known { estimate, ..*known }.more_runs(|freedom| {
        let t = student::quantile(1.0 - ALPHA, freedom);
        move |error| {
            [
                Interval::new(f64::NEG_INFINITY, limit - t * error),
                Interval::new(limit + t * error, f64::INFINITY),
            ]
        }
    })
}

impl Gate {
    /// The worst of the metrics and the guards of a candidate.
    pub(super) fn of(candidate: &Candidate, rows: Vec<GateRow>, at_most_worse: f64) -> Self {
        let guards = candidate.guards.iter().map(|guard| match guard.standing {
            GuardStanding::Worse => GateStanding::Worse,
            GuardStanding::Open => GateStanding::Open,
            GuardStanding::Better => GateStanding::Proven,
        });
        let standing = rows.iter().map(|row| row.standing).chain(guards).max();
        Gate {
            at_most_worse,
            standing: standing.unwrap_or(GateStanding::Open),
            rows,
        }
    }
}

/// One-sided 95 % is one end of the 90 % interval.
const _: () = assert!(EQUIVALENCE_CONFIDENCE == 1.0 - 2.0 * ALPHA);
