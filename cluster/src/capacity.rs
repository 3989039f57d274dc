//! Capacity of a pool, whether tasks have room in it: CPU units, memory and network interfaces of its instances at
//! their most.

use benchmark_scenarios::Problem;

use crate::facts::{Facts, Pool, Service};

/// Terraform's variables of a pool: its most instances, and their type.
fn variables(pool: &str) -> (&'static str, &'static str) {
    match pool {
        "generator" => ("generator_max_instances", "generator_instance_type"),
        "benchmark" => ("benchmark_max_instances", "benchmark_instance_type"),
        _ => ("ec2_instance_count", "ec2_instance_type"),
    }
}

/// A service, and how many tasks of it are placed.
type Tasks<'a> = (&'a Service, u32);

/// What is left of an instance.
#[derive(Clone, Debug)]
struct Left {
    cpu: u32,
    memory: u32,
    interfaces: u32,
    /// Tasks of the size that is being placed.
    alike: u32,
}

impl Left {
    fn has_room(&self, task: &Service) -> bool {
        self.cpu >= task.cpu && self.memory >= task.memory && self.interfaces > 0
    }
}

/// Instances that these tasks take when each is spread over all instances, as their services are; none where one of the
/// tasks has no room on an empty instance.
fn instances(pool: &Pool, tasks: &[Tasks<'_>]) -> Option<u32> {
    let empty = Left {
        cpu: pool.vcpu * 1024,
        memory: pool.mib,
        interfaces: pool.task_interfaces,
        alike: 0,
    };
    if tasks.iter().any(|&(task, count)| count > 0 && !empty.has_room(task)) {
        return None;
    }
    let most = tasks.iter().map(|&(_, count)| count).sum();
    // With an instance for each task all have room.
    (0..=most).find(|&count| is_placed(vec![empty.clone(); count as usize], tasks))
}

/// Whether each task finds room: on the instance with the fewest of its kind, and of those the one with most CPU left.
fn is_placed(mut instances: Vec<Left>, tasks: &[Tasks<'_>]) -> bool {
    tasks.iter().all(|&(task, count)| {
        for instance in &mut instances {
            instance.alike = 0;
        }
        (0..count).all(|_| {
            let roomy = instances.iter_mut().filter(|instance| instance.has_room(task));
            let place = roomy.min_by_key(|instance| (instance.alike, std::cmp::Reverse(instance.cpu)));
            if let Some(instance) = place {
                instance.cpu -= task.cpu;
                instance.memory -= task.memory;
                instance.interfaces -= 1;
                instance.alike += 1;
                return true;
            }
            false
        })
    })
}

/// Whether these services with these counts have room in their pools; gives a line for each pool.
///
/// # Errors
/// When they have not; the problem has the variables to set.
pub fn room(facts: &Facts, planned: &[Tasks<'_>]) -> Result<Vec<String>, Problem> {
    let mut lines = Vec::new();
    for (name, pool) in &facts.pools {
        let mut tasks = planned.to_vec();
        tasks.retain(|(service, count)| service.pool == *name && *count > 0);
        if tasks.is_empty() {
            continue;
        }
        let count: u32 = tasks.iter().map(|&(_, count)| count).sum();
        let (most, type_) = variables(name);
        let kind = &pool.instance_type;
        match instances(pool, &tasks) {
            Some(needed) if needed <= pool.max => lines.push(format!(
                "{count} tasks take {needed} of at most {} × {kind} of the pool {name}",
                pool.max
            )),
            Some(needed) => {
                return Err(Problem::new(format!(
                    "{count} tasks take {needed} × {kind}, and the pool {name} has at most {}",
                    pool.max
                ))
                .remedy(format!("terraform apply with {most} = {needed}"))
                .remedy(format!("a larger {type_}")));
            }
            None => {
                let large = tasks.iter().map(|(service, _)| service.cpu).max().unwrap_or_default();
                return Err(Problem::new(format!(
                    "a task of {large} CPU units has no room on the pool {name}'s {kind} ({} CPU units, {} MiB)",
                    pool.vcpu * 1024,
                    pool.mib
                ))
                .remedy(format!("terraform apply with a larger {type_}")));
            }
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bench() -> Facts {
        Facts::parse(include_str!("../tests/facts/bench.json"), "bench.json").expect("facts")
    }

    /// A service whose tasks have this size.
    fn sized(facts: &Facts, cpu: u32, memory: u32) -> Service {
        let service = facts.services[0].clone();
        Service { cpu, memory, ..service }
    }

    fn planned(facts: &Facts) -> Vec<(&Service, u32)> {
        facts.services.iter().map(|service| (service, service.count)).collect()
    }

    #[test]
    fn bench_has_room_for_what_it_asks_for() {
        let facts = bench();
        let lines = room(&facts, &planned(&facts)).expect("room");
        assert_eq!(lines, ["47 tasks take 7 of at most 10 × m8g.4xlarge of the pool main"]);
    }

    #[test]
    fn too_few_instances_are_refused_with_how_many() {
        let mut facts = bench();
        facts.pools.get_mut("main").expect("main").max = 6;
        insta::assert_snapshot!(room(&facts, &planned(&facts)).expect_err("no room").report(), @r"
        error: 47 tasks take 7 × m8g.4xlarge, and the pool main has at most 6
          try  terraform apply with ec2_instance_count = 7   or   a larger ec2_instance_type
        ");
    }

    #[test]
    fn a_task_larger_than_an_instance_is_refused() {
        let mut facts = bench();
        facts.pools.get_mut("main").expect("main").mib = 8000;
        insta::assert_snapshot!(room(&facts, &planned(&facts)).expect_err("no room").report(), @r"
        error: a task of 4096 CPU units has no room on the pool main's m8g.4xlarge (16384 CPU units, 8000 MiB)
          try  terraform apply with a larger ec2_instance_type
        ");
    }

    #[test]
    fn interfaces_run_out_before_cpu() {
        let facts = bench();
        let small = sized(&facts, 512, 512);
        assert_eq!(instances(&facts.pools["main"], &[(&small, 8)]), Some(2));
    }

    #[test]
    fn the_variables_are_terraforms() {
        let files = [
            include_str!("../../terraform/variables.tf"),
            include_str!("../../terraform/variables-benchmark.tf"),
        ];
        let files = files.concat();
        for pool in bench().pools.keys() {
            let (most, type_) = variables(pool);
            for variable in [most, type_] {
                assert!(files.contains(&format!("variable \"{variable}\"")), "{variable}");
            }
        }
    }

    proptest! {
        /// Never fewer than the sums ask for, never more than one for each task.
        #[test]
        fn instances_lie_between_the_sums_and_the_tasks(
            sizes in prop::collection::vec((1u32..=16_384, 1u32..=60_948, 0u32..20), 1..6)
        ) {
            let facts = bench();
            let pool = &facts.pools["main"];
            let services: Vec<Service> = sizes.iter().map(|&(cpu, memory, _)| sized(&facts, cpu, memory)).collect();
            let tasks: Vec<Tasks<'_>> = services.iter().zip(&sizes).map(|(service, size)| (service, size.2)).collect();
            let needed = instances(pool, &tasks).expect("each has room on an empty one");
            let sum = |of: fn(&Service) -> u32| tasks.iter().map(|(service, count)| of(service) * count).sum::<u32>();
            let count = sum(|_| 1);
            prop_assert!(needed <= count);
            prop_assert!(needed >= sum(|task| task.cpu).div_ceil(pool.vcpu * 1024));
            prop_assert!(needed >= sum(|task| task.memory).div_ceil(pool.mib));
            prop_assert!(needed >= count.div_ceil(pool.task_interfaces));
        }
    }
}
