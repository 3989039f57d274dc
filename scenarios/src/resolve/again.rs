//! Whether a plan that another process made is one that could have been asked for.
//!
//! A plan that comes over the network holds numbers that nobody has looked at: durations whose sum overflows, payloads of
//! gigabytes, millions of threads. Asking for it anew sends each through the bound that a flag of that name has.

use super::{HostFacts, resolve};
use crate::{
    Plan, WorkloadKind,
    asked::{Asked, Given},
    options::Key,
    problem::Problem,
    units,
};

impl Plan {
    /// Looks at everything that makes load.
    ///
    /// # Errors
    /// The first value that cannot be asked for, and what can.
    pub fn check(&self) -> Result<(), Problem> {
        let facts = HostFacts {
            cores: 1,
            task_queue: self.task_queue.clone(),
        };
        let mut again = resolve(&asked(self), &facts)?.plan;
        // A switch that follows from what was not asked for: either of its values is allowed.
        again.starter.each_address = self.starter.each_address;
        if (&again.load, &again.workload, &again.starter) == (&self.load, &self.workload, &self.starter) {
            return Ok(());
        }
        Err(Problem::new("the plan holds what cannot be asked for"))
    }
}

fn asked(plan: &Plan) -> Asked {
    let (load, starter, workload) = (&plan.load, &plan.starter, &plan.workload);
    let mut asked = Asked::new();
    let mut add = |key: Key, text: String| asked.add(key, Given::by_flag(key.flag(), text));
    add(Key::Address, "leader:1".to_owned());
    add(Key::Namespace, plan.namespace.clone());
    add(Key::TaskQueue, plan.task_queue.clone());
    for (key, span) in [
        (Key::Duration, load.duration),
        (Key::RampUp, load.ramp_up),
        (Key::WarmUp, load.warm_up),
        (Key::Drain, load.drain),
        (Key::StopTimeout, load.stop_timeout),
        (Key::MaxLag, load.max_lag),
        (Key::StartTimeout, starter.start_timeout),
        (Key::ConnectTimeout, starter.connect_timeout),
    ] {
        add(key, units::format(span));
    }
    for (key, number) in [
        (Key::MaxInFlight, load.max_in_flight),
        (Key::Threads, starter.threads),
        (Key::Connections, starter.connections),
        (Key::PayloadSize, workload.payload_size),
        (Key::ResultSize, workload.result_size),
        (Key::SampleCap, plan.observation.sample_cap),
        (Key::Iterations, plan.iterations),
        (Key::Generators, plan.fleet.generators),
        (Key::ExpectWorkers, plan.fleet.expect_workers),
    ] {
        add(key, number.to_string());
    }
    if plan.fleet.generators > 1 || plan.fleet.expect_workers > 0 {
        add(Key::FleetListen, "127.0.0.1:0".to_owned());
    }
    add(Key::Rate, load.rate.to_string());
    add(Key::Scheduling, starter.scheduling.to_string());
    add(Key::Arrivals, load.arrivals.to_string());
    add(Key::Seed, load.seed.to_string());
    add(Key::WhenFull, load.when_full.to_string());
    add(Key::FailureRatio, workload.failure_ratio.to_string());
    add(Key::Sample, plan.observation.sample_ratio.to_string());
    add(Key::WorkflowType, workload.kind.name().to_owned());
    match &workload.kind {
        WorkloadKind::Simple | WorkloadKind::StateTransitions => {}
        WorkloadKind::MultiActivity {
            activity_count,
            parallel_activities,
            activity_duration,
        } => {
            add(Key::ActivityCount, activity_count.to_string());
            add(Key::ParallelActivities, parallel_activities.to_string());
            add(Key::ActivityDuration, activity_duration.to_string());
        }
        WorkloadKind::Timer { timer_duration } => add(Key::TimerDuration, units::format(*timer_duration)),
        WorkloadKind::ChildWorkflow { child_count } => add(Key::ChildCount, child_count.to_string()),
    }
    if !workload.activity_cpu.is_zero() {
        add(Key::ActivityCpu, units::format(workload.activity_cpu));
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(options: &[(Key, &str)]) -> Plan {
        let mut asked = Asked::new();
        for (key, text) in options {
            asked.add(*key, Given::by_flag(key.flag(), (*text).to_owned()));
        }
        let facts = HostFacts {
            cores: 2,
            task_queue: "queue".to_owned(),
        };
        resolve(&asked, &facts).unwrap().plan
    }

    #[test]
    fn what_a_leader_resolves_is_carried_out() {
        let cluster = (Key::Address, "cluster:7233");
        for more in [
            vec![],
            vec![(Key::Connections, "7")],
            vec![(Key::Scheduling, "ordinary")],
            vec![(Key::StopTimeout, "40s")],
            vec![(Key::Rate, "20000"), (Key::Threads, "2")],
        ] {
            let options: Vec<_> = [cluster].into_iter().chain(more.iter().copied()).collect();
            resolved(&options)
                .check()
                .unwrap_or_else(|problem| panic!("{more:?}: {problem}"));
        }
    }
}
