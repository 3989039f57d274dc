//! Options of the SDK's worker, how it is tuned, and the traps in it.
//!
//! # Pollers and partitions
//!
//! The server spreads a task queue over partitions, 4 unless it was told otherwise. A task that lands on a partition
//! which nobody polls waits about 2 s for being forwarded, on an idle server just as on a busy one, and all latencies of
//! the run then show that wait and nothing else.
//!
//! What counts for workflow tasks are the polls on the *normal* queue. The SDK gives only a fifth of a fixed number to it
//! (the rest polls the sticky queue, and the option that would change the share is not handed on to its core in 1.1.1),
//! so its default of 5 means a single one. With autoscaling the two queues scale apart from each other, and down to the
//! minimum when the server is idle. A poll also needs a free slot. Therefore [`WorkerOptions::settle`] wants more normal
//! polls than partitions: with exactly as many, chance leaves a partition without one now and then.

use std::time::Duration;

use benchmark_metrics::{Registry, Selection};
use benchmark_scenarios::{Pollers, Slots, WorkerProfile, WorkerTuning};
use benchmark_temporal::ConnectOptions;

/// Every n-th of a fixed number of pollers polls the normal queue; the others poll the sticky one.
const FIXED_PER_NORMAL: u32 = 5;

/// How a pool of workers is tuned. That each value is one that a worker can run with is for whoever resolved them to see to
/// (`benchmark_scenarios`); what depends on the server is seen to here.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// SDK workers for each task queue, each with its own connection and thread.
    pub count: u32,
    /// How the server is reached. The namespace is the one that is polled; a worker's identity is this one's with
    /// `-worker-` and a number after it.
    pub connect: ConnectOptions,
    /// The task queues.
    pub task_queues: Vec<String>,
    /// Slots, pollers, cache and so on of each worker.
    pub tuning: WorkerTuning,
    /// Which numbers of pollers somebody asked for: these are refused when they leave a partition without a poll; those
    /// of a profile are raised.
    pub asked: AskedPollers,
    /// Where the SDK's series go; nowhere when absent.
    pub metrics: Option<WorkerMetrics>,
    /// How long it may take from the start until the server sees all workers poll, connecting included.
    pub start_timeout: Duration,
}

/// Which numbers of pollers were asked for, as against those of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedPollers {
    /// Those for workflow tasks.
    pub workflow: bool,
    /// Those for activities.
    pub activity: bool,
}

/// Where the SDK's series go.
#[derive(Clone, Debug)]
pub struct WorkerMetrics {
    /// All series of this process.
    pub registry: Registry,
    /// Which of them are recorded.
    pub selection: Selection,
}

impl WorkerOptions {
    /// One worker of the profile `autoscale`.
    pub fn new(connect: ConnectOptions, task_queue: impl Into<String>) -> Self {
        WorkerOptions {
            count: 1,
            connect,
            task_queues: vec![task_queue.into()],
            tuning: WorkerProfile::Autoscale.tuning(),
            asked: AskedPollers::default(),
            metrics: None,
            start_timeout: Duration::from_secs(30),
        }
    }

    /// The tuning that leaves no partition of the task queues without a poll: the pollers of a profile are raised where
    /// they are too few for this many partitions, which the second value tells in sentences.
    ///
    /// # Errors
    /// When pollers that somebody asked for, or slots, are too few: names those that would do.
    pub fn settle(&self, partitions: u32) -> Result<(WorkerTuning, Vec<String>), OptionsError> {
        let needed = if partitions > 1 { partitions + 1 } else { 1 };
        let each = needed.div_ceil(self.count.max(1));
        let mut tuning = self.tuning.clone();
        let mut notes = Vec::new();
        if let Slots::Fixed { workflow, activity, .. } = tuning.slots {
            let sticky = u32::from(tuning.max_cached_workflows > 0);
            for (flag, slots, least) in [
                ("--workflow-slots", workflow, each + sticky),
                ("--activity-slots", activity, each),
            ] {
                if slots < least {
                    return Err(OptionsError::TooFewSlots {
                        flag,
                        slots,
                        count: self.count,
                        partitions,
                        least,
                    });
                }
            }
        }
        let cached = tuning.max_cached_workflows > 0;
        let kinds = [
            ("--workflow-pollers", self.asked.workflow, true),
            ("--activity-pollers", self.asked.activity, false),
        ];
        for (flag, asked, workflow) in kinds {
            let pollers = if workflow {
                &mut tuning.workflow_pollers
            } else {
                &mut tuning.activity_pollers
            };
            let share = if workflow && cached { FIXED_PER_NORMAL } else { 1 };
            let normal = normal(*pollers, share).saturating_mul(self.count);
            if normal >= needed {
                continue;
            }
            if asked {
                return Err(OptionsError::TooFewPollers {
                    flag,
                    pollers: *pollers,
                    count: self.count,
                    normal,
                    partitions,
                    minimum: each,
                    fixed: each * share,
                });
            }
            let raised = raised(*pollers, each, share);
            notes.push(format!(
                "{flag} {pollers} of the profile leaves {normal} for the {partitions} partitions of the task queue, and \
                 tasks on a partition without a poll wait 2 s: raised to {raised}"
            ));
            *pollers = raised;
        }
        // Eager activities take slots past the limiter, so that with both the limit would not hold.
        if tuning.activities_per_second.is_some() && tuning.eager_activities {
            tuning.eager_activities = false;
            notes.push(
                "--activities-per-second turns eager activities off: those the SDK would not count against the limit"
                    .to_owned(),
            );
        }
        Ok((tuning, notes))
    }

    /// Polls for workflow tasks that the pool has on each task queue itself, its sticky queues left out, at the least.
    pub fn normal_polls(&self) -> u32 {
        let share = if self.tuning.max_cached_workflows > 0 {
            FIXED_PER_NORMAL
        } else {
            1
        };
        self.count.saturating_mul(normal(self.tuning.workflow_pollers, share))
    }
}

/// Polls on the normal queue, at the least, when every `share`-th of a fixed number polls it.
fn normal(pollers: Pollers, share: u32) -> u32 {
    match pollers {
        Pollers::Autoscaling { minimum, .. } => minimum,
        Pollers::Fixed { count } => (count / share).max(1),
    }
}

/// The same kind of pollers with at least so many on the normal queue.
fn raised(pollers: Pollers, normal: u32, share: u32) -> Pollers {
    match pollers {
        Pollers::Fixed { .. } => Pollers::Fixed { count: normal * share },
        Pollers::Autoscaling { initial, maximum, .. } => Pollers::Autoscaling {
            initial: initial.max(normal),
            minimum: normal,
            maximum: maximum.max(normal),
        },
    }
}

/// Options that no worker can run with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OptionsError {
    /// A partition of a task queue could be left without a poll.
    #[error(
        "{flag} {pollers} on {count} worker(s) leaves {normal} for the {partitions} partitions of the task queue, and \
         tasks on a partition without a poll wait 2 s; give auto:{minimum}-100, or at least {fixed}"
    )]
    TooFewPollers {
        /// The flag.
        flag: &'static str,
        /// What was asked for.
        pollers: Pollers,
        /// On how many workers.
        count: u32,
        /// Polls on the normal queue that come of it.
        normal: u32,
        /// Partitions of the task queue.
        partitions: u32,
        /// The smallest minimum of autoscaling that would do.
        minimum: u32,
        /// The smallest fixed number that would do.
        fixed: u32,
    },
    /// A poll needs a slot, and there are too few.
    #[error(
        "{flag} {slots} on {count} worker(s) is too few for a poll on each of the {partitions} partitions of the task \
         queue, and tasks on a partition without one wait 2 s; give at least {least}"
    )]
    TooFewSlots {
        /// The flag.
        flag: &'static str,
        /// What there is.
        slots: u32,
        /// On how many workers.
        count: u32,
        /// Partitions of the task queue.
        partitions: u32,
        /// The smallest number that would do.
        least: u32,
    },
}

#[cfg(test)]
mod tests;
