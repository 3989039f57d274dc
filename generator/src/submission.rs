//! One submission window: from the first start to the last answer.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use anyhow::Context as _;
use benchmark_results::schema::{Event, Fact};
use benchmark_scenarios::Plan;
use benchmark_temporal::{
    ConnectOptions, Server,
    start::{StartTemplate, StartTemplateOptions},
};
use benchmark_workflows::header::HEADER_KEY;
use tokio::{sync::mpsc::unbounded_channel, time::MissedTickBehavior};

use crate::{
    accountant::{Accountant, StampDesk},
    accounts::{Accounts, Sample},
    health::{HealthProbe, HealthSnapshot},
    realtime::Scheduling,
    sampler::{Sampler, SamplerOptions},
    schedule::{Schedule, Stripe},
    shard::Admission,
    starter::{Starter, StarterOptions},
    stop::{Stop, StopReason},
    timeline::Timeline,
    workload::{self, WorkloadInput},
};

/// Time between the decision to begin and the first arrival, so that all threads are waiting when it comes.
const LEAD: u64 = 20_000_000;

/// How often the window is looked after.
pub const TICK: Duration = Duration::from_millis(250);

/// What a submission window is given.
pub struct SubmissionOptions<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The server, for long polls.
    pub server: &'a Server,
    /// How starts reach it.
    pub connect: &'a ConnectOptions,
    /// Prefix of the workflow ids.
    pub id_prefix: Arc<str>,
    /// Where workers of this process stamp; `None` when there are none.
    pub desk: Option<&'a StampDesk>,
    /// Looks at what this process uses.
    pub probe: &'a HealthProbe,
    /// Tells whether to end early.
    pub stop: Stop,
    /// Says why the load makes no sense any more, when it does not.
    pub lost: &'a dyn Fn() -> Option<String>,
}

/// A submission window that is going on or over.
#[derive(Debug)]
pub struct Submission {
    /// When starts were due.
    pub schedule: Schedule,
    /// Its clock.
    pub timeline: Timeline,
    /// Its account.
    pub accountant: Accountant,
    /// The long polls, until they are finished.
    pub sampler: Option<Sampler>,
    /// Prefix of the workflow ids.
    pub id_prefix: Arc<str>,
    /// Whether workers of this process stamp.
    pub stamps: bool,
    /// When it was ended early, nanoseconds from its beginning.
    pub stopped_at: Option<u64>,
    /// What happened.
    pub events: Vec<Event>,
    /// What the process had used when the measured phase began and ended.
    pub health: Option<(HealthSnapshot, HealthSnapshot)>,
    /// Most unanswered starts at one time on one connection.
    pub peak_in_flight_per_connection: u64,
    /// How the threads that keep the schedule were scheduled.
    pub scheduling: Fact<String>,
    /// Connections that starts were sent on.
    pub connections: u32,
    /// Starts sent between the two looks at the process.
    pub dispatched_in_measure: u64,
}

/// Runs a submission window. `on_tick` is called about four times a second with the window so far.
///
/// # Errors
/// When a thread cannot be made or a connection for starts cannot be opened. What was started is stopped.
pub async fn submit(
    options: SubmissionOptions<'_>,
    mut on_tick: impl AsyncFnMut(&Submission) -> anyhow::Result<()>,
) -> anyhow::Result<Submission> {
    let plan = options.plan;
    let schedule = Schedule::new(&plan.load);
    let sample = Sample::new(plan.load.seed, plan.observation.sample_ratio);
    let (reports, incoming) = mpsc::channel();
    let (sampled, samples) = unbounded_channel();
    let template = Arc::new(StartTemplate::new(&StartTemplateOptions {
        namespace: &plan.namespace,
        workflow_type: workload::registered_name(&plan.workload.kind),
        task_queue: &plan.task_queue,
        identity: &options.connect.identity,
        header_key: HEADER_KEY,
    }));
    let threads = plan.starter.threads;
    let mut starters = Vec::new();
    for index in 0..threads {
        starters.push(
            Starter::spawn(StarterOptions {
                index,
                schedule: schedule.clone(),
                stripe: Stripe::WHOLE.split(u64::from(index), u64::from(threads)),
                admission: Admission::of_thread(&plan.load, index, threads),
                template: Arc::clone(&template),
                input: WorkloadInput::new(&plan.workload, plan.load.seed),
                id_prefix: Arc::clone(&options.id_prefix),
                connect: options.connect.clone(),
                connections: (plan.starter.connections / threads).max(1),
                start_timeout: plan.starter.start_timeout,
                sample,
                reports: reports.clone(),
                sampled: sampled.clone(),
            })
            .context("a thread for starts cannot be made")?,
        );
    }
    drop(sampled);
    for starter in &mut starters {
        starter
            .ready()
            .await
            .context("a connection for starts cannot be opened")?;
    }

    let timeline = Timeline::beginning_in(LEAD);
    let stamps = options.desk.is_some();
    let accounts = Accounts::new(&schedule, sample, plan.load.drain.as_secs());
    let accountant = Accountant::spawn(
        accounts,
        (reports, incoming),
        timeline,
        stamps,
        Arc::clone(&options.id_prefix),
    )
    .context("a thread for the account cannot be made")?;
    if let Some(desk) = options.desk {
        desk.open(Some(accountant.reports()));
    }
    let sampler = Sampler::spawn(
        SamplerOptions {
            server: options.server.clone(),
            id_prefix: Arc::clone(&options.id_prefix),
            schedule: schedule.clone(),
            timeline,
            cap: plan.observation.sample_cap,
            limit: plan.load.duration + plan.load.drain,
            reports: accountant.reports(),
        },
        samples,
    );
    starters.iter_mut().for_each(|starter| starter.begin(timeline));

    let mut submission = Submission {
        timeline,
        accountant,
        sampler: Some(sampler),
        id_prefix: options.id_prefix,
        stamps,
        stopped_at: None,
        events: Vec::new(),
        health: None,
        peak_in_flight_per_connection: 0,
        scheduling: Fact::missing("the window is not over"),
        connections: (plan.starter.connections / threads).max(1) * threads,
        dispatched_in_measure: 0,
        schedule,
    };
    let mut watch = Watch::new(&submission.schedule, options.probe);
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = options.stop;
    // The last start is answered before the window is over: the rest of it is measured, too.
    while timeline.now() < submission.end() || !starters.iter().all(Starter::is_done) {
        tokio::select! {
            _ = interval.tick() => {}
            reason = stop.requested(), if submission.stopped_at.is_none() => submission.end_early(&starters, reason),
        }
        if submission.stopped_at.is_none() && starters.iter().any(Starter::is_aborted) {
            let cause = "--when-full abort: the cap on unanswered starts was reached".to_owned();
            submission.end_early(&starters, StopReason::Cause(cause));
        }
        if submission.stopped_at.is_none()
            && let Some(cause) = (options.lost)()
        {
            submission.end_early(&starters, StopReason::Cause(cause));
        }
        let now = timeline.now();
        watch.look(now, &starters);
        on_tick(&submission).await?;
    }
    watch.finish(&starters);
    submission.health = watch.snapshots();
    submission.dispatched_in_measure = watch.dispatched();
    for starter in starters {
        let summary = starter.join();
        if let Some(of) = summary.scheduling {
            submission.scheduling = scheduling(of);
        }
        submission.peak_in_flight_per_connection = submission
            .peak_in_flight_per_connection
            .max(summary.peak_in_flight_per_connection);
    }
    Ok(submission)
}

fn scheduling(of: Scheduling) -> Fact<String> {
    match of {
        Scheduling::RealTime => Fact::found("real-time".to_owned(), "SCHED_FIFO"),
        Scheduling::Ordinary(reason) => Fact::missing(reason),
    }
}

impl Submission {
    fn end_early(&mut self, starters: &[Starter], reason: StopReason) {
        let now = self.timeline.now();
        self.stopped_at = Some(now);
        starters.iter().for_each(|starter| starter.stop_at(now));
        let (kind, message) = match reason {
            StopReason::Signal(signal) => ("interrupted", format!("{} came", signal.name())),
            StopReason::Cause(cause) => ("stopped", cause),
        };
        self.note(kind, message);
    }

    /// Writes down that something happened now.
    pub fn note(&mut self, kind: &str, message: String) {
        let at_seconds = self.timeline.now() as f64 / 1e9;
        self.events.push(Event {
            at_seconds,
            iteration: 1,
            kind: kind.to_owned(),
            message,
        });
    }

    /// End of the submission window, planned or early, nanoseconds from its beginning.
    pub fn end(&self) -> u64 {
        self.stopped_at
            .map_or(self.schedule.end(), |stopped_at| stopped_at.min(self.schedule.end()))
    }
}

fn dispatched(starters: &[Starter]) -> u64 {
    starters.iter().map(Starter::dispatched).sum()
}

/// Looks at the process when the measured phase begins and when it ends.
struct Watch<'a> {
    probe: &'a HealthProbe,
    bounds: (u64, u64),
    begin: Option<(HealthSnapshot, u64)>,
    end: Option<(HealthSnapshot, u64)>,
}

impl<'a> Watch<'a> {
    fn new(schedule: &Schedule, probe: &'a HealthProbe) -> Self {
        let bounds = schedule.bounds(benchmark_results::schema::Phase::Measure);
        Watch {
            probe,
            bounds,
            begin: None,
            end: None,
        }
    }

    fn look(&mut self, now: u64, starters: &[Starter]) {
        let snapshot = || (self.probe.snapshot(), dispatched(starters));
        if self.begin.is_none() && now >= self.bounds.0 {
            self.begin = Some(snapshot());
        } else if self.begin.is_some() && self.end.is_none() && now >= self.bounds.1 {
            self.end = Some(snapshot());
        }
    }

    /// The window is over, perhaps before the measured phase was.
    fn finish(&mut self, starters: &[Starter]) {
        if self.end.is_none() {
            self.end = Some((self.probe.snapshot(), dispatched(starters)));
        }
    }

    fn snapshots(&self) -> Option<(HealthSnapshot, HealthSnapshot)> {
        Some((self.begin.clone()?.0, self.end.clone()?.0))
    }

    fn dispatched(&self) -> u64 {
        match (&self.begin, &self.end) {
            (Some((_, begin)), Some((_, end))) => end.saturating_sub(*begin),
            _ => 0,
        }
    }
}
