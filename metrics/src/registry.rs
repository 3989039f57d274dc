//! Registry of all series of a process.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use prometheus_client::{
    encoding::{prometheus_protobuf, text},
    metrics::info::Info,
};
use prost::Message as _;
use temporalio_common::telemetry::{
    METRIC_PREFIX, TaskQueueLabelStrategy,
    metrics::{CoreMeter, MetricKeyValue, TemporalMeter},
};

use crate::{
    families::Families,
    format::Format,
    gauges::Alive,
    headroom::{self, Headroom, Selection},
    labels::Interner,
    meter::Meter,
    own::{Described, Sample, Shown},
    plain,
    process::ProcessSeries,
    protobuf::MetricFamily,
};

/// All series of a process. Clones are the same registry.
#[derive(Clone)]
pub struct Registry {
    prometheus: Arc<Mutex<prometheus_client::registry::Registry>>,
    families: Arc<Families>,
    interner: Arc<Interner>,
}

impl Registry {
    /// A registry with the process's own series: `benchmark_build_info` and `process_…`.
    pub fn new() -> Registry {
        let mut prometheus = prometheus_client::registry::Registry::default();
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        prometheus.register("benchmark_build", "The program that this process runs", build);
        prometheus.register_collector(Box::new(ProcessSeries));
        let prometheus = Arc::new(Mutex::new(prometheus));
        Registry {
            families: Arc::new(Families::new(prometheus.clone())),
            prometheus,
            interner: Arc::default(),
        }
    }

    /// Where one worker of the SDK records, for the `metrics` of its `TelemetryOptions`, which put `temporal_` before the
    /// names.
    ///
    /// **One meter for each worker.** Workers that poll the same task queue have the same labels; a gauge on the page is
    /// the sum over the meters that are alive, but workers on one meter overwrite each other's slots and polls. Counters and
    /// histograms are shared by all meters.
    pub fn meter(&self, selection: Selection) -> Arc<dyn CoreMeter> {
        self.meter_with_prefix(selection, "")
    }

    /// Where one client of the SDK records, for `ConnectionOptions::metrics_meter`: as [`Registry::meter`], with the prefix
    /// and the label `service_name` that the SDK gives its own.
    pub fn client_meter(&self, selection: Selection) -> TemporalMeter {
        let service = MetricKeyValue::new("service_name", "temporal-core-sdk");
        TemporalMeter::new(
            self.meter_with_prefix(selection, METRIC_PREFIX),
            [service].into(),
            TaskQueueLabelStrategy::UseNormal,
        )
    }

    fn meter_with_prefix(&self, selection: Selection, prefix: &'static str) -> Arc<dyn CoreMeter> {
        Arc::new(Meter {
            families: self.families.clone(),
            interner: self.interner.clone(),
            selection,
            prefix,
            alive: Arc::new(Alive),
        })
    }

    /// How much of the workers' slots and polls is in use now. Takes microseconds.
    pub fn headroom(&self) -> Headroom {
        headroom::read(&self.families)
    }

    /// Registers series of the process's own. Names are not checked: what is registered twice is on the page twice. The
    /// registry is locked meanwhile: `register` must not ask it for its page or make an instrument.
    pub fn with(&self, register: impl FnOnce(&mut prometheus_client::registry::Registry)) {
        register(&mut self.prometheus.lock());
    }

    /// Shows series of the program's own: whatever `samples` says when the page is asked for, in one piece.
    pub fn show(
        &self,
        table: &'static [&'static Described],
        samples: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) {
        self.with(|registry| registry.register_collector(Box::new(Shown { table, samples })));
    }

    /// The page.
    ///
    /// # Errors
    /// When a collector cannot write its series.
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, EncodeError> {
        Ok(match format {
            Format::Protobuf => {
                let mut page = Vec::new();
                for family in self.families()? {
                    // A vector has room for all.
                    let _ = family.encode_length_delimited(&mut page);
                }
                page
            }
            Format::OpenMetrics => self.openmetrics()?.into_bytes(),
            Format::Plain => plain::of(&self.openmetrics()?).into_bytes(),
        })
    }

    fn openmetrics(&self) -> Result<String, EncodeError> {
        let mut page = String::new();
        text::encode(&mut page, &self.prometheus.lock())?;
        Ok(page)
    }

    /// All families, as Prometheus' protobuf messages.
    ///
    /// # Errors
    /// When a collector cannot write its series.
    pub fn families(&self) -> Result<Vec<MetricFamily>, EncodeError> {
        Ok(prometheus_protobuf::encode(&self.prometheus.lock())?)
    }
}

/// A collector did not write its series.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the page cannot be written: a collector failed; this is a defect of the program")]
pub struct EncodeError(#[from] fmt::Error);

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}
