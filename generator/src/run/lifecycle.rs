//! Lifecycle of a run: set up, submit, drain, reconcile, clean up, write down, tear down.

mod frame;
mod iterations;
mod refresh;
mod said;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use benchmark_fleet::Token;
use benchmark_results::{
    Results, RunParts, assemble, file,
    schema::{ClusterFacts, Environment, Event, Fact, Run},
};
use benchmark_scenarios::{Context, Problem, Resolved, Target};
use benchmark_temporal::{ApiKey, ProcessEnvironment, environment::Profile};
use futures::{FutureExt as _, future::LocalBoxFuture};

use benchmark_machine::host;

use crate::{
    load::ids,
    machine::{ceiling, descriptors, health::HealthProbe, revision},
    run::{
        cluster_facts,
        remote_write::{self, Writing},
        results_file::ResultsFile,
        server_figures::{self, Pages},
        setup::{Setup, SetupOptions, StandingServer},
    },
    stop::{
        Stop, StopReason,
        deadline::{Ending, Step},
    },
    view::{grafana, page::Page, watcher::Watcher},
};
use iterations::Lifecycle;
use said::{say, sayer, told};

/// How long the disk may take for the results.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// How long it may at the very end, whatever took its time before.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// What a run is asked for.
pub struct RunRequest {
    /// The plan, and where its values come from.
    pub resolved: Resolved,
    /// Where the results are written; in `runs/` when absent.
    pub output: Option<PathBuf>,
    /// Who watches it while it goes on.
    pub watcher: Box<dyn Watcher>,
    /// Sent when the plan says so.
    pub api_key: Option<ApiKey>,
    /// Temporal's own client configuration.
    pub profile: Option<Profile>,
    /// What surrounds this process.
    pub environment: ProcessEnvironment,
    /// The command line, secrets left out.
    pub command: Vec<String>,
    /// Where this host's calibration is kept.
    pub calibration: Option<PathBuf>,
    /// The embedded server to use, where one stands already.
    pub standing: Option<Arc<StandingServer>>,
    /// What processes that join must show.
    pub fleet_token: Option<Token>,
    /// What this process shows of itself and of the run.
    pub page: Page,
}

/// What a run came to.
pub struct Finished {
    /// The results.
    pub results: Results,
    /// Where they are.
    pub path: PathBuf,
    /// How the server can be reached, when it was kept.
    pub kept: Option<String>,
    /// What went wrong when they were written, in words; where they are then stands in it.
    pub unwritten: Option<String>,
}

/// Why a run did not come to results.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A signal came before the load began.
    #[error("interrupted before the load began; nothing was written")]
    Interrupted(StopReason),
    /// The environment does not allow it.
    #[error("{0}")]
    Environment(Problem),
}

impl From<Problem> for RunError {
    fn from(problem: Problem) -> Self {
        RunError::Environment(problem)
    }
}

/// Runs the plan.
///
/// # Errors
/// When it could not begin. What happens to a run that has begun stands in its results.
pub fn run(request: RunRequest, stop: Stop) -> LocalBoxFuture<'static, Result<Finished, RunError>> {
    // Boxed here, or its whole machinery would be compiled into each binary that awaits it.
    run_plan(request, stop).boxed_local()
}

async fn run_plan(request: RunRequest, mut stop: Stop) -> Result<Finished, RunError> {
    let run_id = ids::new_run_id()?;
    descriptors::check(&request.resolved.plan, host::raise_descriptors())?;
    let file = ResultsFile::prepare(request.output.as_deref(), &run_id)?;
    let screen = Arc::new(Mutex::new(request.watcher));
    say(&screen, &request.resolved.notes);

    let plan = &request.resolved.plan;
    let cluster = match &request.resolved.cluster_facts {
        Some(path) => cluster_facts::read(path)?,
        None => ClusterFacts::new(),
    };
    let host = host::facts(Path::new("/"));
    if let Some(address) = request.page.address() {
        say(&screen, &[format!("metrics  http://{address}/metrics")]);
    }
    let mut page = request.page.begin(plan, &run_id);
    let is_embedded = matches!(plan.target, Target::Embedded(_));
    let sources = tokio::select! {
        sources = server_figures::prepare(&request.resolved.figures, is_embedded, &plan.namespace) => {
            sources?
        }
        reason = stop.requested() => return Err(RunError::Interrupted(reason)),
    };
    let own = (plan.workers.count > 0).then(|| request.page.registry().clone());
    let writing = request.resolved.remote_write.as_ref();
    let writing = writing
        .map(|target| remote_write::prepare(target, host.hostname.value.as_deref()))
        .transpose()?;
    let set_up = Setup::prepare(SetupOptions {
        plan,
        api_key: request.api_key.clone(),
        profile: request.profile.clone(),
        environment: &request.environment,
        identity: ids::identity(host.hostname.value.as_deref()),
        run_id: &run_id,
        host: &host,
        fleet: &request.resolved.fleet,
        token: request.fleet_token.clone(),
        standing: request.standing.clone(),
        metrics: (
            request.page.registry().clone(),
            request.page.address().is_some() || writing.is_some(),
        ),
        say: sayer(&screen),
        told: told(&screen),
    });
    let setup = tokio::select! {
        setup = set_up => setup?,
        reason = stop.requested() => return Err(RunError::Interrupted(reason)),
    };
    let ceiling = match &request.calibration {
        Some(path) => ceiling::load(path, &host),
        None => Fact::missing("neither XDG_DATA_HOME nor HOME is set, so no calibration is kept"),
    };
    let mut parts = RunParts {
        run: Run {
            id: run_id.clone(),
            started_at: jiff::Timestamp::now().to_string(),
            finished_at: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_revision: revision::git_revision(),
            command: request.command.clone(),
            interrupted_by: None,
            dashboard_url: None,
        },
        plan: plan.clone(),
        environment: Environment {
            host,
            server: setup.facts.clone(),
            workers: setup.worker_facts(),
            cluster,
        },
        iterations: Vec::new(),
        server_figures: Vec::new(),
        events: Vec::new(),
        complete: false,
        signal: None,
    };
    let board = request.resolved.grafana.as_deref();
    parts.run.dashboard_url = board.map(|base| grafana::link(base, &parts.run, plan));
    let revision = parts.run.git_revision.value.as_deref();
    page.introduce(plan, &parts.run.version, revision, setup.facts.version.value.as_deref());
    let writing = match writing {
        Some(options) => {
            page.seen();
            let registry = request.page.registry().clone();
            Some(Writing::start(registry, options, sayer(&screen))?)
        }
        None => None,
    };
    let ending = Ending::new(stop.clone(), plan.load.stop_timeout);
    let pages = sources.pages.map(|(client, mut urls)| {
        if urls.is_empty() {
            urls.extend(setup.server_metrics());
        }
        Pages::new(client, urls, own, &plan.namespace)
    });
    let mut lifecycle = Lifecycle {
        plan,
        pages,
        prometheus: sources.prometheus,
        ending: ending.clone(),
        setup,
        file,
        parts,
        probe: HealthProbe::new(Path::new("/")),
        ceiling,
        screen,
        stop: stop.clone(),
        page,
    };
    lifecycle.introduce();
    let told = lifecycle.iterate_all().await;
    let Lifecycle {
        setup,
        mut file,
        parts,
        screen,
        page,
        ..
    } = lifecycle;
    let over = match (&told, &parts.run.interrupted_by) {
        (Err(error), _) => format!("it broke off: {error}"),
        (Ok(()), Some(cause)) => format!("it was ended early: {cause}"),
        (Ok(()), None) => "it was carried out as planned".to_owned(),
    };
    let kept = setup.tear_down(&over, &ending).await;
    if let Ok(mut screen) = screen.lock() {
        screen.finish();
    }
    if let (Ok(()), [], Some(reason)) = (&told, &parts.iterations[..], stop.reason()) {
        return Err(RunError::Interrupted(reason));
    }
    let parts = match told {
        Ok(()) => RunParts {
            complete: true,
            ..parts
        },
        // What was observed so far is kept; the file says that it is not all.
        Err(error) if parts.iterations.is_empty() => return Err(error.into()),
        Err(error) => {
            let mut parts = parts;
            parts.events.push(Event {
                at_seconds: 0.0,
                iteration: u32::try_from(parts.iterations.len()).unwrap_or(u32::MAX),
                kind: "broken-off".to_owned(),
                message: error.to_string(),
            });
            parts
        }
    };
    let mut results = finish(parts, board)?;
    page.finish(results.verdict.value);
    if let Some(writing) = writing {
        results.remote_write = Some(writing.finish(&ending).await);
    }
    let limit = ending.step(Step::Server, WRITE_LIMIT).left().max(LAST_WRITE);
    let (path, unwritten) = write_down(&mut file, &results, &request.environment.temporary, limit).await;
    Ok(Finished {
        results,
        path,
        kept,
        unwritten,
    })
}

fn finish(mut parts: RunParts, board: Option<&str>) -> Result<Results, Problem> {
    parts.run.finished_at = Some(jiff::Timestamp::now().to_string());
    parts.run.dashboard_url = board.map(|base| grafana::link(base, &parts.run, &parts.plan));
    let put_together = || Ok::<_, Problem>(file::harmless(assemble(parts)?)?);
    put_together().context("the results cannot be put together")
}

/// Writes the results where they belong, or else to the temporary folder. Returns where they are, and what went wrong.
async fn write_down(
    file: &mut ResultsFile,
    results: &Results,
    temporary: &Path,
    limit: Duration,
) -> (PathBuf, Option<String>) {
    let Err(error) = file.write(results.clone(), limit).await else {
        return (file.path().to_owned(), None);
    };
    match file.rescue(results.clone(), temporary, LAST_WRITE).await {
        Ok(path) => {
            let words = format!("the results: {error}; they are in {} instead", path.display());
            (path, Some(words))
        }
        Err(again) => (
            file.path().to_owned(),
            Some(format!(
                "the results: {error}; nor can they be written to the temporary folder: {again}"
            )),
        ),
    }
}
