//! Context of the checks: what several of them derive from the input.

use std::ops::Deref;

use benchmark_scenarios::Target;

use super::{JudgeInput, members::GENERATOR_LOST};
use crate::schema::{Member, Phase, Window};

/// The input and what follows from it.
pub(super) struct Context<'a> {
    input: &'a JudgeInput<'a>,
    /// Windows of the measured phase.
    pub(super) measured: Vec<&'a Window>,
    /// Whether anybody, worker or server, told how workflows ended.
    pub(super) ends_observed: bool,
}

impl<'a> Deref for Context<'a> {
    type Target = JudgeInput<'a>;

    fn deref(&self) -> &JudgeInput<'a> {
        self.input
    }
}

impl<'a> Context<'a> {
    pub(super) fn new(input: &'a JudgeInput<'a>) -> Self {
        let windows = input.windows;
        Context {
            input,
            measured: windows.iter().filter(|window| window.phase == Phase::Measure).collect(),
            ends_observed: input.reconciliation.server.value.is_some()
                || input.reconciliation.stamped > 0
                || windows.iter().any(|window| window.backlog.is_some()),
        }
    }

    /// The input itself, for what is to outlive this.
    pub(super) fn input(&self) -> &'a JudgeInput<'a> {
        self.input
    }

    /// Beginning and end of the measured phase, seconds from the iteration's.
    pub(super) fn measured_span(&self) -> (f64, f64) {
        let begin = self.measure.start_seconds;
        (begin, begin + self.measure.seconds)
    }

    /// Arrivals that generators owe.
    pub(super) fn missing_arrivals(&self) -> u64 {
        let missing = self.fleet.members.iter().map(Member::missing_arrivals);
        missing.fold(0, u64::saturating_add)
    }

    /// Whether workflows were not waited for as long as planned, by a signal or a condition.
    pub(super) fn is_drain_cut_short(&self) -> bool {
        let cut_off = self.reconciliation.cut_off.as_ref();
        cut_off.is_some_and(|cut_off| cut_off.cut_short_by.is_some())
    }

    /// Starts a second after the ramp.
    pub(super) fn rate(&self) -> f64 {
        self.plan.load.rate.per_second()
    }

    /// Seconds that a workflow takes when nothing makes it wait: until then a backlog grows though the cluster follows.
    pub(super) fn own_seconds(&self) -> f64 {
        self.plan.workload.own_duration().as_secs_f64()
    }

    /// What to do when the generator or its machine was the limit.
    pub(super) fn free_the_machine(&self) -> String {
        if self.missing_arrivals() > 0 {
            return GENERATOR_LOST.into();
        }
        let ceiling = match self.generator.share_of_ceiling.value {
            Some(share) if share > 0.0 => {
                let own = self.rate() / f64::from(self.fleet.generators.max(1));
                format!(" (calibrated ceiling {})", crate::format::rate(own / share))
            }
            _ => String::new(),
        };
        match self.plan.target {
            Target::Embedded(_) => format!(
                "the embedded server, its workers or another process is using the cores, or the rate is beyond this \
                 host{ceiling}: lower --rate, free the machine, or measure a server elsewhere with --address"
            ),
            Target::Cluster(_) => format!(
                "another process is using the cores, or the rate is beyond this host{ceiling}: lower --rate, add \
                 --generators on other machines, free the machine, or take a larger one"
            ),
        }
    }
}
