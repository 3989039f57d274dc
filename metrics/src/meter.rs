//! Where the SDK records: its `CoreMeter` over a registry's families.
//!
//! Names and labels are those of the SDK's own exporter when it is told to show seconds, units and `_total`.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use parking_lot::RwLock;
use prometheus_client::registry::Unit;
use temporalio_common::telemetry::metrics::{
    self as sdk, CoreMeter, CounterBase, GaugeBase, GaugeF64Base, HistogramBase, HistogramDurationBase,
    HistogramF64Base, MetricAttributable, MetricAttributes, MetricParameters, NewAttributes, NoOpInstrument,
    UpDownCounterBase,
};

use crate::{
    cell::{Alive, Gauge, GaugePart, Histogram},
    family::{Cell, Counter, Describe, Families, Family, Numbers},
    headroom,
    labels::{ByAddress, Interner, Labels, address_of, series_name},
    registry::Selection,
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
    /// The instrument, or `None` when nothing of it is to be recorded.
    fn instrument<T: Cell, B>(
        &self,
        parameters: &MetricParameters,
        numbers: Numbers,
        bind: fn(&Arc<Alive>, Arc<T>) -> B,
    ) -> Option<Arc<Instrument<T, B>>> {
        let name = series_name(&format!("{}{}", self.prefix, parameters.name));
        if self.selection == Selection::Headroom && !headroom::needs(&name) {
            return None;
        }
        let describe = Describe {
            help: help(&parameters.description, &name),
            unit: match numbers {
                Numbers::Durations => Some(Unit::Seconds),
                // Of other instruments only a histogram's name has its unit.
                _ if T::TYPE.as_str() != "histogram" || parameters.unit.is_empty() => None,
                _ => Some(Unit::Other(series_name(&parameters.unit))),
            },
            name,
            numbers,
        };
        let name = describe.name.clone();
        let Some(family) = self.families.family::<T>(describe) else {
            tracing::warn!(
                name,
                "a metric of this name and another type exists; this one is not recorded"
            );
            return None;
        };
        Some(Arc::new(Instrument {
            family,
            interner: self.interner.clone(),
            alive: self.alive.clone(),
            bind,
            bound: RwLock::default(),
        }))
    }
}

/// A help text on one line.
fn help(description: &str, name: &str) -> String {
    let text = if description.is_empty() { name } else { description };
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// An instrument before it knows its labels.
struct Instrument<T, B> {
    family: Arc<Family>,
    interner: Arc<Interner>,
    alive: Arc<Alive>,
    bind: fn(&Arc<Alive>, Arc<T>) -> B,
    /// What it was bound to, by the address of attributes that the interner keeps.
    bound: RwLock<ByAddress<B>>,
}

impl<T: Cell, B: Clone> Instrument<T, B> {
    fn bind(&self, attributes: &MetricAttributes) -> Result<B, Box<dyn Error>> {
        if let Some(address) = address_of(attributes)
            && let Some(bound) = self.bound.read().get(&address)
        {
            return Ok(bound.clone());
        }
        let (address, labels): (_, Arc<Labels>) = self
            .interner
            .labels(attributes)
            .ok_or("attributes that another kind of meter made")?;
        let cell = self.family.series(&labels).ok_or("a family of another type")?;
        let bound = (self.bind)(&self.alive, cell);
        if let Some(address) = address {
            self.bound.write().insert(address, bound.clone());
        }
        Ok(bound)
    }
}

/// Implements, for an instrument of the SDK, what it is bound to and that it can be bound.
macro_rules! instrument {
    ($base:ident :: $record:ident ( $value:ty ) on $cell:ty => $bound:ident($inner:ty) = $how:expr) => {
        #[derive(Clone)]
        struct $bound(Arc<$inner>);

        impl $base for $bound {
            fn $record(&self, value: $value) {
                $how(&*self.0, value)
            }
        }

        impl MetricAttributable<Box<dyn $base>> for Instrument<$cell, $bound> {
            fn with_attributes(&self, attributes: &MetricAttributes) -> Result<Box<dyn $base>, Box<dyn Error>> {
                Ok(Box::new(self.bind(attributes)?))
            }
        }
    };
}

instrument!(CounterBase::adds(u64) on Counter => BoundCounter(Counter) = Counter::add);
instrument!(HistogramBase::records(u64) on Histogram => BoundHistogram(Histogram) = Histogram::record_whole);
instrument!(HistogramF64Base::records(f64) on Histogram => BoundHistogramF64(Histogram) = Histogram::record_float);
instrument!(HistogramDurationBase::records(Duration) on Histogram => BoundDuration(Histogram)
    = Histogram::record_duration);
instrument!(GaugeBase::records(u64) on Gauge => BoundGauge(GaugePart)
    = |part: &GaugePart, value| part.set(i64::try_from(value).unwrap_or(i64::MAX)));
instrument!(GaugeF64Base::records(f64) on Gauge => BoundGaugeF64(GaugePart) = GaugePart::set_float);
instrument!(UpDownCounterBase::adds(i64) on Gauge => BoundUpDown(GaugePart) = GaugePart::add);

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
        let instrument = self.instrument(&parameters, Numbers::Whole, |_, cell| BoundCounter(cell));
        or_nothing!(sdk::Counter, instrument)
    }

    fn histogram(&self, parameters: MetricParameters) -> sdk::Histogram {
        let instrument = self.instrument(&parameters, Numbers::Whole, |_, cell| BoundHistogram(cell));
        or_nothing!(sdk::Histogram, instrument)
    }

    fn histogram_f64(&self, parameters: MetricParameters) -> sdk::HistogramF64 {
        let instrument = self.instrument(&parameters, Numbers::Float, |_, cell| BoundHistogramF64(cell));
        or_nothing!(sdk::HistogramF64, instrument)
    }

    fn histogram_duration(&self, parameters: MetricParameters) -> sdk::HistogramDuration {
        let instrument = self.instrument(&parameters, Numbers::Durations, |_, cell| BoundDuration(cell));
        or_nothing!(sdk::HistogramDuration, instrument)
    }

    fn gauge(&self, parameters: MetricParameters) -> sdk::Gauge {
        let instrument = self.instrument(&parameters, Numbers::Whole, |alive, cell: Arc<Gauge>| {
            BoundGauge(cell.part(alive))
        });
        or_nothing!(sdk::Gauge, instrument)
    }

    fn gauge_f64(&self, parameters: MetricParameters) -> sdk::GaugeF64 {
        let instrument = self.instrument(&parameters, Numbers::Float, |alive, cell: Arc<Gauge>| {
            BoundGaugeF64(cell.part(alive))
        });
        or_nothing!(sdk::GaugeF64, instrument)
    }

    fn up_down_counter(&self, parameters: MetricParameters) -> sdk::UpDownCounter {
        let instrument = self.instrument(&parameters, Numbers::Whole, |alive, cell: Arc<Gauge>| {
            BoundUpDown(cell.part(alive))
        });
        or_nothing!(sdk::UpDownCounter, instrument)
    }
}
