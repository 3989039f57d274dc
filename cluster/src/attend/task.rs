//! The task that this process is a part of: its ARN, region and address, from the metadata that ECS gives to containers.

use benchmark_results::text;
use benchmark_scenarios::Problem;
use serde::Deserialize;

use crate::metadata::{self, ADDRESS, Container};

/// What ECS tells of a task.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(rename = "TaskARN")]
    arn: String,
    #[serde(default)]
    containers: Vec<Container>,
}

/// This task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its ARN.
    pub arn: String,
    /// Its region.
    pub region: String,
    /// Name of its cluster.
    pub cluster: String,
    /// Its address, as the others of the network reach it.
    pub address: String,
}

impl Task {
    /// Asks ECS.
    ///
    /// # Errors
    /// When this is no container of ECS', or it does not answer.
    pub async fn find() -> Result<Task, Problem> {
        let url = std::env::var(ADDRESS).map_err(|_| {
            Problem::new(format!(
                "{ADDRESS} is not set: attend works beside the generator, in a task of ECS"
            ))
        })?;
        let problem = |what: String| Problem::new(format!("{ADDRESS} {what}"));
        let metadata = metadata::read(&format!("{url}/task")).await.map_err(problem)?;
        Self::of(metadata).map_err(|what| problem(format!("{}: {what}", text::line(&url, 200))))
    }

    fn of(metadata: Metadata) -> Result<Task, String> {
        let arn = text::line(&metadata.arn, 200);
        // arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID
        let parts: Vec<&str> = arn.split(':').collect();
        let [_, _, "ecs", region, _, task] = parts[..] else {
            return Err(format!("{arn} is no task's ARN"));
        };
        let ["task", cluster, _] = task.split('/').collect::<Vec<_>>()[..] else {
            return Err(format!("{arn} is no task's ARN"));
        };
        let address = metadata::address(&metadata.containers).ok_or("the task has no address")?;
        Ok(Task {
            address: address.to_string(),
            region: region.to_owned(),
            cluster: cluster.to_owned(),
            arn,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &[u8]) -> Result<Task, String> {
        Task::of(serde_json::from_slice(body).map_err(|error| error.to_string())?)
    }

    #[test]
    fn the_metadata_of_a_task_tells_all() {
        let body =
            br#"{"Cluster": "bench-cluster", "TaskARN": "arn:aws:ecs:eu-west-1:123456789012:task/bench-cluster/0a1b",
            "Family": "bench-generator", "Containers": [{"Name": "~internal~"}, {"Name": "attendant",
            "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": ["10.0.17.4"], "IPv6Addresses": []}]}]}"#;
        let task = parse(body).expect("a task");
        assert_eq!(
            (task.region.as_str(), task.cluster.as_str(), task.address.as_str()),
            ("eu-west-1", "bench-cluster", "10.0.17.4")
        );
        for (bad, said) in [
            ("{}", "TaskARN"),
            (r#"{"TaskARN": "x"}"#, "x is no task's ARN"),
            (r#"{"TaskARN": "arn:aws:ecs:r:1:task/c/i"}"#, "no address"),
        ] {
            let problem = parse(bad.as_bytes()).expect_err(bad);
            assert!(problem.contains(said), "{problem}");
        }
    }
}
