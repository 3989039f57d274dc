//! What is recorded into: atomics, and nothing that waits.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;

/// Bounds of a histogram: each twice the one before, from 1 (or one thousandth) on.
const BOUNDS: usize = 20;

/// A histogram whose bounds double: 1, 2, 4 … 524 288 units.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// The last one is for all above the last bound.
    counts: [AtomicU64; BOUNDS + 1],
    /// In what it is counted is the recording function's business, see [`Sum`].
    sum: AtomicU64,
}

/// How a histogram's sum is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// Nanoseconds; shown in seconds, bounds from 1 ms. Enough for 584 years.
    Nanoseconds,
    /// A whole number, bounds from 1.
    Whole,
    /// The bits of a float, bounds from one thousandth.
    Float,
}

impl Histogram {
    pub(crate) fn record_duration(&self, value: Duration) {
        let nanoseconds = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanoseconds.div_ceil(1_000_000))].fetch_add(1, Relaxed);
        self.sum.fetch_add(nanoseconds, Relaxed);
    }

    pub(crate) fn record_whole(&self, value: u64) {
        self.counts[bucket(value)].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    pub(crate) fn record_float(&self, value: f64) {
        // What is no number is above all bounds, as in other libraries.
        let index = (0..BOUNDS)
            .find(|index| value <= bound(*index, Sum::Float))
            .unwrap_or(BOUNDS);
        self.counts[index].fetch_add(1, Relaxed);
        add_float(&self.sum, value);
    }

    /// The sum, the count, and the counts with their upper bounds, not accumulated. The count is that of the buckets; a
    /// value that is recorded at this moment may be in one of count and sum only.
    pub(crate) fn read(&self, sum: Sum) -> (f64, u64, Vec<(f64, u64)>) {
        let buckets: Vec<(f64, u64)> = self
            .counts
            .iter()
            .enumerate()
            .map(|(index, count)| (bound(index, sum), count.load(Relaxed)))
            .collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let total = self.sum.load(Relaxed);
        let total = match sum {
            Sum::Nanoseconds => total as f64 / 1e9,
            Sum::Whole => total as f64,
            Sum::Float => f64::from_bits(total),
        };
        (total, count, buckets)
    }
}

/// The bucket of a value of so many units, rounded up.
fn bucket(units: u64) -> usize {
    let doublings = u64::BITS - units.saturating_sub(1).leading_zeros();
    (doublings as usize).min(BOUNDS)
}

fn bound(index: usize, sum: Sum) -> f64 {
    if index >= BOUNDS {
        return f64::INFINITY;
    }
    let doubled = (1_u64 << index) as f64;
    match sum {
        Sum::Whole => doubled,
        // Doubling is exact, so that the bounds print as short as the first one.
        Sum::Nanoseconds | Sum::Float => 0.001 * doubled,
    }
}

fn add_float(to: &AtomicU64, value: f64) {
    let _ = to.fetch_update(Relaxed, Relaxed, |bits| Some((f64::from_bits(bits) + value).to_bits()));
}

/// Lives as long as a meter or one of its instruments does.
#[derive(Debug)]
pub(crate) struct Alive;

/// One series of a gauge: the sum of what the meters that are alive last said.
///
/// Workers of one process that poll the same queue have the same labels; with one value they would overwrite each
/// other's. A worker that is gone has no slots any more.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    parts: Mutex<Vec<(Weak<Alive>, Arc<GaugePart>)>>,
}

/// What one meter says: the bits of a float, or a whole number.
#[derive(Debug, Default)]
pub(crate) struct GaugePart(AtomicU64);

impl GaugePart {
    pub(crate) fn set(&self, value: i64) {
        self.0.store(value.cast_unsigned(), Relaxed);
    }

    pub(crate) fn add(&self, value: i64) {
        self.0.fetch_add(value.cast_unsigned(), Relaxed);
    }

    pub(crate) fn set_float(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }
}

impl Gauge {
    /// The part of the meter that `alive` belongs to.
    pub(crate) fn part(&self, alive: &Arc<Alive>) -> Arc<GaugePart> {
        let mut parts = self.parts.lock();
        parts.retain(|(alive, _)| alive.strong_count() > 0);
        if let Some((_, part)) = parts.iter().find(|(of, _)| of.as_ptr() == Arc::as_ptr(alive)) {
            return part.clone();
        }
        let part = Arc::<GaugePart>::default();
        parts.push((Arc::downgrade(alive), part.clone()));
        part
    }

    /// The sum of whole numbers; `None` when no meter that spoke is alive.
    pub(crate) fn whole(&self) -> Option<i64> {
        self.fold(|bits| bits.cast_signed(), i64::saturating_add)
    }

    /// The sum of floats; `None` when no meter that spoke is alive.
    pub(crate) fn float(&self) -> Option<f64> {
        self.fold(f64::from_bits, |a, b| a + b)
    }

    fn fold<T>(&self, read: impl Fn(u64) -> T, add: impl Fn(T, T) -> T) -> Option<T> {
        let parts = self.parts.lock();
        let alive = parts.iter().filter(|(alive, _)| alive.strong_count() > 0);
        alive.map(|(_, part)| read(part.0.load(Relaxed))).reduce(add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The upper bounds of the buckets that hold something.
    fn filled(histogram: &Histogram, sum: Sum) -> Vec<f64> {
        let (_, _, buckets) = histogram.read(sum);
        buckets
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(bound, _)| bound)
            .collect()
    }

    #[test]
    fn a_value_at_a_bound_belongs_to_it() {
        let at = |nanoseconds| {
            let histogram = Histogram::default();
            histogram.record_duration(Duration::from_nanos(nanoseconds));
            filled(&histogram, Sum::Nanoseconds)[0]
        };
        assert_eq!(at(0), 0.001);
        assert_eq!(at(1_000_000), 0.001);
        assert_eq!(at(1_000_001), 0.002);
        assert_eq!(at(2_000_000), 0.002);
        assert_eq!(at(2_000_001), 0.004);
        assert_eq!(at(524_288_000_000), 524.288);
        assert_eq!(at(524_288_000_001), f64::INFINITY);
        assert_eq!(at(u64::MAX), f64::INFINITY);
    }

    #[test]
    fn whole_numbers_and_floats_have_their_bounds() {
        let whole = Histogram::default();
        [0, 1, 2, 3, 524_288, 524_289]
            .into_iter()
            .for_each(|value| whole.record_whole(value));
        assert_eq!(filled(&whole, Sum::Whole), [1.0, 2.0, 4.0, 524_288.0, f64::INFINITY]);
        assert_eq!(whole.read(Sum::Whole).0, (1 + 2 + 3 + 524_288 + 524_289) as f64);

        let float = Histogram::default();
        [-1.0, 0.001, 0.0011, 600.0]
            .into_iter()
            .for_each(|value| float.record_float(value));
        assert_eq!(filled(&float, Sum::Float), [0.001, 0.002, f64::INFINITY]);
        let (sum, count, _) = float.read(Sum::Float);
        assert!((sum - 599.0021).abs() < 1e-9, "{sum}");
        assert_eq!(count, 4);
    }

    #[test]
    fn a_gauge_is_the_sum_of_meters_that_are_alive() {
        let gauge = Gauge::default();
        assert_eq!(gauge.whole(), None);
        let (one, two) = (Arc::new(Alive), Arc::new(Alive));
        gauge.part(&one).set(5);
        gauge.part(&two).set(7);
        gauge.part(&two).add(-10);
        assert_eq!(gauge.whole(), Some(2));
        drop(one);
        assert_eq!(gauge.whole(), Some(-3));
        drop(two);
        assert_eq!(gauge.whole(), None);

        let three = Arc::new(Alive);
        gauge.part(&three).set_float(0.5);
        assert_eq!(gauge.float(), Some(0.5));
        assert_eq!(gauge.parts.lock().len(), 1, "the dead are forgotten");
    }
}
