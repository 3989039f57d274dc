//! Frame of the live view: what is shown of a window at an instant.

use std::time::Duration;

use benchmark_machine::usage::process_cpu;
use benchmark_results::schema::Phase;
use benchmark_scenarios::Plan;
use tokio::time::Instant;

use crate::{
    run::submission::Submission,
    stop::deadline::Deadline,
    view::watcher::{Frame, LivePhase},
};

/// Makes the frames of one iteration.
pub(super) struct Frames {
    iteration: Option<(u32, u32)>,
    /// The phase, since when, and until when where that is known.
    entered: (LivePhase, Instant, Option<Deadline>),
    cpu: (Instant, Duration),
    cores: Option<f64>,
}

/// How often the use of CPU is looked at: over less it jumps.
const CPU_INTERVAL: Duration = Duration::from_secs(2);

impl Frames {
    pub(super) fn new(plan: &Plan, iteration: u32) -> Self {
        Frames {
            iteration: (plan.iterations > 1).then_some((iteration, plan.iterations)),
            entered: (LivePhase::Ramp, Instant::now(), None),
            cpu: (Instant::now(), process_cpu()),
            cores: None,
        }
    }

    /// A phase after the submission window begins.
    pub(super) fn enter(&mut self, phase: LivePhase, until: Option<Deadline>) {
        self.entered = (phase, Instant::now(), until);
    }

    /// The frame of a window in which starts are due.
    pub(super) fn of_window(&mut self, submission: &Submission) -> Frame {
        let now = submission.timeline.elapsed();
        let phase = submission.schedule.phase_at(now);
        let (begin, end) = submission.schedule.bounds(phase);
        let mut frame = self.frame(submission);
        frame.phase = match phase {
            Phase::Ramp => LivePhase::Ramp,
            Phase::WarmUp => LivePhase::WarmUp,
            Phase::Measure => LivePhase::Measure,
            Phase::Drain => LivePhase::Answers,
        };
        frame.elapsed = Duration::from_nanos(now - begin);
        frame.length = (end > begin).then(|| Duration::from_nanos(end - begin));
        frame.asked = submission.schedule.rate_at(now);
        frame
    }

    /// The frame of what follows.
    pub(super) fn after_window(&mut self, submission: &Submission) -> Frame {
        let (phase, since, _) = self.entered;
        Frame {
            phase,
            elapsed: since.elapsed(),
            length: self.length(since.elapsed()),
            ..self.frame(submission)
        }
    }

    /// How long the phase takes in all: less once a stop was asked for, and nobody knows where it takes longer.
    fn length(&self, elapsed: Duration) -> Option<Duration> {
        let (_, since, until) = &self.entered;
        let length = until.as_ref()?.at().saturating_duration_since(*since);
        (elapsed <= length).then_some(length)
    }

    fn frame(&mut self, submission: &Submission) -> Frame {
        let view = submission.accountant.view();
        let ledger = &view.ledger;
        let elapsed = self.cpu.0.elapsed();
        if elapsed >= CPU_INTERVAL {
            let cpu = process_cpu();
            self.cores = Some((cpu.saturating_sub(self.cpu.1)).as_secs_f64() / elapsed.as_secs_f64());
            self.cpu = (Instant::now(), cpu);
        }
        let [start_p50_ms, start_p99_ms, e2e_p50_ms, e2e_p99_ms, lag_p99_ms] = view.quantiles;
        Frame {
            phase: LivePhase::Ramp,
            elapsed: Duration::ZERO,
            length: None,
            iteration: self.iteration,
            asked: 0.0,
            started: view.started_rate as f64,
            completed: submission.stamps.then_some(view.completed_rate as f64),
            backlog: submission.stamps.then_some(view.backlog),
            errors: ledger.rejected
                + ledger.unknown
                + ledger.dropped()
                + ledger.ended().saturating_sub(ledger.completed),
            start_p50_ms,
            start_p99_ms,
            e2e_p50_ms,
            e2e_p99_ms,
            lag_p99_ms,
            cores: self.cores,
            in_flight: view.in_flight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        stop::{
            self, StopReason,
            deadline::{Ending, Step},
        },
        testing,
    };

    #[test]
    fn a_phase_is_as_long_as_it_may_still_take() {
        let plan = testing::plan([]);
        assert_eq!(plan.load.stop_timeout, Duration::from_secs(25));
        let (stopper, stop) = stop::channel();
        let ending = Ending::new(stop, plan.load.stop_timeout);
        let mut frames = Frames::new(&plan, 1);
        assert_eq!(frames.length(Duration::ZERO), None);
        frames.enter(
            LivePhase::Drain,
            Some(ending.step(Step::Drain, Duration::from_secs(60))),
        );
        let shown = |elapsed| {
            let length = frames.length(Duration::from_secs(elapsed));
            length.map(|length| length.as_secs_f64().round())
        };
        assert_eq!((shown(3), shown(61)), (Some(60.0), None));
        stopper.stop(StopReason::Cause("somebody said so".to_owned()));
        // Half of the stop's time, from an instant a moment ago.
        let length = shown(3).unwrap();
        assert!((12.0..20.0).contains(&length), "{length}");
        assert_eq!(shown(21), None);
    }
}
