//! Validation of a plan that another process made: whether it could have been asked for.
//!
//! A plan that comes over the network holds numbers that nobody has looked at: durations whose sum overflows, payloads of
//! gigabytes, millions of threads. Asking for it anew sends each through the bound that a flag of that name has.

use serde_json::Value;

use super::{HostDefaults, resolve};
use crate::{
    Plan,
    asked::{Asked, Given},
    options::Key,
    problem::Problem,
};

impl Plan {
    /// Looks at everything that makes load.
    ///
    /// # Errors
    /// The first value that cannot be asked for, and what can.
    pub fn check(&self) -> Result<(), Problem> {
        let facts = HostDefaults {
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

/// What could be typed to have this plan: each of its values that is called as an option is.
fn asked(plan: &Plan) -> Asked {
    let mut asked = Asked::new();
    let mut add = |key: Key, text: String| asked.add(key, Given::by_flag(key.flag(), text));
    add(Key::Address, "leader:1".to_owned());
    add(Key::Sample, plan.observation.sample_ratio.to_string());
    if plan.fleet.generators > 1 || plan.fleet.expect_workers > 0 {
        add(Key::FleetListen, "127.0.0.1:0".to_owned());
    }
    for (key, text) in plan.workload.kind.typed_otherwise() {
        add(key, text);
    }
    let whole = serde_json::to_value(plan).unwrap_or_default();
    let parts = ["load", "starter", "workload", "fleet", "observation"].map(|part| &whole[part]);
    for part in parts.into_iter().chain([&whole]) {
        for (name, value) in part.as_object().into_iter().flatten() {
            let Some(key) = Key::by_name(&kebab_case(name)) else {
                continue;
            };
            match value {
                // Only some workloads have the option.
                Value::String(_) if key == Key::ActivityCpu && plan.workload.activity_cpu.is_zero() => {}
                Value::String(text) => add(key, text.clone()),
                Value::Number(number) => add(key, number.to_string()),
                _ => {}
            }
        }
    }
    asked
}

/// `rampUp` as `ramp-up`.
fn kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(options: &[(Key, &str)]) -> Plan {
        let mut asked = Asked::new();
        for (key, text) in options {
            asked.add(*key, Given::by_flag(key.flag(), (*text).to_owned()));
        }
        let facts = HostDefaults {
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
            vec![
                (Key::MaxInFlight, "7"),
                (Key::Iterations, "3"),
                (Key::Seed, "18446744073709551615"),
            ],
            vec![
                (Key::Rate, "0.125"),
                (Key::Duration, "1h"),
                (Key::RampUp, "1m 1ms"),
                (Key::FailureRatio, "0.07"),
            ],
            vec![
                (Key::Generators, "2"),
                (Key::FleetListen, "127.0.0.1:0"),
                (Key::WhenFull, "drop"),
            ],
            vec![
                (Key::WorkflowType, "multi-activity"),
                (Key::ActivityCpu, "1ms"),
                (Key::ActivityDuration, "normal:1s,1s"),
            ],
            vec![
                (Key::WorkflowType, "child-workflow"),
                (Key::ChildCount, "9"),
                (Key::PayloadSize, "3KiB"),
            ],
            vec![
                (Key::WorkflowType, "timer"),
                (Key::TimerDuration, "1500ms"),
                (Key::Arrivals, "poisson"),
            ],
            vec![(Key::Rate, "20000"), (Key::Threads, "2")],
        ] {
            let options: Vec<_> = [cluster].into_iter().chain(more.iter().copied()).collect();
            resolved(&options)
                .check()
                .unwrap_or_else(|problem| panic!("{more:?}: {problem}"));
        }
    }
}
