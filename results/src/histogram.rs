//! Latency histogram: one distribution while it is being made.
//!
//! Recording is an index, two additions and a comparison; there is no lock and no allocation. Histograms are added, never
//! averaged, and so any number of recorders give what one would have given. Format and idea: <https://hdrhistogram.org>.

mod decode;

use std::{sync::LazyLock, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

pub use decode::DecodeError;

use crate::{
    limits::{HISTOGRAM_DIGITS, HISTOGRAM_HIGHEST_US, HISTOGRAM_LOWEST_US, SAMPLES_BEYOND_QUANTILE},
    schema::Latency,
};

/// Counts of latencies from 1 µs to 1 h with three significant digits; about 190 KB, whatever is recorded.
///
/// To hand over what was recorded and go on with an empty one, keep two and swap them ([`std::mem::swap`]), then
/// [`Histogram::reset`] the old one: nothing is allocated.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    inner: hdrhistogram::Histogram<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Histogram {
            inner: hdrhistogram::Histogram::new_with_bounds(
                HISTOGRAM_LOWEST_US,
                HISTOGRAM_HIGHEST_US,
                HISTOGRAM_DIGITS,
            )
            .expect("the bounds are constants that hdrhistogram takes"),
        }
    }

    /// Records one latency. Less than 1 µs counts as 0, more than one hour as one hour.
    #[inline]
    pub fn record(&mut self, latency: Duration) {
        let micros = latency
            .as_secs()
            .saturating_mul(1_000_000)
            .saturating_add(u64::from(latency.subsec_micros()));
        self.inner.saturating_record(micros);
    }

    /// Records one latency in microseconds. A negative one, as a step of a clock gives, counts as 0; more than one hour as
    /// one hour.
    #[inline]
    pub fn record_micros(&mut self, micros: i64) {
        self.inner.saturating_record(u64::try_from(micros).unwrap_or(0));
    }

    /// Adds everything that the other one recorded.
    pub fn add(&mut self, other: &Histogram) {
        self.inner
            .add(&other.inner)
            .expect("all histograms of this type have the same bounds");
    }

    /// Takes away what the other one recorded, all of which must have been recorded here, too.
    pub fn subtract(&mut self, other: &Histogram) {
        let subtracted = self.inner.subtract(&other.inner);
        debug_assert!(subtracted.is_ok(), "{subtracted:?}");
    }

    /// Forgets everything and keeps the memory.
    pub fn reset(&mut self) {
        self.inner.reset();
    }

    /// Number of latencies recorded.
    pub fn count(&self) -> u64 {
        self.inner.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Number of latencies that are clearly longer than this many milliseconds, to the histogram's resolution.
    pub fn count_above_ms(&self, ms: f64) -> u64 {
        let micros = (ms.max(0.0) * 1000.0) as u64;
        // Empty when the next bucket is beyond the range.
        self.inner
            .count_between(self.inner.next_non_equivalent(micros), HISTOGRAM_HIGHEST_US)
    }

    /// The value at a quantile from 0 to 1, in milliseconds; `None` only when nothing was recorded. For live figures and
    /// for windows, which show a moment; what a run is judged by is [`Histogram::to_latency`].
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        (!self.is_empty()).then(|| to_ms(self.inner.value_at_quantile(quantile)))
    }

    /// The shortest latency that a figure of a histogram may stand for, milliseconds: figures are the upper edges of buckets.
    pub fn shortest_like_ms(ms: f64) -> f64 {
        to_ms(
            Histogram::new()
                .inner
                .lowest_equivalent((ms.max(0.0) * 1000.0).round() as u64),
        )
    }

    /// What was recorded, from the shortest: the middle of each bucket that holds something, in milliseconds, and its count.
    pub fn recorded(&self) -> impl Iterator<Item = (f64, u64)> {
        self.inner.iter_recorded().map(|bucket| {
            (
                to_ms(self.inner.median_equivalent(bucket.value_iterated_to())),
                bucket.count_at_value(),
            )
        })
    }

    /// Arithmetic mean in milliseconds; `None` when nothing was recorded.
    pub fn mean_ms(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.inner.mean() / 1000.0)
    }

    /// Largest latency in milliseconds, to the histogram's resolution; `None` when nothing was recorded.
    pub fn max_ms(&self) -> Option<f64> {
        (!self.is_empty()).then(|| to_ms(self.inner.max()))
    }

    /// What the library works on, for its own writers.
    pub fn inner(&self) -> &hdrhistogram::Histogram<u64> {
        &self.inner
    }

    /// The histogram as text: HdrHistogram V2, deflated, base64. Java, Go and Python read it.
    pub fn encode(&self) -> String {
        STANDARD.encode(self.to_bytes())
    }

    /// The same without base64, for messages.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.inner, &mut bytes)
            .expect("counts stay far below 2^63 and writing to memory does not fail");
        bytes
    }

    /// Reads what [`Histogram::encode`] wrote. Safe on any text: nothing larger than a histogram of this type is inflated.
    ///
    /// # Errors
    /// When it is no base64, no HdrHistogram V2, cut off, larger than any histogram of this type, or of other bounds.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        decode::decode(text).map(|inner| Histogram { inner })
    }

    /// Counts within what [`Histogram::encode`] wrote, without making a histogram of it: all latencies, and for each limit in
    /// milliseconds those that are clearly longer, as [`Histogram::count_above_ms`] counts.
    ///
    /// # Errors
    /// As [`Histogram::decode`].
    pub fn count_encoded(text: &str, limits_ms: &[f64]) -> Result<(u64, Vec<u64>), DecodeError> {
        let limits: Vec<u64> = limits_ms
            .iter()
            .map(|ms| decode::index_of((ms.max(0.0) * 1000.0) as u64))
            .collect();
        let (mut count, mut above) = (0_u64, vec![0_u64; limits.len()]);
        decode::visit(text, |index, number| {
            count = count.saturating_add(number);
            for (above, limit) in above.iter_mut().zip(&limits) {
                if index > *limit {
                    *above = above.saturating_add(number);
                }
            }
        })?;
        Ok((count, above))
    }

    /// Latencies in what [`Histogram::to_bytes`] wrote, without making a histogram of it.
    ///
    /// # Errors
    /// As [`Histogram::from_bytes`].
    pub fn count_bytes(bytes: &[u8]) -> Result<u64, DecodeError> {
        let mut count = 0_u64;
        decode::visit_bytes(bytes, |_, number| count = count.saturating_add(number))?;
        Ok(count)
    }

    /// Reads what [`Histogram::to_bytes`] wrote, just as safely.
    ///
    /// # Errors
    /// As [`Histogram::decode`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::from_bytes(bytes).map(|inner| Histogram { inner })
    }

    /// The distribution as it stands in a results file. A quantile with fewer than [`SAMPLES_BEYOND_QUANTILE`] samples
    /// beyond it is `None`.
    pub fn to_latency(&self) -> Latency {
        if self.is_empty() {
            return Latency::empty();
        }
        let one_in = |n: u64| {
            (self.count() >= SAMPLES_BEYOND_QUANTILE.saturating_mul(n))
                .then(|| to_ms(self.inner.value_at_quantile(1.0 - 1.0 / n as f64)))
        };
        Latency {
            count: self.count(),
            mean: self.mean_ms(),
            min: Some(to_ms(self.inner.min())),
            p50: one_in(2),
            p75: one_in(4),
            p90: one_in(10),
            p95: one_in(20),
            p99: one_in(100),
            p99_9: one_in(1_000),
            p99_99: one_in(10_000),
            max: self.max_ms(),
            histogram: self.encode(),
        }
    }
}

/// Microseconds as milliseconds. The last bucket reaches beyond the range; nothing is reported beyond it.
fn to_ms(micros: u64) -> f64 {
    micros.min(HISTOGRAM_HIGHEST_US) as f64 / 1000.0
}

impl Latency {
    /// No samples.
    pub fn empty() -> Self {
        static EMPTY: LazyLock<String> = LazyLock::new(|| Histogram::new().encode());
        Latency {
            count: 0,
            mean: None,
            min: None,
            p50: None,
            p75: None,
            p90: None,
            p95: None,
            p99: None,
            p99_9: None,
            p99_99: None,
            max: None,
            histogram: EMPTY.clone(),
        }
    }

    /// The quantiles that the file names, from the lowest: name, samples needed, value.
    pub fn quantiles(&self) -> [(&'static str, u64, Option<f64>); 7] {
        let need = |n: u64| SAMPLES_BEYOND_QUANTILE * n;
        [
            ("p50", need(2), self.p50),
            ("p75", need(4), self.p75),
            ("p90", need(10), self.p90),
            ("p95", need(20), self.p95),
            ("p99", need(100), self.p99),
            ("p99.9", need(1_000), self.p99_9),
            ("p99.99", need(10_000), self.p99_99),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saturates_instead_of_failing() {
        let mut histogram = Histogram::new();
        histogram.record(Duration::ZERO);
        histogram.record(Duration::MAX);
        histogram.record_micros(-5);
        histogram.record_micros(i64::MIN);
        histogram.record_micros(i64::MAX);
        let latency = histogram.to_latency();
        assert_eq!(latency.count, 5);
        assert_eq!(latency.min, Some(0.0));
        assert_eq!(latency.max, Some(3_600_000.0));
    }

    #[test]
    fn shows_a_quantile_only_with_five_samples_beyond_it() {
        for (count, p50, p99, p99_9) in [
            (9, false, false, false),
            (10, true, false, false),
            (499, true, false, false),
            (500, true, true, false),
            (4_999, true, true, false),
            (5_000, true, true, true),
        ] {
            let mut histogram = Histogram::new();
            for n in 0..count {
                histogram.record_micros(1000 + n);
            }
            let latency = histogram.to_latency();
            assert_eq!(latency.p50.is_some(), p50, "{count}");
            assert_eq!(latency.p99.is_some(), p99, "{count}");
            assert_eq!(latency.p99_9.is_some(), p99_9, "{count}");
            assert!(latency.min.is_some() && latency.mean.is_some() && latency.max.is_some());
        }
    }

    #[test]
    fn a_quantile_is_shown_from_the_samples_that_it_is_said_to_need() {
        let mut histogram = Histogram::new();
        let needed = Latency::empty().quantiles();
        assert_eq!(needed.map(|(_, need, _)| need), [10, 20, 50, 100, 500, 5_000, 50_000]);
        for (at, (name, need, _)) in needed.into_iter().enumerate() {
            (histogram.count()..need - 1).for_each(|_| histogram.record_micros(1_000));
            assert_eq!(histogram.to_latency().quantiles()[at], (name, need, None));
            histogram.record_micros(1_000);
            assert_eq!(histogram.to_latency().quantiles()[at], (name, need, Some(1.0)));
        }
    }

    #[test]
    fn bytes_and_text_keep_what_was_recorded() {
        let mut histogram = Histogram::new();
        for micros in [7, 40, 40, 90_000] {
            histogram.record_micros(micros);
        }
        assert_eq!(Histogram::from_bytes(&histogram.to_bytes()).unwrap(), histogram);
        assert_eq!(Histogram::decode(&histogram.encode()).unwrap(), histogram);
    }

    #[test]
    fn is_exact_to_three_digits() {
        let mut histogram = Histogram::new();
        for micros in 1..=100_000 {
            histogram.record_micros(micros);
        }
        let latency = histogram.to_latency();
        for (value, expected) in [(latency.p50, 50.0), (latency.p99, 99.0), (latency.max, 100.0)] {
            let value = value.unwrap();
            assert!((value - expected).abs() <= expected * 0.001, "{value} for {expected}");
        }
        assert!((latency.mean.unwrap() - 50.0).abs() < 0.05);
    }

    #[test]
    fn counts_what_is_above() {
        let mut histogram = Histogram::new();
        for ms in [1, 9, 10, 11, 500, 10_000_000] {
            histogram.record(Duration::from_millis(ms));
        }
        assert_eq!(histogram.count_above_ms(10.0), 3);
        assert_eq!(histogram.count_above_ms(-1.0), 6);
        assert_eq!(histogram.count_above_ms(1e12), 0);
    }

    #[test]
    fn counts_without_a_histogram_as_with_one() {
        let mut histogram = Histogram::new();
        for n in 0..40_u32 {
            for step in 0..7_i64 {
                histogram.record_micros((1_i64 << n.min(31)) + step * 37);
            }
        }
        let limits: Vec<f64> = (0..200).map(|n| 0.0007 * 1.12_f64.powi(n)).collect();
        let (count, above) = Histogram::count_encoded(&histogram.encode(), &limits).unwrap();
        assert_eq!(count, histogram.count());
        for (limit, above) in limits.iter().zip(above) {
            assert_eq!(above, histogram.count_above_ms(*limit), "{limit}");
        }
        assert_eq!(
            Histogram::count_encoded(&Histogram::new().encode(), &[1.0]),
            Ok((0, vec![0]))
        );
        assert_eq!(Histogram::count_encoded("***", &[]), Err(DecodeError::NotBase64));
        assert_eq!(Histogram::count_bytes(&histogram.to_bytes()), Ok(histogram.count()));
        assert_eq!(Histogram::count_bytes(b"***"), Err(DecodeError::NotAHistogram));
    }

    #[test]
    fn empty_says_nothing_and_decodes() {
        let latency = Histogram::new().to_latency();
        assert_eq!(latency, Latency::empty());
        assert_eq!(latency.mean, None);
        assert!(Histogram::decode(&latency.histogram).unwrap().is_empty());
    }

    #[test]
    fn reset_is_like_new() {
        let mut histogram = Histogram::new();
        histogram.record(Duration::from_secs(7));
        histogram.reset();
        assert_eq!(histogram, Histogram::new());
        assert_eq!(histogram.max_ms(), None);
    }

    #[test]
    fn live_figures_are_of_what_was_recorded() {
        let mut histogram = Histogram::new();
        assert_eq!((histogram.quantile_ms(0.5), histogram.recorded().count()), (None, 0));
        assert!(histogram.is_empty());
        for ms in [10, 10, 10, 40] {
            histogram.record(Duration::from_millis(ms));
        }
        let near = |value: Option<f64>, wanted: f64| {
            let value = value.unwrap();
            assert!((value - wanted).abs() <= wanted * 0.001, "{value} for {wanted}");
        };
        near(histogram.quantile_ms(0.5), 10.0);
        near(histogram.quantile_ms(1.0), 40.0);
        near(histogram.mean_ms(), 17.5);
        near(histogram.max_ms(), 40.0);
        let recorded: Vec<(f64, u64)> = histogram.recorded().collect();
        assert_eq!(recorded.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [3, 1]);
        near(Some(recorded[0].0), 10.0);
        near(Some(recorded[1].0), 40.0);
        assert!(!histogram.is_empty());
    }

    #[test]
    fn what_is_taken_away_was_never_there() {
        let of = |latencies: &[u64]| {
            let mut histogram = Histogram::new();
            latencies
                .iter()
                .for_each(|us| histogram.record(Duration::from_micros(*us)));
            histogram
        };
        // Shorter, as long and longer than what is left, and beyond what is told apart.
        let (left, gone) = (of(&[70, 700, 700]), of(&[1, 700, 9_000, u64::MAX]));
        let mut all = left.clone();
        all.add(&gone);
        all.subtract(&gone);
        assert_eq!(all.recorded().collect::<Vec<_>>(), left.recorded().collect::<Vec<_>>());
        assert_eq!((all.count(), all.max_ms()), (3, left.max_ms()));
        all.subtract(&left);
        assert!(all.is_empty());
    }
}
