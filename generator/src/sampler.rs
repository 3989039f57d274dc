//! Long polls for the ends of a sample.
//!
//! A poll for each workflow would load the frontend that is being measured, by a quarter more than without. A sample that
//! a hash chooses tells whether the stamps are right, and times the ends where nobody stamps.

use std::{
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

use benchmark_temporal::{Server, Status, lookup};
use tokio::{
    sync::{Semaphore, mpsc::UnboundedReceiver},
    task::JoinHandle,
};

use crate::{
    accountant::{PolledEnd, Report, StartReport},
    accounts::WorkflowEnd,
    ids,
    schedule::Schedule,
    timeline::Timeline,
};

/// What a sampler is given.
pub struct SamplerOptions {
    /// The server.
    pub server: Server,
    /// Prefix of the workflow ids.
    pub id_prefix: Arc<str>,
    /// When starts are due.
    pub schedule: Schedule,
    /// The window's clock.
    pub timeline: Timeline,
    /// Long polls that may be open at the same time.
    pub cap: u32,
    /// How long each may wait.
    pub limit: Duration,
    /// Where ends are reported.
    pub reports: Sender<Report>,
}

/// Polls for the ends of the sample. Ends when nobody sends any more starts and all polls are over, or when aborted.
#[derive(Debug)]
pub struct Sampler {
    task: JoinHandle<()>,
}

impl Sampler {
    /// Begins to poll for accepted starts: number and offset at which each was sent.
    pub fn spawn(options: SamplerOptions, mut starts: UnboundedReceiver<(u64, u64)>) -> Self {
        let task = tokio::spawn(async move {
            let room = Arc::new(Semaphore::new(options.cap as usize));
            let options = Arc::new(options);
            let mut polls = tokio::task::JoinSet::new();
            while let Some((n, sent)) = starts.recv().await {
                while polls.try_join_next().is_some() {}
                // Waiting for room would see ends late; so a workflow that finds none is not sampled.
                if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
                    let options = Arc::clone(&options);
                    polls.spawn(async move {
                        poll(&options, n, sent).await;
                        drop(permit);
                    });
                }
            }
            while polls.join_next().await.is_some() {}
        });
        Sampler { task }
    }

    /// Waits until all polls are over, but no longer than a limit.
    pub async fn finish(mut self, limit: Duration) {
        if tokio::time::timeout(limit, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn poll(options: &SamplerOptions, n: u64, sent: u64) {
    let phase = options.schedule.phase_of(n);
    let id = ids::workflow_id(&options.id_prefix, phase, n);
    // A poll that fails leaves this workflow out of the sample; the stamp and the server's counts still have it.
    if let Ok(ended) = lookup::wait_for_end(&options.server, &id, options.limit).await
        && let Some(end) = workflow_end(ended.status)
    {
        let seen = options.timeline.elapsed();
        let _ = options
            .reports
            .send(Report::Here(StartReport::Poll(PolledEnd { n, end, sent, seen })));
    }
}

/// The end that a status stands for; `None` when the workflow has not ended.
pub fn workflow_end(status: Status) -> Option<WorkflowEnd> {
    match status {
        Status::Completed => Some(WorkflowEnd::Completed),
        Status::Failed => Some(WorkflowEnd::Failed),
        Status::TimedOut => Some(WorkflowEnd::TimedOut),
        Status::Terminated => Some(WorkflowEnd::Terminated),
        Status::Cancelled => Some(WorkflowEnd::Cancelled),
        Status::Running | Status::ContinuedAsNew | Status::Paused | Status::Unknown => None,
    }
}
