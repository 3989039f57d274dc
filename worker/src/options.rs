//! How workers are tuned, and the traps in it.
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

use std::{fmt, time::Duration};

use benchmark_metrics::{Registry, Selection};
use benchmark_scenarios::{Pollers, Slots, WorkerProfile, WorkerTuning};
use benchmark_temporal::ConnectOptions;

/// Every n-th of a fixed number of pollers polls the normal queue; the others poll the sticky one.
const FIXED_PER_NORMAL: u32 = 5;

/// Partitions of a task queue on a server that was not told otherwise.
pub const DEFAULT_PARTITIONS: u32 = 4;

/// Most task queues of one process: each has at least one worker, with a connection and two threads of its own.
const MAX_WORKERS: u32 = 1_000;

/// How a pool of workers is tuned.
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

    /// Refuses what no worker can run with.
    ///
    /// # Errors
    /// Names the option, its value and what is allowed.
    pub fn check(&self) -> Result<(), OptionsError> {
        let refuse = |option, value: &dyn fmt::Display, allowed| {
            Err(OptionsError::OutOfRange {
                option,
                value: value.to_string(),
                allowed,
            })
        };
        let tuning = &self.tuning;
        if self.count == 0 {
            return refuse("workers", &self.count, "at least 1");
        }
        if self.task_queues.is_empty() || self.task_queues.iter().any(String::is_empty) {
            return refuse("task queue", &"none", "a name");
        }
        let mut names = self.task_queues.clone();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return refuse("task queue", &pair[0], "each only once");
        }
        let queues = u32::try_from(self.task_queues.len()).unwrap_or(u32::MAX);
        let workers = self.count.saturating_mul(queues);
        if workers > MAX_WORKERS {
            return refuse("workers of all task queues", &workers, "at most 1000 in one process");
        }
        match tuning.slots {
            Slots::Fixed {
                workflow,
                activity,
                local_activity,
            } => {
                for (option, slots) in [
                    ("workflow slots", workflow),
                    ("activity slots", activity),
                    ("local activity slots", local_activity),
                ] {
                    if slots == 0 {
                        return refuse(option, &slots, "at least 1");
                    }
                }
                // With one slot nothing is left for the sticky queue beside the normal one.
                if workflow == 1 && tuning.max_cached_workflows > 0 {
                    return refuse("workflow slots", &workflow, "at least 2 while workflows are cached");
                }
            }
            Slots::Resource { cpu, memory } => {
                for (option, target) in [("CPU target", cpu), ("memory target", memory)] {
                    if !(target > 0.0 && target <= 1.0) {
                        return refuse(option, &target, "a share above 0 and up to 1");
                    }
                }
            }
        }
        for (option, pollers, least) in [
            ("workflow pollers", tuning.workflow_pollers, 2),
            ("activity pollers", tuning.activity_pollers, 1),
        ] {
            match pollers {
                Pollers::Fixed { count } if count < least => {
                    return refuse(
                        option,
                        &pollers,
                        "at least 1, and 2 for workflow tasks: one for the normal and one for the sticky queue",
                    );
                }
                Pollers::Autoscaling {
                    initial,
                    minimum,
                    maximum,
                } if minimum == 0 || minimum > initial || initial > maximum => {
                    return refuse(
                        option,
                        &pollers,
                        "a minimum of at least 1, not above the initial number, not above the maximum",
                    );
                }
                _ => {}
            }
        }
        if let Some(rate) = tuning.activities_per_second
            && !(rate > 0.0 && rate.is_finite())
        {
            return refuse("activities per second", &rate, "a number above 0");
        }
        if tuning.deployment.is_some() && tuning.build_id.is_none() {
            return refuse("build id", &"none", "one, with a deployment's name");
        }
        Ok(())
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
    /// A value outside what is allowed.
    #[error("{option}: {value} is not allowed: {allowed}")]
    OutOfRange {
        /// The option, in words.
        option: &'static str,
        /// What was asked for.
        value: String,
        /// What is allowed, in words.
        allowed: &'static str,
    },
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
