//! `up`: the services of an environment, one after the other, each until it is steady.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use aws_sdk_ecs::types;
use benchmark_results::{format::plural, text};
use benchmark_scenarios::Problem;
use serde_json::json;

use crate::{
    args::UpArgs,
    capacity,
    facts::{Facts, Service},
    preset::Preset,
    session::Session,
    steady::{self, Wanted},
};

/// Brings the services up.
///
/// # Errors
/// When what is asked for cannot be, before anything is changed; or a service does not become steady.
pub async fn up(session: &Session, args: &UpArgs) -> Result<ExitCode, Problem> {
    let facts = &session.facts;
    let preset = args.preset.map(Preset::of).transpose()?;
    let planned = plan(facts, preset, &args.only)?;
    let current = session.current().await?;
    for line in capacity::room(facts, &all(facts, &planned, &current))? {
        session.say("room", line);
    }
    if let Some(preset) = preset {
        for twin in preset.twins() {
            let same = format!("presets {} and {twin} have the same counts and sizes", preset.rate());
            session.say("note", same);
        }
    }
    session.bring_up(&planned, &current, args.timeout).await?;
    Ok(ExitCode::SUCCESS)
}

/// Services in their order with the tasks that are asked for.
fn plan<'a>(facts: &'a Facts, preset: Option<Preset>, only: &[String]) -> Result<Vec<(&'a Service, u32)>, Problem> {
    let mut services = facts.in_order();
    let keys: Vec<&str> = services.iter().map(|service| service.key.as_str()).collect();
    if let Some(unknown) = only.iter().find(|key| !keys.contains(&key.as_str())) {
        let (unknown, keys) = (text::line(unknown, 60), keys.join(", "));
        return Err(Problem::new(format!("--only {unknown}: no service; there are {keys}")));
    }
    if !only.is_empty() {
        services.retain(|service| only.contains(&service.key));
    }
    if let Some(preset) = preset {
        preset.check(facts, &services)?;
    }
    let planned = Preset::counts(preset, services);
    if planned.iter().all(|(_, count)| *count == 0) {
        return Err(
            Problem::new("up: Terraform's variables ask for no task of these services")
                .remedy("up --preset 50")
                .remedy("terraform apply with temporal_history_count = 3 and its like"),
        );
    }
    Ok(planned)
}

/// What there is when the plan is done: the others stay as they are.
fn all<'a>(
    facts: &'a Facts,
    planned: &[(&'a Service, u32)],
    current: &BTreeMap<String, types::Service>,
) -> Vec<(&'a Service, u32)> {
    let is_planned = |service: &Service| planned.iter().any(|(one, _)| one.key == service.key);
    let others = facts.services.iter().filter(|service| !is_planned(service));
    let mut all = planned.to_vec();
    all.extend(others.map(|service| (service, desired(current, service))));
    all
}

/// Tasks that are asked for now.
pub fn desired(current: &BTreeMap<String, types::Service>, service: &Service) -> u32 {
    let now = current.get(&service.key);
    now.map_or(0, |now| now.desired_count().try_into().unwrap_or_default())
}

impl Session {
    /// All services of the facts as they are, by key.
    ///
    /// # Errors
    /// When ECS refuses, or one is not there.
    pub async fn current(&self) -> Result<BTreeMap<String, types::Service>, Problem> {
        let mut found = self.services(&self.facts.names()).await?;
        let mut current = BTreeMap::new();
        for service in &self.facts.services {
            let place = found.iter().position(|one| one.service_name() == Some(&service.name));
            let place = place.ok_or_else(|| steady::missing(service, &self.facts.cluster.name))?;
            current.insert(service.key.clone(), found.swap_remove(place));
        }
        Ok(current)
    }

    /// Sets the counts in this order, and waits for each service.
    ///
    /// # Errors
    /// When one does not become steady within `timeout`.
    pub async fn bring_up(
        &self,
        planned: &[(&Service, u32)],
        current: &BTreeMap<String, types::Service>,
        timeout: Duration,
    ) -> Result<(), Problem> {
        let mut tasks = 0;
        for &(service, count) in planned {
            let since = SystemTime::now();
            if desired(current, service) != count {
                self.set_count(&service.name, count).await?;
            }
            if self.console.is_dry {
                continue;
            }
            self.steady(&Wanted { service, count }, since, timeout).await?;
            let steady = format!("{}: {}, steady", service.key, plural(count.into(), "task"));
            self.tell(
                "service",
                steady,
                json!({ "service": service.key, "state": "steady", "running": count }),
            );
            tasks += count;
        }
        if !self.console.is_dry {
            let done = format!(
                "{} up: {} of {}",
                self.facts.project,
                plural(tasks.into(), "task"),
                plural(planned.len() as u64, "service")
            );
            self.tell("done", done, json!({ "tasks": tasks }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench() -> Facts {
        Facts::parse(include_str!("../tests/facts/bench.json"), "bench.json").expect("facts")
    }

    fn keys(planned: &[(&Service, u32)]) -> Vec<(String, u32)> {
        planned
            .iter()
            .map(|(service, count)| (service.key.clone(), *count))
            .collect()
    }

    #[test]
    fn without_a_preset_the_counts_are_terraforms() {
        let facts = bench();
        let planned = plan(&facts, None, &[]).expect("a plan");
        let expected = [
            ("loki", 1),
            ("history", 16),
            ("matching", 16),
            ("frontend", 9),
            ("worker", 3),
            ("ui", 1),
            ("grafana", 1),
        ];
        assert_eq!(keys(&planned), expected.map(|(key, count)| (key.to_owned(), count)));
    }

    #[test]
    fn only_keeps_the_order() {
        let facts = bench();
        let only = ["frontend", "history"].map(str::to_owned);
        let planned = plan(&facts, Preset::of(400).ok(), &only).expect("a plan");
        assert_eq!(keys(&planned), [("history".to_owned(), 16), ("frontend".to_owned(), 9)]);
        // The others count for room as they are.
        let current = BTreeMap::from([(
            "matching".to_owned(),
            types::Service::builder().desired_count(5).build(),
        )]);
        let all = keys(&all(&facts, &planned, &current));
        assert_eq!(all.len(), 7);
        assert!(all.contains(&("matching".to_owned(), 5)) && all.contains(&("ui".to_owned(), 0)));
    }

    #[test]
    fn bad_input_is_one_line_with_a_remedy() {
        let mut facts = bench();
        let refused = |facts: &Facts, preset: Option<u32>, only: &[&str]| {
            let only: Vec<String> = only.iter().map(|&key| key.to_owned()).collect();
            let preset = preset.map(|rate| Preset::of(rate).expect("a preset"));
            plan(facts, preset, &only).expect_err("refused").report()
        };
        insta::assert_snapshot!(refused(&facts, None, &["historie"]), @"error: --only historie: no service; there are loki, history, matching, frontend, worker, ui, grafana");
        facts.temporal.shards = None;
        insta::assert_snapshot!(refused(&facts, Some(50), &[]), @r"
        error: --preset 50: this environment's Temporal is elsewhere, at frontend.temporal-bench.internal:7233
          try  up without --preset
        ");
        for service in &mut facts.services {
            service.count = 0;
        }
        insta::assert_snapshot!(refused(&facts, None, &[]), @r"
        error: up: Terraform's variables ask for no task of these services
          try  up --preset 50   or   terraform apply with temporal_history_count = 3 and its like
        ");
    }
}
