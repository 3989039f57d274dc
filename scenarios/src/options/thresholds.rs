//! Options of thresholds: what must be reached.

use std::time::Duration;

use super::{options, says, value};
use crate::{Rate, form::Form};

/// Latencies are recorded up to an hour; a larger limit could not be told from that.
const LONGEST_LATENCY: Duration = Duration::from_secs(3600);

options! { Thresholds:
    /// Limit of the 99th percentile of `e2e_response`.
    MaxP99Latency("max-p99-latency"): Duration = Form::span(Duration::from_millis(1)..=LONGEST_LATENCY), value("TIME")
        .run(says("Limit of the 99th percentile from due to completed, in the measured phase")
            .or("5s").variables(&["BENCHMARK_MAX_P99_LATENCY"]));
    /// Completions a second, at least.
    MinThroughput("min-throughput"): f64 = Form::number(0.0..=Rate::MAX.per_second(), "completions a second"),
        value("PER_SECOND")
        .run(says("Completions a second in the measured phase, at least")
            .otherwise("95% of --rate").variables(&["BENCHMARK_MIN_THROUGHPUT"]));
    /// Share of arrivals that may end in anything but completion.
    MaxErrorRatio("max-error-ratio"): f64 = Form::ratio(), value("SHARE")
        .run(says("Share of measured starts that may end in anything but completion").or("0.1%"));
}
