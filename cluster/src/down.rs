//! `down`: the services backwards, the workers and their instances, and what costs all the same.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use aws_sdk_ecs::types;
use benchmark_results::format::plural;
use benchmark_scenarios::{Problem, units};
use serde_json::json;

use crate::{
    args::DownArgs,
    cost::Cost,
    ecs,
    facts::Service,
    pools,
    session::Session,
    steady::{Wanted, missing},
    wait::Wait,
};

/// Pools whose instances are only there for a run.
const POOLS_OF_RUNS: [&str; 2] = ["generator", "benchmark"];

/// The environment that is no benchmark's.
const PRODUCTION: &str = "prod";

/// How long instances may take until they are seen to end.
const ENDING: Duration = Duration::from_secs(60);

/// Brings everything down that costs by the hour and can be brought up again.
///
/// # Errors
/// When a run is in progress and nobody agrees, a service does not end, or AWS refuses.
pub async fn down(session: &Session, args: &DownArgs) -> Result<ExitCode, Problem> {
    let facts = &session.facts;
    let current = session.current().await?;
    session.agree_in_production("down")?;
    session.end_run(args.timeout).await?;
    // One that does not end keeps no other from ending: each costs.
    let mut first = None;
    if let Some(workers) = &facts.workers {
        let found = session.workers_service().await?;
        let now = found.ok_or_else(|| missing(&workers.service, &facts.cluster.name))?;
        match session.bring_to_none(&workers.service, &now, args.timeout).await {
            // Only now: until they are gone it would have ended them.
            Ok(()) if session.console.is_dry || session.end().await?.is_some() => session.remove_end().await?,
            Ok(()) => {}
            Err(problem) => first = Some(problem),
        }
    }
    for service in facts.in_order().into_iter().rev() {
        if let Err(problem) = session.bring_down(&[service], &current, args.timeout).await {
            first.get_or_insert(problem);
        }
    }
    let ended = session.end_empty_instances(&POOLS_OF_RUNS).await?;
    if session.console.is_dry {
        return first.map_or(Ok(ExitCode::SUCCESS), Err);
    }
    if ended > 0 {
        session.tell(
            "instances",
            format!("{} end", plural(ended as u64, "empty instance")),
            json!({ "ended": ended }),
        );
    }
    let instances = session.left_over().await?;
    let cost = Cost::of(facts, &instances)?;
    let is_down = if first.is_none() { "is down" } else { "is not down" };
    let mut sentence = format!("{} {is_down}. What still costs: {}", facts.project, cost.line());
    for line in cost.lines() {
        sentence.push_str(&format!("\n{line}"));
    }
    if instances.get("main").is_some_and(|&count| count > 0) {
        sentence
            .push_str("\nECS ends the instances of main within about 15 minutes; benchmark-cluster status shows it.");
    }
    session.tell("done", sentence, json!({ "usd_per_hour": cost.priced(), "unknown": cost.unknown(), "not_priced": cost.not_priced, "instances": instances }));
    let of_runs: usize = POOLS_OF_RUNS.iter().filter_map(|&pool| instances.get(pool)).sum();
    if let Some(problem) = first {
        return Err(problem);
    }
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
        // The leader first: the others end with its run.
        for task in &run.tasks {
            self.stop_task(task, "benchmark-cluster down").await?;
            if self.console.is_dry {
                continue;
            }
            let ends = format!("the run ends (task {})", ecs::id(task));
            self.tell("run", &ends, json!({ "task": task }));
            let mut wait = Wait::new(timeout);
            // One that ECS has forgotten has.
            while self.task(task).await?.is_some_and(|task| !ecs::has_stopped(&task)) {
                if !wait.next().await {
                    return Err(
                        Problem::new(format!("{ends} for longer than {}", units::format(timeout)))
                            .remedy("a longer --timeout"),
                    );
                }
            }
        }
        Ok(())
    }

    /// Asks before servers go that others than benchmarks may use.
    ///
    /// # Errors
    /// When nobody agrees.
    pub fn agree_in_production(&self, command: &str) -> Result<(), Problem> {
        if self.facts.environment != PRODUCTION {
            return Ok(());
        }
        let project = &self.facts.project;
        self.console.agree(
            &format!("{project} is production, and {command} takes its servers away."),
            project,
        )
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
                self.bring_to_none(service, now, timeout).await?;
            }
        }
        Ok(())
    }

    async fn bring_to_none(&self, service: &Service, now: &types::Service, timeout: Duration) -> Result<(), Problem> {
        let since = SystemTime::now();
        if now.desired_count() != 0 {
            self.set_count(&service.name, 0).await?;
        }
        if self.console.is_dry || (now.desired_count() == 0 && now.running_count() == 0 && now.pending_count() == 0) {
            return Ok(());
        }
        let wanted = Wanted { service, count: 0 };
        self.steady(&wanted, since, timeout).await?;
        let more = json!({ "service": service.key, "state": "down" });
        self.tell("service", format!("{}: no task", service.key), more);
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
                return Ok(pools::count(&groups));
            }
        }
    }
}
