//! Waiting until a service is steady: as many tasks as asked for, none on the way, one deployment that is complete, healthy
//! containers. Where it does not become so, why not.

use std::time::{Duration, SystemTime};

use aws_sdk_ecs::{
    primitives::DateTime,
    types::{DeploymentRolloutState, HealthStatus, Service, Task, TaskStopCode},
};
use benchmark_results::text;
use benchmark_scenarios::{Problem, units};
use serde_json::json;

use crate::{ecs, facts, pools::Refusal, session::Session, wait::Wait};

/// So many tasks that ended by themselves for each that is wanted, or so many while none runs, and the next one will not do
/// better. Some of many servers that begin at once may end and come again.
const FAILED_TASKS: usize = 3;

/// How far back a pool's failed activities are told when time is over.
const REFUSALS: Duration = Duration::from_secs(3600);

/// A service of which tasks are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The service.
    pub service: &'a facts::Service,
    /// Tasks.
    pub count: u32,
}

/// What a look at a service tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is as it shall be.
    Steady,
    /// It is on the way, or seems so.
    Going(String),
    /// It will not get there.
    Failed(String),
}

/// Judges a service by its counts and deployments, and its tasks' health where the container has a check.
fn judge(wanted: &Wanted, service: &Service, tasks: &[Task], is_checked: bool) -> State {
    let count = i32::try_from(wanted.count).unwrap_or(i32::MAX);
    let failed = |state: Option<&DeploymentRolloutState>| state == Some(&DeploymentRolloutState::Failed);
    // Without tasks there is nothing to roll out.
    if count > 0
        && let Some(failed) = service
            .deployments()
            .iter()
            .find(|deployment| failed(deployment.rollout_state()))
    {
        let why = failed.rollout_state_reason().unwrap_or("no reason given");
        return State::Failed(format!("its deployment failed: {}", text::line(why, 200)));
    }
    let mut going = Vec::new();
    if service.desired_count() != count {
        going.push(format!("{} are asked for meanwhile", service.desired_count()));
    }
    if service.running_count() != count || service.pending_count() > 0 {
        going.push(format!("{} pending", service.pending_count()));
    }
    if count > 0 {
        let done = |state: Option<&DeploymentRolloutState>| {
            state.is_none_or(|state| *state == DeploymentRolloutState::Completed)
        };
        let deployments = service.deployments();
        if deployments.len() != 1 || !deployments.iter().all(|deployment| done(deployment.rollout_state())) {
            going.push("a deployment is in progress".to_owned());
        }
    }
    if is_checked && going.is_empty() {
        let is_healthy = |task: &&Task| {
            let container = task
                .containers()
                .iter()
                .find(|container| container.name() == Some(&wanted.service.container));
            container.and_then(|container| container.health_status()) == Some(&HealthStatus::Healthy)
        };
        let healthy = tasks.iter().filter(is_healthy).count();
        if u32::try_from(healthy).is_ok_and(|healthy| healthy < wanted.count) {
            going.push(format!("{healthy} healthy"));
        }
    }
    if going.is_empty() {
        return State::Steady;
    }
    let counts = format!("{} of {count} running", service.running_count());
    going.insert(0, counts);
    State::Going(going.join(", "))
}

/// Whether so many tasks have ended by themselves that waiting for others does not help.
fn is_in_vain(wanted: &Wanted, service: &Service, failures: usize) -> bool {
    let tasks = if service.running_count() == 0 {
        1
    } else {
        wanted.count as usize
    };
    failures >= FAILED_TASKS * tasks
}

/// Why tasks ended by themselves since then, newest first; those that ECS or a person stopped in order are no failures.
fn failures(stopped: &[Task], since: SystemTime) -> Vec<String> {
    let since = DateTime::from(since);
    let failed = stopped.iter().filter(|task| {
        let by_itself = matches!(
            task.stop_code(),
            Some(TaskStopCode::EssentialContainerExited | TaskStopCode::TaskFailedToStart)
        );
        let unhealthy = task
            .stopped_reason()
            .is_some_and(|reason| reason.contains("health check"));
        let at = task.stopped_at().or(task.created_at());
        (by_itself || unhealthy) && at.is_some_and(|at| at.as_nanos() >= since.as_nanos())
    });
    failed.map(ecs::ending).collect()
}

impl Session {
    /// Waits until a service is steady; says what changes meanwhile. `since` is when it was asked for.
    ///
    /// # Errors
    /// When it cannot become so, or is not within `limit`; the problem says why.
    pub async fn steady(&self, wanted: &Wanted<'_>, since: SystemTime, limit: Duration) -> Result<(), Problem> {
        let mut wait = Wait::new(limit);
        let mut said = String::new();
        let mut is_checked = None;
        loop {
            let services = self.services(&[&wanted.service.name]).await?;
            let Some(service) = services.first() else {
                return Err(missing(wanted.service, &self.facts.cluster.name));
            };
            let checked = match is_checked {
                Some(checked) => checked,
                None if wanted.count == 0 => false,
                None => {
                    let definition = service.task_definition().unwrap_or_default();
                    let container = self.container(definition, &wanted.service.container).await?;
                    container.is_some_and(|container| container.health_check().is_some())
                }
            };
            is_checked = Some(checked);
            let tasks = match checked {
                true => self.tasks(&wanted.service.family, false).await?,
                false => Vec::new(),
            };
            let going = match judge(wanted, service, &tasks, checked) {
                State::Steady => return Ok(()),
                State::Failed(why) => {
                    let problem = self.explain(wanted, service, why, since).await;
                    return Err(problem.remedy("terraform apply with an image that starts"));
                }
                State::Going(going) => going,
            };
            if going != said {
                self.tell(
                    "service",
                    format!("  {}: {going}", wanted.service.key),
                    json!({ "service": wanted.service.key, "state": "going", "desired": wanted.count,
                            "running": service.running_count(), "pending": service.pending_count() }),
                );
                said = going.clone();
            }
            if wanted.count > 0
                && let Some(why) = self.hopeless(wanted, service, since).await?
            {
                return Err(self.explain(wanted, service, format!("{going}; {why}"), since).await);
            }
            if !wait.next().await {
                let why = format!("{going} after {}", units::format(limit));
                let problem = self.explain(wanted, service, why, since).await;
                return Err(problem.remedy("a longer --timeout"));
            }
        }
    }

    /// What tells that waiting is in vain: tasks that end again and again, or a quota.
    async fn hopeless(
        &self,
        wanted: &Wanted<'_>,
        service: &Service,
        since: SystemTime,
    ) -> Result<Option<String>, Problem> {
        let failures = failures(&self.tasks(&wanted.service.family, true).await?, since);
        if is_in_vain(wanted, service, failures.len()) {
            return Ok(Some("its tasks end by themselves".to_owned()));
        }
        let Some(pool) = self.facts.pools.get(&wanted.service.pool) else {
            return Ok(None);
        };
        let refusals = self.refusals(pool, since).await?;
        let has_quota = refusals.iter().any(|refusal| refusal.is_quota);
        Ok(has_quota.then(|| "its instances do not come".to_owned()))
    }

    /// A problem with all that tells why. What cannot be asked any more is left out: the problem itself counts.
    async fn explain(&self, wanted: &Wanted<'_>, service: &Service, why: String, since: SystemTime) -> Problem {
        let stopped = self.tasks(&wanted.service.family, true).await;
        let stopped = stopped.map(|stopped| failures(&stopped, since)).unwrap_or_default();
        let refusals = match self.facts.pools.get(&wanted.service.pool) {
            Some(pool) => self.refusals(pool, since.min(SystemTime::now() - REFUSALS)).await,
            None => Ok(Vec::new()),
        };
        let refusals = refusals.unwrap_or_default();
        let log = self.facts.log_groups.get("services").map(String::as_str);
        reasons(wanted, service, &why, &stopped, &refusals, log)
    }
}

/// A service that is in the facts and not in the cluster.
pub fn missing(service: &facts::Service, cluster: &str) -> Problem {
    let (key, name) = (&service.key, &service.name);
    Problem::new(format!("{key}: the cluster {cluster} has no service {name}"))
        .remedy("terraform apply, then the facts anew")
}

/// The problem in all its lines; `log` is the group of what does not go to Loki.
fn reasons(
    wanted: &Wanted,
    service: &Service,
    why: &str,
    stopped: &[String],
    refusals: &[Refusal],
    log: Option<&str>,
) -> Problem {
    let mut problem = Problem::new(format!("{}: {why}", wanted.service.key));
    let times = |count: usize, what: &str| match count {
        0 | 1 => String::new(),
        count => format!(" ({count} {what})"),
    };
    if let Some(refusal) = refusals.first() {
        let times = times(refusals.len(), "times");
        problem = problem.explain(format!(
            "instances of the pool {}{times}: {}",
            wanted.service.pool, refusal.said
        ));
    }
    if let Some(ending) = stopped.first() {
        problem = problem.explain(format!("stopped{}: {ending}", times(stopped.len(), "tasks")));
    }
    for event in service.events().iter().take(2) {
        let said = text::line(event.message().unwrap_or_default(), 300);
        problem = problem.explain(format!("event: {said}"));
    }
    if let Some(refusal) = refusals.first() {
        problem = problem.remedy(refusal.remedy());
    } else if !stopped.is_empty() {
        if facts::SERVERS.contains(&wanted.service.key.as_str()) {
            problem = problem.remedy("benchmark-cluster setup, where there is no schema yet");
        }
        problem = problem.remedy(match (wanted.service.key.as_str(), log) {
            ("loki" | "grafana", Some(group)) => format!("its lines in the log group {group}"),
            _ => "its lines: benchmark-cluster connect loki".to_owned(),
        });
    }
    problem
}

#[cfg(test)]
mod tests;
