//! Presets: how many tasks of which size for so many workflow starts a second, as data in `presets.json`. The figures are
//! those of the system that this replaces; nobody has measured what they carry here.

use std::{collections::BTreeMap, sync::OnceLock};

use benchmark_scenarios::Problem;
use serde::Deserialize;

use crate::facts::{Facts, Service};

/// Sizes by the key of a service.
type Sizes = BTreeMap<String, Size>;

/// What a preset has of one service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Size {
    /// Tasks.
    count: u32,
    /// CPU units of a task; none where any will do.
    cpu: Option<u32>,
    /// MiB of a task; none where any will do.
    memory: Option<u32>,
}

/// One preset.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    rate: u32,
    sizes: &'static Sizes,
}

fn all() -> &'static BTreeMap<u32, Sizes> {
    static ALL: OnceLock<BTreeMap<u32, Sizes>> = OnceLock::new();
    ALL.get_or_init(|| serde_json::from_str(include_str!("presets.json")).expect("a test reads it"))
}

impl Preset {
    /// The preset for so many starts a second.
    ///
    /// # Errors
    /// When there is none; the problem names those that there are.
    pub fn of(rate: u32) -> Result<Preset, Problem> {
        match all().get(&rate) {
            Some(sizes) => Ok(Preset { rate, sizes }),
            None => {
                let rates: Vec<String> = all().keys().map(u32::to_string).collect();
                let there = rates.join(", ");
                Err(Problem::new(format!("--preset {rate}: there are {there}"))
                    .remedy("without --preset, the counts of Terraform's variables"))
            }
        }
    }

    /// Workflow starts a second that it is named by.
    pub fn rate(self) -> u32 {
        self.rate
    }

    /// Other presets that are the same in all.
    pub fn twins(self) -> Vec<u32> {
        all()
            .iter()
            .filter(|&(&rate, sizes)| rate != self.rate && sizes == self.sizes)
            .map(|(&rate, _)| rate)
            .collect()
    }

    /// Tasks of a service; none where the preset says nothing of it.
    pub fn count(self, service: &Service) -> Option<u32> {
        self.sizes.get(&service.key).map(|size| size.count)
    }

    /// Services with their tasks: those of the preset, or those that Terraform's variables ask for.
    pub fn counts(preset: Option<Preset>, services: Vec<&Service>) -> Vec<(&Service, u32)> {
        let count = |service: &Service| preset.and_then(|preset| preset.count(service)).unwrap_or(service.count);
        services.into_iter().map(|service| (service, count(service))).collect()
    }

    /// Whether these services are deployed in the preset's sizes. Counts alone would be another cluster under its name.
    ///
    /// # Errors
    /// When one is not; the problem has the variables to set.
    pub fn check(self, facts: &Facts, services: &[&Service]) -> Result<(), Problem> {
        if facts.temporal.shards.is_none() {
            return Err(Problem::new(format!(
                "--preset {}: this environment's Temporal is elsewhere, at {}",
                self.rate, facts.temporal.address
            ))
            .remedy("up without --preset"));
        }
        let mut others = Vec::new();
        let mut variables = Vec::new();
        for service in services {
            let Some(size) = self.sizes.get(&service.key) else {
                continue;
            };
            let wanted = [("cpu", size.cpu, service.cpu), ("memory", size.memory, service.memory)];
            let differing = wanted.iter().filter_map(|&(what, wanted, deployed)| {
                let wanted = wanted.filter(|&wanted| wanted != deployed)?;
                Some(format!("temporal_{}_{what} = {wanted}", service.key))
            });
            let differing: Vec<String> = differing.collect();
            if !differing.is_empty() {
                others.push(format!("{} has {}/{}", service.key, service.cpu, service.memory));
                variables.extend(differing);
            }
        }
        if variables.is_empty() {
            return Ok(());
        }
        Err(Problem::new(format!(
            "--preset {}: other CPU units/MiB are deployed: {}",
            self.rate,
            others.join(", ")
        ))
        .remedy(format!("terraform apply with {}", variables.join(", ")))
        .remedy("up without --preset"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench() -> Facts {
        Facts::parse(include_str!("../tests/facts/bench.json"), "bench.json").expect("facts")
    }

    fn services(facts: &Facts) -> Vec<&Service> {
        facts.services.iter().collect()
    }

    #[test]
    fn each_has_all_services_of_an_environment() {
        let facts = bench();
        for &rate in all().keys() {
            let preset = Preset::of(rate).expect("a preset");
            assert_eq!(preset.sizes.len(), facts.services.len());
            assert!(
                facts
                    .services
                    .iter()
                    .all(|service| preset.count(service).is_some_and(|count| count > 0))
            );
        }
    }

    #[test]
    fn two_are_the_same_and_say_so() {
        assert_eq!(Preset::of(200).expect("a preset").twins(), [400]);
        assert_eq!(Preset::of(400).expect("a preset").twins(), [200]);
        assert!(Preset::of(100).expect("a preset").twins().is_empty());
    }

    #[test]
    fn one_that_there_is_not_names_the_others() {
        insta::assert_snapshot!(Preset::of(300).expect_err("none").report(), @r"
        error: --preset 300: there are 50, 100, 200, 400
          try  without --preset, the counts of Terraform's variables
        ");
    }

    #[test]
    fn the_deployed_sizes_are_those_of_400() {
        let facts = bench();
        Preset::of(400)
            .and_then(|preset| preset.check(&facts, &services(&facts)))
            .expect("the same");
    }

    #[test]
    fn other_sizes_are_refused_with_the_variables_that_terraform_has() {
        let facts = bench();
        let problem = Preset::of(50)
            .and_then(|preset| preset.check(&facts, &services(&facts)))
            .expect_err("others");
        insta::assert_snapshot!(problem.report(), @r"
        error: --preset 50: other CPU units/MiB are deployed: history has 4096/8192, frontend has 2048/4096
          try  terraform apply with temporal_history_cpu = 1024, temporal_history_memory = 4096, temporal_frontend_cpu = 512, temporal_frontend_memory = 2048   or   up without --preset
        ");
        let variables = include_str!("../../terraform/variables-temporal.tf");
        for variable in problem
            .report()
            .split_whitespace()
            .filter(|word| word.starts_with("temporal_"))
        {
            assert!(variables.contains(&format!("variable \"{variable}\"")), "{variable}");
        }
        // Those that are not brought up may have any.
        Preset::of(50)
            .and_then(|preset| preset.check(&facts, &[facts.service("worker").expect("worker")]))
            .expect("the same");
    }
}
