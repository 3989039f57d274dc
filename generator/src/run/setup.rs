//! Setup before the load and teardown after it: a server, its namespace, and workers.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use benchmark_fleet::{LeaderAt, Member, MemberOptions, Role, ServeOptions, ServerTls, Token};
use benchmark_metrics::{Registry, Selection};
use benchmark_results::schema::{HostFacts, ServerFacts, WorkerFacts};
use benchmark_scenarios::{Context, EmbeddedPlan, FleetOptions, FleetTls, Plan, Problem, ServerPreset, Target, units};
use benchmark_temporal::{
    ApiKey, ConnectOptions, ProcessEnvironment, Server,
    embedded::{EmbeddedOptions, EmbeddedServer, Progress, presets, provide},
    environment::Profile,
    facts, namespace,
};
use benchmark_worker::{EndBuffer, PoolSource, WorkerMetrics, WorkerOptions, WorkerPool, connect_options};
use benchmark_workflows::RunClock;

use crate::{
    fleet::{FleetLeader, follow, leader::FleetLeaderOptions, reach},
    stop::deadline::{Ending, Step},
};

/// How long members may take to deliver what they hold when the run is over.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long workers may finish what they hold at the end.
const WORKER_GRACE: Duration = Duration::from_secs(5);

/// How long they may take beyond it to give up what they have not finished.
const WORKER_ABANDON: Duration = Duration::from_secs(2);

/// How long the embedded server may take to end: it is asked, and after 10 s made to.
const SERVER_END: Duration = Duration::from_secs(12);

/// Retention beyond the drain below which the server may delete workflows before they are counted.
const RETENTION_MARGIN: Duration = Duration::from_secs(600);

/// How long the members of this process may take to say good-bye: they call a function.
const LEAVE: Duration = Duration::from_secs(1);

/// How often the members of this process tell what they saw.
const OWN_INTERVAL: Duration = Duration::from_millis(100);

/// What stands before the load.
pub struct Setup {
    /// The server under test.
    pub server: Server,
    /// How starts reach it.
    pub connect: ConnectOptions,
    /// What it tells of itself.
    pub facts: ServerFacts,
    /// The processes that take part.
    pub fleet: FleetLeader,
    /// This process's name among them.
    pub name: String,
    workers: Option<OwnWorkers>,
    embedded: Option<EmbeddedServer>,
    standing: Option<Arc<StandingServer>>,
    keep: bool,
}

/// An embedded server that stands before the run and goes on after it. It is stopped when nobody uses it any more.
pub struct StandingServer {
    server: EmbeddedServer,
    binary: String,
}

impl StandingServer {
    /// Starts one.
    ///
    /// # Errors
    /// When there is no binary, or it does not come up.
    pub async fn start(
        wanted: &EmbeddedPlan,
        namespace: &str,
        environment: &ProcessEnvironment,
        told: Arc<dyn Fn(Progress) + Send + Sync>,
    ) -> Result<StandingServer, Problem> {
        let (server, binary) = start_embedded(wanted, namespace, environment, told).await?;
        Ok(StandingServer { server, binary })
    }
}

/// How the server of this process that is to outlive it can be reached.
static OUTLIVES: Mutex<Option<String>> = Mutex::new(None);

/// What this process leaves behind when it ends at once: a server that was to be kept.
pub fn left_behind() -> Option<String> {
    OUTLIVES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn how_to_reach(server: &EmbeddedServer) -> String {
    let mut reached = format!("the server is still running at {}", server.address());
    if let Some(ui) = server.ui_address() {
        reached += &format!(", its Web UI at {ui}");
    }
    reached += &format!(
        "\n  use it with   --address {}\n  end it with   kill {}",
        server.address(),
        server.pid()
    );
    reached
}

/// The workers of this process, and their membership of the run.
struct OwnWorkers {
    pool: WorkerPool,
    member: Member,
}

/// What it is set up from, besides the plan.
pub struct SetupOptions<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Sent when the plan says so.
    pub api_key: Option<ApiKey>,
    /// Temporal's own client configuration.
    pub profile: Option<Profile>,
    /// What an embedded server is started with.
    pub environment: &'a ProcessEnvironment,
    /// Who we are to the server.
    pub identity: String,
    /// The run's id.
    pub run_id: &'a str,
    /// This machine.
    pub host: &'a HostFacts,
    /// How other processes join.
    pub fleet: &'a FleetOptions,
    /// What they must show.
    pub token: Option<Token>,
    /// The embedded server to use, where one stands already.
    pub standing: Option<Arc<StandingServer>>,
    /// The page of this process, and whether anybody can see it.
    pub metrics: (Registry, bool),
    /// Says something to people, once.
    pub say: Arc<dyn Fn(String) + Send + Sync>,
    /// Told what is being done, while it takes long.
    pub told: Arc<dyn Fn(Progress) + Send + Sync>,
}

impl Setup {
    /// Sets everything up. What was started is stopped again when something fails.
    ///
    /// # Errors
    /// In words that say what to do.
    pub async fn prepare(options: SetupOptions<'_>) -> Result<Setup, Problem> {
        let plan = options.plan;
        let mut embedded = None;
        let mut binary = None;
        let mut dynamic_config = BTreeMap::new();
        let mut keep = false;
        let mut connect = match (&plan.target, &options.standing) {
            (Target::Embedded(wanted), Some(standing)) => {
                (binary, dynamic_config) = (Some(standing.binary.clone()), config(wanted));
                ConnectOptions::new(standing.server.address(), plan.namespace.clone())
            }
            (Target::Embedded(wanted), None) => {
                let told = Arc::clone(&options.told);
                let (started, how) = start_embedded(wanted, &plan.namespace, options.environment, told).await?;
                let connect = ConnectOptions::new(started.address(), plan.namespace.clone());
                (embedded, binary, dynamic_config, keep) = (Some(started), Some(how), config(wanted), wanted.keep);
                connect
            }
            (Target::Cluster(cluster), _) => connect_options(
                cluster,
                &plan.namespace,
                options.api_key.clone(),
                options.profile.clone(),
            )?,
        };
        connect.connect_timeout = plan.starter.connect_timeout;
        connect.identity.clone_from(&options.identity);

        let server = benchmark_temporal::connect(&connect).await?;
        let load = &plan.load;
        let needed = load.duration + load.drain + RETENTION_MARGIN;
        let retention = load.duration + load.drain + namespace::RETENTION_BEYOND_THE_RUN;
        let namespace = namespace::ensure(&server, Some(retention)).await?;
        if let Some(kept) = namespace.retention_seconds.map(Duration::from_secs)
            && kept < needed
        {
            (options.say)(format!(
                "namespace {} keeps closed workflows for {}, and this run needs {}: the server may delete some before they \
                 are counted; give it a longer retention, or run for less",
                plan.namespace,
                units::format(kept),
                units::format(needed)
            ));
        }
        let mut fleet = FleetLeader::new(FleetLeaderOptions {
            plan,
            run_id: options.run_id,
            server_address: connect.address.clone(),
            allow_version_skew: options.fleet.allow_version_skew,
        })?;
        let name = follow::name(options.host);
        let workers = start_workers(&options, &connect, &fleet, &name).await?;
        open_to_others(&options, &mut fleet).await?;
        let told = |missing: &str, elapsed| {
            (options.told)(Progress {
                doing: "waiting for the fleet".into(),
                detail: Some(missing.to_owned()),
                elapsed,
            });
        };
        let said = |text| (options.say)(text);
        fleet.assemble(options.fleet.timeout, &told, &said).await?;
        // After the workers, so that the pollers of the task queue are those that the load will meet.
        let told = facts::discover(&server, &plan.task_queue, namespace).await;
        let facts = ServerFacts {
            embedded: binary.is_some(),
            binary,
            dynamic_config,
            ..told
        };
        Ok(Setup {
            server,
            connect,
            facts,
            fleet,
            name,
            workers,
            embedded,
            standing: options.standing,
            keep,
        })
    }

    /// The address of the Web UI, where there is one.
    pub fn ui_address(&self) -> Option<String> {
        self.server_of_ours().and_then(EmbeddedServer::ui_address)
    }

    /// URL of the embedded server's own metrics page, where there is such a server.
    pub fn server_metrics(&self) -> Option<String> {
        self.server_of_ours().map(EmbeddedServer::metrics_address)
    }

    /// How the workers of this process are tuned.
    pub fn worker_facts(&self) -> Option<WorkerFacts> {
        Some(self.workers.as_ref()?.pool.effective().facts())
    }

    /// What went wrong with it since it was set up, in sentences.
    pub fn losses(&self) -> Vec<String> {
        let workers = self.workers.iter().flat_map(|workers| workers.pool.failures());
        workers
            .map(|failure| format!("worker {} ended: {}", failure.worker, failure.message))
            .chain(self.server_loss())
            .collect()
    }

    /// What became of the embedded server, when it is gone.
    pub fn server_loss(&self) -> Option<String> {
        let status = self.server_of_ours().and_then(EmbeddedServer::ended)?;
        Some(format!("the embedded server ended by itself: {status}"))
    }

    fn server_of_ours(&self) -> Option<&EmbeddedServer> {
        let standing = self.standing.as_ref().map(|standing| &standing.server);
        self.embedded.as_ref().or(standing)
    }

    /// How long the namespace keeps closed workflows, where the server tells.
    pub fn retention(&self) -> Option<Duration> {
        let namespace = self.facts.namespace.value.as_ref()?;
        namespace.retention_seconds.map(Duration::from_secs)
    }

    /// Lets the other processes go, stops the workers and the server, each within its time: what does not end by itself
    /// ends with this process. Returns how the server can be reached when it was to be kept.
    pub async fn tear_down(self, reason: &str, ending: &Ending) -> Option<String> {
        self.fleet.dismiss(reason, &ending.step(Step::Farewell, FAREWELL)).await;
        if let Some(OwnWorkers { pool, member }) = self.workers {
            let deadline = ending.step(Step::Workers, WORKER_GRACE + WORKER_ABANDON);
            let grace = WORKER_GRACE.min(deadline.left().saturating_sub(WORKER_ABANDON));
            let _ = deadline.keep(pool.shutdown(grace)).await;
            // The account is closed: what it could not deliver nobody waits for.
            let _ = member.leave(reason.to_owned(), LEAVE.min(deadline.left())).await;
        }
        let server = self.embedded?;
        if !self.keep {
            // Stopping waits for the process; the timers of this runtime must not wait with it.
            let deadline = ending.step(Step::Server, SERVER_END);
            // One that does not listen is ended when its time is up: this process cannot end before it.
            let grace = deadline.left();
            let stopping = tokio::task::spawn_blocking(move || server.stop(grace));
            let _ = deadline.keep(stopping).await;
            return None;
        }
        let reached = how_to_reach(&server);
        server.keep();
        Some(reached)
    }
}

/// Starts the workers of this process, as a member of the run like any other but without a socket.
async fn start_workers(
    options: &SetupOptions<'_>,
    connect: &ConnectOptions,
    fleet: &FleetLeader,
    name: &str,
) -> Result<Option<OwnWorkers>, Problem> {
    let Some(tuning) = options
        .plan
        .workers
        .tuning
        .clone()
        .filter(|_| options.plan.workers.count > 0)
    else {
        return Ok(None);
    };
    let (registry, seen) = &options.metrics;
    let mut workers = WorkerOptions::new(connect.clone(), options.plan.task_queue.clone());
    workers.count = options.plan.workers.count;
    workers.tuning = tuning;
    workers.metrics = Some(WorkerMetrics {
        registry: registry.clone(),
        // A page that nobody sees is not worth its cost; how much room the workers have is.
        selection: if *seen { Selection::All } else { Selection::Headroom },
    });
    let buffer = EndBuffer::new();
    let source = PoolSource::new(buffer.clone(), Some(registry.clone()));
    benchmark_worker::page::show(registry, &source);
    let pool = WorkerPool::start(workers, Arc::new(buffer)).await?;
    let (_, mut member) = Member::join(MemberOptions {
        workers: Some(pool.effective().facts()),
        interval: OWN_INTERVAL,
        ..MemberOptions::new(
            LeaderAt::InProcess(fleet.leader().clone()),
            Role::Worker,
            format!("{name} workers"),
            benchmark_worker::version(),
            options.host.clone(),
            Arc::new(|| RunClock::get().now_unix_ns()),
        )
    })
    .await?;
    source.polls();
    member.begin(source);
    Ok(Some(OwnWorkers { pool, member }))
}

/// Serves the fleet, when the run is to have one.
async fn open_to_others(options: &SetupOptions<'_>, leader: &mut FleetLeader) -> Result<(), Problem> {
    let fleet = options.fleet;
    let Some(listen) = fleet.listen else { return Ok(()) };
    let tls = match &fleet.tls {
        Some(FleetTls { cert, key }) => Some(ServerTls {
            cert: read(cert, "--fleet-tls-cert")?,
            key: read(key, "--fleet-tls-key")?,
        }),
        None => None,
    };
    let token = options.token.clone();
    let serving = benchmark_fleet::serve(leader.leader().clone(), ServeOptions { listen, token, tls }).await?;
    let address = serving.address();
    let hostname = options.host.hostname.value.as_deref();
    let reached = reach::address(address, hostname);
    (options.say)(format!("fleet  {address}   join with --join {reached}"));
    leader.keep(serving);
    Ok(())
}

fn read(path: &Path, flag: &str) -> Result<Vec<u8>, Problem> {
    benchmark_temporal::small_file::read(path).context(format_args!("{flag} {} cannot be read", path.display()))
}

async fn start_embedded(
    wanted: &EmbeddedPlan,
    namespace: &str,
    environment: &ProcessEnvironment,
    told: Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<(EmbeddedServer, String), Problem> {
    let binary = provide(wanted.binary.as_deref(), environment, told).await?;
    let how = format!("{} ({}; {})", binary.path.display(), binary.version, binary.how);
    let mut options = EmbeddedOptions::new(binary);
    options.namespace = namespace.to_owned();
    options.dynamic_config = config(wanted);
    options.ui = true;
    options.may_outlive = wanted.keep;
    let server = EmbeddedServer::start(&options).await?;
    if wanted.keep {
        *OUTLIVES.lock().unwrap_or_else(PoisonError::into_inner) = Some(how_to_reach(&server));
    }
    Ok((server, how))
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
