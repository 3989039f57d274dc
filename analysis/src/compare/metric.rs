//! Metrics of a comparison: figures of the measured phase, each with a direction and a scale.

use std::{collections::BTreeMap, fmt, str::FromStr};

use benchmark_results::{
    Histogram, Ledger, accepted,
    format::{self, BEYOND, NONE},
    histogram::DecodeError,
    limits::{REJECTED_OVERLOAD, SAMPLES_BEYOND_QUANTILE},
    schema::{Latencies, Latency, PhaseReport, Results},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A figure that every run has, or says why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Completions a second in the measured phase.
    Throughput,
    /// Starts a second in the measured phase.
    StartRate,
    /// A quantile of a latency.
    Latency(Distribution, Quantile),
    /// CPU time of the generator's process per start.
    CpuPerStart,
    /// Share of arrivals that did not complete.
    ErrorRatio,
}

/// One of the five latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Distribution {
    /// Due to dispatched.
    Lag,
    /// Dispatched to accepted.
    StartService,
    /// Due to accepted.
    StartResponse,
    /// Dispatched to completed.
    E2eService,
    /// Due to completed.
    E2eResponse,
}

/// One of the quantiles that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantile {
    /// Half of them.
    P50,
    /// 90 %.
    P90,
    /// 99 %.
    P99,
    /// 99.9 %.
    P99_9,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// How a change of a metric is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeScale {
    /// As a ratio: 400/s to 440/s is +10 %. Computed on logarithms, so that twice and half are equally far.
    Ratio,
    /// As a difference: a share of 0 has no logarithm, and of 0.001 % to 0.002 % nobody would say that it doubled.
    Difference,
}

impl Distribution {
    /// All five.
    pub const ALL: [Distribution; 5] = [
        Distribution::StartResponse,
        Distribution::StartService,
        Distribution::E2eResponse,
        Distribution::E2eService,
        Distribution::Lag,
    ];

    fn name(self) -> &'static str {
        match self {
            Distribution::Lag => "lag",
            Distribution::StartService => "start-service",
            Distribution::StartResponse => "start-response",
            Distribution::E2eService => "e2e-service",
            Distribution::E2eResponse => "e2e-response",
        }
    }

    /// Where the workflows ended that its quantiles are of. Of an accepted start there is always an answer.
    pub(super) fn ledger(self, phase: &PhaseReport) -> Ledger {
        match self {
            Distribution::E2eService | Distribution::E2eResponse => phase.ledger,
            _ => Ledger::default(),
        }
    }

    /// The distribution in the results: of accepted starts, of completed workflows.
    pub(super) fn of(self, latencies: &Latencies) -> &Latency {
        match self {
            Distribution::Lag => &latencies.lag,
            Distribution::StartService => &latencies.start_service.accepted,
            Distribution::StartResponse => &latencies.start_response.accepted,
            Distribution::E2eService => &latencies.e2e_service.completed,
            Distribution::E2eResponse => &latencies.e2e_response.completed,
        }
    }
}

impl Quantile {
    /// All of them.
    pub const ALL: [Quantile; 4] = [Quantile::P50, Quantile::P90, Quantile::P99, Quantile::P99_9];

    fn name(self) -> &'static str {
        match self {
            Quantile::P50 => "p50",
            Quantile::P90 => "p90",
            Quantile::P99 => "p99",
            Quantile::P99_9 => "p99.9",
        }
    }

    /// One sample in so many lies beyond it.
    pub(super) fn one_in(self) -> u64 {
        match self {
            Quantile::P50 => 2,
            Quantile::P90 => 10,
            Quantile::P99 => 100,
            Quantile::P99_9 => 1_000,
        }
    }
}

impl Metric {
    /// What a comparison decides by, unless said: how fast it is for the slowest one in a hundred, at either door. What the
    /// cluster carries is a guard: as long as it carries the load, the rate is what was asked for.
    pub const PRIMARY: [Metric; 2] = [
        Metric::Latency(Distribution::StartResponse, Quantile::P99),
        Metric::Latency(Distribution::E2eResponse, Quantile::P99),
    ];

    /// Every metric, in the order of a report.
    pub fn all() -> impl Iterator<Item = Metric> {
        let latencies = Distribution::ALL
            .into_iter()
            .flat_map(|of| Quantile::ALL.map(|quantile| Metric::Latency(of, quantile)));
        [Metric::Throughput, Metric::StartRate]
            .into_iter()
            .chain(latencies)
            .chain([Metric::ErrorRatio, Metric::CpuPerStart])
    }

    /// Which way is better.
    pub fn direction(self) -> Direction {
        match self {
            Metric::Throughput | Metric::StartRate => Direction::Up,
            Metric::Latency(..) | Metric::CpuPerStart | Metric::ErrorRatio => Direction::Down,
        }
    }

    /// How its change is told.
    pub fn scale(self) -> ChangeScale {
        match self {
            Metric::ErrorRatio => ChangeScale::Difference,
            _ => ChangeScale::Ratio,
        }
    }

    /// Whether it is a latency.
    pub fn is_latency(self) -> bool {
        matches!(self, Metric::Latency(..))
    }

    /// In a report: `e2e response p99`.
    pub fn label(self) -> String {
        self.to_string().replace('-', " ")
    }

    /// The latency of which it is a quantile.
    pub(super) fn distribution(self) -> Option<Distribution> {
        match self {
            Metric::Latency(of, _) => Some(of),
            _ => None,
        }
    }

    /// The same quantile of another latency.
    pub(super) fn same_of(self, other: Distribution) -> Option<Metric> {
        match self {
            Metric::Latency(_, quantile) => Some(Metric::Latency(other, quantile)),
            _ => None,
        }
    }

    /// A change as it is shown, of this baseline, in the metric's unit; `None` where that is no number.
    pub(super) fn to_absolute(self, change: f64, baseline: f64) -> Option<f64> {
        let absolute = match self.scale() {
            ChangeScale::Ratio => change * baseline,
            ChangeScale::Difference => change,
        };
        absolute.is_finite().then_some(absolute)
    }

    /// A value of it for people, with its unit.
    pub fn figure(self, value: f64) -> String {
        match self {
            Metric::Throughput | Metric::StartRate => format::rate(value),
            Metric::Latency(..) => format::exact_ms(value),
            Metric::CpuPerStart if value.is_finite() => format!("{value:.0}µs"),
            Metric::CpuPerStart => NONE.into(),
            Metric::ErrorRatio => format::percent(value),
        }
    }

    /// A value on the scale on which values are subtracted; `None` when it has no place there.
    pub(super) fn to_scale(self, value: f64) -> Option<f64> {
        let scaled = match self.scale() {
            ChangeScale::Ratio if value > 0.0 => value.ln(),
            ChangeScale::Ratio => return None,
            ChangeScale::Difference => value,
        };
        scaled.is_finite().then_some(scaled)
    }

    /// A mean on that scale as a value: the geometric mean of ratios.
    pub(super) fn unscaled(self, scaled: f64) -> f64 {
        match self.scale() {
            ChangeScale::Ratio => scaled.exp(),
            ChangeScale::Difference => scaled,
        }
    }

    /// A difference on that scale as the change that is shown: 0.1 for +10 %, or for +10 percentage points.
    pub(super) fn to_change(self, difference: f64) -> f64 {
        match self.scale() {
            ChangeScale::Ratio => difference.exp_m1(),
            ChangeScale::Difference => difference,
        }
    }
}

/// Change of the share of errors that makes no difference: the default of `--max-error-ratio`, and so what a run may have.
pub const ERROR_MARGIN: f64 = REJECTED_OVERLOAD;

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Throughput => f.write_str("throughput"),
            Metric::StartRate => f.write_str("start-rate"),
            Metric::Latency(of, quantile) => write!(f, "{}-{}", of.name(), quantile.name()),
            Metric::CpuPerStart => f.write_str("cpu-per-start"),
            Metric::ErrorRatio => f.write_str("error-ratio"),
        }
    }
}

/// A text is the name of no metric.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is no metric: throughput, start-rate, error-ratio, cpu-per-start, or \
     one of start-response, start-service, e2e-response, e2e-service and lag \
     with -p50, -p90, -p99 or -p99.9, as in e2e-response-p99"
)]
pub struct UnknownMetric {
    given: String,
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        Metric::all()
            .find(|metric| metric.to_string() == text.trim())
            .ok_or_else(|| UnknownMetric {
                given: text.chars().take(60).collect(),
            })
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What a run has of every metric: its value, or why there is none.
pub(super) type Values = BTreeMap<Metric, Result<f64, String>>;

/// Reads every metric of a run. Quantiles of ends are of all accepted workflows and may be [`BEYOND`]. They come from the stored histograms of the measured phase, and not from the figures
/// beside them.
///
/// # Errors
/// When a histogram cannot be decoded.
pub(super) fn values(results: &Results) -> Result<Values, DecodeError> {
    let measure = &results.phases.measure;
    let known = |value: Option<f64>| value.ok_or_else(|| "not measured".to_owned());
    let mut values = BTreeMap::from([
        (Metric::Throughput, known(measure.completion_rate)),
        (Metric::StartRate, known(measure.start_rate)),
        (Metric::ErrorRatio, known(measure.ledger.error_ratio())),
        (Metric::CpuPerStart, known(results.generator.cpu_per_start_us)),
    ]);
    for of in Distribution::ALL {
        let histogram = Histogram::decode(&of.of(&measure.latencies).histogram)?;
        for quantile in Quantile::ALL {
            let needed = quantile.one_in() * SAMPLES_BEYOND_QUANTILE;
            let value = match accepted::quantile_ms(&histogram, &of.ledger(measure), quantile.one_in()) {
                Some(value) => Ok(value),
                None => Err(format!(
                    "{} of the {} that it needs",
                    format::plural(histogram.count(), "sample"),
                    format::count(needed)
                )),
            };
            values.insert(Metric::Latency(of, quantile), value);
        }
    }
    for (metric, value) in &mut values {
        if let Ok(number) = value
            && *number != BEYOND
            && metric.to_scale(*number).is_none()
        {
            *value = Err(format!("{} has no ratio to anything", metric.figure(*number)));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use benchmark_results::testing;

    #[test]
    fn every_name_is_read_back() {
        for metric in Metric::all() {
            assert_eq!(metric.to_string().parse(), Ok(metric));
        }
        assert_eq!(Metric::all().count(), 24);
        let error = "p99".parse::<Metric>().unwrap_err().to_string();
        assert!(
            error.contains("\"p99\" is no metric") && error.contains("e2e-response-p99"),
            "{error}"
        );
    }

    #[test]
    fn values_are_those_of_the_histograms() {
        let mut results = testing::valid();
        let stored = results.phases.measure.latencies.clone();
        // The figure beside the histogram is not believed.
        results.phases.measure.latencies.e2e_response.completed.p99 = Some(1.0);
        let values = values(&results).unwrap();
        let p99 = Metric::Latency(Distribution::E2eResponse, Quantile::P99);
        assert_eq!(values[&p99].clone().ok(), stored.e2e_response.completed.p99);
        let p50 = Metric::Latency(Distribution::Lag, Quantile::P50);
        assert_eq!(values[&p50].clone().ok(), stored.lag.p50);
        assert_eq!(
            values[&Metric::Throughput],
            Ok(results.phases.measure.completion_rate.unwrap())
        );
        assert_eq!(values.len(), 24);
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        let values = values(&testing::short()).unwrap();
        let p99 = Metric::Latency(Distribution::E2eResponse, Quantile::P99);
        assert_eq!(values[&p99], Err("200 samples of the 500 that it needs".into()));
        let values = super::values(&testing::empty()).unwrap();
        assert_eq!(values[&Metric::Throughput], Err("not measured".into()));
        let mut silent = testing::valid();
        silent.phases.measure.completion_rate = Some(0.0);
        let values = super::values(&silent).unwrap();
        assert_eq!(
            values[&Metric::Throughput],
            Err("0.00/s has no ratio to anything".into())
        );
    }

    #[test]
    fn a_damaged_histogram_is_an_error() {
        let mut results = testing::valid();
        results.phases.measure.latencies.lag.histogram = "***".into();
        assert_eq!(super::values(&results), Err(DecodeError::NotBase64));
    }
}
