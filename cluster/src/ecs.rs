//! ECS: services and their counts, tasks and what became of them.

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, ContainerDefinition, ContainerOverride,
    DesiredStatus, KeyValuePair, LaunchType, NetworkConfiguration, PropagateTags, Service, Task, TaskOverride,
};
use benchmark_results::text;
use benchmark_scenarios::Problem;
use serde_json::json;

use crate::{aws::Answer, facts, session::Session};

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
            let given = asked.send().await.or_refused("ecs:DescribeServices")?;
            all.extend(given.services.unwrap_or_default());
        }
        // One that was deleted is described for a while.
        all.retain(|service| service.status() != Some("INACTIVE"));
        Ok(all)
    }

    /// The workers' service; none where ECS does not know it.
    ///
    /// # Errors
    /// When ECS refuses, or the environment has no benchmark.
    pub async fn workers_service(&self) -> Result<Option<Service>, Problem> {
        let name = &self.facts.workers()?.service.name;
        Ok(self.services(&[name]).await?.pop())
    }

    /// Sets how many tasks a service has.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn set_count(&self, name: &str, count: u32) -> Result<(), Problem> {
        let (cluster, action) = (&self.facts.cluster.name, "ecs:UpdateService");
        let asked = self.aws.ecs.update_service().cluster(cluster).service(name);
        let asked = asked.desired_count(i32::try_from(count).unwrap_or(i32::MAX));
        let made = async { asked.send().await.or_refused(format!("{action} {name}")) };
        let arguments = json!({ "cluster": cluster, "service": name, "desiredCount": count });
        self.change(action, arguments, made).await.map(drop)
    }

    /// Tasks of a family that run or begin, or with `stopped` those that ended within about an hour; newest first.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn tasks(&self, family: &str, stopped: bool) -> Result<Vec<Task>, Problem> {
        let status = match stopped {
            true => DesiredStatus::Stopped,
            false => DesiredStatus::Running,
        };
        let asked = self.aws.ecs.list_tasks().cluster(&self.facts.cluster.name);
        let pages = asked.family(family).desired_status(status).into_paginator();
        let arns: Result<Vec<String>, _> = pages.items().send().collect().await;
        self.describe(&arns.or_refused("ecs:ListTasks")?).await
    }

    /// The tasks with these ARNs, newest first; those that ECS has forgotten are left out.
    ///
    /// # Errors
    /// When ECS refuses.
    async fn describe(&self, arns: &[String]) -> Result<Vec<Task>, Problem> {
        let mut all = Vec::new();
        for arns in arns.chunks(TASKS_A_CALL) {
            let asked = self.aws.ecs.describe_tasks().cluster(&self.facts.cluster.name);
            let given = asked.set_tasks(Some(arns.to_vec())).send().await;
            all.extend(given.or_refused("ecs:DescribeTasks")?.tasks.unwrap_or_default());
        }
        all.sort_by_key(|task| std::cmp::Reverse(task.created_at().map(|at| at.as_nanos())));
        Ok(all)
    }

    /// The task with this ARN; none where ECS has forgotten it.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn task(&self, arn: &str) -> Result<Option<Task>, Problem> {
        Ok(self.describe(&[arn.to_owned()]).await?.pop())
    }

    /// A container of a task definition; none where it has none of this name.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn container(&self, definition: &str, name: &str) -> Result<Option<ContainerDefinition>, Problem> {
        let asked = self.aws.ecs.describe_task_definition().task_definition(definition);
        let given = asked.send().await.or_refused("ecs:DescribeTaskDefinition")?;
        let containers = given
            .task_definition
            .and_then(|definition| definition.container_definitions);
        Ok(containers.into_iter().flatten().find(|one| one.name() == Some(name)))
    }

    /// Starts one-shot tasks; gives their ARNs, none where nothing is to be changed.
    ///
    /// # Errors
    /// When ECS refuses, or cannot place one now.
    pub async fn run_task(&self, task: &facts::Task, wish: &Wish<'_>) -> Result<Vec<String>, Problem> {
        let facts = &self.facts;
        let mut container = ContainerOverride::builder().name(&task.container);
        if !wish.command.is_empty() {
            container = container.set_command(Some(wish.command.to_vec()));
        }
        let mut overrides = TaskOverride::builder().container_overrides(container.build());
        if let Some(beside) = wish.beside {
            let variables = wish.environment.iter();
            let variables = variables.map(|(name, value)| KeyValuePair::builder().name(*name).value(value).build());
            let beside = ContainerOverride::builder().name(beside);
            overrides = overrides.container_overrides(beside.set_environment(Some(variables.collect())).build());
        }
        let network = AwsVpcConfiguration::builder()
            .set_subnets(Some(facts.subnets.clone()))
            .set_security_groups(Some(task.security_groups.clone()))
            .assign_public_ip(AssignPublicIp::Disabled)
            .build()
            .map_err(|error| Problem::new(format!("subnets: {error}")))?;
        let asked = self.aws.ecs.run_task().cluster(&facts.cluster.name);
        let asked = asked
            .task_definition(&task.task_definition)
            .count(i32::try_from(wish.count).unwrap_or(i32::MAX))
            .client_token(wish.token)
            .started_by(wish.started_by)
            .propagate_tags(PropagateTags::from(task.propagate_tags.as_str()))
            .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(network).build())
            .overrides(overrides.build());
        let asked = match &task.pool {
            None => asked.launch_type(LaunchType::Fargate),
            Some(name) => {
                let pool = facts.pools.get(name);
                let pool = pool.ok_or_else(|| Problem::new(format!("the facts have no pool {name}")))?;
                let strategy = CapacityProviderStrategyItem::builder().capacity_provider(&pool.capacity_provider);
                let strategy = strategy.weight(1).build();
                asked.capacity_provider_strategy(strategy.map_err(|error| Problem::new(format!("pool: {error}")))?)
            }
        };
        let action = "ecs:RunTask";
        let made = async {
            let what = format!("{action} {}", task.family);
            let given = asked.send().await.or_refused(&what)?;
            if let Some(failure) = given.failures().first() {
                let why = failure.reason().unwrap_or("no reason given");
                return Err(Problem::new(format!("{what}: {}", text::line(why, 200))));
            }
            let arns = given.tasks().iter().filter_map(Task::task_arn);
            Ok(arns.map(str::to_owned).collect())
        };
        let arguments = json!({
            "cluster": facts.cluster.name, "taskDefinition": task.task_definition, "count": wish.count,
            "command": wish.command,
        });
        let begun = self.change(action, arguments, made).await?;
        Ok(begun.unwrap_or_default())
    }

    /// Stops a task: SIGTERM to its containers, in the reverse of the order in which they began.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn stop_task(&self, arn: &str, reason: &str) -> Result<(), Problem> {
        let (cluster, action) = (&self.facts.cluster.name, "ecs:StopTask");
        let asked = self.aws.ecs.stop_task().cluster(cluster).task(arn).reason(reason);
        let made = async { asked.send().await.or_refused(action) };
        let arguments = json!({ "cluster": cluster, "task": arn });
        self.change(action, arguments, made).await.map(drop)
    }
}

/// What a one-shot task is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish<'a> {
    /// Command of its container; empty for the definition's own.
    pub command: &'a [String],
    /// A container beside it that gets `environment`.
    pub beside: Option<&'a str>,
    /// Variables of that container.
    pub environment: &'a [(&'a str, String)],
    /// How many tasks.
    pub count: u32,
    /// The same token starts nothing twice; at most 64 characters.
    pub token: &'a str,
    /// Who asked; at most 36 characters, and tasks can be listed by it.
    pub started_by: &'a str,
}

/// The last part of an ARN: a task's id.
pub fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// Whether a task has stopped.
pub fn has_stopped(task: &Task) -> bool {
    task.last_status() == Some("STOPPED")
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
