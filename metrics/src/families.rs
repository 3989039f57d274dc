//! The SDK's families by name, and what their series are.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::{Mutex, RwLock};
use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, NativeHistogramConfig, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{gauges::Gauges, labels::Labels};

/// Upper bounds of a latency's classic buckets, seconds: close together where people set their limits, 150 and 200 ms.
const LATENCIES: [f64; 20] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
    60.0,
];

/// Eight native buckets to a doubling: one is 9 % wide.
pub(crate) const NATIVE_SCHEMA: i8 = 3;

/// All series of one name. Clones are the same series.
#[derive(Clone, Debug)]
pub(crate) enum Series {
    Counter(Family<Labels, Counter>),
    Gauge(Gauges),
    Histogram(Family<Labels, Histogram>),
}

impl Series {
    pub(crate) fn counter() -> Series {
        Series::Counter(Family::default())
    }

    pub(crate) fn gauge() -> Series {
        Series::Gauge(Gauges::default())
    }

    /// A histogram of durations, in seconds.
    pub(crate) fn latencies() -> Series {
        Series::histogram(|| native(LATENCIES))
    }

    /// A histogram of whole numbers.
    pub(crate) fn sizes() -> Series {
        Series::histogram(|| native(exponential_buckets(1.0, 2.0, 20)))
    }

    /// A histogram of numbers of any size.
    pub(crate) fn floats() -> Series {
        Series::histogram(|| native(exponential_buckets(0.001, 2.0, 20)))
    }

    fn histogram(make: fn() -> Histogram) -> Series {
        Series::Histogram(Family::new_with_constructor(make))
    }
}

fn native(bounds: impl IntoIterator<Item = f64>) -> Histogram {
    Histogram::new_classic_and_native(bounds, NativeHistogramConfig::with_schema(NATIVE_SCHEMA))
}

/// All families of the SDK's meters, each of which is registered when its first instrument is made.
#[derive(Debug)]
pub(crate) struct Families {
    by_name: RwLock<BTreeMap<String, Series>>,
    page: Arc<Mutex<Registry>>,
}

impl Families {
    /// No families yet, on the page of a registry.
    pub(crate) fn new(page: Arc<Mutex<Registry>>) -> Families {
        Families {
            by_name: RwLock::default(),
            page,
        }
    }

    /// The family of a name, made and registered if there is none.
    pub(crate) fn series(&self, name: &str, help: &str, unit: Option<&str>, make: fn() -> Series) -> Series {
        let full = unit.map_or_else(|| name.to_owned(), |unit| format!("{name}_{unit}"));
        let mut by_name = self.by_name.write();
        let series = by_name.entry(full).or_insert_with(|| {
            let series = make();
            let mut page = self.page.lock();
            match series.clone() {
                Series::Counter(counter) => page.register(name, help, counter),
                Series::Gauge(gauge) => page.register(name, help, gauge),
                Series::Histogram(histogram) => match unit {
                    Some(unit) => page.register_with_unit(name, help, Unit::Other(unit.to_owned()), histogram),
                    None => page.register(name, help, histogram),
                },
            }
            series
        });
        series.clone()
    }

    /// Each series of a gauge with its value; none when there is no such gauge.
    pub(crate) fn gauges(&self, name: &str) -> Vec<(Labels, f64)> {
        match self.by_name.read().get(name) {
            Some(Series::Gauge(gauge)) => gauge.read(),
            _ => Vec::new(),
        }
    }
}
