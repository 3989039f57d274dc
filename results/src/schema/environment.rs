//! Environment of a run, as discovered: facts, and why one could not be found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fact;

/// Where it ran, as discovered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// The machine of the generator.
    pub host: HostFacts,
    /// The server under test.
    pub server: ServerFacts,
    /// How the workers of this process are tuned; null when there are none.
    pub workers: Option<WorkerFacts>,
    /// What whoever operates the cluster knows of it, such as replicas and sizes of its services; empty when nobody told.
    #[serde(default, skip_serializing_if = "ClusterFacts::is_empty")]
    pub cluster: ClusterFacts,
}

/// What is known of a cluster besides what it says itself: names and values, as `--cluster-facts` gave them.
pub type ClusterFacts = BTreeMap<String, ClusterFact>;

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClusterFact {
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
}

/// How the workers of a process are tuned. All figures but the first are of each of them. What stands here is in effect:
/// the namespace's capabilities and the task queue's partitions can change what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerFacts {
    /// How many there are.
    pub count: u32,
    /// Workflow tasks at the same time; 0 when it follows CPU and memory, see `slots`.
    pub workflow_slots: u32,
    /// Activities at the same time; likewise.
    pub activity_slots: u32,
    /// Local activities at the same time; likewise.
    pub local_activity_slots: u32,
    /// Polls that are kept open, in words.
    pub pollers: String,
    /// Workflows kept in memory between their tasks.
    pub max_cached_workflows: u32,
    /// The preset that the options began from.
    #[serde(default)]
    pub profile: Option<String>,
    /// What limits the tasks at the same time, in words: fixed numbers, or targets of CPU and memory.
    #[serde(default)]
    pub slots: Option<String>,
    /// Polls for workflow tasks, in words.
    #[serde(default)]
    pub workflow_pollers: Option<String>,
    /// Polls for activities, in words.
    #[serde(default)]
    pub activity_pollers: Option<String>,
    /// Polls of the normal queue, not of the sticky one: fewer than partitions leave some unpolled.
    #[serde(default)]
    pub normal_polls: Option<u32>,
    /// Partitions of the task queue, as looked up.
    #[serde(default)]
    pub partitions: Option<u32>,
    /// The task queues that are polled.
    #[serde(default)]
    pub task_queues: Vec<String>,
    /// How long a workflow's next task waits for the worker that has it in memory, milliseconds.
    #[serde(default)]
    pub sticky_timeout_ms: Option<u64>,
    /// Whether activities are taken with the answer to the workflow task that asks for them.
    #[serde(default)]
    pub eager_activities: Option<bool>,
    /// Most activities a second; null when there is no such limit.
    #[serde(default)]
    pub activities_per_second: Option<f64>,
    /// Worker deployment.
    #[serde(default)]
    pub deployment: Option<String>,
    /// Build id within it.
    #[serde(default)]
    pub build_id: Option<String>,
    /// How long a stop waits for what is in execution, milliseconds.
    #[serde(default)]
    pub graceful_shutdown_ms: Option<u64>,
    /// Names under which the server sees the workers.
    #[serde(default)]
    pub identities: Vec<String>,
}

/// The machine of a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostFacts {
    /// CPU model.
    pub cpu_model: Fact<String>,
    /// Cores that this process may run on.
    pub cores: Fact<u32>,
    /// CPU quota of the control group, in cores; null when there is none.
    pub cgroup_cpu_quota: Fact<f64>,
    /// Memory of the machine, bytes.
    pub memory_bytes: Fact<u64>,
    /// Kernel release.
    pub kernel: Fact<String>,
    /// Operating system.
    pub os: Fact<String>,
    /// Host name.
    pub hostname: Fact<String>,
    /// Cloud instance type.
    pub instance_type: Fact<String>,
}

/// The server under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerFacts {
    /// The address that was connected to.
    pub address: String,
    /// Whether this run started the server.
    pub embedded: bool,
    /// How the embedded server's binary was had; null for a cluster.
    pub binary: Option<String>,
    /// The dynamic configuration that the embedded server was started with.
    pub dynamic_config: BTreeMap<String, String>,
    /// Server version.
    pub version: Fact<String>,
    /// Capabilities that the server announces: name to whether it has it.
    pub capabilities: Fact<BTreeMap<String, bool>>,
    /// Number of history shards.
    pub history_shards: Fact<u32>,
    /// Persistence store.
    pub persistence_store: Fact<String>,
    /// Visibility store.
    pub visibility_store: Fact<String>,
    /// Cluster name.
    pub cluster_name: Fact<String>,
    /// The namespace's settings.
    pub namespace: Fact<NamespaceFacts>,
    /// Pollers seen on the task queue before the load began.
    pub pollers: Fact<u32>,
    /// Partitions of the task queue.
    pub task_queue_partitions: Fact<u32>,
}

/// The namespace's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceFacts {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Retention of closed workflows, seconds.
    pub retention_seconds: Option<u64>,
    /// Whether this run created it.
    pub created: bool,
    /// Capabilities: name to whether it has it.
    pub capabilities: BTreeMap<String, bool>,
}
