//! What this process used in the measured phase: looked at when it begins and when it ends.

use crate::{
    health::{HealthProbe, HealthSnapshot},
    schedule::Schedule,
    starters::Starters,
};

/// Looks at the process when the measured phase begins and when it ends.
#[derive(Debug)]
pub struct Watch<'a> {
    probe: &'a HealthProbe,
    bounds: (u64, u64),
    begin: Option<(HealthSnapshot, u64)>,
    end: Option<(HealthSnapshot, u64)>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// What the process had used when the measured phase began and ended.
    pub health: Option<(HealthSnapshot, HealthSnapshot)>,
    /// Starts sent between the two looks.
    pub dispatched: u64,
}

impl<'a> Watch<'a> {
    /// A watch over a submission window.
    pub fn new(schedule: &Schedule, probe: &'a HealthProbe) -> Self {
        Watch {
            probe,
            bounds: schedule.bounds(benchmark_results::schema::Phase::Measure),
            begin: None,
            end: None,
        }
    }

    /// Looks, if it is time to. Call it a few times a second with the offset.
    pub fn look(&mut self, now: u64, starters: &Starters) {
        let snapshot = || (self.probe.snapshot(), starters.dispatched());
        if self.begin.is_none() && now >= self.bounds.0 {
            self.begin = Some(snapshot());
        } else if self.begin.is_some() && self.end.is_none() && now >= self.bounds.1 {
            self.end = Some(snapshot());
        }
    }

    /// The window is over, perhaps before the measured phase was. The threads must not have been joined yet: the system
    /// forgets what an ended thread has used.
    pub fn finish(self, starters: &Starters) -> Watched {
        let end = self
            .end
            .unwrap_or_else(|| (self.probe.snapshot(), starters.dispatched()));
        match self.begin {
            Some((begin, before)) => Watched {
                health: Some((begin, end.0)),
                dispatched: end.1.saturating_sub(before),
            },
            None => Watched::default(),
        }
    }
}
