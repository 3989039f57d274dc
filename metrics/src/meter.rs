//! Meter of the SDK: its `CoreMeter` over a registry's families.
//!
//! Names and labels are those of the SDK's own exporter when it is told to show seconds, units and `_total`; only that a
//! counter whose name ends in `total` does not get it twice.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use parking_lot::RwLock;
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};
use temporalio_common::telemetry::metrics::{
    self as sdk, CoreMeter, CounterBase, GaugeBase, GaugeF64Base, HistogramBase, HistogramDurationBase,
    HistogramF64Base, MetricAttributable, MetricAttributes, MetricParameters, NewAttributes, NoOpInstrument,
    UpDownCounterBase,
};

use crate::{
    families::{Families, Series},
    gauges::{Alive, Gauge},
    headroom::{self, Selection},
    labels::{ByAddress, Interner, Labels, address_of, series_name},
};

/// One worker's or client's meter.
pub(crate) struct Meter {
    pub(crate) families: Arc<Families>,
    pub(crate) interner: Arc<Interner>,
    pub(crate) selection: Selection,
    /// Put before all names.
    pub(crate) prefix: &'static str,
    pub(crate) alive: Arc<Alive>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}

impl Meter {
    fn counter(&self, parameters: &MetricParameters) -> Option<Arc<Instrument<Counter>>> {
        let name = self.name(parameters)?;
        // The page adds it.
        let name = name.strip_suffix("_total").unwrap_or(&name);
        match self
            .families
            .series(name, &help(parameters, name), None, Series::counter)
        {
            Series::Counter(series) => Some(self.instrument(move |labels| series.get_or_create_owned(labels))),
            _ => taken(name),
        }
    }

    fn gauge(&self, parameters: &MetricParameters) -> Option<Arc<Instrument<Gauge>>> {
        let name = self.name(parameters)?;
        let alive = self.alive.clone();
        match self
            .families
            .series(&name, &help(parameters, &name), None, Series::gauge)
        {
            Series::Gauge(series) => Some(self.instrument(move |labels| series.part(labels, &alive))),
            _ => taken(&name),
        }
    }

    fn histogram(
        &self,
        parameters: &MetricParameters,
        unit: &str,
        make: fn() -> Series,
    ) -> Option<Arc<Instrument<Histogram>>> {
        let name = self.name(parameters)?;
        let unit = (!unit.is_empty()).then(|| series_name(unit));
        match self
            .families
            .series(&name, &help(parameters, &name), unit.as_deref(), make)
        {
            Series::Histogram(series) => Some(self.instrument(move |labels| series.get_or_create_owned(labels))),
            _ => taken(&name),
        }
    }

    /// The name on the page, or `None` when nothing of it is to be recorded.
    fn name(&self, parameters: &MetricParameters) -> Option<String> {
        let name = series_name(&format!("{}{}", self.prefix, parameters.name));
        (self.selection == Selection::All || headroom::needs(&name)).then_some(name)
    }

    fn instrument<T>(&self, find: impl Fn(&Labels) -> T + Send + Sync + 'static) -> Arc<Instrument<T>> {
        Arc::new(Instrument {
            interner: self.interner.clone(),
            find: Box::new(find),
            bound: RwLock::default(),
        })
    }
}

fn taken<T>(name: &str) -> Option<T> {
    tracing::warn!(
        name,
        "a metric of this name and another type exists; this one is not recorded"
    );
    None
}

/// A help text on one line, without what the formats would have to escape. The page adds the full stop.
fn help(parameters: &MetricParameters, name: &str) -> String {
    let description: &str = &parameters.description;
    let text = if description.is_empty() { name } else { description };
    text.trim_end_matches('.').replace(['\\', '\n'], " ")
}

/// An instrument before it knows its labels.
struct Instrument<T> {
    interner: Arc<Interner>,
    /// The series with these labels.
    find: Box<dyn Fn(&Labels) -> T + Send + Sync>,
    /// What it was bound to, by the address of attributes that the interner keeps.
    bound: RwLock<ByAddress<T>>,
}

impl<T: Clone> Instrument<T> {
    fn bind(&self, attributes: &MetricAttributes) -> Result<T, Box<dyn Error>> {
        if let Some(address) = address_of(attributes)
            && let Some(bound) = self.bound.read().get(&address)
        {
            return Ok(bound.clone());
        }
        let (address, labels) = self
            .interner
            .labels(attributes)
            .ok_or("attributes that another kind of meter made")?;
        let bound = (self.find)(&labels);
        if let Some(address) = address {
            self.bound.write().insert(address, bound.clone());
        }
        Ok(bound)
    }
}

/// An instrument that knows its labels.
#[derive(Clone)]
struct Bound<T>(T);

/// Implements what an instrument of the SDK does once it knows its labels, and that it can be told them.
macro_rules! instrument {
    ($base:ident :: $record:ident ( $value:ty ) on $cell:ty = $how:expr) => {
        impl $base for Bound<$cell> {
            fn $record(&self, value: $value) {
                $how(&self.0, value);
            }
        }

        impl MetricAttributable<Box<dyn $base>> for Instrument<$cell> {
            fn with_attributes(&self, attributes: &MetricAttributes) -> Result<Box<dyn $base>, Box<dyn Error>> {
                Ok(Box::new(Bound(self.bind(attributes)?)))
            }
        }
    };
}

instrument!(CounterBase::adds(u64) on Counter = Counter::inc_by);
instrument!(HistogramBase::records(u64) on Histogram = |histogram: &Histogram, value| histogram.observe(value as f64));
instrument!(HistogramF64Base::records(f64) on Histogram = Histogram::observe);
instrument!(HistogramDurationBase::records(Duration) on Histogram
    = |histogram: &Histogram, value: Duration| histogram.observe(value.as_secs_f64()));
instrument!(GaugeBase::records(u64) on Gauge = |gauge: &Gauge, value| gauge.set(value as f64));
instrument!(GaugeF64Base::records(f64) on Gauge = Gauge::set);
instrument!(UpDownCounterBase::adds(i64) on Gauge = |gauge: &Gauge, value| gauge.inc_by(value as f64));

/// The SDK's instrument over ours, or over one that records nothing.
macro_rules! or_nothing {
    ($sdk:ty, $instrument:expr) => {
        match $instrument {
            Some(instrument) => <$sdk>::new(instrument),
            None => <$sdk>::new(Arc::new(NoOpInstrument)),
        }
    };
}

impl CoreMeter for Meter {
    fn new_attributes(&self, attributes: NewAttributes) -> MetricAttributes {
        self.interner.attributes(attributes)
    }

    fn extend_attributes(&self, existing: MetricAttributes, attributes: NewAttributes) -> MetricAttributes {
        match &existing {
            MetricAttributes::Prometheus { labels } => self.interner.extended(labels, attributes),
            // Of another kind of meter, or none: there is nothing to add to.
            _ => self.interner.attributes(attributes),
        }
    }

    fn counter(&self, parameters: MetricParameters) -> sdk::Counter {
        or_nothing!(sdk::Counter, self.counter(&parameters))
    }

    fn histogram(&self, parameters: MetricParameters) -> sdk::Histogram {
        let instrument = self.histogram(&parameters, &parameters.unit, Series::sizes);
        or_nothing!(sdk::Histogram, instrument)
    }

    fn histogram_f64(&self, parameters: MetricParameters) -> sdk::HistogramF64 {
        let instrument = self.histogram(&parameters, &parameters.unit, Series::floats);
        or_nothing!(sdk::HistogramF64, instrument)
    }

    fn histogram_duration(&self, parameters: MetricParameters) -> sdk::HistogramDuration {
        let instrument = self.histogram(&parameters, "seconds", Series::latencies);
        or_nothing!(sdk::HistogramDuration, instrument)
    }

    fn gauge(&self, parameters: MetricParameters) -> sdk::Gauge {
        or_nothing!(sdk::Gauge, self.gauge(&parameters))
    }

    fn gauge_f64(&self, parameters: MetricParameters) -> sdk::GaugeF64 {
        or_nothing!(sdk::GaugeF64, self.gauge(&parameters))
    }

    fn up_down_counter(&self, parameters: MetricParameters) -> sdk::UpDownCounter {
        or_nothing!(sdk::UpDownCounter, self.gauge(&parameters))
    }
}
