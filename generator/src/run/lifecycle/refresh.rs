//! Refresh of the results file: what is known so far is written down, so that a crash leaves something that can be
//! read.

use std::{sync::Mutex, time::Duration};

use benchmark_results::{RunParts, assemble, schema::Fact, schema::Reconciliation};
use benchmark_scenarios::{Context, Plan, Problem};

use super::{iterations::started_at, said::say};
use crate::{
    machine::ceiling::Ceiling,
    run::{iteration, members, pace, results_file::ResultsFile, setup::Setup, submission::Submission},
    view::watcher::Watcher,
};

/// Writes down what is known of a window that goes on.
pub(super) struct Refresher<'a> {
    pub(super) plan: &'a Plan,
    pub(super) setup: &'a Setup,
    pub(super) parts: &'a RunParts,
    pub(super) ceiling: &'a Fact<Ceiling>,
    pub(super) screen: &'a Mutex<Box<dyn Watcher>>,
}

impl Refresher<'_> {
    /// Does so when it is time. A refresh that fails is told, and the run goes on: the whole file is still to come.
    ///
    /// # Errors
    /// When the account is gone.
    pub(super) async fn refresh(&self, file: &mut ResultsFile, submission: &Submission) -> Result<(), Problem> {
        if let Some(Err(error)) = file.refreshed().await {
            say(self.screen, &[format!("the results cannot be refreshed: {error:#}")]);
        }
        if file.is_refresh_due() {
            let (copying, parts) = self.so_far(submission).await?;
            file.refresh(copying, move || {
                assemble(parts).context("the results so far cannot be put together")
            });
        }
        Ok(())
    }

    /// What the results are made of, marked as incomplete, and the CPU time that it took to copy it.
    async fn so_far(&self, submission: &Submission) -> Result<(Duration, RunParts), Problem> {
        let taken = iteration::take(submission).await?.so_far();
        let (fleet, name) = (&self.setup.fleet, &self.setup.name);
        let members = members::View::take(fleet, name, &self.parts.environment.host, submission).await?;
        // From here on nothing is waited for: it is this thread's.
        let (of_account, before) = (taken.cpu, pace::thread_cpu());
        let not_made = Reconciliation::not_made("the run is not over");
        let mut parts = self.parts.clone();
        parts.events.extend(submission.events.iter().cloned());
        parts.iterations.push(iteration::parts(
            self.plan,
            submission,
            taken,
            not_made,
            self.ceiling,
            started_at(submission),
            |health| members.fleet(self.plan, submission, health),
        ));
        Ok((of_account + pace::thread_cpu().saturating_sub(before), parts))
    }
}
