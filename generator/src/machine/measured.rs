//! Measured phase: what this process used in it, by a look when it begins and one when it ends.

use crate::{
    load::schedule::Schedule,
    machine::health::{HealthProbe, HealthSnapshot},
};

/// Looks at the process when the measured phase begins and when it ends.
#[derive(Debug)]
pub struct MeasuredProbe<'a> {
    probe: &'a HealthProbe,
    bounds: (u64, u64),
    begin: Option<(HealthSnapshot, u64)>,
    end: Option<(HealthSnapshot, u64)>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// What the process had used when the measured phase began and ended.
    pub health: Option<(HealthSnapshot, HealthSnapshot)>,
    /// Starts sent between the two looks.
    pub dispatched: u64,
}

impl<'a> MeasuredProbe<'a> {
    /// A watch over a submission window.
    pub fn new(schedule: &Schedule, probe: &'a HealthProbe) -> Self {
        MeasuredProbe {
            probe,
            bounds: schedule.bounds(benchmark_results::schema::Phase::Measure),
            begin: None,
            end: None,
        }
    }

    /// Looks, if it is time to. Call it a few times a second with the offset, which there is none of before the window
    /// begins: what the process did while it waited is no part of any phase. `dispatched` are the starts sent so far.
    pub fn look(&mut self, now: Option<u64>, dispatched: u64) {
        let Some(now) = now else { return };
        let snapshot = || (self.probe.snapshot(), dispatched);
        if self.begin.is_none() && now >= self.bounds.0 {
            self.begin = Some(snapshot());
        } else if self.begin.is_some() && self.end.is_none() && now >= self.bounds.1 {
            self.end = Some(snapshot());
        }
    }

    /// The window is over, perhaps before the measured phase was. The threads must not have been joined yet: the system
    /// forgets what an ended thread has used.
    pub fn finish(self, dispatched: u64) -> Measured {
        let end = self.end.unwrap_or_else(|| (self.probe.snapshot(), dispatched));
        match self.begin {
            Some((begin, before)) => Measured {
                health: Some((begin, end.0)),
                dispatched: end.1.saturating_sub(before),
            },
            None => Measured::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use benchmark_scenarios::{Arrivals, Load, Rate, WhenFull};

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn schedule(ramp_up: Duration) -> Schedule {
        Schedule::new(&Load {
            rate: Rate::from_thousandths(10_000).unwrap(),
            duration: Duration::from_secs(10),
            ramp_up,
            warm_up: Duration::ZERO,
            drain: Duration::ZERO,
            stop_timeout: Duration::from_secs(25),
            arrivals: Arrivals::Constant,
            seed: 1,
            max_in_flight: 10,
            when_full: WhenFull::Queue,
            max_lag: Duration::from_secs(1),
        })
    }

    /// Starts that a watch counts which looks at these instants, each with the starts sent by then.
    fn counted(schedule: &Schedule, looks: &[(Option<u64>, u64)], end: u64) -> Measured {
        let probe = HealthProbe::new(Path::new("/"));
        let mut watch = MeasuredProbe::new(schedule, &probe);
        for (now, dispatched) in looks {
            watch.look(*now, *dispatched);
        }
        watch.finish(end)
    }

    #[test]
    fn waiting_for_the_beginning_is_in_no_phase() {
        let schedule = schedule(Duration::ZERO);
        // Nothing was sent before; the figure only tells which look the watch began with.
        let measured = counted(&schedule, &[(None, 7), (Some(0), 0), (Some(5 * SECOND), 50)], 60);
        assert_eq!(measured.dispatched, 60);
        let before = counted(&schedule, &[(None, 0), (None, 0)], 0);
        assert!(
            before.health.is_none(),
            "a window that never began has no measured phase"
        );
    }

    #[test]
    fn the_measured_phase_is_looked_at_where_it_begins_and_ends() {
        let schedule = schedule(Duration::from_secs(4));
        let looks = [
            (Some(0), 0),
            (Some(4 * SECOND - 1), 19),
            (Some(4 * SECOND), 20),
            (Some(5 * SECOND), 30),
            (Some(10 * SECOND - 1), 79),
            (Some(10 * SECOND), 80),
            (Some(11 * SECOND), 85),
        ];
        assert_eq!(counted(&schedule, &looks, 90).dispatched, 60);
        // One that is over before its end counts to the last look.
        assert_eq!(counted(&schedule, &looks[..4], 34).dispatched, 14);
    }
}
