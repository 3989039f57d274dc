//! The iterations of a run: submission, drain, reconciliation, clean-up.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use benchmark_figures::QuerySource as _;
use benchmark_results::{RunParts, assemble, schema::Fact};
use benchmark_scenarios::{Context, Plan, Problem};

use super::{
    WRITE_LIMIT,
    frame::Frames,
    refresh::Refresher,
    said::{say, show},
};
use crate::{
    load::{ids, timeline::TICK},
    machine::{ceiling::Ceiling, health::HealthProbe},
    run::{
        drain, iteration, members,
        reconcile::Reconciling,
        results_file::ResultsFile,
        server_figures::{self, Pages, Prometheus, Span, Watching},
        setup::Setup,
        submission::{self, Submission, SubmissionOptions, SubmitError},
    },
    stop::{
        Stop, StopReason,
        deadline::{Ending, Step},
    },
    view::{
        page::RunPage,
        watcher::{LivePhase, Watcher},
    },
};

/// How long members may take to tell what they saw: one that takes longer is found silent.
const HEAR_LIMIT: Duration = Duration::from_secs(10);

/// What stands in the file while open workflows are terminated.
const NOT_CLEANED_UP: &str = "the open workflows were not terminated yet when this was written";

/// A run that is going on.
pub(super) struct Lifecycle<'a> {
    pub(super) plan: &'a Plan,
    pub(super) pages: Option<Pages>,
    pub(super) prometheus: Option<Prometheus>,
    pub(super) ending: Ending,
    pub(super) setup: Setup,
    pub(super) file: ResultsFile,
    pub(super) parts: RunParts,
    pub(super) probe: HealthProbe,
    pub(super) ceiling: Fact<Ceiling>,
    pub(super) screen: Arc<Mutex<Box<dyn Watcher>>>,
    pub(super) stop: Stop,
    pub(super) page: RunPage,
}

impl Lifecycle<'_> {
    /// All iterations, one after the other, until the plan is done or a stop is asked for.
    pub(super) async fn iterate_all(&mut self) -> Result<(), Problem> {
        for iteration in 1..=self.plan.iterations {
            if let Some(reason) = self.iterate(iteration).await? {
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
    async fn iterate(&mut self, iteration: u32) -> Result<Option<StopReason>, Problem> {
        let plan = self.plan;
        let prefix: Arc<str> = ids::iteration_prefix(&self.parts.run.id, iteration, plan.iterations).into();
        let screen = Arc::clone(&self.screen);
        let mut frames = Frames::new(plan, iteration);
        let Lifecycle {
            setup,
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
        let (setup, ending): (&Setup, &Ending) = (setup, ending);
        let refresher = Refresher {
            plan,
            setup,
            parts,
            ceiling,
            screen: &screen,
        };

        let mut watching = pages.clone().map(|pages| Watching::new(pages, iteration));
        let lost = || setup.server_loss();
        let roll = || setup.fleet.roll();
        let begun = Instant::now();
        let submission = submission::submit(
            SubmissionOptions {
                plan,
                server: &setup.server,
                connect: &setup.connect,
                id_prefix: prefix,
                iteration,
                fleet: Some(&setup.fleet),
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
        let mut submission = match submission.await {
            Ok(submission) => submission,
            // What was measured before it stands.
            Err(SubmitError::NotBegun(reason)) => return Ok(Some(reason)),
            Err(SubmitError::Failed(problem)) => return Err(problem),
        };
        tracing::debug!(seconds = begun.elapsed().as_secs_f64(), "the submission window is over");
        let ending = &ending.after_load(setup.server.silence());

        frames.enter(LivePhase::Drain, Some(ending.step(Step::Drain, plan.load.drain)));
        page.enter(LivePhase::Drain);
        if setup.server_loss().is_none() {
            let drained = drain::drain(
                plan,
                &setup.server,
                &setup.fleet,
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

        setup
            .fleet
            .hear_everybody(&ending.step(Step::Members, HEAR_LIMIT))
            .await;
        submission.hear(&setup.fleet);

        frames.enter(LivePhase::Settle, None);
        page.enter(LivePhase::Settle);
        show(&screen, || frames.after_window(&submission));
        if let Some(sampler) = submission.sampler.take() {
            let last_ends = ending.step(Step::Members, TICK * 8);
            sampler.finish(last_ends.left()).await;
        }
        // A server that is gone for good is not asked: that would only take time.
        let gone = setup.server_loss();
        if submission.stamps && gone.is_none() && submission.is_open_at_the_cut_off() {
            drain::sweep(plan, &setup.server, &submission, ending, async |submission| {
                show(&screen, || frames.after_window(submission));
                Ok(())
            })
            .await?;
        }
        let mut reconciliation = {
            let reconciling = reconciling(plan, setup, &submission, ending, gone.as_deref());
            let on_tick = async |submission: &Submission| {
                show(&screen, || frames.after_window(submission));
                Ok(())
            };
            drain::ticking(reconciling.reconcile(), &submission, on_tick).await??
        };
        for loss in setup.losses() {
            submission.note("lost", loss.clone());
            reconciliation.disagreements.push(loss);
        }
        let taken = iteration::take(&submission).await?;
        page.close(submission.window(&roll)).await?;
        let members = members::View::take(&setup.fleet, &setup.name, &parts.environment.host, &submission).await?;

        setup.fleet.close();
        reconciliation.cleanup.requested = plan.cleanup;
        if gone.is_none() {
            reconciliation.cleanup.problem = plan.cleanup.then(|| NOT_CLEANED_UP.to_owned());
        }
        let observed = iteration::parts(
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
            let reconciling = reconciling(plan, setup, &submission, ending, gone.as_deref());
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
}

/// How the account of a window is compared with the server.
pub(super) fn reconciling<'a>(
    plan: &'a Plan,
    setup: &'a Setup,
    submission: &'a Submission,
    ending: &'a Ending,
    gone: Option<&'a str>,
) -> Reconciling<'a> {
    Reconciling {
        plan,
        server: &setup.server,
        submission,
        ending,
        gone,
        retention: setup.retention(),
    }
}

/// Notes what ended the run before its plan did.
pub(super) fn interrupt(parts: &mut RunParts, reason: &StopReason) {
    parts.run.interrupted_by = Some(reason.to_string());
    if let StopReason::Signal(signal) = reason {
        parts.signal = Some(*signal);
    }
}

pub(super) fn started_at(submission: &Submission) -> String {
    let nanos = i128::from(submission.timeline.unix_ns_of(0));
    jiff::Timestamp::from_nanosecond(nanos).map_or_else(|_| String::new(), |at| at.to_string())
}
