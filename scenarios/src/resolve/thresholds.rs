//! Thresholds that the run must reach, and whether it can at all.

use super::reader::Reader;
use crate::{
    Load, Thresholds, Workload,
    options::{Key, opt},
    problem::Problem,
};

/// The thresholds as asked for, defaults filled in.
pub(crate) fn resolve(reader: &mut Reader, load: &Load, workload: &Workload) -> Result<Thresholds, Problem> {
    let most_of_the_rate = load.rate.thousandths() as f64 * 95.0 / 100_000.0;
    let thresholds = Thresholds {
        max_p99_latency: reader.read(opt::MaxP99Latency)?,
        min_throughput: reader.read_or(opt::MinThroughput, || (most_of_the_rate, "95% of --rate".into()))?,
        max_error_ratio: reader.read(opt::MaxErrorRatio)?,
    };
    if thresholds.min_throughput > load.rate.per_second() {
        let (throughput, rate) = (reader.quote(Key::MinThroughput), reader.quote(Key::Rate));
        return Err(Problem::new(format!("{throughput} can never be reached with {rate}"))
            .explain("no more workflows can complete than are started")
            .remedy(format!("--min-throughput {most_of_the_rate}")));
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
