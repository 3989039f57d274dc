//! All series of one name, and all names.

use std::{
    collections::BTreeMap,
    fmt::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::RwLock;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

use crate::{
    cell::{Gauge, Histogram, Sum},
    labels::Labels,
};

/// What a series of a family is.
pub(crate) trait Cell: Default + std::fmt::Debug + Send + Sync + 'static {
    /// The type on the page.
    const TYPE: MetricType;
    /// The series of `family`, if it is of this type.
    fn series(series: &Series) -> Option<&SeriesOf<Self>>;
    /// A family of this type that has no series yet.
    fn empty() -> Series;
}

pub(crate) type SeriesOf<T> = RwLock<BTreeMap<Arc<Labels>, Arc<T>>>;

/// A counter's value.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, value: u64) {
        self.0.fetch_add(value, Relaxed);
    }
}

#[derive(Debug)]
pub(crate) enum Series {
    Counter(SeriesOf<Counter>),
    Gauge(SeriesOf<Gauge>),
    Histogram(SeriesOf<Histogram>),
}

impl Cell for Counter {
    const TYPE: MetricType = MetricType::Counter;

    fn series(series: &Series) -> Option<&SeriesOf<Counter>> {
        match series {
            Series::Counter(series) => Some(series),
            _ => None,
        }
    }

    fn empty() -> Series {
        Series::Counter(SeriesOf::default())
    }
}

impl Cell for Gauge {
    const TYPE: MetricType = MetricType::Gauge;

    fn series(series: &Series) -> Option<&SeriesOf<Gauge>> {
        match series {
            Series::Gauge(series) => Some(series),
            _ => None,
        }
    }

    fn empty() -> Series {
        Series::Gauge(SeriesOf::default())
    }
}

impl Cell for Histogram {
    const TYPE: MetricType = MetricType::Histogram;

    fn series(series: &Series) -> Option<&SeriesOf<Histogram>> {
        match series {
            Series::Histogram(series) => Some(series),
            _ => None,
        }
    }

    fn empty() -> Series {
        Series::Histogram(SeriesOf::default())
    }
}

/// What a family's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Whole ones.
    Whole,
    /// Floats.
    Float,
    /// Durations, kept as nanoseconds and shown as seconds.
    Durations,
}

/// What is known of a family from the beginning.
#[derive(Clone, Debug)]
pub(crate) struct Describe {
    /// Without the unit and without `_total`.
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) unit: Option<Unit>,
    pub(crate) numbers: Numbers,
}

/// All series of one name.
#[derive(Debug)]
pub(crate) struct Family {
    describe: Describe,
    series: Series,
}

impl Family {
    pub(crate) fn new<T: Cell>(describe: Describe) -> Family {
        Family {
            describe,
            series: T::empty(),
        }
    }

    /// Whether instruments of this kind may share the family.
    pub(crate) fn is<T: Cell>(&self, numbers: Numbers) -> bool {
        T::series(&self.series).is_some() && self.describe.numbers == numbers
    }

    /// The series with these labels, made if there is none. `None`: the family is of another type.
    pub(crate) fn series<T: Cell>(&self, labels: &Arc<Labels>) -> Option<Arc<T>> {
        let series = T::series(&self.series)?;
        if let Some(cell) = series.read().get(labels) {
            return Some(cell.clone());
        }
        Some(series.write().entry(labels.clone()).or_default().clone())
    }

    /// Calls `see` with each series of a gauge and its sum.
    pub(crate) fn gauges(&self, mut see: impl FnMut(&Labels, i64)) {
        if let Series::Gauge(series) = &self.series {
            for (labels, gauge) in series.read().iter() {
                if let Some(value) = gauge.whole() {
                    see(labels, value);
                }
            }
        }
    }

    fn encode(&self, encoder: &mut DescriptorEncoder) -> Result<(), Error> {
        match &self.series {
            Series::Counter(series) => self.encode_series(encoder, series, |mut encoder, counter| {
                encoder.encode_counter::<NoLabelSet, _, f64>(&counter.0.load(Relaxed), None)
            }),
            // Series of meters that are gone are no series any more.
            Series::Gauge(series) if series.read().values().all(|gauge| gauge.whole().is_none()) => Ok(()),
            Series::Gauge(series) => self.encode_series(encoder, series, |mut encoder, gauge| match self.numbers() {
                Numbers::Float => gauge.float().map_or(Ok(()), |value| encoder.encode_gauge(&value)),
                _ => gauge.whole().map_or(Ok(()), |value| encoder.encode_gauge(&value)),
            }),
            Series::Histogram(series) => {
                let kept = match self.numbers() {
                    Numbers::Whole => Sum::Whole,
                    Numbers::Float => Sum::Float,
                    Numbers::Durations => Sum::Nanoseconds,
                };
                self.encode_series(encoder, series, |mut encoder, histogram| {
                    let (sum, count, buckets) = histogram.read(kept);
                    encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
                })
            }
        }
    }

    fn numbers(&self) -> Numbers {
        self.describe.numbers
    }

    fn encode_series<T: Cell>(
        &self,
        encoder: &mut DescriptorEncoder,
        series: &SeriesOf<T>,
        encode: impl Fn(MetricEncoder, &T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // Not held while the page is written: whoever records its first value would wait.
        let series: Vec<(Arc<Labels>, Arc<T>)> = series
            .read()
            .iter()
            .map(|(labels, cell)| (labels.clone(), cell.clone()))
            .collect();
        if series.is_empty() {
            return Ok(());
        }
        let Describe { name, help, unit, .. } = &self.describe;
        let mut encoder = encoder.encode_descriptor(name, help, unit.as_ref(), T::TYPE)?;
        series
            .iter()
            .try_for_each(|(labels, cell)| encode(encoder.encode_family(labels.as_ref())?, cell))
    }
}

/// All families of the SDK's meters, by name.
#[derive(Debug, Default)]
pub(crate) struct Families {
    by_name: RwLock<BTreeMap<String, Arc<Family>>>,
}

impl Families {
    /// The family that `describe` is of, made if there is none. `None`: there is one of that name and another kind.
    pub(crate) fn family<T: Cell>(&self, describe: Describe) -> Option<Arc<Family>> {
        let numbers = describe.numbers;
        let name = match &describe.unit {
            Some(unit) => format!("{}_{}", describe.name, unit.as_str()),
            None => describe.name.clone(),
        };
        let mut by_name = self.by_name.write();
        let family = by_name
            .entry(name)
            .or_insert_with(|| Arc::new(Family::new::<T>(describe)));
        family.is::<T>(numbers).then(|| family.clone())
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Family>> {
        self.by_name.read().get(name).cloned()
    }
}

/// The families on the page.
#[derive(Debug)]
pub(crate) struct Page(pub(crate) Arc<Families>);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        let families: Vec<Arc<Family>> = self.0.by_name.read().values().cloned().collect();
        families.iter().try_for_each(|family| family.encode(&mut encoder))
    }
}
