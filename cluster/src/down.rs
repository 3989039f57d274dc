//! `down`: the services backwards, the workers and their instances, and what costs all the same.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use aws_sdk_ecs::types;
use benchmark_results::format::plural;
use benchmark_scenarios::Problem;
use serde_json::json;

use crate::{
    args::DownArgs,
    cost::Cost,
    facts::Service,
    session::Session,
    steady::{WORKERS, Wanted, missing},
    wait::Wait,
};

/// Pools whose instances are only there for a run.
const POOLS_OF_RUNS: [&str; 2] = ["generator", "benchmark"];

/// How long instances may take until they are seen to end.
const ENDING: Duration = Duration::from_secs(60);

/// Brings everything down that costs by the hour and can be brought up again.
///
/// # Errors
/// When a run is in progress and nobody agrees, a service does not end, or AWS refuses.
pub async fn down(session: &Session, args: &DownArgs) -> Result<ExitCode, Problem> {
    let facts = &session.facts;
    let current = session.current().await?;
    session.end_run(args.timeout).await?;
    if let Some(workers) = &facts.workers {
        let wanted = Wanted::workers(workers, 0);
        let found = session.services(&[&workers.name]).await?;
        let Some(now) = found.first() else {
            return Err(missing(WORKERS, &workers.name, &facts.cluster.name));
        };
        session.bring_to_none(&wanted, now, args.timeout).await?;
        // Only now: until they are gone it would have ended them.
        if session.console.is_dry || session.end().await?.is_some() {
            session.remove_end().await?;
        }
    }
    let mut services: Vec<&Service> = facts.services.iter().collect();
    services.sort_by_key(|service| std::cmp::Reverse(service.order));
    session.bring_down(&services, &current, args.timeout).await?;
    let ended = session.end_empty_instances(&POOLS_OF_RUNS).await?;
    if session.console.is_dry {
        return Ok(ExitCode::SUCCESS);
    }
    if ended > 0 {
        session.console.say(
            "instances",
            format!("{} end", plural(ended as u64, "empty instance")),
            json!({ "ended": ended }),
        );
    }
    let instances = session.left_over().await?;
    let cost = Cost::of(facts, &instances)?;
    let mut sentence = format!("{} is down. What still costs: {}", facts.project, cost.line());
    for line in cost.lines() {
        sentence.push_str(&format!("\n{line}"));
    }
    if instances.get("main").is_some_and(|&count| count > 0) {
        sentence
            .push_str("\nECS ends the instances of main within about 15 minutes; benchmark-cluster status shows it.");
    }
    session.console.say(
        "done",
        sentence,
        json!({ "usd_per_hour": cost.priced(), "unknown": cost.unknown(), "not_priced": cost.not_priced, "instances": instances }),
    );
    let of_runs: usize = POOLS_OF_RUNS.iter().filter_map(|&pool| instances.get(pool)).sum();
    if of_runs > 0 {
        return Err(Problem::new(format!(
            "{} of the pools {} do not end",
            plural(of_runs as u64, "instance"),
            POOLS_OF_RUNS.join(" and ")
        ))
        .remedy("benchmark-cluster down again")
        .remedy("benchmark-cluster status: what runs there"));
    }
    Ok(ExitCode::SUCCESS)
}

impl Session {
    /// Ends the run in progress in order, if there is one and somebody agrees.
    async fn end_run(&self, timeout: Duration) -> Result<(), Problem> {
        let Some(run) = self.in_progress().await? else {
            return Ok(());
        };
        self.console.agree(
            &format!("A run is in progress ({}), and down ends it.", run.name()),
            "down",
        )?;
        for task in &run.tasks {
            self.stop_task(task, "benchmark-cluster down").await?;
        }
        if self.console.is_dry {
            return Ok(());
        }
        self.console.say(
            "run",
            format!("the run ends ({})", run.name()),
            json!({ "tasks": run.tasks }),
        );
        let mut wait = Wait::new(timeout);
        while self
            .describe(&run.tasks)
            .await?
            .iter()
            .any(|task| task.last_status() != Some("STOPPED"))
        {
            if !wait.next().await {
                return Err(Problem::new(format!("the run does not end ({})", run.name())).remedy("a longer --timeout"));
            }
        }
        Ok(())
    }

    /// Sets these services to none, in this order, and waits until each has no task.
    ///
    /// # Errors
    /// When one does not end within `timeout`.
    pub async fn bring_down(
        &self,
        services: &[&Service],
        current: &BTreeMap<String, types::Service>,
        timeout: Duration,
    ) -> Result<(), Problem> {
        for service in services {
            if let Some(now) = current.get(&service.key) {
                self.bring_to_none(&Wanted::of(service, 0), now, timeout).await?;
            }
        }
        Ok(())
    }

    async fn bring_to_none(&self, wanted: &Wanted<'_>, now: &types::Service, timeout: Duration) -> Result<(), Problem> {
        let since = SystemTime::now();
        if now.desired_count() != 0 {
            self.set_count(wanted.name, 0).await?;
        }
        if self.console.is_dry || (now.desired_count() == 0 && now.running_count() == 0 && now.pending_count() == 0) {
            return Ok(());
        }
        self.steady(wanted, since, timeout).await?;
        self.console.say(
            "service",
            format!("{}: no task", wanted.key),
            json!({ "service": wanted.key, "state": "down" }),
        );
        Ok(())
    }

    /// Instances by pool, once those of runs that are empty are seen to end.
    async fn left_over(&self) -> Result<BTreeMap<String, usize>, Problem> {
        let mut wait = Wait::new(ENDING);
        loop {
            let groups = self.groups().await?;
            let left = |pool: &str| groups.get(pool).map_or(0, |group| group.instances.len());
            let of_runs: usize = POOLS_OF_RUNS.iter().map(|pool| left(pool)).sum();
            if of_runs == 0 || !wait.next().await {
                return Ok(groups
                    .iter()
                    .map(|(pool, group)| (pool.clone(), group.instances.len()))
                    .collect());
            }
        }
    }
}
