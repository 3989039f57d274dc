//! Facts of what Terraform made: its output `facts`, and nothing else, tells names, counts and sizes. Source:
//! `terraform/facts.tf`.

use std::{collections::BTreeMap, path::Path, process::Command};

use benchmark_results::text;
use benchmark_scenarios::Problem;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value, json};

/// The container beside the generator.
pub const ATTENDANT: &str = "attendant";

/// What people call the workers' service; `worker` is one of Temporal's own.
pub const WORKERS: &str = "benchmark-worker";

/// Temporal's own services.
pub const SERVERS: [&str; 4] = ["history", "matching", "frontend", "worker"];

/// The attendant's variable that leaves the workers as they are.
pub const KEEP_WORKERS: &str = "ATTEND_KEEP_WORKERS";

/// The version that this program reads.
const VERSION: u64 = 1;

/// One environment.
#[derive(Clone, Debug, Deserialize)]
pub struct Facts {
    /// Prefix of all names.
    pub project: String,
    /// `dev`, `bench` or `prod`, which the dynamic configuration is chosen by.
    pub environment: String,
    /// Region of everything.
    pub region: String,
    /// Account, twelve digits.
    pub account_id: String,
    /// `aws`, or another partition.
    pub partition: String,
    /// The ECS cluster.
    pub cluster: Cluster,
    /// Services in the order in which they are brought up.
    pub services: Vec<Service>,
    /// Instances by pool: `main`, `generator`, `benchmark`.
    pub pools: BTreeMap<String, Pool>,
    /// The workers' service; none without the benchmark.
    #[serde(default, deserialize_with = "workers")]
    pub workers: Option<Workers>,
    /// One-shot tasks: `generator`, `generator_join`, `setup_schema`, `setup_database`.
    pub tasks: BTreeMap<String, Task>,
    /// Subnets of all tasks.
    pub subnets: Vec<String>,
    /// Bucket of results; none without the benchmark.
    pub bucket: Option<String>,
    /// Where the end of the workers is written.
    pub scheduler: Option<Scheduler>,
    /// Log groups by what they hold.
    pub log_groups: BTreeMap<String, String>,
    /// The Temporal cluster.
    pub temporal: Temporal,
    /// The database; none where Temporal is elsewhere.
    pub dsql: Option<Dsql>,
    /// The managed Prometheus.
    pub prometheus: Prometheus,
    /// Images by digest.
    pub images: BTreeMap<String, String>,
    /// What it costs, as Terraform reckoned it.
    pub cost: Value,
}

/// An ECS cluster.
#[derive(Clone, Debug, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
}

/// A service that `up` brings up.
#[derive(Clone, Debug, Deserialize)]
pub struct Service {
    /// `loki`, `history`, `matching`, `frontend`, `worker`, `ui` or `grafana`.
    pub key: String,
    /// CPU units of a task, 1024 a core.
    pub cpu: u32,
    /// MiB of a task.
    pub memory: u32,
    /// Tasks that `up` asks for.
    pub count: u32,
    /// Port of what it serves; none where it serves nobody.
    pub port: Option<u16>,
    /// The container that is the service itself.
    pub container: String,
    /// Name in the cluster.
    pub name: String,
    /// Family of its task definitions.
    pub family: String,
    /// Place in the order, from 1.
    pub order: u32,
    /// The pool that its tasks run in.
    pub pool: String,
}

/// A group of instances.
#[derive(Clone, Debug, Deserialize)]
pub struct Pool {
    /// ECS' name of it.
    pub capacity_provider: String,
    /// The Auto Scaling group.
    pub group: String,
    /// Most instances.
    pub max: u32,
    /// Type of its instances.
    pub instance_type: String,
    /// Virtual CPUs of an instance.
    pub vcpu: u32,
    /// MiB of an instance that tasks may have.
    pub mib: u32,
    /// Network interfaces of an instance that tasks may have, one each.
    pub task_interfaces: u32,
    /// Dollars an hour of one instance with its volume; none where that is not known.
    pub usd_per_hour: Option<f64>,
}

/// The workers.
#[derive(Clone, Debug, Deserialize)]
pub struct Workers {
    /// Their service, which `up` leaves alone.
    #[serde(flatten)]
    pub service: Service,
    /// Most tasks.
    pub max: u32,
}

/// The workers, with what only the other services have in the facts.
fn workers<'de, D: Deserializer<'de>>(given: D) -> Result<Option<Workers>, D::Error> {
    let Some(mut given) = Option::<Map<String, Value>>::deserialize(given)? else {
        return Ok(None);
    };
    for (name, value) in [("key", json!(WORKERS)), ("count", json!(0)), ("order", json!(0))] {
        given.insert(name.to_owned(), value);
    }
    Workers::deserialize(Value::Object(given))
        .map(Some)
        .map_err(D::Error::custom)
}

/// A one-shot task.
#[derive(Clone, Debug, Deserialize)]
pub struct Task {
    /// ARN with revision.
    pub task_definition: String,
    /// Family of the task definition.
    pub family: String,
    /// The container that is asked to do something.
    pub container: String,
    /// Its log.
    pub log_group: String,
    /// Beginning of the names of its streams: `PREFIX/CONTAINER/TASK-ID`.
    pub log_prefix: String,
    /// Its pool; none for Fargate.
    pub pool: Option<String>,
    /// Most tasks at once.
    pub max: u32,
    /// Security groups of the task.
    pub security_groups: Vec<String>,
    /// What the task's tags come from.
    pub propagate_tags: String,
}

/// Where the workers' end is written.
#[derive(Clone, Debug, Deserialize)]
pub struct Scheduler {
    /// Group of the schedule.
    pub group: String,
    /// Role that sets the workers to none.
    pub role_arn: String,
}

/// The Temporal cluster.
#[derive(Clone, Debug, Deserialize)]
pub struct Temporal {
    /// Address for generators.
    pub address: String,
    /// History shards; none where Temporal is elsewhere.
    pub shards: Option<u32>,
}

/// The database.
#[derive(Clone, Debug, Deserialize)]
pub struct Dsql {
    /// Its host.
    pub host: String,
    /// The user that the servers log in as.
    pub user: String,
}

/// The managed Prometheus.
#[derive(Clone, Debug, Deserialize)]
pub struct Prometheus {
    /// Where it is asked.
    pub query_url: String,
}

impl Facts {
    /// Reads them from a file.
    ///
    /// # Errors
    /// When it cannot be read, is no facts, or another version of them.
    pub fn from_file(path: &Path) -> Result<Facts, Problem> {
        let read = std::fs::read_to_string(path);
        let read = read.map_err(|error| Problem::new(format!("--facts {}: {error}", path.display())))?;
        Self::parse(&read, &format!("--facts {}", path.display()))
    }

    /// Asks Terraform for them.
    ///
    /// # Errors
    /// When there is no terraform, no state in the folder, or no facts in the state.
    pub fn from_terraform(folder: &Path) -> Result<Facts, Problem> {
        let asked = format!("terraform -chdir={} output -json facts", folder.display());
        let given = Command::new("terraform")
            .arg(format!("-chdir={}", folder.display()))
            .args(["output", "-json", "facts"])
            .output()
            .map_err(|error| {
                Problem::new(format!("{asked}: {error}"))
                    .remedy("install terraform")
                    .remedy("--facts FILE")
            })?;
        if !given.status.success() {
            // Terraform draws a frame around what it says.
            let said = String::from_utf8_lossy(&given.stderr);
            let said: Vec<&str> = said
                .lines()
                .map(|line| line.trim_matches(['│', '╷', '╵', ' ']))
                .filter(|line| !line.is_empty())
                .collect();
            return Err(Problem::new(format!("{asked}: {}", text::line(&said.join(" "), 200)))
                .remedy("terraform init and apply there")
                .remedy("--terraform DIR")
                .remedy("--facts FILE"));
        }
        Self::parse(&String::from_utf8_lossy(&given.stdout), &asked)
    }

    /// Reads the text of the output; `origin` says where it is from.
    ///
    /// # Errors
    /// When it is no facts, or another version of them.
    pub fn parse(given: &str, origin: &str) -> Result<Facts, Problem> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let problem = |error: serde_json::Error| {
            Problem::new(format!("{origin}: no facts of an environment: {error}"))
                .remedy("terraform output -json facts > FILE, in the folder of the environment")
        };
        let Version { version } = serde_json::from_str(given).map_err(problem)?;
        if version != VERSION {
            return Err(Problem::new(format!(
                "{origin}: facts of version {version}; this program reads version {VERSION}"
            ))
            .remedy("the benchmark-cluster of the same release as the Terraform modules"));
        }
        serde_json::from_str(given).map_err(problem)
    }

    /// All services, the workers' among them.
    pub fn all(&self) -> impl Iterator<Item = &Service> {
        let workers = self.workers.iter().map(|workers| &workers.service);
        self.services.iter().chain(workers)
    }

    /// The service with this key.
    ///
    /// # Errors
    /// When there is none; the problem names those that are there.
    pub fn service(&self, key: &str) -> Result<&Service, Problem> {
        self.all().find(|service| service.key == key).ok_or_else(|| {
            let keys: Vec<&str> = self.all().map(|service| service.key.as_str()).collect();
            let (key, keys) = (text::line(key, 60), keys.join(", "));
            Problem::new(format!("{key}: no service; there are {keys}"))
        })
    }

    /// Names in the cluster of the services that `up` brings up.
    pub fn names(&self) -> Vec<&str> {
        self.services.iter().map(|service| service.name.as_str()).collect()
    }

    /// The services that `up` brings up, in their order.
    pub fn in_order(&self) -> Vec<&Service> {
        let mut services: Vec<&Service> = self.services.iter().collect();
        services.sort_by_key(|service| service.order);
        services
    }

    /// The one-shot task with this name.
    ///
    /// # Errors
    /// When the environment has none.
    pub fn task(&self, name: &str) -> Result<&Task, Problem> {
        self.tasks.get(name).ok_or_else(|| self.lacks(name))
    }

    /// The workers' service.
    ///
    /// # Errors
    /// When the environment has no benchmark.
    pub fn workers(&self) -> Result<&Workers, Problem> {
        self.workers.as_ref().ok_or_else(|| self.lacks("workers"))
    }

    /// The bucket of results.
    ///
    /// # Errors
    /// When the environment has no benchmark.
    pub fn bucket(&self) -> Result<&str, Problem> {
        self.bucket.as_deref().ok_or_else(|| self.lacks("results"))
    }

    /// Where the workers' end is written.
    ///
    /// # Errors
    /// When the environment has no benchmark.
    pub fn scheduler(&self) -> Result<&Scheduler, Problem> {
        self.scheduler.as_ref().ok_or_else(|| self.lacks("scheduler"))
    }

    fn lacks(&self, what: &str) -> Problem {
        Problem::new(format!("{}: this environment has no {what}", self.project))
            .remedy("benchmark_enabled = true in its variables, and terraform apply")
    }
}
