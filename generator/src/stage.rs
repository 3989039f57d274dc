//! What must stand before the load: a server, its namespace, and workers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use benchmark_results::schema::{Fact, NamespaceFacts, ServerFacts, WorkerFacts};
use benchmark_scenarios::{Cluster, EmbeddedServer as EmbeddedPlan, Plan, ServerPreset, Target, TlsFiles};
use benchmark_temporal::{
    ApiKey, ConnectOptions, Server, TlsMaterial,
    embedded::{EmbeddedOptions, EmbeddedServer, Progress, presets, provide},
    environment::Profile,
    facts, namespace,
};
use benchmark_worker::{WorkerOptions, WorkerPool};

use crate::accountant::StampDesk;

/// How long workers may finish what they hold at the end.
const WORKER_GRACE: Duration = Duration::from_secs(5);

/// What stands before the load.
pub struct Stage {
    /// The server under test.
    pub server: Server,
    /// How starts reach it.
    pub connect: ConnectOptions,
    /// What it tells of itself.
    pub facts: ServerFacts,
    /// Where workers of this process stamp; `None` when there are none.
    pub desk: Option<StampDesk>,
    workers: Option<WorkerPool>,
    embedded: Option<EmbeddedServer>,
    keep: bool,
}

/// What the stage is set up from, besides the plan.
pub struct StageOptions<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Sent when the plan says so.
    pub api_key: Option<ApiKey>,
    /// Temporal's own client configuration.
    pub profile: Option<Profile>,
    /// Who we are to the server.
    pub identity: String,
    /// Told what is being done, while it takes long.
    pub told: Arc<dyn Fn(Progress) + Send + Sync>,
}

impl Stage {
    /// Sets everything up. What was started is stopped again when something fails.
    ///
    /// # Errors
    /// In words that say what to do.
    pub async fn set_up(options: StageOptions<'_>) -> anyhow::Result<Stage> {
        let plan = options.plan;
        let mut embedded = None;
        let mut binary = None;
        let mut dynamic_config = BTreeMap::new();
        let mut keep = false;
        let mut connect = match &plan.target {
            Target::Embedded(wanted) => {
                let (started, how) = start_embedded(wanted, &plan.namespace, Arc::clone(&options.told)).await?;
                let connect = ConnectOptions::new(started.address(), plan.namespace.clone());
                (embedded, binary, dynamic_config, keep) = (Some(started), Some(how), config(wanted), wanted.keep);
                connect
            }
            Target::Cluster(cluster) => connect_options(cluster, plan, options.api_key, options.profile)?,
        };
        connect.connect_timeout = plan.starter.connect_timeout;
        connect.identity = options.identity;

        let server = benchmark_temporal::connect(&connect).await?;
        let namespace = namespace::ensure(&server, true).await?;
        let (workers, desk) = match start_workers(plan, &connect).await? {
            Some((workers, desk)) => (Some(workers), Some(desk)),
            None => (None, None),
        };
        // After the workers, so that the pollers of the task queue are those that the load will meet.
        let told = facts::discover(&server, &plan.task_queue).await;
        let facts = ServerFacts {
            embedded: embedded.is_some(),
            binary,
            dynamic_config,
            ..server_facts(told, namespace)
        };
        Ok(Stage {
            server,
            connect,
            facts,
            desk,
            workers,
            embedded,
            keep,
        })
    }

    /// The address of the Web UI, where there is one.
    pub fn ui_address(&self) -> Option<String> {
        self.embedded.as_ref().and_then(EmbeddedServer::ui_address)
    }

    /// How the workers of this process are tuned.
    pub fn worker_facts(&self) -> Option<WorkerFacts> {
        let workers = self.workers.as_ref()?.effective();
        Some(WorkerFacts {
            count: u32::try_from(workers.identities.len()).unwrap_or(u32::MAX),
            workflow_slots: workers.workflow_slots,
            activity_slots: workers.activity_slots,
            local_activity_slots: workers.local_activity_slots,
            pollers: workers.pollers.to_string(),
            max_cached_workflows: workers.max_cached_workflows,
            ..WorkerFacts::default()
        })
    }

    /// What went wrong on the stage since it was set up, in sentences.
    pub fn losses(&self) -> Vec<String> {
        let workers = self.workers.iter().flat_map(WorkerPool::failures);
        workers
            .map(|failure| format!("worker {} ended: {}", failure.worker, failure.message))
            .chain(self.server_loss())
            .collect()
    }

    /// What became of the embedded server, when it is gone.
    pub fn server_loss(&self) -> Option<String> {
        let status = self.embedded.as_ref().and_then(EmbeddedServer::ended)?;
        Some(format!("the embedded server ended by itself: {status}"))
    }

    /// Stops the workers and the server. Returns how the server can be reached when it was to be kept.
    pub async fn strike(self) -> Option<String> {
        if let Some(workers) = self.workers {
            workers.shutdown(WORKER_GRACE).await;
        }
        let server = self.embedded?;
        if !self.keep {
            // Stopping waits for the process; the timers of this runtime must not wait with it.
            let _ = tokio::task::spawn_blocking(move || server.stop()).await;
            return None;
        }
        let mut reached = format!("the server is still running at {}", server.address());
        if let Some(ui) = server.ui_address() {
            reached += &format!(", its Web UI at {ui}");
        }
        reached += &format!(
            "\n  use it with   --address {}\n  end it with   kill {}",
            server.address(),
            server.pid()
        );
        server.keep();
        Some(reached)
    }
}

async fn start_workers(plan: &Plan, connect: &ConnectOptions) -> anyhow::Result<Option<(WorkerPool, StampDesk)>> {
    if plan.workers.count == 0 {
        return Ok(None);
    }
    let mut options = WorkerOptions::new(connect.clone(), plan.task_queue.clone());
    options.count = plan.workers.count;
    let desk = StampDesk::default();
    Ok(Some((WorkerPool::start(options, Arc::new(desk.clone())).await?, desk)))
}

async fn start_embedded(
    wanted: &EmbeddedPlan,
    namespace: &str,
    told: Arc<dyn Fn(Progress) + Send + Sync>,
) -> anyhow::Result<(EmbeddedServer, String)> {
    let binary = provide(wanted.binary.as_deref(), told).await?;
    let how = format!("{} ({}; {})", binary.path.display(), binary.version, binary.how);
    let mut options = EmbeddedOptions::new(binary);
    options.namespace = namespace.to_owned();
    options.dynamic_config = config(wanted);
    options.ui = true;
    options.may_outlive = wanted.keep;
    Ok((EmbeddedServer::start(&options).await?, how))
}

/// The dynamic configuration that an embedded server is started with.
fn config(wanted: &EmbeddedPlan) -> BTreeMap<String, String> {
    let mut config = match wanted.preset {
        ServerPreset::Cluster => presets::cluster(),
        ServerPreset::Stock => BTreeMap::new(),
    };
    config.extend(wanted.config.clone());
    config
}

fn connect_options(
    cluster: &Cluster,
    plan: &Plan,
    api_key: Option<ApiKey>,
    profile: Option<Profile>,
) -> anyhow::Result<ConnectOptions> {
    let profile = profile.unwrap_or_default();
    let mut options = ConnectOptions::new(cluster.address.clone(), plan.namespace.clone());
    options.tls = cluster
        .tls
        .as_ref()
        .map(|files| tls_material(files, profile.tls))
        .transpose()?;
    options.api_key = api_key.filter(|_| cluster.api_key);
    options.headers = profile.headers;
    Ok(options)
}

/// The files named by flags, on top of what Temporal's own configuration has.
fn tls_material(files: &TlsFiles, profile: Option<TlsMaterial>) -> anyhow::Result<TlsMaterial> {
    let read = TlsMaterial::read(
        files.ca.as_deref(),
        files.cert.as_deref(),
        files.key.as_deref(),
        files.server_name.as_deref(),
    )?;
    let profile = profile.unwrap_or_default();
    Ok(TlsMaterial {
        ca: read.ca.or(profile.ca),
        identity: read.identity.or(profile.identity),
        server_name: read.server_name.or(profile.server_name),
    })
}

/// What a server tells, in the words of the results file. What only its starter knows is left empty.
fn server_facts(told: facts::ServerFacts, namespace: namespace::NamespaceFacts) -> ServerFacts {
    ServerFacts {
        address: told.address,
        embedded: false,
        binary: None,
        dynamic_config: BTreeMap::new(),
        version: fact(told.version),
        capabilities: fact(told.capabilities),
        history_shards: fact(told.history_shards),
        persistence_store: fact(told.persistence_store),
        visibility_store: fact(told.visibility_store),
        cluster_name: fact(told.cluster_name),
        namespace: Fact::found(
            NamespaceFacts {
                name: namespace.name,
                id: namespace.id,
                retention_seconds: namespace.retention_seconds,
                created: namespace.created,
                capabilities: namespace.capabilities,
            },
            "DescribeNamespace",
        ),
        pollers: fact(told.pollers),
        task_queue_partitions: fact(told.task_queue_partitions),
    }
}

fn fact<T>(told: facts::Told<T>) -> Fact<T> {
    match told {
        Ok((value, source)) => Fact::found(value, source),
        Err(reason) => Fact::missing(reason),
    }
}
