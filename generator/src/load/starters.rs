//! Starters, the threads that send a generator's part of the starts.

use std::sync::{Arc, mpsc::Sender};

use benchmark_results::schema::Fact;
use benchmark_scenarios::{Context, Plan, Problem};
use benchmark_temporal::{
    ConnectOptions,
    start::{Dialer, StartCounts, StartTemplate, StartTemplateOptions},
};
use benchmark_workflows::header::HEADER_KEY;
use tokio::sync::mpsc::UnboundedSender;

use crate::load::{
    realtime::ThreadScheduling,
    sample::HashedSample,
    schedule::{Schedule, Stripe},
    shard::Admission,
    starter::{LoadReport, Starter, StarterOptions},
    timeline::Timeline,
    workload::WorkloadInput,
};

/// Most connections that addresses make more of: as many as may be asked for.
const MOST: u32 = 1_000;

/// What the threads are given.
pub struct StartersOptions<'a, R> {
    /// The plan of the whole run.
    pub plan: &'a Plan,
    /// When starts are due.
    pub schedule: &'a Schedule,
    /// This generator's part of them.
    pub part: Stripe,
    /// How the server is reached.
    pub connect: &'a ConnectOptions,
    /// Prefix of the workflow ids.
    pub id_prefix: Arc<str>,
    /// Which workflows are long-polled.
    pub sample: HashedSample,
    /// Where reports go.
    pub reports: Sender<R>,
    /// Where accepted starts of the sample go: number and offset at which each was sent.
    pub sampled: UnboundedSender<(u64, u64)>,
}

/// All threads of this process that send starts.
#[derive(Debug)]
pub struct Starters {
    threads: Vec<Starter>,
    connections: u32,
}

/// What they say at their end.
#[derive(Debug)]
pub struct StartersSummary {
    /// What became of the connections, and of starts that were sent more than once.
    pub counts: StartCounts,
    /// How the threads that keep the schedule were scheduled.
    pub scheduling: Fact<String>,
    /// What a thread said that panicked: its part of the schedule is not whole.
    pub panic: Option<String>,
}

impl Drop for Starters {
    /// Whoever lets go of them without waiting for their end wants no more starts.
    fn drop(&mut self) {
        self.stop_at(0);
        self.give_up();
    }
}

impl Starters {
    /// Makes the threads, which connect.
    ///
    /// # Errors
    /// When a thread cannot be made or a connection cannot be opened. What was started ends.
    pub async fn connect<R: From<LoadReport> + Send + 'static>(
        options: StartersOptions<'_, R>,
    ) -> Result<Starters, Problem> {
        let plan = options.plan;
        let dialer = Arc::new(
            Dialer::new(options.connect, plan.starter.start_timeout)
                .context("a connection for starts cannot be opened")?,
        );
        let addresses = match plan.starter.each_address {
            true => dialer
                .addresses()
                .await
                .context("a connection for starts cannot be opened")?,
            false => 0,
        };
        let (threads, connections) = share(plan, options.part.of, addresses);
        // Each generator, and each thread of it, deals out the addresses from where the one before has ended.
        let first = u32::try_from(options.part.index)
            .unwrap_or(0)
            .saturating_mul(connections);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let scheduling = ThreadScheduling::wished(plan.starter.scheduling, threads, cores);
        let template = Arc::new(StartTemplate::new(&StartTemplateOptions {
            namespace: &plan.namespace,
            workflow_type: plan.workload.kind.definition().workflow_type,
            task_queue: &plan.task_queue,
            identity: &options.connect.identity,
            header_key: HEADER_KEY,
        }));
        let mut starters = Vec::new();
        for index in 0..threads {
            let stripe = options.part.split(u64::from(index), u64::from(threads));
            starters.push(
                Starter::spawn(StarterOptions {
                    index,
                    schedule: options.schedule.clone(),
                    stripe,
                    admission: Admission::of_stripe(&plan.load, stripe),
                    template: Arc::clone(&template),
                    input: WorkloadInput::new(&plan.workload, plan.load.seed),
                    id_prefix: Arc::clone(&options.id_prefix),
                    dialer: Arc::clone(&dialer),
                    first_connection: first + index * (connections / threads),
                    connections: connections / threads,
                    scheduling: scheduling.clone(),
                    sample: options.sample,
                    reports: options.reports.clone(),
                    sampled: options.sampled.clone(),
                })
                .context("a thread for starts cannot be made")?,
            );
        }
        for starter in &mut starters {
            starter
                .ready()
                .await
                .context("a connection for starts cannot be opened")?;
        }
        Ok(Starters {
            threads: starters,
            connections,
        })
    }

    /// Begins the submission window.
    pub fn begin(&mut self, timeline: Timeline) {
        self.threads.iter_mut().for_each(|starter| starter.begin(timeline));
    }

    /// Ends the submission at an offset: arrivals due later are no arrivals.
    pub fn stop_at(&self, offset: u64) {
        self.threads.iter().for_each(|starter| starter.stop_at(offset));
    }

    /// Waits for no more answers: those that have not come are lost.
    pub fn give_up(&self) {
        self.threads.iter().for_each(Starter::give_up);
    }

    /// Whether everything was sent and answered.
    pub fn are_done(&self) -> bool {
        self.threads.iter().all(Starter::is_done)
    }

    /// Whether the cap was reached and the load says that this ends the run.
    pub fn are_aborted(&self) -> bool {
        self.threads.iter().any(Starter::is_aborted)
    }

    /// Starts handed to a connection so far.
    pub fn dispatched(&self) -> u64 {
        self.threads.iter().map(Starter::dispatched).sum()
    }

    /// Connections that starts are sent on.
    pub fn connections(&self) -> u32 {
        self.connections
    }

    /// Lets the threads end and waits for them.
    pub fn join(mut self) -> StartersSummary {
        let mut summary = StartersSummary {
            counts: StartCounts::default(),
            scheduling: Fact::missing("no thread for starts got so far"),
            panic: None,
        };
        let mut real_time = Ok(false);
        for starter in std::mem::take(&mut self.threads) {
            let one = match starter.join() {
                Ok(one) => one,
                Err(panic) => {
                    summary.panic = Some(panic);
                    continue;
                }
            };
            match one.scheduling {
                // All of them, or it is said why not.
                Some(ThreadScheduling::Ordinary(reason)) => real_time = Err(reason),
                Some(ThreadScheduling::RealTime) if real_time.is_ok() => real_time = Ok(true),
                Some(ThreadScheduling::RealTime) | None => {}
            }
            summary.counts.add(&one.counts);
        }
        match real_time {
            Ok(true) => summary.scheduling = Fact::found("real-time".to_owned(), "SCHED_FIFO"),
            Ok(false) => {}
            Err(reason) => summary.scheduling = Fact::missing(reason),
        }
        summary
    }
}

/// Threads and connections of one of several generators, each thread with as many connections as the others: the plan's
/// are those of the whole run. Each of `addresses` gets one at least.
fn share(plan: &Plan, generators: u64, addresses: usize) -> (u32, u32) {
    let part = |all: u32| u32::try_from(u64::from(all).div_ceil(generators)).unwrap_or(all);
    let threads = part(plan.starter.threads).max(1);
    let all = plan
        .starter
        .connections
        .max(u32::try_from(addresses).unwrap_or(u32::MAX).min(MOST));
    // With fewer than were typed each thread has one; with more than were computed each has one more.
    let each = match addresses {
        0 => part(all) / threads,
        _ => part(all).div_ceil(threads),
    };
    (threads, each.max(1) * threads)
}

#[cfg(test)]
mod tests;
