//! How workers are tuned, and the traps in it.
//!
//! # Pollers and partitions
//!
//! The server spreads a task queue over partitions, 4 unless it was told otherwise. A task that lands on a partition
//! which nobody polls waits about 2 s for being forwarded, on an idle server just as on a busy one, and all latencies of
//! the run then show that wait and nothing else.
//!
//! What counts are the polls on the *normal* queue. The SDK gives only a fifth of a fixed number to it (the rest polls
//! the sticky queue, and the option that would change the share is not handed on to its core in 1.1.1), so its default of
//! 5 means a single one. With autoscaling the two queues scale apart from each other, and down to the minimum when the
//! server is idle. Therefore [`WorkerOptions::check_partitions`] wants more normal polls than partitions: with exactly as
//! many, chance leaves a partition without one now and then.

use std::{fmt, time::Duration};

use benchmark_temporal::ConnectOptions;
use serde::Serialize;

/// Every n-th of a fixed number of pollers polls the normal queue; the others poll the sticky one.
const FIXED_PER_NORMAL: u32 = 5;

/// Partitions of a task queue on a server that was not told otherwise.
pub const DEFAULT_PARTITIONS: u32 = 4;

/// How a pool of workers is tuned.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// SDK workers, each with its own connection and thread.
    pub count: u32,
    /// How the server is reached. The namespace is the one that is polled; a worker's identity is this one's with
    /// `-worker-` and a number after it.
    pub connect: ConnectOptions,
    /// The task queue.
    pub task_queue: String,
    /// Workflow tasks that one worker executes at the same time.
    pub workflow_slots: u32,
    /// Activities that one worker executes at the same time.
    pub activity_slots: u32,
    /// Local activities that one worker executes at the same time.
    pub local_activity_slots: u32,
    /// How many polls one worker keeps open.
    pub pollers: Pollers,
    /// Workflows that one worker keeps in memory between their tasks, some 40 KiB each; with 0 every task replays.
    pub max_cached_workflows: u32,
    /// After a shutdown began: how long activities may go on before they are cancelled.
    pub graceful_shutdown: Duration,
    /// How long it may take from the start until the server sees all workers poll, connecting included.
    pub start_timeout: Duration,
}

impl WorkerOptions {
    /// The defaults: one worker with 200 slots of each kind, autoscaling pollers and 1,000 cached workflows.
    pub fn new(connect: ConnectOptions, task_queue: impl Into<String>) -> Self {
        WorkerOptions {
            count: 1,
            connect,
            task_queue: task_queue.into(),
            workflow_slots: 200,
            activity_slots: 200,
            local_activity_slots: 200,
            pollers: Pollers::default(),
            max_cached_workflows: 1_000,
            graceful_shutdown: Duration::from_secs(5),
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
        if self.count == 0 {
            return refuse("workers", &self.count, "at least 1");
        }
        if self.task_queue.is_empty() {
            return refuse("task queue", &"empty", "a name");
        }
        for (option, slots) in [
            ("workflow slots", self.workflow_slots),
            ("activity slots", self.activity_slots),
            ("local activity slots", self.local_activity_slots),
        ] {
            if slots == 0 {
                return refuse(option, &slots, "at least 1");
            }
        }
        match self.pollers {
            Pollers::Fixed(pollers) if pollers < 2 => refuse(
                "pollers",
                &pollers,
                "at least 2, one for the normal and one for the sticky queue",
            ),
            Pollers::Autoscaling { initial, min, max } if min == 0 || min > initial || initial > max => refuse(
                "pollers",
                &self.pollers,
                "a minimum of at least 1, not above the initial number, not above the maximum",
            ),
            // With one slot for workflow tasks nothing is left for the sticky queue beside the normal one.
            _ if self.workflow_slots == 1 && self.max_cached_workflows > 0 => refuse(
                "workflow slots",
                &self.workflow_slots,
                "at least 2 while workflows are cached",
            ),
            _ => Ok(()),
        }
    }

    /// Refuses pollers of which a partition could be left without one.
    ///
    /// # Errors
    /// Names the pollers that would do.
    pub fn check_partitions(&self, partitions: u32) -> Result<(), OptionsError> {
        let needed = if partitions > 1 { partitions + 1 } else { 1 };
        let normal = self.normal_polls();
        if normal >= needed {
            return Ok(());
        }
        let per_worker = needed.div_ceil(self.count);
        Err(OptionsError::TooFewPollers {
            pollers: self.pollers,
            count: self.count,
            normal,
            partitions,
            minimum: per_worker,
            fixed: per_worker * FIXED_PER_NORMAL,
        })
    }

    /// Polls for workflow tasks that the pool has on the task queue itself, its sticky queues left out, at the least.
    pub fn normal_polls(&self) -> u32 {
        self.count.saturating_mul(self.pollers.normal())
    }
}

/// How many polls one worker keeps open, for workflow tasks and for activities each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Pollers {
    /// As many as the server's hints ask for. Sticky and normal workflow tasks each have as many.
    Autoscaling {
        /// At the start.
        initial: u32,
        /// At the least.
        min: u32,
        /// At the most.
        max: u32,
    },
    /// Always as many. A fifth of those for workflow tasks polls the normal queue, the rest the sticky one.
    Fixed(u32),
}

impl Pollers {
    /// Polls for workflow tasks on the normal queue, at the least.
    pub fn normal(self) -> u32 {
        match self {
            Pollers::Autoscaling { min, .. } => min,
            Pollers::Fixed(pollers) => (pollers / FIXED_PER_NORMAL).max(1),
        }
    }
}

impl Default for Pollers {
    /// Autoscaling from 8 and never below: twice the partitions of a server that was not told otherwise.
    fn default() -> Self {
        Pollers::Autoscaling {
            initial: 2 * DEFAULT_PARTITIONS,
            min: 2 * DEFAULT_PARTITIONS,
            max: 100,
        }
    }
}

impl fmt::Display for Pollers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pollers::Autoscaling { initial, min, max } => write!(f, "autoscaling {min} to {max}, initially {initial}"),
            Pollers::Fixed(pollers) => write!(f, "fixed {pollers}"),
        }
    }
}

/// Options that no worker can run with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// A partition of the task queue could be left without a poll.
    #[error(
        "pollers: {pollers} on {count} worker(s) leaves {normal} for the {partitions} partitions of the task queue, and \
         tasks on a partition without one wait 2 s; use autoscaling with a minimum of {minimum}, or at least {fixed} fixed"
    )]
    TooFewPollers {
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
}

/// What the workers run with, for the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveOptions {
    /// The workers' identities, one each.
    pub identities: Vec<String>,
    /// Namespace that is polled.
    pub namespace: String,
    /// Task queue that is polled.
    pub task_queue: String,
    /// Partitions of the task queue for workflow tasks; null when the server does not tell.
    pub partitions: Option<u32>,
    /// Slots of one worker for workflow tasks.
    pub workflow_slots: u32,
    /// Slots of one worker for activities.
    pub activity_slots: u32,
    /// Slots of one worker for local activities.
    pub local_activity_slots: u32,
    /// Pollers of one worker.
    pub pollers: Pollers,
    /// Polls for workflow tasks of all workers on the task queue itself, at the least.
    pub normal_polls: u32,
    /// Workflows that one worker keeps in memory.
    pub max_cached_workflows: u32,
    /// How long activities may go on after a shutdown began, milliseconds.
    pub graceful_shutdown_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> WorkerOptions {
        WorkerOptions::new(ConnectOptions::new("127.0.0.1:7233", "default"), "queue")
    }

    #[test]
    fn the_defaults_cover_a_default_server() {
        options().check().unwrap();
        options().check_partitions(DEFAULT_PARTITIONS).unwrap();
    }

    #[test]
    fn the_default_of_the_sdk_is_refused_and_the_remedy_works() {
        let mut options = WorkerOptions {
            pollers: Pollers::Fixed(5),
            ..options()
        };
        let Err(OptionsError::TooFewPollers {
            normal: 1,
            minimum,
            fixed,
            ..
        }) = options.check_partitions(4)
        else {
            panic!("5 pollers are a single one on the normal queue");
        };
        options.pollers = Pollers::Fixed(fixed);
        options.check_partitions(4).unwrap();
        options.pollers = Pollers::Autoscaling {
            initial: minimum,
            min: minimum,
            max: minimum,
        };
        options.check_partitions(4).unwrap();
        options.pollers = Pollers::Fixed(5);
        options.check_partitions(1).unwrap();
        options.count = 5;
        options.check_partitions(4).unwrap();
    }

    #[test]
    fn what_cannot_run_is_refused_by_name() {
        let scaling = |initial, min, max| Pollers::Autoscaling { initial, min, max };
        for (options, word) in [
            (WorkerOptions { count: 0, ..options() }, "workers"),
            (
                WorkerOptions {
                    task_queue: String::new(),
                    ..options()
                },
                "task queue",
            ),
            (
                WorkerOptions {
                    activity_slots: 0,
                    ..options()
                },
                "activity slots",
            ),
            (
                WorkerOptions {
                    workflow_slots: 1,
                    ..options()
                },
                "workflow slots",
            ),
            (
                WorkerOptions {
                    pollers: Pollers::Fixed(1),
                    ..options()
                },
                "pollers",
            ),
            (
                WorkerOptions {
                    pollers: scaling(0, 0, 5),
                    ..options()
                },
                "pollers",
            ),
            (
                WorkerOptions {
                    pollers: scaling(1, 2, 5),
                    ..options()
                },
                "pollers",
            ),
            (
                WorkerOptions {
                    pollers: scaling(6, 2, 5),
                    ..options()
                },
                "pollers",
            ),
        ] {
            let error = options.check().unwrap_err().to_string();
            assert!(error.starts_with(word), "{error}");
        }
    }
}
