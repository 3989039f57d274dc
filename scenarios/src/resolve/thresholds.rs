//! What the run must reach, and whether it can at all.

use std::time::Duration;

use super::{form::Form, reader::Reader};
use crate::{Load, Rate, Thresholds, Workload, asked::Key, problem::Problem};

/// Latencies are recorded up to an hour; a larger limit could not be told from that.
const LONGEST_LATENCY: Duration = Duration::from_secs(3600);

/// The thresholds as asked for, defaults filled in.
pub(crate) fn resolve(reader: &mut Reader, load: &Load, workload: &Workload) -> Result<Thresholds, Problem> {
    let latency = Form::span(Duration::from_millis(1)..=LONGEST_LATENCY);
    let most = Rate::MAX.per_second();
    let thresholds = Thresholds {
        max_p99_latency: reader.read(Key::MaxP99Latency, &latency, || (Duration::from_secs(5), "".into()))?,
        min_throughput: reader.read(
            Key::MinThroughput,
            &Form::number(0.0..=most, "completions a second"),
            || {
                (
                    load.rate.thousandths() as f64 * 95.0 / 100_000.0,
                    "95% of --rate".into(),
                )
            },
        )?,
        max_error_ratio: reader.read(Key::MaxErrorRatio, &Form::ratio(), || (0.001, "".into()))?,
    };
    if thresholds.min_throughput > load.rate.per_second() {
        let (throughput, rate) = (reader.quote(Key::MinThroughput), reader.quote(Key::Rate));
        return Err(Problem::new(format!("{throughput} can never be reached with {rate}"))
            .explain("no more workflows can complete than are started")
            .remedy(format!(
                "--min-throughput {}",
                load.rate.thousandths() as f64 * 95.0 / 100_000.0
            )));
    }
    if workload.failure_ratio > thresholds.max_error_ratio {
        reader.note(format!(
            "{} is more than {} allows: the run will fail that threshold",
            reader.quote(Key::FailureRatio),
            reader.quote(Key::MaxErrorRatio)
        ));
    }
    Ok(thresholds)
}
