//! Checks of steadiness: whether the cluster carried the load or only collected it.

use super::{build::CheckBuilder, context::Context, names};
use crate::{
    format::{length, ms, percent, rate, slope},
    limits,
    schema::Check,
};

/// A straight line through the backlog over time, by least squares.
pub(super) struct Trend {
    /// Workflows a second.
    pub(super) slope: f64,
    /// Growth of the line from the first second to the last, workflows.
    pub(super) growth: f64,
    /// Standard deviation of the backlog around the line, workflows.
    pub(super) scatter: f64,
    /// Mean, workflows.
    pub(super) mean: f64,
    /// Length, seconds.
    pub(super) seconds: f64,
}

impl Trend {
    /// The line through points (second, backlog); `None` when they do not span any time.
    pub(super) fn through(points: &[(f64, f64)]) -> Option<Trend> {
        let n = points.len() as f64;
        let (first, last) = (points.first()?, points.last()?);
        let (mean_x, mean_y) = points
            .iter()
            .fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
        let sxx: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let sxy: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        if sxx <= 0.0 {
            return None;
        }
        let slope = sxy / sxx;
        let rest: f64 = points
            .iter()
            .map(|(x, y)| (y - mean_y - slope * (x - mean_x)).powi(2))
            .sum();
        let seconds = last.0 - first.0;
        Some(Trend {
            slope,
            growth: slope * seconds,
            scatter: (rest / n).sqrt(),
            mean: mean_y,
            seconds: seconds + 1.0,
        })
    }

    /// Whether the growth stands out of the scatter and is more than a handful.
    fn is_significant(&self) -> bool {
        self.growth > limits::BACKLOG_MIN_GROWTH && self.growth > self.scatter * limits::BACKLOG_SIGNIFICANCE
    }
}

pub(super) fn checks(context: &Context) -> Vec<Check> {
    vec![backlog_slope(context), halves(context), open_after_drain(context)]
}

fn backlog_slope(context: &Context) -> Check {
    let asked = context.rate();
    let allowed = asked * limits::BACKLOG_SLOPE;
    let limit = format!("{} of the rate, {}", percent(limits::BACKLOG_SLOPE), slope(allowed));
    let draft = |value: String| CheckBuilder::new(names::BACKLOG_SLOPE, value, limit.clone());
    if context.measured.iter().any(|window| window.backlog.is_none()) {
        return draft("ends are not observed second by second".into()).not_applicable();
    }
    // Until the first workflows at full rate can have ended, a backlog grows though everything is carried.
    let filled = context.plan.load.ramp_up.as_secs_f64() + context.own_seconds();
    let points: Vec<(f64, f64)> = context
        .measured
        .iter()
        .filter(|window| window.second as f64 >= filled)
        .filter_map(|window| Some((window.second as f64, window.backlog? as f64)))
        .collect();
    let enough = points.len() >= limits::BACKLOG_MIN_WINDOWS;
    let Some(trend) = Trend::through(&points).filter(|_| enough) else {
        return draft(format!(
            "{} of steady load, of at least {} that it takes",
            length(points.len() as f64),
            length(limits::BACKLOG_MIN_WINDOWS as f64)
        ))
        .not_applicable();
    };
    if trend.slope > allowed && trend.is_significant() {
        let value = format!(
            "backlog grew by {} for {} ({}): about {} is carried of {} asked",
            rate(trend.slope),
            if points.len() == context.measured.len() {
                "the whole measured phase"
            } else {
                "the steady part"
            },
            length(trend.seconds),
            rate((asked - trend.slope).max(0.0)),
            rate(asked)
        );
        draft(value)
            .numbers(trend.slope, allowed)
            .overloaded("lower --rate to what is carried, or give the cluster or its workers more capacity")
    } else {
        draft(format!("{}, mean {:.0}", slope(trend.slope), trend.mean))
            .numbers(trend.slope, allowed)
            .pass()
    }
}

/// Medians of the first and the second half. Latency that grows without end is a queue, seen from inside: where the backlog
/// grows by 2 % of the rate, latency grows by 0.02 s a second, and so by 2 % of half the phase from half to half.
fn halves(context: &Context) -> Check {
    let limit = format!("a factor of {}", limits::HALVES_RATIO);
    let draft = |value: String| CheckBuilder::new(names::HALVES, value, limit.clone());
    let seconds = context.measured.len();
    let (first, second) = context.measured.split_at(seconds / 2);
    let median_of = |half: &[&crate::schema::Window]| {
        let medians: Vec<f64> = half.iter().filter_map(|window| window.e2e_p50).collect();
        (medians.len() >= limits::HALVES_MIN_WINDOWS)
            .then(|| median(medians))
            .flatten()
    };
    let (Some(before), Some(after)) = (median_of(first), median_of(second)) else {
        return draft(format!(
            "fewer than {} seconds with ended workflows in a half",
            limits::HALVES_MIN_WINDOWS
        ))
        .not_applicable();
    };
    let ratio = after / before.max(f64::MIN_POSITIVE);
    let value = format!("e2e p50 {} in the first half, {} in the second", ms(before), ms(after));
    let draft = draft(value).numbers(ratio, limits::HALVES_RATIO);
    let queueing_ms = limits::BACKLOG_SLOPE * (seconds as f64 / 2.0) * 1000.0;
    let difference = after - before;
    if difference.abs() <= limits::HALVES_MIN_MS {
        draft.pass()
    } else if ratio > limits::HALVES_RATIO && difference > queueing_ms {
        draft.overloaded("workflows waited longer and longer: lower --rate or give the cluster more capacity")
    } else if ratio > limits::HALVES_RATIO {
        draft.warning("the latency rose during the run: measure longer to see where it ends")
    } else if ratio < 1.0 / limits::HALVES_RATIO {
        draft.warning("the latency fell during the run: a longer --warm-up leaves that out")
    } else {
        draft.pass()
    }
}

/// The middle one; of an even number the mean of the middle two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        Some((values.get(middle.checked_sub(1)?)? + values.get(middle)?) / 2.0)
    } else {
        values.get(middle).copied()
    }
}

fn open_after_drain(context: &Context) -> Check {
    let ledger = &context.measure.ledger;
    let limit = percent(limits::OPEN_AFTER_DRAIN);
    // Where nobody could count, those of the sample tell, whose ends the latencies are of.
    let sample = context.reconciliation.sample_ends.filter(|_| !context.ends_observed);
    let (open, of, sampled) = match sample {
        Some(sample) => (sample.open, sample.accepted, " of the sample"),
        None => (ledger.open, ledger.accepted, ""),
    };
    if !context.ends_observed && sample.is_none() || of == 0 {
        let reason = if context.ends_observed {
            "no workflow was started"
        } else {
            "ends were not observed"
        };
        return CheckBuilder::new(names::OPEN_AFTER_DRAIN, reason, limit).not_applicable();
    }
    let share = open as f64 / of as f64;
    let value = format!(
        "{}{sampled} ({})",
        crate::format::plural(open, "workflow"),
        percent(share)
    );
    let draft = CheckBuilder::new(names::OPEN_AFTER_DRAIN, value, limit).numbers(share, limits::OPEN_AFTER_DRAIN);
    if open == 0 {
        draft.pass()
    } else if share > limits::OPEN_AFTER_DRAIN && !context.interrupted && !context.is_drain_cut_short() {
        draft.overloaded("the slowest are missing from the end-to-end latencies: lower --rate or lengthen --drain")
    } else {
        draft.warning("the slowest are missing from the end-to-end latencies: lengthen --drain")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_exactly() {
        let points: Vec<_> = (0..10).map(|x| (f64::from(x), 3.0 + 2.0 * f64::from(x))).collect();
        let trend = Trend::through(&points).unwrap();
        assert!((trend.slope - 2.0).abs() < 1e-9 && trend.scatter < 1e-9);
        assert_eq!((trend.growth, trend.mean, trend.seconds), (18.0, 12.0, 10.0));
    }

    #[test]
    fn growth_counts_where_it_stands_out_of_the_scatter() {
        let points = [(0.0, 1.0), (1.0, 1.0), (2.0, 3.0), (3.0, 7.0)];
        let trend = Trend::through(&points).unwrap();
        assert!((trend.slope - 2.0).abs() < 1e-9 && (trend.scatter - 1.0).abs() < 1e-9);
        assert!((trend.growth - 6.0).abs() < 1e-9 && (trend.mean - 3.0).abs() < 1e-9 && trend.seconds == 4.0);
        for (growth, scatter, significant) in [
            (5.0, 0.0, false),
            (5.1, 0.0, true),
            (30.0, 10.0, false),
            (30.0, 9.9, true),
            (-30.0, 1.0, false),
        ] {
            let trend = Trend {
                growth,
                scatter,
                ..Trend::through(&points).unwrap()
            };
            assert_eq!(trend.is_significant(), significant, "{growth} {scatter}");
        }
    }

    #[test]
    fn no_time_no_line() {
        assert!(Trend::through(&[]).is_none());
        assert!(Trend::through(&[(1.0, 5.0), (1.0, 7.0)]).is_none());
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
