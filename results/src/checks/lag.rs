//! Start lag: whether the load had the shape that was asked for.

use std::time::Duration;

use super::{build::CheckBuilder, context::Context, names};
use crate::{
    format::{count, ms},
    histogram::Histogram,
    limits::{LAG_CEILING_MS, SAMPLES_BEYOND_QUANTILE, lag_limit_ms},
    schema::{Check, Latency},
};

/// Judges p99.9 where there are samples for it. In a short run the same limit holds for the highest quantile that can be
/// told, which is the one with five arrivals beyond it: at most five arrivals, and at most one in twenty, may be later.
pub(super) fn check(context: &Context) -> Check {
    let lag = &context.measure.latencies.lag;
    let limit = lag_limit_ms(Duration::from_secs_f64(1.0 / context.rate()));
    let (draft, met) = match (lag.p99_9, lag.max) {
        (_, None) => {
            return CheckBuilder::new(
                names::START_LAG,
                "nothing was dispatched",
                format!("p99.9 {}", ms(limit)),
            )
            .not_applicable();
        }
        (Some(p99_9), _) => (
            CheckBuilder::new(names::START_LAG, format!("p99.9 {}", ms(p99_9)), ms(limit)).numbers(p99_9, limit),
            p99_9 <= limit,
        ),
        (None, Some(max)) => few_samples(&lag.histogram, lag.count, max, limit),
    };
    if met {
        draft.pass()
    } else if only_late_at_cap(context, limit) {
        draft.overloaded(
            "the arrivals waited for a free place under --max-in-flight because the server answered slowly: lower \
             --rate or give the cluster more capacity",
        )
    } else {
        draft.invalid(context.free_the_machine())
    }
}

fn few_samples(histogram: &str, samples: u64, max: f64, limit: f64) -> (CheckBuilder, bool) {
    let Ok(histogram) = Histogram::decode(histogram) else {
        let draft = CheckBuilder::new(names::START_LAG, format!("max {}", ms(max)), ms(LAG_CEILING_MS));
        return (draft.numbers(max, LAG_CEILING_MS), max <= LAG_CEILING_MS);
    };
    let late = histogram.count_above_ms(limit);
    let allowed = allowed_late(samples);
    let draft = CheckBuilder::new(
        names::START_LAG,
        format!(
            "{} of {} arrivals over {}, max {}",
            count(late),
            count(samples),
            ms(limit),
            ms(max)
        ),
        format!("{allowed} over {}", ms(limit)),
    );
    (draft.numbers(late as f64, allowed as f64), late <= allowed)
}

/// Whether the arrivals that were late, but for as many as always may be, had waited at the cap on unanswered starts: then
/// the wait was for the server. The generator noted of each whether it did.
fn only_late_at_cap(context: &Context, limit: f64) -> bool {
    let lag = &context.measure.latencies.lag;
    let late = |latency: &Latency| {
        Histogram::decode(&latency.histogram)
            .ok()
            .map(|samples| samples.count_above_ms(limit))
    };
    let at_cap = context.measure.at_cap.as_ref().and_then(|at_cap| late(&at_cap.lag));
    let (Some(late), Some(at_cap)) = (late(lag), at_cap) else {
        return false;
    };
    let allowed = match lag.p99_9 {
        Some(_) => lag.count / 1000,
        None => allowed_late(lag.count),
    };
    late.saturating_sub(at_cap) <= allowed
}

/// Of few arrivals, how many may be late.
fn allowed_late(samples: u64) -> u64 {
    SAMPLES_BEYOND_QUANTILE.min(samples / 20)
}
