//! Latencies over time as an HdrHistogram interval log, version 1.3, which the tools of HdrHistogram read: `start_response`
//! and `e2e_response` as tagged histograms, in microseconds.
//!
//! Every line's time counts from the beginning of the run, which stands in `BaseTime` (and in `StartTime`, as the format
//! wants it), seconds since 1970. The format: `HistogramLogWriter` of <https://github.com/HdrHistogram/HdrHistogram>.

use std::time::{Duration, SystemTime};

use benchmark_results::{
    Histogram,
    histogram::DecodeError,
    schema::{IntervalHistograms, Results},
};
use hdrhistogram::serialization::{
    V2DeflateSerializer,
    interval_log::{IntervalLogWriterBuilder, Tag},
};
use jiff::Timestamp;

/// Why an interval log could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HlogError {
    /// A histogram cannot be read.
    #[error("interval {index} of the results file, {which}: {source}")]
    Histogram {
        /// Its place in `intervals`, from 0.
        index: usize,
        /// Which of its two histograms.
        which: &'static str,
        /// Why.
        source: DecodeError,
    },
    /// An instant is none.
    #[error("{place} of the results file is no instant in RFC 3339")]
    Instant {
        /// Where it stands.
        place: &'static str,
    },
    /// The log could not be written to memory.
    #[error("the interval log cannot be written: {0}")]
    Write(String),
}

/// The log.
pub(super) fn log(results: &Results) -> Result<String, HlogError> {
    let begin = instant(&results.run.started_at, "run.startedAt")?;
    let offsets = offsets(results, begin)?;
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let place = "run.startedAt";
    let since_epoch = Duration::try_from(begin.as_duration()).map_err(|_| HlogError::Instant { place })?;
    let base = SystemTime::UNIX_EPOCH + since_epoch;
    let failed = |error: &dyn std::fmt::Display| HlogError::Write(error.to_string());
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(&benchmark_results::text::line(
            &format!(
                "[run-benchmark {} run {} plan {}]",
                results.run.version, results.run.id, results.plan_hash
            ),
            300,
        ))
        .add_comment("[values are microseconds; the largest value of a line is milliseconds]")
        .with_start_time(base)
        .with_base_time(base)
        .with_max_value_divisor(1000.0)
        .begin_log_with(&mut bytes, &mut serializer)
        .map_err(|error| failed(&error))?;
    for (index, interval) in results.intervals.iter().enumerate() {
        let length = Duration::from_secs(interval.seconds);
        let at = start(interval, &offsets);
        for (which, text) in [
            ("start_response", &interval.start_response),
            ("e2e_response", &interval.e2e_response),
        ] {
            let histogram = Histogram::decode(text).map_err(|source| HlogError::Histogram { index, which, source })?;
            writer
                .write_histogram(histogram.inner(), at, length, Tag::new(which))
                .map_err(|error| failed(&error))?;
        }
    }
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// When each iteration began, from the beginning of the run; nothing of it is negative.
fn offsets(results: &Results, begin: Timestamp) -> Result<Vec<Duration>, HlogError> {
    let of = |started_at: &str| {
        let at = instant(started_at, "iterations.startedAt")?;
        Ok(Duration::try_from(at.duration_since(begin)).unwrap_or_default())
    };
    results
        .iterations
        .iter()
        .map(|iteration| of(&iteration.started_at))
        .collect()
}

/// When an interval began, from the beginning of the run.
fn start(interval: &IntervalHistograms, offsets: &[Duration]) -> Duration {
    let place = (interval.iteration as usize).checked_sub(1);
    let offset = place.and_then(|place| offsets.get(place)).copied().unwrap_or_default();
    offset + Duration::from_secs(interval.start_seconds)
}

fn instant(text: &str, place: &'static str) -> Result<Timestamp, HlogError> {
    text.parse().map_err(|_| HlogError::Instant { place })
}
