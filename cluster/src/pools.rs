//! Pools of instances: how many there are, why none come, and the end of those that are empty.

use std::{collections::BTreeMap, time::SystemTime};

use aws_sdk_autoscaling::types::{Activity, Instance, LifecycleState, ScalingActivityStatusCode};
use aws_sdk_ecs::primitives::DateTime;
use benchmark_results::text;
use benchmark_scenarios::Problem;
use serde_json::json;

use crate::{aws::Answer, facts, session::Session};

/// Most container instances that one call describes.
const INSTANCES_A_CALL: usize = 100;

/// What a quota says in an activity's text. It has no code.
const QUOTAS: [&str; 4] = ["vCPU limit", "VcpuLimitExceeded", "InstanceLimitExceeded", "quota"];

/// A pool's Auto Scaling group as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Instances that cost something: all that are not ending.
    pub instances: Vec<String>,
    /// Those of them in service.
    pub in_service: usize,
    /// Those that end.
    pub ending: usize,
    /// How many are asked for.
    pub desired: u32,
}

/// Instances that did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What Auto Scaling says, one line.
    pub said: String,
    /// Whether a quota is the reason: waiting does not help.
    pub is_quota: bool,
}

impl Refusal {
    /// It with a remedy.
    pub fn remedy(&self) -> &'static str {
        if self.is_quota {
            "Service Quotas → Amazon EC2 → Running On-Demand Standard instances"
        } else {
            "another instance type, or another zone"
        }
    }
}

/// Instances that cost something, by pool.
pub fn count(groups: &BTreeMap<String, Group>) -> BTreeMap<String, usize> {
    let count = |(pool, group): (&String, &Group)| (pool.clone(), group.instances.len());
    groups.iter().map(count).collect()
}

impl Session {
    /// The groups of all pools by the pool's name; one that AWS does not know is left out.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn groups(&self) -> Result<BTreeMap<String, Group>, Problem> {
        let names: Vec<String> = self.facts.pools.values().map(|pool| pool.group.clone()).collect();
        let asked = self.aws.scaling.describe_auto_scaling_groups();
        let pages = asked.set_auto_scaling_group_names(Some(names)).into_paginator();
        let found: Result<Vec<_>, _> = pages.items().send().collect().await;
        let mut groups = BTreeMap::new();
        for given in found.or_refused("autoscaling:DescribeAutoScalingGroups")? {
            let name = given.auto_scaling_group_name().unwrap_or_default();
            let Some((pool, _)) = self.facts.pools.iter().find(|(_, pool)| pool.group == name) else {
                continue;
            };
            let (ending, staying): (Vec<_>, Vec<_>) = given
                .instances()
                .iter()
                .partition(|instance| is_ending(instance.lifecycle_state()));
            let in_service = |instance: &&&Instance| instance.lifecycle_state() == Some(&LifecycleState::InService);
            let ids = staying.iter().filter_map(|instance| instance.instance_id());
            let group = Group {
                instances: ids.map(str::to_owned).collect(),
                in_service: staying.iter().filter(in_service).count(),
                ending: ending.len(),
                desired: given
                    .desired_capacity()
                    .and_then(|count| count.try_into().ok())
                    .unwrap_or_default(),
            };
            groups.insert(pool.clone(), group);
        }
        Ok(groups)
    }

    /// Activities of a pool that failed since then, newest first.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn refusals(&self, pool: &facts::Pool, since: SystemTime) -> Result<Vec<Refusal>, Problem> {
        let asked = self.aws.scaling.describe_scaling_activities();
        let given = asked.auto_scaling_group_name(&pool.group).send().await;
        let given = given.or_refused("autoscaling:DescribeScalingActivities")?;
        Ok(refusals(given.activities(), since))
    }

    /// Tasks that run or begin on each instance, by EC2's id of it; only instances that joined the cluster.
    ///
    /// # Errors
    /// When AWS refuses.
    async fn tasks_by_instance(&self) -> Result<BTreeMap<String, i32>, Problem> {
        let cluster = &self.facts.cluster.name;
        let pages = self
            .aws
            .ecs
            .list_container_instances()
            .cluster(cluster)
            .into_paginator();
        let arns: Result<Vec<String>, _> = pages.items().send().collect().await;
        let arns = arns.or_refused("ecs:ListContainerInstances")?;
        let mut tasks = BTreeMap::new();
        for arns in arns.chunks(INSTANCES_A_CALL) {
            let asked = self.aws.ecs.describe_container_instances().cluster(cluster);
            let given = asked.set_container_instances(Some(arns.to_vec())).send().await;
            let given = given.or_refused("ecs:DescribeContainerInstances")?;
            for instance in given.container_instances() {
                let id = instance.ec2_instance_id().unwrap_or_default().to_owned();
                tasks.insert(id, instance.running_tasks_count() + instance.pending_tasks_count());
            }
        }
        Ok(tasks)
    }

    /// Ends the instances of these pools on which nothing runs, those that never joined the cluster among them; gives how
    /// many. ECS would do it after 15 minutes.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn end_empty_instances(&self, pools: &[&str]) -> Result<usize, Problem> {
        let groups = self.groups().await?;
        let groups = pools.iter().filter_map(|pool| groups.get(*pool));
        let instances: Vec<&String> = groups.flat_map(|group| &group.instances).collect();
        if instances.is_empty() {
            return Ok(0);
        }
        let tasks = self.tasks_by_instance().await?;
        let empty = instances
            .into_iter()
            .filter(|&instance| tasks.get(instance).is_none_or(|&tasks| tasks == 0));
        let mut ended = 0;
        for instance in empty {
            let action = "autoscaling:TerminateInstanceInAutoScalingGroup";
            let asked = self.aws.scaling.terminate_instance_in_auto_scaling_group();
            let asked = asked.instance_id(instance).should_decrement_desired_capacity(true);
            let made = async { asked.send().await.or_refused(action) };
            let arguments = json!({ "instanceId": instance, "shouldDecrementDesiredCapacity": true });
            self.change(action, arguments, made).await?;
            ended += 1;
        }
        Ok(ended)
    }
}

/// Whether an instance ends or has ended.
fn is_ending(state: Option<&LifecycleState>) -> bool {
    state.is_some_and(|state| state.as_str().starts_with("Terminat"))
}

fn refusals(activities: &[Activity], since: SystemTime) -> Vec<Refusal> {
    let since = DateTime::from(since);
    let failed = activities.iter().filter(|activity| {
        let has_failed = matches!(
            activity.status_code(),
            Some(ScalingActivityStatusCode::Failed | ScalingActivityStatusCode::Cancelled)
        );
        has_failed
            && activity
                .start_time()
                .is_some_and(|at| at.as_nanos() >= since.as_nanos())
    });
    failed
        .map(|activity| {
            let said = activity
                .status_message()
                .or(activity.description())
                .unwrap_or("no reason given");
            Refusal {
                is_quota: QUOTAS.iter().any(|quota| said.contains(quota)),
                said: text::line(said, 300),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BEGIN: Duration = Duration::from_secs(1_800_000_000);

    fn activity(code: ScalingActivityStatusCode, after: i64, said: &str) -> Activity {
        let at = DateTime::from_secs(i64::try_from(BEGIN.as_secs()).expect("small") + after);
        Activity::builder()
            .activity_id("a")
            .auto_scaling_group_name("g")
            .cause("c")
            .start_time(at)
            .status_code(code)
            .status_message(said)
            .build()
    }

    #[test]
    fn failed_activities_since_then_are_refusals() {
        let limit = "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the bucket.";
        let activities = [
            activity(ScalingActivityStatusCode::Failed, 5, limit),
            activity(ScalingActivityStatusCode::Successful, 4, ""),
            activity(ScalingActivityStatusCode::Failed, 0, "no\ncapacity"),
            activity(ScalingActivityStatusCode::Failed, -1, "old"),
        ];
        let found = refusals(&activities, SystemTime::UNIX_EPOCH + BEGIN);
        let found: Vec<(&str, bool)> = found
            .iter()
            .map(|refusal| (refusal.said.as_str(), refusal.is_quota))
            .collect();
        assert_eq!(found, [(limit, true), ("no capacity", false)]);
    }

    #[test]
    fn what_ends_is_no_instance_any_more() {
        for state in ["Terminating", "Terminating:Wait", "Terminating:Proceed", "Terminated"] {
            assert!(is_ending(Some(&LifecycleState::from(state))), "{state}");
        }
        for state in ["Pending", "InService", "Standby"] {
            assert!(!is_ending(Some(&LifecycleState::from(state))), "{state}");
        }
    }
}
