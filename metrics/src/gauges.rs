//! Gauges of several meters: a series is the sum of what the meters that are alive last said.
//!
//! Workers of one process that poll the same queue have the same labels; with one value they would overwrite each other's.
//! A worker that is gone has no slots any more.

use std::{
    collections::BTreeMap,
    fmt::Error,
    sync::{Arc, Weak, atomic::AtomicU64},
};

use parking_lot::RwLock;
use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::MetricType,
};

use crate::labels::Labels;

/// What one meter says. A float holds whole numbers exactly up to 2⁵³.
pub(crate) type Gauge = prometheus_client::metrics::gauge::Gauge<f64, AtomicU64>;

/// Lives as long as a meter or one of its instruments does.
#[derive(Debug)]
pub(crate) struct Alive;

/// All series of one gauge. Clones are the same gauge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges(Arc<RwLock<BTreeMap<Labels, Parts>>>);

/// What each meter says of a series, as long as it lives.
type Parts = Vec<(Weak<Alive>, Gauge)>;

impl Gauges {
    /// The part of the meter that `alive` belongs to, in the series with these labels.
    pub(crate) fn part(&self, labels: &Labels, alive: &Arc<Alive>) -> Gauge {
        let mut series = self.0.write();
        let parts = series.entry(labels.clone()).or_default();
        parts.retain(|(alive, _)| alive.strong_count() > 0);
        if let Some((_, part)) = parts.iter().find(|(of, _)| of.as_ptr() == Arc::as_ptr(alive)) {
            return part.clone();
        }
        let part = Gauge::default();
        parts.push((Arc::downgrade(alive), part.clone()));
        part
    }

    /// Each series with its sum, those without a living meter left out.
    pub(crate) fn read(&self) -> Vec<(Labels, f64)> {
        let series = self.0.read();
        let sums = series.iter().filter_map(|(labels, parts)| {
            let alive = parts.iter().filter(|(alive, _)| alive.strong_count() > 0);
            let sum = alive.map(|(_, part)| part.get()).reduce(|a, b| a + b)?;
            Some((labels.clone(), sum))
        });
        sums.collect()
    }
}

impl EncodeMetric for Gauges {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), Error> {
        self.read()
            .iter()
            .try_for_each(|(labels, sum)| encoder.encode_family(labels)?.encode_gauge(sum))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }

    fn is_empty(&self) -> bool {
        self.read().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_the_sum_of_meters_that_are_alive() {
        let (gauges, labels) = (Gauges::default(), Labels::default());
        let sum = || gauges.read().first().map(|(_, sum)| *sum);
        assert_eq!(sum(), None);
        let (one, two) = (Arc::new(Alive), Arc::new(Alive));
        gauges.part(&labels, &one).set(5.0);
        gauges.part(&labels, &two).set(7.0);
        gauges.part(&labels, &two).inc_by(-10.0);
        assert_eq!(sum(), Some(2.0));
        drop(one);
        assert_eq!(sum(), Some(-3.0));
        drop(two);
        assert_eq!(sum(), None);
        assert!(gauges.is_empty());

        let three = Arc::new(Alive);
        gauges.part(&labels, &three).set(0.5);
        assert_eq!(sum(), Some(0.5));
        assert_eq!(gauges.0.read()[&labels].len(), 1, "the dead are forgotten");
    }
}
