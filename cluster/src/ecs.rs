//! ECS: services and their counts, tasks and what became of them.

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, ContainerOverride, DesiredStatus, KeyValuePair,
    LaunchType, NetworkConfiguration, PropagateTags, Service, Task, TaskOverride,
};
use benchmark_results::text;
use benchmark_scenarios::Problem;

use crate::{
    aws::refused,
    facts,
    session::{Call, Session},
};

/// Most services and tasks that one call describes.
const SERVICES_A_CALL: usize = 10;
const TASKS_A_CALL: usize = 100;

impl Session {
    /// The services with these names; those that ECS does not know are left out.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn services(&self, names: &[&str]) -> Result<Vec<Service>, Problem> {
        let mut all = Vec::new();
        for names in names.chunks(SERVICES_A_CALL) {
            let asked = self.aws.ecs.describe_services().cluster(&self.facts.cluster.name);
            let asked = asked.set_services(Some(names.iter().map(|&name| name.to_owned()).collect()));
            let given = asked
                .send()
                .await
                .map_err(|error| refused("ecs:DescribeServices", error))?;
            all.extend(given.services.unwrap_or_default());
        }
        // One that was deleted is described for a while.
        all.retain(|service| service.status() != Some("INACTIVE"));
        Ok(all)
    }

    /// Sets how many tasks a service has.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn set_count(&self, name: &str, count: u32) -> Result<(), Problem> {
        let cluster = &self.facts.cluster.name;
        let call = Call::new("ecs:UpdateService")
            .with("cluster", cluster.as_str())
            .with("service", name)
            .with("desiredCount", count);
        let asked = self.aws.ecs.update_service().cluster(cluster).service(name);
        let asked = asked.desired_count(i32::try_from(count).unwrap_or(i32::MAX));
        let made = async {
            asked
                .send()
                .await
                .map_err(|error| refused(format!("ecs:UpdateService {name}"), error))
        };
        self.change(call, Box::pin(made)).await.map(drop)
    }

    /// Tasks of a family that run or begin, or with `stopped` those that ended within about an hour; newest first.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn tasks(&self, family: &str, stopped: bool) -> Result<Vec<Task>, Problem> {
        let status = if stopped {
            DesiredStatus::Stopped
        } else {
            DesiredStatus::Running
        };
        let pages = self
            .aws
            .ecs
            .list_tasks()
            .cluster(&self.facts.cluster.name)
            .family(family)
            .desired_status(status);
        let mut arns = Vec::new();
        let mut pages = pages.into_paginator().items().send();
        while let Some(arn) = pages.next().await {
            arns.push(arn.map_err(|error| refused("ecs:ListTasks", error))?);
        }
        self.describe(&arns).await
    }

    /// The tasks with these ARNs, newest first; those that ECS has forgotten are left out.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn describe(&self, arns: &[String]) -> Result<Vec<Task>, Problem> {
        let mut all = Vec::new();
        for arns in arns.chunks(TASKS_A_CALL) {
            let asked = self.aws.ecs.describe_tasks().cluster(&self.facts.cluster.name);
            let given = asked.set_tasks(Some(arns.to_vec())).send().await;
            all.extend(
                given
                    .map_err(|error| refused("ecs:DescribeTasks", error))?
                    .tasks
                    .unwrap_or_default(),
            );
        }
        all.sort_by_key(|task| std::cmp::Reverse(task.created_at().map(|at| at.as_nanos())));
        Ok(all)
    }

    /// Starts one-shot tasks; gives their ARNs, none where nothing is to be changed.
    ///
    /// # Errors
    /// When ECS refuses, or cannot place one now.
    pub async fn run_task(&self, task: &facts::Task, wish: &Wish<'_>) -> Result<Vec<String>, Problem> {
        let facts = &self.facts;
        let environment: Vec<KeyValuePair> = wish
            .environment
            .iter()
            .map(|(name, value)| variable(name, value))
            .collect();
        let mut container = ContainerOverride::builder().name(&task.container);
        if !wish.command.is_empty() {
            container = container.set_command(Some(wish.command.to_vec()));
        }
        let mut overrides = TaskOverride::builder().container_overrides(container.build());
        if let Some(beside) = wish.beside {
            let beside = ContainerOverride::builder()
                .name(beside)
                .set_environment(Some(environment));
            overrides = overrides.container_overrides(beside.build());
        }
        let network = AwsVpcConfiguration::builder()
            .set_subnets(Some(facts.subnets.clone()))
            .set_security_groups(Some(task.security_groups.clone()))
            .assign_public_ip(AssignPublicIp::Disabled)
            .build()
            .map_err(|error| Problem::new(format!("subnets: {error}")))?;
        let mut asked = self
            .aws
            .ecs
            .run_task()
            .cluster(&facts.cluster.name)
            .task_definition(&task.task_definition)
            .count(i32::try_from(wish.count).unwrap_or(i32::MAX))
            .client_token(wish.token)
            .started_by(wish.started_by)
            .propagate_tags(PropagateTags::from(task.propagate_tags.as_str()))
            .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(network).build())
            .overrides(overrides.build());
        asked = match &task.pool {
            None => asked.launch_type(LaunchType::Fargate),
            Some(pool) => {
                let pool = facts
                    .pools
                    .get(pool)
                    .ok_or_else(|| Problem::new(format!("the facts have no pool {pool}")))?;
                let strategy = CapacityProviderStrategyItem::builder()
                    .capacity_provider(&pool.capacity_provider)
                    .weight(1);
                let strategy = strategy
                    .build()
                    .map_err(|error| Problem::new(format!("pool: {error}")))?;
                asked.capacity_provider_strategy(strategy)
            }
        };
        let call = Call::new("ecs:RunTask")
            .with("cluster", facts.cluster.name.as_str())
            .with("taskDefinition", task.task_definition.as_str())
            .with("count", wish.count)
            .with("command", wish.command.to_vec());
        let made = async {
            let given = asked
                .send()
                .await
                .map_err(|error| refused(format!("ecs:RunTask {}", task.family), error))?;
            if let Some(failure) = given.failures().first() {
                let why = failure.reason().unwrap_or("no reason given");
                return Err(Problem::new(format!(
                    "ecs:RunTask {}: {}",
                    task.family,
                    text::line(why, 200)
                )));
            }
            Ok(given
                .tasks()
                .iter()
                .filter_map(|task| task.task_arn().map(str::to_owned))
                .collect())
        };
        Ok(self.change(call, Box::pin(made)).await?.unwrap_or_default())
    }

    /// Stops a task: SIGTERM to its containers, in the reverse of the order in which they began.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn stop_task(&self, arn: &str, reason: &str) -> Result<(), Problem> {
        let cluster = &self.facts.cluster.name;
        let call = Call::new("ecs:StopTask")
            .with("cluster", cluster.as_str())
            .with("task", arn);
        let asked = self.aws.ecs.stop_task().cluster(cluster).task(arn).reason(reason);
        let made = async { asked.send().await.map_err(|error| refused("ecs:StopTask", error)) };
        self.change(call, Box::pin(made)).await.map(drop)
    }
}

/// What a one-shot task is asked.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Command of its container; empty for the definition's own.
    pub command: &'a [String],
    /// A container beside it that gets `environment`.
    pub beside: Option<&'a str>,
    /// Variables of that container.
    pub environment: &'a [(&'a str, &'a str)],
    /// How many tasks.
    pub count: u32,
    /// The same token starts nothing twice; at most 64 characters.
    pub token: &'a str,
    /// Who asked; at most 36 characters, and tasks can be listed by it.
    pub started_by: &'a str,
}

fn variable(name: &str, value: &str) -> KeyValuePair {
    KeyValuePair::builder().name(name).value(value).build()
}

/// The last part of an ARN: a task's id.
pub fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// Why a task stopped, in one line: ECS' reason, and what its containers said.
pub fn ending(task: &Task) -> String {
    let mut said = text::line(task.stopped_reason().unwrap_or("no reason given"), 200);
    for container in task.containers() {
        let name = container.name().unwrap_or("container");
        if let Some(code) = container.exit_code().filter(|&code| code != 0) {
            said.push_str(&format!("; {name} ended with {code}"));
        }
        if let Some(reason) = container.reason() {
            said.push_str(&format!("; {name}: {}", text::line(reason, 200)));
        }
    }
    said
}

/// The exit code of a container; none where it did not end by itself.
pub fn exit_code(task: &Task, container: &str) -> Option<i32> {
    let container = task.containers().iter().find(|one| one.name() == Some(container))?;
    container.exit_code()
}
