//! Standard errors within a single run: how wrong its figures are in themselves.
//!
//! The seconds of the measured phase are drawn again and again, in blocks ([`crate::stats::bootstrap`]). A rate is a ratio of
//! sums, and so is the share of latencies beyond a quantile; the error of that share becomes the error of the quantile by
//! looking up the latencies at the share plus and minus its error: Woodruff (1952), "Confidence intervals for medians and
//! other position measures", J. Amer. Statist. Assoc. 47.
//!
//! The file has histograms over time of `start_response` and `e2e_response` only, so other latencies have no such error.

use std::collections::BTreeSet;

use benchmark_results::{
    Histogram, Ledger,
    histogram::DecodeError,
    schema::{IntervalHistograms, Phase, Results},
};

use super::{
    evidence::WithinRun,
    metric::{Distribution, Metric, Quantile},
};
use crate::stats::bootstrap;

/// Seed of the draws: a comparison of the same files says the same.
const SEED: u64 = 5;

/// Which of an interval's histograms.
type Pick = fn(&IntervalHistograms) -> &str;

/// The errors of a run's metrics, as far as they can be told.
///
/// # Errors
/// When a histogram cannot be decoded.
pub(super) fn errors(results: &Results, metrics: &[Metric]) -> Result<Vec<(Metric, WithinRun)>, DecodeError> {
    let mut errors = Vec::new();
    if metrics.contains(&Metric::Throughput) {
        errors.extend(throughput(results).map(|error| (Metric::Throughput, error)));
    }
    let sources: [(Distribution, Pick); 2] = [
        (Distribution::StartResponse, |interval| &interval.start_response),
        (Distribution::E2eResponse, |interval| &interval.e2e_response),
    ];
    for (distribution, text) in sources {
        let asked: Vec<_> = Quantile::ALL
            .into_iter()
            .filter(|quantile| metrics.contains(&Metric::Latency(distribution, *quantile)))
            .collect();
        if asked.is_empty() {
            continue;
        }
        let ledger = distribution.ledger(&results.phases.measure);
        let whole = Histogram::decode(&distribution.of(&results.phases.measure.latencies).histogram)?;
        for (quantile, error) in quantiles(results, &whole, &asked, &ledger, text)? {
            errors.push((Metric::Latency(distribution, quantile), error));
        }
    }
    Ok(errors)
}

fn throughput(results: &Results) -> Option<WithinRun> {
    let measured = results.windows.iter().filter(|window| window.phase == Phase::Measure);
    let completed = measured
        .map(|window| window.completed.map(|count| count as f64))
        .collect::<Option<Vec<_>>>()?;
    let seconds = vec![1.0; completed.len()];
    WithinRun::relative(&bootstrap::of_ratio(&completed, &seconds, SEED)?)
}

/// The errors of quantiles of one distribution, on the logarithmic scale.
fn quantiles(
    results: &Results,
    whole: &Histogram,
    asked: &[Quantile],
    ledger: &Ledger,
    text: Pick,
) -> Result<Vec<(Quantile, WithinRun)>, DecodeError> {
    let measured: BTreeSet<(u32, u64)> = results
        .windows
        .iter()
        .filter(|window| window.phase == Phase::Measure)
        .map(|window| (window.iteration, window.second))
        .collect();
    let inside = |interval: &&IntervalHistograms| {
        let last = interval
            .start_seconds
            .saturating_add(interval.seconds.saturating_sub(1));
        measured.contains(&(interval.iteration, interval.start_seconds))
            && measured.contains(&(interval.iteration, last))
    };
    // Those that lie among what did not complete have no error.
    let asked: Vec<_> = asked
        .iter()
        .filter_map(|quantile| Some((*quantile, ledger.share_of_completed(quantile.one_in())?)))
        .collect();
    let beyond: Vec<_> = asked
        .iter()
        .filter_map(|(_, share)| whole.quantile_ms(*share))
        .collect();
    if beyond.len() != asked.len() {
        return Ok(Vec::new());
    }
    let mut counts = Vec::new();
    let mut slower = vec![Vec::new(); asked.len()];
    for interval in results.intervals.iter().filter(inside) {
        let (count, above) = Histogram::count_encoded(text(interval), &beyond)?;
        counts.push(count as f64);
        for (slower, above) in slower.iter_mut().zip(above) {
            slower.push(above as f64);
        }
    }
    let errors = asked.iter().zip(&slower).filter_map(|((quantile, share), slower)| {
        let error = bootstrap::of_ratio(slower, &counts, SEED)?;
        let at = |at: f64| whole.quantile_ms(at.clamp(0.0, 1.0)).filter(|ms| *ms > 0.0);
        let low = at(share - error.standard_error)?;
        let high = at(share + error.standard_error)?;
        let standard_error = (high / low).ln() / 2.0;
        let freedom = error.freedom;
        Some((
            *quantile,
            WithinRun {
                standard_error,
                freedom,
            },
        ))
    });
    Ok(errors.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use benchmark_results::testing;

    /// A run of 240 measured seconds in which every latency is drawn by itself; every `slow_every` seconds all take twice as
    /// long for ten seconds.
    fn drawn(slow_every: Option<u64>) -> Results {
        let mut results = testing::valid();
        let mut state = 1_u64;
        let mut whole = Histogram::new();
        let template = results.intervals[0].clone();
        let measured: Vec<_> = results
            .windows
            .iter()
            .filter(|window| window.phase == Phase::Measure)
            .collect();
        let intervals = measured.into_iter().map(|window| {
            let mut second = Histogram::new();
            let slow = slow_every.is_some_and(|every| window.second % every < 10);
            for _ in 0..400 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let uniform = ((state >> 33) as f64 + 0.5) / f64::from(1_u32 << 31);
                let ms = -10.0 * uniform.ln() * if slow { 2.0 } else { 1.0 };
                second.record_micros((ms * 1000.0) as i64);
            }
            whole.add(&second);
            IntervalHistograms {
                start_seconds: window.second,
                e2e_response: second.encode(),
                ..template.clone()
            }
        });
        results.intervals = intervals.collect();
        results.phases.measure.latencies.e2e_response.completed = whole.to_latency();
        results
    }

    fn p99(results: &Results) -> WithinRun {
        let metric = Metric::Latency(Distribution::E2eResponse, Quantile::P99);
        let errors = errors(results, &[metric]).unwrap();
        assert_eq!(errors.len(), 1);
        errors[0].1
    }

    #[test]
    fn of_independent_latencies_the_error_is_that_of_the_order_statistics() {
        let found = p99(&drawn(None)).standard_error;
        // Exponential latencies: sqrt(q (1 - q) / n) / density, relative to the quantile ln(100) of the mean.
        let n: f64 = 240.0 * 400.0;
        let expected = (0.99 * 0.01 / n).sqrt() / 0.01 / 100.0_f64.ln();
        assert!((found / expected - 1.0).abs() < 0.2, "{found} for {expected}");
    }

    #[test]
    fn slow_stretches_make_it_several_times_larger() {
        let (even, uneven) = (p99(&drawn(None)), p99(&drawn(Some(60))));
        assert!(uneven.standard_error > 3.0 * even.standard_error, "{uneven:?} {even:?}");
        assert!(uneven.freedom < even.freedom, "{uneven:?} {even:?}");
    }

    #[test]
    fn throughput_has_one_where_every_second_is_known() {
        let mut results = testing::valid();
        let throughput = |results: &Results| errors(results, &[Metric::Throughput]).unwrap();
        assert_eq!(throughput(&results).len(), 1);
        results.windows[100].completed = None;
        assert!(throughput(&results).is_empty());
        results.windows.clear();
        assert!(throughput(&results).is_empty());
    }
}
