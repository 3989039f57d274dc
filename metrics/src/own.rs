//! Series of the program's own: described once, in a table, and told sample by sample.

use std::fmt::{self, Error};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

use crate::distribution::Distribution;

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// Never falls; `_total` is put behind its name.
    Counter,
    /// What is now.
    Gauge,
    /// How long things took, seconds.
    Histogram,
}

/// A family before it has series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name without unit and `_total`.
    pub name: &'static str,
    /// Its unit, which is put behind the name; empty when it has none.
    pub unit: &'static str,
    /// Its type.
    pub kind: FamilyKind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it holds, in a sentence without its full stop.
    pub help: &'static str,
}

impl Described {
    /// A family of this name, unit and type, with these labels, that holds this.
    pub const fn new(
        name: &'static str,
        unit: &'static str,
        kind: FamilyKind,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Described {
            name,
            unit,
            kind,
            labels,
            help,
        }
    }

    /// The name that samples have on the page; of a histogram without `_bucket`, `_sum` and `_count`.
    pub fn full_name(&self) -> String {
        let separator = if self.unit.is_empty() { "" } else { "_" };
        let total = if self.kind == FamilyKind::Counter { "_total" } else { "" };
        format!("{}{separator}{}{total}", self.name, self.unit)
    }
}

/// A sample's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A count.
    Count(u64),
    /// A number.
    Number(f64),
    /// How long things took.
    Distribution(Box<Distribution>),
}

/// A series and what it holds now.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its family.
    pub of: &'static Described,
    /// Its labels.
    pub labels: Vec<(&'static str, String)>,
    /// What it holds.
    pub value: Value,
}

/// Families on a page, and what they hold when it is asked for.
pub(crate) struct Shown<F> {
    pub(crate) table: &'static [&'static Described],
    pub(crate) samples: F,
}

impl<F> fmt::Debug for Shown<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl<F: Fn() -> Vec<Sample> + Send + Sync + 'static> Collector for Shown<F> {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        encode(self.table, &(self.samples)(), &mut encoder)
    }
}

/// Writes samples by family, in the order of the table. A family without samples is not on the page.
fn encode(table: &[&Described], samples: &[Sample], encoder: &mut DescriptorEncoder) -> Result<(), Error> {
    for described in table {
        let mut series = samples
            .iter()
            .filter(|sample| sample.of.name == described.name)
            .peekable();
        if series.peek().is_none() {
            continue;
        }
        let kind = match described.kind {
            FamilyKind::Counter => MetricType::Counter,
            FamilyKind::Gauge => MetricType::Gauge,
            FamilyKind::Histogram => MetricType::Histogram,
        };
        let unit = (!described.unit.is_empty()).then(|| Unit::Other(described.unit.to_owned()));
        let help = format!("{}.", described.help);
        let mut family = encoder.encode_descriptor(described.name, &help, unit.as_ref(), kind)?;
        for sample in series {
            let mut series = family.encode_family(&sample.labels)?;
            match (&sample.value, described.kind) {
                (Value::Count(count), FamilyKind::Counter) => {
                    series.encode_counter::<NoLabelSet, _, f64>(count, None)?
                }
                (Value::Count(count), _) => series.encode_gauge(count)?,
                (Value::Number(number), _) => series.encode_gauge(number)?,
                (Value::Distribution(distribution), _) => distribution.encode(series)?,
            }
        }
    }
    Ok(())
}
