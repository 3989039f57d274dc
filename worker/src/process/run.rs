//! Lifecycle of a worker process.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use benchmark_fleet::{Member, MemberEnd, Undelivered};
use benchmark_metrics::{ListenError, Registry, Selection};
use benchmark_results::{schema::WorkerFacts, thresholds::Signal};
use benchmark_scenarios::{AtHand, Cluster, Problem, Reached, ServerAccess, TlsSaid, WorkerProcess};
use benchmark_temporal::{ApiKey, environment::Profile};
use futures::future::BoxFuture;

use super::{
    leader::{self, FLUSH, LeaderError, Run},
    signals::Stop,
    start,
};
pub use crate::process::leader::JoinOptions;
use crate::{
    AskedPollers, EffectiveOptions, EndBuffer, PoolSource, WorkerMetrics, WorkerOptions, WorkerPool,
    connect::{at_hand, connect_options, sent},
};

/// How long a pool that lost a worker may take to stop before it is started again.
const RESTART_GRACE: Duration = Duration::from_secs(5);
/// What draining takes besides what activities are allowed: tasks and answers on their way.
const DRAIN_MARGIN: Duration = Duration::from_secs(10);
/// How long workers may take to stop that have nothing to do any more.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How long the server may take to see all workers poll.
const SEEN: Duration = Duration::from_secs(30);

/// Tells people what happens, a line at a time.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// What a worker process is to do.
#[derive(Clone, Debug)]
pub struct Request {
    /// What was resolved.
    pub worker: WorkerProcess,
    /// Which pollers somebody asked for.
    pub asked: AskedPollers,
    /// The leader, when one is joined.
    pub join: Option<JoinOptions>,
    /// Sent to a server that takes one.
    pub api_key: Option<ApiKey>,
    /// Temporal's own client configuration.
    pub profile: Option<Profile>,
    /// The task queue when nobody names one.
    pub default_task_queue: String,
    /// Host and process, for people.
    pub name: String,
}

/// Why a worker process ended in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessEnd {
    /// A signal came, and all was flushed.
    Signal(Signal),
    /// The run was over, and all was flushed.
    RunOver,
}

/// Runs a worker process until it is told to stop.
///
/// # Errors
/// When it cannot do its work, or did not end in order.
pub fn run(request: Request, stop: Stop, say: Say) -> BoxFuture<'static, Result<ProcessEnd, Problem>> {
    Box::pin(async move {
        let registry = Registry::new();
        let buffer = EndBuffer::unattended();
        let source = PoolSource::new(buffer.clone(), Some(registry.clone()));
        crate::page::show(&registry, &source);
        let page = match request.worker.metrics_listen {
            Some(address) => Some(match serve(address, &registry, &source).await {
                // Prometheus' own port, or another worker's: nobody asked for it here.
                Err(ListenError::InUse(_)) if request.worker.metrics_by_default => {
                    say(&format!(
                        "{address} is in use; --metrics-listen IP:PORT chooses another for the metrics"
                    ));
                    serve(SocketAddr::new(address.ip(), 0), &registry, &source).await?
                }
                served => served?,
            }),
            None => None,
        };
        if let Some(page) = &page {
            say(&format!("metrics at http://{}/metrics", page.address()));
        }
        let mut process = Process {
            metrics: WorkerMetrics {
                registry,
                selection: if page.is_some() {
                    Selection::All
                } else {
                    Selection::Headroom
                },
            },
            buffer,
            source,
            request,
            say,
            stop,
            standing: None,
            runs: 0,
        };
        loop {
            if let Some(ended) = process.turn().await? {
                return Ok(ended);
            }
        }
    })
}

async fn serve(
    address: SocketAddr,
    registry: &Registry,
    source: &Arc<PoolSource>,
) -> Result<benchmark_metrics::PageServer, ListenError> {
    let source = source.clone();
    benchmark_metrics::serve(address, registry.clone(), Arc::new(move || source.ready())).await
}

/// A process and what it has.
struct Process {
    request: Request,
    metrics: WorkerMetrics,
    buffer: EndBuffer,
    source: Arc<PoolSource>,
    say: Say,
    stop: Stop,
    standing: Option<Standing>,
    runs: u32,
}

/// Workers that poll, and what they poll.
struct Standing {
    pool: WorkerPool,
    polled: Polled,
}

/// What workers poll.
#[derive(Clone, Debug, PartialEq)]
struct Polled {
    cluster: Cluster,
    /// Whether the headers of Temporal's own client configuration are sent there.
    headers: bool,
    namespace: String,
    task_queues: Vec<String>,
}

/// What ends the work.
enum Over {
    Signal(Signal),
    Run(String),
    Leader(MemberEnd),
}

impl Process {
    /// One run of a fleet, or the whole life of a worker that joins nobody. `None`: the next leader is to be joined.
    async fn turn(&mut self) -> Result<Option<ProcessEnd>, Problem> {
        let (member, polled) = match self.request.join.clone() {
            None => (None, self.polled(None)?),
            Some(join) => {
                let mut stop = self.stop.clone();
                let run = tokio::select! {
                    run = self.join(&join) => run?,
                    signal = stop.requested() => return self.drain(None, Over::Signal(signal)).await,
                };
                let polled = match self.polled(Some(&run)) {
                    Ok(polled) => polled,
                    Err(failure) => return Err(withdraw(Some(run.member), failure).await),
                };
                // Before the leader hears of this process: from then on it may begin.
                self.buffer.attend(true);
                (self.say)(&format!(
                    "joined run {} at {} (plan {})",
                    run.run_id,
                    join.leader.address,
                    run.plan.hash().short()
                ));
                let mut member = run.member;
                member.begin(self.source.clone());
                (Some(member), polled)
            }
        };
        if self.standing.as_ref().is_some_and(|standing| standing.polled != polled)
            && let Some(standing) = self.standing.take()
        {
            standing.pool.shutdown(STOP_GRACE).await;
        }
        let over = loop {
            let stop = self.stop.clone();
            tokio::select! {
                started = self.stand(&polled) => {
                    if let Err(failure) = started {
                        return Err(withdraw(member, failure).await);
                    }
                }
                over = over(member.as_ref(), stop) => break over,
            }
            let Some(standing) = &self.standing else { continue };
            self.source.polls();
            if let Some(member) = &member {
                // Now that the workers poll: what they run with.
                member.describe(&standing.pool.effective().facts());
            }
            let failure = tokio::select! {
                failure = standing.pool.failed() => failure,
                over = over(member.as_ref(), self.stop.clone()) => break over,
            };
            (self.say)(&format!("{failure}; starting again"));
            self.source.waits_for("the workers to start again");
            if let Some(standing) = self.standing.take() {
                standing.pool.shutdown(RESTART_GRACE).await;
            }
        };
        self.drain(member, over).await
    }

    async fn join(&self, join: &JoinOptions) -> Result<Run, LeaderError> {
        let patient = self.runs > 0 && join.stay;
        (self.say)(&format!("joining the leader at {}", join.leader.address));
        Run::join(join, self.request.name.clone(), self.facts(), patient).await
    }

    /// The options as far as they are known before the server was asked.
    fn facts(&self) -> WorkerFacts {
        if let Some(standing) = &self.standing {
            return standing.pool.effective().facts();
        }
        let worker = &self.request.worker;
        let queues = worker.task_queues.len().max(1);
        let count = usize::try_from(worker.workers_per_process).unwrap_or(usize::MAX);
        EffectiveOptions {
            identities: vec![self.request.name.clone(); queues.saturating_mul(count)],
            namespace: worker.namespace.clone().unwrap_or_default(),
            task_queues: worker.task_queues.clone(),
            partitions: None,
            normal_polls: 0,
            tuning: worker.tuning.clone(),
            notes: Vec::new(),
        }
        .facts()
    }

    /// What is to be polled: what was typed, and the leader's plan for the rest.
    fn polled(&self, run: Option<&Run>) -> Result<Polled, Problem> {
        let worker = &self.request.worker;
        let plan = run.map(|run| &run.plan);
        let Reached { cluster, headers } = match run {
            Some(run) => {
                let at_hand = self.request.profile.as_ref().map_or_else(AtHand::default, at_hand);
                worker.access.over(&run.plan.target, &run.server_address, at_hand)?
            }
            None => Reached {
                cluster: alone(&worker.access),
                headers: true,
            },
        };
        let namespace = worker.namespace.clone().or(plan.map(|plan| plan.namespace.clone()));
        let queue = || {
            plan.map_or_else(
                || self.request.default_task_queue.clone(),
                |plan| plan.task_queue.clone(),
            )
        };
        Ok(Polled {
            cluster,
            headers,
            namespace: namespace.unwrap_or_default(),
            task_queues: match &worker.task_queues[..] {
                [] => vec![queue()],
                typed => typed.to_vec(),
            },
        })
    }

    /// Brings the workers up, unless they stand already.
    async fn stand(&mut self, polled: &Polled) -> Result<(), Problem> {
        if self.standing.is_some() {
            return Ok(());
        }
        let (request, source, say) = (&self.request, &self.source, &self.say);
        let worker = &request.worker;
        let mut connect = connect_options(
            &polled.cluster,
            &polled.namespace,
            request.api_key.clone(),
            request.profile.clone().map(|profile| sent(profile, polled.headers)),
        )?;
        connect.identity = worker.identity.clone().unwrap_or_else(|| request.name.clone());
        let options = WorkerOptions {
            count: worker.workers_per_process,
            connect,
            task_queues: polled.task_queues.clone(),
            tuning: worker.tuning.clone(),
            asked: request.asked,
            metrics: Some(self.metrics.clone()),
            start_timeout: SEEN,
        };
        source.waits_for(format!("the server at {}", polled.cluster.address));
        let (told, told_by) = (say.clone(), source.clone());
        let waiting = Arc::new(move |what: &str, why: &str| {
            told_by.waits_for(what);
            told(&format!("waiting for {what}: {why}"));
        });
        let pool = start::start(options, Arc::new(self.buffer.clone()), worker.connect_timeout, waiting).await?;
        for line in pool.effective().lines() {
            say(&line);
        }
        say(&format!("ready: polling {}", polled.cluster.address));
        self.standing = Some(Standing {
            pool,
            polled: polled.clone(),
        });
        Ok(())
    }

    /// Ends a turn in order: what is held is finished, and what was seen is told.
    async fn drain(&mut self, member: Option<Member>, over: Over) -> Result<Option<ProcessEnd>, Problem> {
        self.runs += 1;
        let stay = self.request.join.as_ref().is_some_and(|join| join.stay);
        match over {
            Over::Signal(signal) => {
                (self.say)("draining: no new tasks; the second signal ends at once");
                self.drain_workers().await;
                leave(member, "it was told to stop".to_owned()).await?;
                (self.say)("done");
                Ok(Some(ProcessEnd::Signal(signal)))
            }
            Over::Run(reason) => {
                (self.say)(&format!("the run is over: {reason}"));
                // Nothing is open any more, so nothing is to be waited for; the leader need not wait for the workers.
                leave(member, "the run is over".to_owned()).await?;
                self.buffer.attend(false);
                if stay {
                    // What the next run polls is not known: it is not to begin before this process polls that.
                    self.source.waits_for("the next run");
                    return Ok(None);
                }
                if let Some(standing) = self.standing.take() {
                    standing.pool.shutdown(STOP_GRACE).await;
                }
                (self.say)("done");
                Ok(Some(ProcessEnd::RunOver))
            }
            Over::Leader(end) => {
                self.buffer.attend(false);
                if stay {
                    (self.say)(&format!("{end}; waiting for the next run"));
                    self.source.waits_for("the next run");
                    return Ok(None);
                }
                (self.say)(&format!("{end}; draining"));
                self.drain_workers().await;
                Err(Problem::new(format!("{end}; the workers were drained")))
            }
        }
    }

    async fn drain_workers(&mut self) {
        self.source.waits_for("the drain to end");
        if let Some(standing) = self.standing.take() {
            for failure in standing.pool.drain(self.grace()).await {
                (self.say)(&failure.to_string());
            }
        }
    }

    fn grace(&self) -> Duration {
        self.request
            .worker
            .tuning
            .graceful_shutdown
            .saturating_add(DRAIN_MARGIN)
    }
}

/// Tells the leader why it goes on without this process, which it else would wait for.
async fn withdraw(member: Option<Member>, problem: Problem) -> Problem {
    // Where that does not reach it, the problem is told here all the same.
    let _ = leave(member, problem.to_string()).await;
    problem
}

/// Delivers what is held and says good-bye, where a run was joined.
async fn leave(member: Option<Member>, reason: String) -> Result<(), Undelivered> {
    match member {
        Some(member) => member.leave(reason, FLUSH).await,
        None => Ok(()),
    }
}

/// The server as a worker that joins nobody reaches it.
fn alone(access: &ServerAccess) -> Cluster {
    Cluster {
        address: access.address.clone().unwrap_or_default(),
        tls: match &access.tls {
            TlsSaid::On(files) => Some(files.clone()),
            TlsSaid::Off | TlsSaid::AsLeader => None,
        },
        api_key: access.api_key,
    }
}

/// Waits for what ends the work.
async fn over(member: Option<&Member>, mut stop: Stop) -> Over {
    let Some(member) = member else {
        return Over::Signal(stop.requested().await);
    };
    tokio::select! {
        signal = stop.requested() => Over::Signal(signal),
        reason = leader::over(member) => Over::Run(reason),
        end = member.ended() => Over::Leader(end),
    }
}
