//! Instants on the server's clock, which is asked about times that it wrote down itself.

use std::time::{Duration, SystemTime};

use benchmark_results::{
    limits::{self, CUT_OFF_NEAR},
    schema::{Fact, Phase, ServerClock},
};

use super::Reconciling;
use crate::account::sampler::server_clock::ClockDifference;

impl Reconciling<'_> {
    /// What is known of the server's clock, for the result.
    pub(super) fn server_clock(&self) -> Fact<ServerClock> {
        match self.difference() {
            Ok(known) => Fact::found(
                ServerClock {
                    offset_ms: known.offset_ns as f64 / 1e6,
                    uncertainty_ms: known.uncertainty_ns as f64 / 1e6,
                    corrected: known.to_server_ns() != 0,
                    moved_ms: known.moved_ns as f64 / 1e6,
                    samples: known.samples,
                },
                "start times by DescribeWorkflowExecution, between sending and answer of the starts",
            ),
            Err(reason) => Fact::missing(reason),
        }
    }

    fn difference(&self) -> Result<ClockDifference, String> {
        let submission = self.submission;
        submission.server_clock.lock().difference(submission.timeline.elapsed())
    }

    /// Whether an instant is known on the server's clock to so many milliseconds. Where nothing is known of it, it is
    /// believed, and a check says so.
    fn is_known_to(&self, ms: f64) -> bool {
        self.difference()
            .map_or(true, |known| known.wrong_ns() as f64 <= ms * 1e6)
    }

    /// Whether the measured phase is known on the server's clock well enough for a rate.
    pub(super) fn are_close_times_known(&self) -> bool {
        let (begin, end) = self.submission.schedule.bounds(Phase::Measure);
        let seconds = end.min(self.submission.end()).saturating_sub(begin) as f64 / 1e9;
        self.is_known_to(limits::close_times_ms(seconds))
    }

    /// Whether the cut-off is.
    pub(super) fn is_cut_off_known(&self) -> bool {
        self.is_known_to(CUT_OFF_NEAR.as_secs_f64() * 1e3)
    }

    /// The time that the server's clock shows at an offset.
    pub(super) fn time_of(&self, offset: u64) -> SystemTime {
        let ahead = self.difference().map_or(0, |known| known.to_server_ns());
        let time = self.submission.timeline.time_of(offset);
        let by = Duration::from_nanos(ahead.unsigned_abs());
        let shifted = if ahead < 0 {
            time.checked_sub(by)
        } else {
            time.checked_add(by)
        };
        shifted.unwrap_or(time)
    }
}
