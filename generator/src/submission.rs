//! One submission window: from the first start to the last answer.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use anyhow::Context as _;
use benchmark_results::schema::{Event, Fact, MemberUsage};
use benchmark_scenarios::Plan;
use benchmark_temporal::{ConnectOptions, Server, start::StartCounts};
use tokio::{sync::mpsc::unbounded_channel, time::MissedTickBehavior};

use crate::{
    accountant::Accountant,
    accounts::{Accounts, Sample},
    fleet::{Crew, crew},
    health::{HealthProbe, UsageMeter},
    sampler::{Sampler, SamplerOptions},
    schedule::{Schedule, Stripe},
    starters::{Starters, StartersOptions},
    stop::{Stop, StopReason},
    timeline::Timeline,
    watch::{Watch, Watched},
};

/// Time between the decision to begin and the first arrival, so that all threads are waiting when it comes.
const LEAD: Duration = Duration::from_millis(20);

/// How often the window is looked after.
pub const TICK: Duration = Duration::from_millis(250);

/// What a submission window is given.
pub struct SubmissionOptions<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Which repetition it is, from 1.
    pub iteration: u32,
    /// The server, for long polls.
    pub server: &'a Server,
    /// How starts reach it.
    pub connect: &'a ConnectOptions,
    /// Prefix of the workflow ids.
    pub id_prefix: Arc<str>,
    /// The processes that take part; `None` when this one is alone and nobody stamps.
    pub crew: Option<&'a Crew>,
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
    /// Which repetition it is, from 1.
    pub iteration: u32,
    /// Whether workers of this run stamp.
    pub stamps: bool,
    /// When it was ended early, nanoseconds from its beginning.
    pub stopped_at: Option<u64>,
    /// What happened.
    pub events: Vec<Event>,
    /// What this process used in the measured phase.
    pub watched: Watched,
    /// What this process used, second by second.
    pub usage: Vec<MemberUsage>,
    /// What became of the connections, and of starts that were sent more than once.
    pub starts: StartCounts,
    /// How the threads that keep the schedule were scheduled.
    pub scheduling: Fact<String>,
    /// Connections that starts were sent on.
    pub connections: u32,
}

/// Runs a submission window. `on_tick` is called about four times a second with the window so far.
///
/// # Errors
/// When a thread cannot be made, a connection for starts cannot be opened, or another generator does not get ready. What
/// was started is stopped.
pub async fn submit(
    options: SubmissionOptions<'_>,
    mut on_tick: impl AsyncFnMut(&Submission) -> anyhow::Result<()>,
) -> anyhow::Result<Submission> {
    let plan = options.plan;
    let schedule = Schedule::new(&plan.load);
    let sample = Sample::new(plan.load.seed, plan.observation.sample_ratio);
    let (reports, incoming) = mpsc::channel();
    let (sampled, samples) = unbounded_channel();
    let mut starters = Starters::connect(StartersOptions {
        plan,
        schedule: &schedule,
        part: options.crew.map_or(Stripe::WHOLE, Crew::part),
        connect: options.connect,
        id_prefix: Arc::clone(&options.id_prefix),
        sample,
        reports: reports.clone(),
        sampled,
    })
    .await?;
    let timeline = match options.crew {
        Some(crew) => {
            crew.prepare(options.iteration, &options.id_prefix).await?;
            crew.begin(&options.id_prefix, &schedule, LEAD, reports.clone())
        }
        None => Timeline::beginning_in(u64::try_from(LEAD.as_nanos()).unwrap_or(u64::MAX)),
    };
    let stamps = options.crew.is_some_and(Crew::stamps);
    let accounts = Accounts::new(&schedule, sample, plan.load.drain.as_secs(), stamps);
    let accountant = Accountant::spawn(accounts, (reports, incoming), timeline)
        .context("a thread for the account cannot be made")?;
    let sampler = Sampler::spawn(
        SamplerOptions {
            server: options.server.clone(),
            id_prefix: Arc::clone(&options.id_prefix),
            schedule: schedule.clone(),
            timeline,
            cap: plan.observation.sample_cap,
            part: options.crew.map_or(Stripe::WHOLE, Crew::part),
            limit: plan.load.duration + plan.load.drain,
            reports: accountant.reports(),
        },
        samples,
    );
    starters.begin(timeline);

    let mut submission = Submission {
        timeline,
        accountant,
        sampler: Some(sampler),
        id_prefix: options.id_prefix,
        iteration: options.iteration,
        stamps,
        stopped_at: None,
        events: Vec::new(),
        watched: Watched::default(),
        usage: Vec::new(),
        starts: StartCounts::default(),
        scheduling: Fact::missing("the window is not over"),
        connections: starters.connections(),
        schedule,
    };
    let mut watch = Watch::new(&submission.schedule, options.probe);
    let mut meter = UsageMeter::new();
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = options.stop;
    // The last start is answered before the window is over: the rest of it is measured, too.
    while timeline.elapsed() < submission.end()
        || !starters.are_done()
        || options
            .crew
            .is_some_and(|crew| !crew.generators_are_done(options.iteration))
    {
        let end_early = |submission: &mut Submission, reason| submission.end_early(&starters, options.crew, reason);
        tokio::select! {
            _ = interval.tick() => {}
            reason = stop.requested(), if submission.stopped_at.is_none() => end_early(&mut submission, reason),
        }
        if submission.stopped_at.is_none() && starters.are_aborted() {
            let cause = "--when-full abort: the cap on unanswered starts was reached".to_owned();
            end_early(&mut submission, StopReason::Cause(cause));
        }
        if submission.stopped_at.is_none()
            && let Some(name) = options.crew.and_then(|crew| crew.aborted_by(options.iteration))
        {
            let cause = format!("--when-full abort: the cap on unanswered starts was reached on generator {name}");
            end_early(&mut submission, StopReason::Cause(cause));
        }
        if submission.stopped_at.is_none()
            && let Some(cause) = (options.lost)()
        {
            end_early(&mut submission, StopReason::Cause(cause));
        }
        if let Some(crew) = options.crew {
            submission.hear(crew);
        }
        watch.look(timeline.now(), starters.dispatched());
        if let Some(usage) = meter.sample() {
            submission.usage.push(MemberUsage {
                iteration: options.iteration,
                at_seconds: timeline.seconds(),
                ..usage
            });
        }
        on_tick(&submission).await?;
    }
    submission.watched = watch.finish(starters.dispatched());
    let summary = starters.join();
    submission.scheduling = summary.scheduling;
    submission.starts = summary.counts;
    Ok(submission)
}

#[cfg(test)]
impl Submission {
    /// One that is over, of an account that a test keeps.
    pub(crate) fn of_account(plan: &Plan, schedule: &Schedule, timeline: Timeline, accountant: Accountant) -> Self {
        Submission {
            schedule: schedule.clone(),
            timeline,
            accountant,
            sampler: None,
            id_prefix: "run".into(),
            iteration: 1,
            stamps: plan.fleet.expect_workers > 0,
            stopped_at: None,
            events: Vec::new(),
            watched: Watched::default(),
            usage: Vec::new(),
            starts: StartCounts::default(),
            scheduling: Fact::missing("a test"),
            connections: 1,
        }
    }
}

impl Submission {
    fn end_early(&mut self, starters: &Starters, crew: Option<&Crew>, reason: StopReason) {
        let now = self.timeline.elapsed();
        self.stopped_at = Some(now);
        starters.stop_at(now);
        if let Some(crew) = crew {
            crew.stop_at(now);
        }
        let (kind, message) = match reason {
            StopReason::Signal(signal) => ("interrupted", format!("{} came", signal.name())),
            StopReason::Cause(cause) => ("stopped", cause),
        };
        self.note(kind, message);
    }

    /// Takes in what happened to members, and keeps seconds open that somebody silent may still tell of.
    pub fn hear(&mut self, crew: &Crew) {
        for (ago, event) in crew.events() {
            let (kind, message) = crew::tell(&event);
            self.note(kind, message);
            if let Some(noted) = self.events.last_mut() {
                noted.at_seconds = self.timeline.seconds() - ago.as_secs_f64();
            }
        }
        self.note_omitted(crew.omitted_events());
        let unheard = u64::try_from(crew.unheard_for().as_nanos()).unwrap_or(u64::MAX);
        let until = self.timeline.elapsed().saturating_sub(unheard);
        self.accountant.hear_until(until);
    }

    /// Says how many events of members are not told, once.
    fn note_omitted(&mut self, omitted: u64) {
        if omitted == 0 {
            return;
        }
        const KIND: &str = "more-events";
        let message = format!("and {omitted} more events of members that are not told");
        match self.events.iter_mut().find(|event| event.kind == KIND) {
            Some(event) => event.message = message,
            None => self.note(KIND, message),
        }
    }

    /// Writes down that something happened now.
    pub fn note(&mut self, kind: &str, message: String) {
        let at_seconds = self.timeline.seconds();
        self.events.push(Event {
            at_seconds,
            iteration: self.iteration,
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
