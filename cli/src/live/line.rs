//! A frame as one plain line, for a pipe and for CI: always the same keys, so that it can be cut by a script.

use benchmark_generator::view::watcher::Frame;

use super::row::{clock, ms, needs_hours};
use benchmark_results::format;

/// One line, without a newline: `measure 02:14 asked 400.0/s started 400.0/s completed 398.7/s backlog 61 p99 52ms
/// errors 0`. The percentile is that of `e2e_response`; what is not known is a dash.
pub fn line(frame: &Frame) -> String {
    let dash = || format::NONE.to_owned();
    let iteration = frame
        .iteration
        .map_or_else(String::new, |(number, of)| format!(" iteration {number}/{of}"));
    format!(
        "{}{iteration} {} asked {} started {} completed {} backlog {} p99 {} errors {}",
        frame.phase.name(),
        clock(frame.elapsed, needs_hours(frame.elapsed)),
        format::rate(frame.asked),
        format::rate(frame.started),
        frame.completed.map_or_else(dash, format::rate),
        frame.backlog.map_or_else(dash, |backlog| backlog.to_string()),
        ms(frame.e2e_p99_ms),
        frame.errors,
    )
}
