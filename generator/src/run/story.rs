//! The story of a run: set up, submit, drain, reconcile, clean up, write down, strike.

mod frame;
mod refresh;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use benchmark_figures::Source as _;
use benchmark_fleet::Token;
use benchmark_results::{
    Results, RunParts, assemble, file,
    schema::{ClusterFacts, Environment, Event, Fact, Run},
    text,
};
use benchmark_scenarios::{Plan, Resolved, Target};
use benchmark_temporal::{ApiKey, environment::Profile};
use benchmark_worker::logging;
use futures::{FutureExt as _, future::LocalBoxFuture};

use crate::{
    load::{ids, timeline::TICK},
    machine::{
        ceiling::{self, Ceiling},
        descriptors,
        health::HealthProbe,
        host,
    },
    run::{
        cluster_facts, drain, observed,
        reconcile::Reconciling,
        remote_write,
        results_file::ResultsFile,
        roll,
        server_figures::{self, Pages, Prometheus, Sources, Span, Watching},
        stage::{Stage, StageOptions, StandingServer},
        submission::{self, NotBegun, Submission, SubmissionOptions},
    },
    stop::{
        Stop, StopReason,
        deadline::{Ending, Step},
    },
    view::{
        grafana,
        live::{Header, LivePhase, Mode, Screen},
        page::{Page, RunPage},
        plan,
    },
};
use frame::Frames;
use refresh::Refresher;

/// Share of the calibrated ceiling from which it is said before the load: half the way to the warning.
const WORTH_KNOWING: f64 = benchmark_results::limits::SHARE_OF_CEILING / 2.0;

/// How long members may take to tell what they saw: one that takes longer is found silent.
const HEAR_LIMIT: Duration = Duration::from_secs(10);

/// How long the disk may take for the results.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// How long it may at the very end, whatever took its time before.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// What stands in the file while open workflows are terminated.
const NOT_CLEANED_UP: &str = "the open workflows were not terminated yet when this was written";

/// What a run is asked for.
pub struct RunRequest {
    /// The plan, and where its values come from.
    pub resolved: Resolved,
    /// Where the results are written; in `runs/` when absent.
    pub output: Option<PathBuf>,
    /// Whether to be silent while it goes on.
    pub quiet: bool,
    /// Whether colour may be used.
    pub color: bool,
    /// Sent when the plan says so.
    pub api_key: Option<ApiKey>,
    /// Temporal's own client configuration.
    pub profile: Option<Profile>,
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
    #[error(transparent)]
    Environment(anyhow::Error),
}

/// Runs the plan.
///
/// # Errors
/// When it could not begin. What happens to a run that has begun stands in its results.
pub fn run(request: RunRequest, stop: Stop) -> LocalBoxFuture<'static, Result<Finished, RunError>> {
    // Boxed here, or its whole machinery would be compiled into each binary that awaits it.
    tell(request, stop).boxed_local()
}

async fn tell(request: RunRequest, mut stop: Stop) -> Result<Finished, RunError> {
    let environment = |error: anyhow::Error| RunError::Environment(error);
    let run_id = ids::new_run_id().map_err(|error| environment(error.into()))?;
    descriptors::check(&request.resolved.plan, host::raise_descriptors()).map_err(|error| environment(error.into()))?;
    let file = ResultsFile::prepare(request.output.as_deref(), &run_id).map_err(|error| environment(error.into()))?;
    let terminal = std::io::stderr().is_terminal() && !logging::is_json();
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let screen = Arc::new(Mutex::new(Screen::new(
        Mode::choose(request.quiet, terminal, dumb),
        request.color,
    )));
    say(&screen, &request.resolved.notes);

    let plan = &request.resolved.plan;
    let cluster = match &request.resolved.cluster_facts {
        Some(path) => cluster_facts::read(path).map_err(|problem| environment(problem.into()))?,
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
            sources.map_err(environment)?
        }
        reason = stop.requested() => return Err(RunError::Interrupted(reason)),
    };
    let own = (plan.workers.count > 0).then(|| request.page.registry().clone());
    let writing = request.resolved.remote_write.as_ref();
    let writing = writing
        .map(|target| remote_write::prepare(target, request.page.registry().clone(), host.hostname.value.as_deref()))
        .transpose()
        .map_err(environment)?;
    let set_up = Stage::set_up(StageOptions {
        plan,
        api_key: request.api_key.clone(),
        profile: request.profile.clone(),
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
    let stage = tokio::select! {
        stage = set_up => stage.map_err(environment)?,
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
            git_revision: host::git_revision(),
            command: request.command.clone(),
            interrupted_by: None,
            dashboard_url: None,
        },
        plan: plan.clone(),
        environment: Environment {
            host,
            server: stage.facts.clone(),
            workers: stage.worker_facts(),
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
    page.introduce(plan, &parts.run.version, revision, stage.facts.version.value.as_deref());
    let writing = match writing {
        Some(prepared) => {
            page.seen();
            Some(prepared.start(sayer(&screen)).map_err(environment)?)
        }
        None => None,
    };
    let ending = Ending::new(stop.clone(), plan.load.stop_timeout);
    let (pages, prometheus) = match sources {
        Sources::None => (None, None),
        Sources::Embedded(client) => {
            let own_server = stage.server_metrics().into_iter().collect();
            (Some(Pages::new(client, own_server, own, &plan.namespace)), None)
        }
        Sources::Pages(client, urls) => (Some(Pages::new(client, urls, own, &plan.namespace)), None),
        Sources::Prometheus(prometheus) => (None, Some(prometheus)),
    };
    let mut story = Story {
        plan,
        pages,
        prometheus,
        ending: ending.clone(),
        stage,
        file,
        parts,
        probe: HealthProbe::new(Path::new("/")),
        ceiling,
        screen,
        stop: stop.clone(),
        page,
    };
    story.introduce();
    let told = story.tell().await;
    let Story {
        stage,
        mut file,
        parts,
        screen,
        page,
        ..
    } = story;
    let over = match (&told, &parts.run.interrupted_by) {
        (Err(error), _) => format!("it broke off: {}", text::chain(error.as_ref())),
        (Ok(()), Some(cause)) => format!("it was ended early: {cause}"),
        (Ok(()), None) => "it was carried out as planned".to_owned(),
    };
    let kept = stage.strike(&over, &ending).await;
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
        Err(error) if parts.iterations.is_empty() => return Err(environment(error)),
        Err(error) => {
            let mut parts = parts;
            parts.events.push(Event {
                at_seconds: 0.0,
                iteration: u32::try_from(parts.iterations.len()).unwrap_or(u32::MAX),
                kind: "broken-off".to_owned(),
                message: text::chain(error.as_ref()),
            });
            parts
        }
    };
    let mut results = finish(parts, board).map_err(environment)?;
    page.finish(results.verdict.value);
    if let Some(writing) = writing {
        results.remote_write = Some(writing.finish(&ending).await);
    }
    let limit = ending.step(Step::Server, WRITE_LIMIT).left().max(LAST_WRITE);
    let (path, unwritten) = write_down(&mut file, &results, limit).await;
    Ok(Finished {
        results,
        path,
        kept,
        unwritten,
    })
}

fn finish(mut parts: RunParts, board: Option<&str>) -> anyhow::Result<Results> {
    parts.run.finished_at = Some(jiff::Timestamp::now().to_string());
    parts.run.dashboard_url = board.map(|base| grafana::link(base, &parts.run, &parts.plan));
    assemble(parts)
        .map_err(anyhow::Error::from)
        .and_then(|results| Ok(file::harmless(results)?))
        .context("the results cannot be put together")
}

/// Writes the results where they belong, or else to the temporary folder. Returns where they are, and what went wrong.
async fn write_down(file: &mut ResultsFile, results: &Results, limit: Duration) -> (PathBuf, Option<String>) {
    let Err(error) = file.write(results.clone(), limit).await else {
        return (file.path().to_owned(), None);
    };
    match file.rescue(results.clone(), LAST_WRITE).await {
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

/// A run that is going on.
struct Story<'a> {
    plan: &'a Plan,
    pages: Option<Pages>,
    prometheus: Option<Prometheus>,
    ending: Ending,
    stage: Stage,
    file: ResultsFile,
    parts: RunParts,
    probe: HealthProbe,
    ceiling: Fact<Ceiling>,
    screen: Arc<Mutex<Screen>>,
    stop: Stop,
    page: RunPage,
}

impl Story<'_> {
    /// All iterations, one after the other, until the plan is done or a stop is asked for.
    async fn tell(&mut self) -> anyhow::Result<()> {
        for iteration in 1..=self.plan.iterations {
            let ended_by = match self.iterate(iteration).await {
                Ok(ended_by) => ended_by,
                // What was measured before it stands.
                Err(error) => match error.downcast::<NotBegun>() {
                    Ok(NotBegun(reason)) => Some(reason),
                    Err(error) => return Err(error),
                },
            };
            if let Some(reason) = ended_by {
                interrupt(&mut self.parts, &reason);
                break;
            }
        }
        self.ask_prometheus().await;
        Ok(())
    }

    /// The server's figures of all iterations, where a Prometheus has them.
    async fn ask_prometheus(&mut self) {
        let Some(prometheus) = &self.prometheus else { return };
        let iterations = (1..).zip(&self.parts.iterations);
        let spans: Vec<Span> = iterations
            .filter_map(|(index, part)| Span::of(index, &part.started_at, &part.phases.measure))
            .collect();
        if spans.is_empty() {
            return;
        }
        say(
            &self.screen,
            &[format!("asking {} for the server's figures", prometheus.url())],
        );
        let deadline = self.ending.step(Step::Figures, server_figures::LIMIT);
        self.parts.server_figures =
            server_figures::ask_within(prometheus, &self.plan.namespace, &spans, &deadline).await;
    }

    /// One submission window and what comes after it. Returns what ended it, and with it the run.
    async fn iterate(&mut self, iteration: u32) -> anyhow::Result<Option<StopReason>> {
        let plan = self.plan;
        let prefix: Arc<str> = ids::iteration_prefix(&self.parts.run.id, iteration, plan.iterations).into();
        let screen = Arc::clone(&self.screen);
        let mut frames = Frames::new(plan, iteration);
        let Story {
            stage,
            file,
            parts,
            probe,
            ceiling,
            stop,
            ending,
            page,
            pages,
            ..
        } = self;
        let (stage, ending): (&Stage, &Ending) = (stage, ending);
        let refresher = Refresher {
            plan,
            stage,
            parts,
            ceiling,
            screen: &screen,
        };

        let mut watching = pages.clone().map(|pages| Watching::new(pages, iteration));
        let lost = || stage.server_loss();
        let roll = || stage.crew.roll();
        let begun = Instant::now();
        let submission = submission::submit(
            SubmissionOptions {
                plan,
                server: &stage.server,
                connect: &stage.connect,
                id_prefix: prefix,
                iteration,
                crew: Some(&stage.crew),
                probe,
                stop: stop.clone(),
                ending,
                lost: &lost,
            },
            async |submission| {
                show(&screen, || frames.of_window(submission));
                page.look(submission.window(&roll)).await?;
                watching.iter_mut().for_each(|watching| watching.tick(submission));
                refresher.refresh(file, submission).await
            },
        );
        let mut submission = submission.await?;
        tracing::debug!(seconds = begun.elapsed().as_secs_f64(), "the submission window is over");
        let ending = &ending.after_load(stage.server.silence());

        frames.enter(LivePhase::Drain, Some(ending.step(Step::Drain, plan.load.drain)));
        page.enter(LivePhase::Drain);
        if stage.server_loss().is_none() {
            let drained = drain::drain(
                plan,
                &stage.server,
                &stage.crew,
                &mut submission,
                ending,
                async |submission| {
                    show(&screen, || frames.after_window(submission));
                    page.look(submission.window(&roll)).await?;
                    refresher.refresh(file, submission).await
                },
            )
            .await?;
            tracing::debug!(?drained, "the drain is over");
        }

        stage.crew.hear_everybody(&ending.step(Step::Members, HEAR_LIMIT)).await;
        submission.hear(&stage.crew);

        frames.enter(LivePhase::Settle, None);
        page.enter(LivePhase::Settle);
        show(&screen, || frames.after_window(&submission));
        if let Some(sampler) = submission.sampler.take() {
            let last_ends = ending.step(Step::Members, TICK * 8);
            sampler.finish(last_ends.left()).await;
        }
        // A server that is gone for good is not asked: that would only take time.
        let gone = stage.server_loss();
        if submission.stamps && gone.is_none() && submission.is_open_at_the_cut_off() {
            drain::sweep(plan, &stage.server, &submission, ending, async |submission| {
                show(&screen, || frames.after_window(submission));
                Ok(())
            })
            .await?;
        }
        let mut reconciliation = {
            let reconciling = reconciling(plan, stage, &submission, ending, gone.as_deref());
            let on_tick = async |submission: &Submission| {
                show(&screen, || frames.after_window(submission));
                Ok(())
            };
            drain::ticking(reconciling.reconcile(), &submission, on_tick).await??
        };
        for loss in stage.losses() {
            submission.note("lost", loss.clone());
            reconciliation.disagreements.push(loss);
        }
        let taken = observed::take(&submission).await?;
        page.close(submission.window(&roll)).await?;
        let members = roll::View::take(&stage.crew, &stage.name, &parts.environment.host, &submission).await?;

        stage.crew.close();
        reconciliation.cleanup.requested = plan.cleanup;
        if gone.is_none() {
            reconciliation.cleanup.problem = plan.cleanup.then(|| NOT_CLEANED_UP.to_owned());
        }
        let observed = observed::parts(
            plan,
            &submission,
            taken,
            reconciliation,
            ceiling,
            started_at(&submission),
            |health| members.fleet(plan, &submission, health),
        );
        let mut ended_by = submission.ended_by.clone();
        if ended_by.is_none() {
            // It came after the load, and shortened only what follows.
            ended_by = stop.reason();
            if let Some(reason) = &ended_by {
                submission.note_stop(reason);
            }
        }
        if let Some(watching) = watching {
            let read = watching.finish(&ending.step(Step::Members, HEAR_LIMIT)).await;
            parts.server_figures.extend(read);
        }
        parts.events.append(&mut submission.events);
        parts.iterations.push(observed);

        // The account is closed: whatever happens from now on, this is on disk.
        let mut closed = parts.clone();
        closed.complete = iteration == plan.iterations || ended_by.is_some();
        if let Some(reason) = &ended_by {
            interrupt(&mut closed, reason);
        }
        let closed = assemble(closed).context("the results cannot be put together")?;
        let limit = ending.step(Step::Results, WRITE_LIMIT).left();
        if let Err(error) = file.write(closed, limit).await {
            say(&screen, &[format!("the results cannot be written: {error}")]);
        }

        frames.enter(LivePhase::CleanUp, None);
        page.enter(LivePhase::CleanUp);
        show(&screen, || frames.after_window(&submission));
        if gone.is_none() {
            let reconciling = reconciling(plan, stage, &submission, ending, gone.as_deref());
            let on_tick = async |submission: &Submission| {
                show(&screen, || frames.after_window(submission));
                Ok(())
            };
            let cleanup = drain::ticking(reconciling.clean_up(), &submission, on_tick).await??;
            if let Some(iteration) = parts.iterations.last_mut() {
                iteration.reconciliation.cleanup = cleanup;
            }
        }
        Ok(ended_by.or_else(|| stop.reason()))
    }

    /// Says what is run against what, before the load.
    fn introduce(&self) {
        let facts = &self.stage.facts;
        let version = facts.version.value.as_deref().unwrap_or("of unknown version");
        let mut server = if facts.embedded {
            format!("embedded dev server {version} at {}", facts.address)
        } else {
            format!(
                "Temporal {version} at {}, namespace {}",
                facts.address, self.plan.namespace
            )
        };
        if let Some(ui) = self.stage.ui_address() {
            server += &format!("   ui {ui}");
        }
        let header = Header {
            workload: self.plan.workload.kind.name().to_owned(),
            rate: format!("{}/s", self.plan.load.rate),
            duration: benchmark_scenarios::units::format(self.plan.load.duration),
            run_id: self.parts.run.id.clone(),
            plan_hash: self.plan.hash().short().to_owned(),
            server: vec![server],
        };
        if let Ok(mut screen) = self.screen.lock() {
            screen.header(&header);
        }
        if let Some(url) = &self.parts.run.dashboard_url {
            say(&self.screen, &[format!("dashboard  {url}")]);
        }
        if self.plan.workers.count == 0 {
            let queue = &self.plan.task_queue;
            let line = match facts.pollers.value {
                Some(0) => format!(
                    "nobody polls {queue}: workflows will be accepted and stay open; start workers, or give --workers N"
                ),
                Some(pollers) => format!(
                    "{} on {queue}",
                    benchmark_results::format::plural(u64::from(pollers), "poller")
                ),
                None => format!("it could not be found out who polls {queue}: {}", facts.pollers.source),
            };
            say(&self.screen, &[line]);
        }
        let share_of = |known: &Ceiling| {
            self.plan.load.rate.per_second() / f64::from(self.plan.fleet.generators.max(1)) / known.rate
        };
        if let Some(known) = &self.ceiling.value
            && let share = share_of(known)
            && share >= WORTH_KNOWING
        {
            let line = format!(
                "{:.0} % of this host's calibrated ceiling of {:.0}/s",
                share * 100.0,
                known.rate
            );
            say(&self.screen, &[line]);
        }
        tracing::debug!(plan = plan::headline(self.plan), "the run begins");
    }
}

/// How the account of a window is compared with the server.
fn reconciling<'a>(
    plan: &'a Plan,
    stage: &'a Stage,
    submission: &'a Submission,
    ending: &'a Ending,
    gone: Option<&'a str>,
) -> Reconciling<'a> {
    Reconciling {
        plan,
        server: &stage.server,
        submission,
        ending,
        gone,
        retention: stage.retention(),
    }
}

/// Notes what ended the run before its plan did.
fn interrupt(parts: &mut RunParts, reason: &StopReason) {
    parts.run.interrupted_by = Some(reason.to_string());
    if let StopReason::Signal(signal) = reason {
        parts.signal = Some(*signal);
    }
}

fn started_at(submission: &Submission) -> String {
    let nanos = i128::from(submission.timeline.unix_ns_of(0));
    jiff::Timestamp::from_nanosecond(nanos).map_or_else(|_| String::new(), |at| at.to_string())
}

fn say(screen: &Mutex<Screen>, lines: &[String]) {
    if let Ok(mut screen) = screen.lock() {
        lines.iter().for_each(|line| screen.say(line));
    }
}

/// Says single lines, from any thread.
fn sayer(screen: &Arc<Mutex<Screen>>) -> Arc<dyn Fn(String) + Send + Sync> {
    let screen = Arc::clone(screen);
    Arc::new(move |line| say(&screen, &[line]))
}

fn show(screen: &Mutex<Screen>, frame: impl FnOnce() -> crate::view::live::Frame) {
    if let Ok(mut screen) = screen.lock() {
        screen.update(&frame());
    }
}

/// Shows what setting up is busy with.
fn told(screen: &Arc<Mutex<Screen>>) -> Arc<dyn Fn(benchmark_temporal::embedded::Progress) + Send + Sync> {
    let screen = Arc::clone(screen);
    Arc::new(move |progress| {
        if let Ok(mut screen) = screen.lock() {
            screen.progress(&progress.doing, progress.detail.as_deref(), progress.elapsed);
        }
    })
}
