//! Windows and intervals of parts that ran at the same time, second by second.

use std::collections::BTreeMap;

use crate::{
    Histogram,
    histogram::DecodeError,
    schema::{Interval, Window},
};

/// The intervals of all parts: those of the same stretch of time become one.
pub(super) fn intervals<'a>(parts: impl IntoIterator<Item = &'a Interval>) -> Result<Vec<Interval>, DecodeError> {
    let mut stretches: BTreeMap<(u32, u64, u64), Vec<&Interval>> = BTreeMap::new();
    for interval in parts {
        let stretch = (interval.iteration, interval.start_seconds, interval.seconds);
        stretches.entry(stretch).or_default().push(interval);
    }
    stretches.into_values().map(|same| stretch(&same)).collect()
}

fn stretch(same: &[&Interval]) -> Result<Interval, DecodeError> {
    let sum = |of: fn(&Interval) -> &String| -> Result<String, DecodeError> {
        let mut sum = Histogram::new();
        for interval in same {
            sum.add(&Histogram::decode(of(interval))?);
        }
        Ok(sum.encode())
    };
    Ok(Interval {
        start_response: sum(|interval| &interval.start_response)?,
        e2e_response: sum(|interval| &interval.e2e_response)?,
        ..same[0].clone()
    })
}

/// The windows of all parts: those of the same second become one, with quantiles from the intervals of the whole.
pub(super) fn windows<'a>(
    parts: impl IntoIterator<Item = &'a Window>,
    intervals: &[Interval],
) -> Result<Vec<Window>, DecodeError> {
    let mut seconds: BTreeMap<(u32, u64), Vec<&Window>> = BTreeMap::new();
    for window in parts {
        seconds
            .entry((window.iteration, window.second))
            .or_default()
            .push(window);
    }
    let by_second: BTreeMap<(u32, u64), &Interval> = intervals
        .iter()
        .filter(|interval| interval.seconds == 1)
        .map(|interval| ((interval.iteration, interval.start_seconds), interval))
        .collect();
    seconds
        .into_iter()
        .map(|(at, same)| second(&same, by_second.get(&at).copied()))
        .collect()
}

fn second(same: &[&Window], interval: Option<&Interval>) -> Result<Window, DecodeError> {
    let first = same[0];
    let sum = |of: fn(&Window) -> u64| same.iter().map(|window| of(window)).sum();
    // What one part does not know, the whole does not.
    let known = |of: fn(&Window) -> Option<u64>| same.iter().map(|window| of(window)).sum();
    let histogram = |of: fn(&Interval) -> &String| interval.map(|interval| Histogram::decode(of(interval))).transpose();
    let (start, e2e) = (
        histogram(|interval| &interval.start_response)?,
        histogram(|interval| &interval.e2e_response)?,
    );
    let quantile = |histogram: &Option<Histogram>, quantile| histogram.as_ref().and_then(|h| h.quantile_ms(quantile));
    Ok(Window {
        iteration: first.iteration,
        second: first.second,
        phase: first.phase,
        due: sum(|window| window.due),
        dispatched: sum(|window| window.dispatched),
        dropped: sum(|window| window.dropped),
        accepted: sum(|window| window.accepted),
        rejected: sum(|window| window.rejected),
        unknown: sum(|window| window.unknown),
        completed: known(|window| window.completed),
        failed: known(|window| window.failed),
        backlog: known(|window| window.backlog),
        in_flight: sum(|window| window.in_flight),
        lag_p99: same.iter().filter_map(|window| window.lag_p99).max_by(f64::total_cmp),
        start_p50: quantile(&start, 0.5),
        start_p99: quantile(&start, 0.99),
        e2e_p50: quantile(&e2e, 0.5),
        e2e_p99: quantile(&e2e, 0.99),
    })
}
