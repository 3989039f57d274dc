//! One submission window: from the first start to the last answer.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use benchmark_fleet::MemberState;
use benchmark_results::schema::{Event, Fact, MemberUsage, Phase};
use benchmark_scenarios::{Context, Plan, Problem};
use benchmark_temporal::{ConnectOptions, Server, start::StartCounts};
use tokio::{sync::mpsc::unbounded_channel, time::MissedTickBehavior};

use crate::{
    account::{
        accountant::Accountant,
        accounts::Accounts,
        sampler::{Sampler, SamplerOptions, server_clock::SharedServerClock},
    },
    fleet::{FleetLeader, wording},
    load::{
        sample::HashedSample,
        schedule::{Schedule, Stripe, nanos},
        starters::{Starters, StartersOptions},
        timeline::{TICK, Timeline},
    },
    machine::{
        health::{HealthProbe, UsageMeter},
        measured::{Measured, MeasuredProbe},
    },
    stop::{
        Stop, StopReason,
        deadline::{Ending, Step},
    },
    view::page::PageWindow,
};

/// Time between the decision to begin and the first arrival, so that all threads are waiting when it comes.
const LEAD: Duration = Duration::from_millis(20);

/// How long answers may be under way beyond a start's own deadline: here, and from a generator elsewhere that says when it
/// has its own.
const ANSWERS_BEYOND: Duration = Duration::from_secs(5);

/// How long threads may take to hand over what they have when they are told to wait for no more answers.
const HANDING_OVER: Duration = Duration::from_secs(2);

/// How far ahead a stop is told: generators elsewhere hear of it, so that all stop at the same instant.
const STOP_AHEAD: Duration = Duration::from_millis(600);

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
    pub fleet: Option<&'a FleetLeader>,
    /// Looks at what this process uses.
    pub probe: &'a HealthProbe,
    /// Tells whether to end early.
    pub stop: Stop,
    /// What comes after the load, and until when.
    pub ending: &'a Ending,
    /// Says why the load makes no sense any more, when it does not.
    pub lost: &'a dyn Fn() -> Option<String>,
}

/// The instant at which the account was closed for ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrainCutOff {
    /// Nanoseconds from the beginning of the window.
    pub at: u64,
    /// Whether workflows were open then: some of them end later.
    pub is_moving: bool,
    /// What ended the drain before its time, in words.
    pub cut_short: Option<String>,
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
    /// What the sample tells of the server's clock.
    pub server_clock: SharedServerClock,
    /// Prefix of the workflow ids.
    pub id_prefix: Arc<str>,
    /// Which repetition it is, from 1.
    pub iteration: u32,
    /// Whether workers of this run stamp.
    pub stamps: bool,
    /// When it was ended early, nanoseconds from its beginning.
    pub stopped_at: Option<u64>,
    /// Why, when that was something that ends the run.
    pub ended_by: Option<StopReason>,
    /// When the account was closed for ends, once it is.
    pub cut_off: Option<DrainCutOff>,
    /// What happened.
    pub events: Vec<Event>,
    /// What this process used in the measured phase.
    pub measured: Measured,
    /// What this process used, second by second.
    pub usage: Vec<MemberUsage>,
    /// What became of the connections, and of starts that were sent more than once.
    pub starts: StartCounts,
    /// How the threads that keep the schedule were scheduled.
    pub scheduling: Fact<String>,
    /// Connections that starts were sent on.
    pub connections: u32,
}

/// Why there is no submission window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// A stop was asked for before the first start was due.
    NotBegun(StopReason),
    /// Something did not work.
    Failed(Problem),
}

impl From<Problem> for SubmitError {
    fn from(problem: Problem) -> Self {
        SubmitError::Failed(problem)
    }
}

/// Runs a submission window. `on_tick` is called about four times a second with the window so far.
///
/// # Errors
/// When it is told to stop before it begins, a thread cannot be made, a connection for starts cannot be opened, or another
/// generator does not get ready. What was started is stopped.
pub async fn submit(
    options: SubmissionOptions<'_>,
    mut on_tick: impl AsyncFnMut(&Submission) -> Result<(), Problem>,
) -> Result<Submission, SubmitError> {
    let plan = options.plan;
    let schedule = Schedule::new(&plan.load);
    let sample = HashedSample::new(plan.load.seed, plan.observation.sample_ratio);
    let (reports, incoming) = mpsc::channel();
    let (sampled, samples) = unbounded_channel();
    let mut stop = options.stop;
    let connecting = Starters::connect(StartersOptions {
        plan,
        schedule: &schedule,
        part: options.fleet.map_or(Stripe::WHOLE, FleetLeader::part),
        connect: options.connect,
        id_prefix: Arc::clone(&options.id_prefix),
        sample,
        reports: reports.clone(),
        sampled,
    });
    let preparing = async {
        let starters = connecting.await?;
        if let Some(fleet) = options.fleet {
            fleet.prepare(options.iteration, &options.id_prefix).await?;
        }
        Ok::<_, Problem>(starters)
    };
    let mut starters = tokio::select! {
        starters = preparing => starters?,
        reason = stop.requested() => return Err(SubmitError::NotBegun(reason)),
    };
    let timeline = match options.fleet {
        Some(fleet) => fleet.begin(&options.id_prefix, &schedule, LEAD, reports.clone()),
        None => Timeline::beginning_in(nanos(LEAD)),
    };
    let stamps = options.fleet.is_some_and(FleetLeader::stamps);
    let accounts = Accounts::new(&schedule, sample, plan.load.drain.as_secs(), stamps);
    let accountant = Accountant::spawn(accounts, (reports, incoming), timeline)
        .context("a thread for the account cannot be made")?;
    let server_clock = SharedServerClock::counting_from(schedule.bounds(Phase::Measure).0);
    let sampler = Sampler::spawn(
        SamplerOptions {
            server: options.server.clone(),
            id_prefix: Arc::clone(&options.id_prefix),
            schedule: schedule.clone(),
            timeline,
            cap: plan.observation.sample_cap,
            part: options.fleet.map_or(Stripe::WHOLE, FleetLeader::part),
            limit: plan.load.duration + plan.load.drain,
            reports: accountant.reports(),
            server_clock: server_clock.clone(),
        },
        samples,
    );
    starters.begin(timeline);

    let mut submission = Submission {
        timeline,
        accountant,
        sampler: Some(sampler),
        server_clock,
        id_prefix: options.id_prefix,
        iteration: options.iteration,
        stamps,
        stopped_at: None,
        ended_by: None,
        cut_off: None,
        events: Vec::new(),
        measured: Measured::default(),
        usage: Vec::new(),
        starts: StartCounts::default(),
        scheduling: Fact::missing("the window is not over"),
        connections: starters.connections(),
        schedule,
    };
    let mut watch = MeasuredProbe::new(&submission.schedule, options.probe);
    let mut meter = UsageMeter::default();
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let answered = |starters: &Starters| {
        let fleet = options.fleet;
        starters.are_done() && fleet.is_none_or(|fleet| fleet.generators_are_done(options.iteration))
    };
    let mut answers = None;
    // The last start is answered before the window is over: the rest of it is measured, too.
    while timeline.elapsed() < submission.end() || !answered(&starters) {
        let going_on = submission.ended_by.is_none() && timeline.elapsed() < submission.end();
        let end_early = |submission: &mut Submission, reason| submission.end_early(&starters, options.fleet, reason);
        tokio::select! {
            _ = interval.tick() => {}
            reason = stop.requested(), if going_on => end_early(&mut submission, reason),
        }
        // What happens once the load is over does not shorten it.
        if submission.ended_by.is_none() && timeline.elapsed() < submission.end() {
            let aborted = || {
                let cause = "--when-full abort: the cap on unanswered starts was reached";
                let elsewhere = || options.fleet.and_then(|fleet| fleet.aborted_by(options.iteration));
                match starters.are_aborted() {
                    true => Some(cause.to_owned()),
                    false => elsewhere().map(|name| format!("{cause} on generator {name}")),
                }
            };
            if let Some(cause) = aborted().or_else(options.lost) {
                end_early(&mut submission, StopReason::Cause(cause));
            }
        } else if timeline.elapsed() >= submission.end() {
            let calm = plan.starter.start_timeout + ANSWERS_BEYOND;
            let answers = answers.get_or_insert_with(|| options.ending.step(Step::Answers, calm));
            if answers.is_over() {
                break;
            }
        }
        if let Some(fleet) = options.fleet {
            submission.hear(fleet);
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
    if !starters.are_done() {
        starters.give_up();
        let handing_over = async {
            while !starters.are_done() {
                interval.tick().await;
            }
        };
        if tokio::time::timeout(HANDING_OVER, handing_over).await.is_err() {
            let words = "a thread that sends starts does not end; this is a defect of the program";
            return Err(Problem::new(words).into());
        }
    }
    submission.measured = watch.finish(starters.dispatched());
    let summary = starters.join();
    if let Some(panic) = summary.panic {
        submission.note(
            "starter-failed",
            format!("a thread that sends starts broke off: {panic}"),
        );
    }
    submission.scheduling = summary.scheduling;
    submission.starts = summary.counts;
    Ok(submission)
}

impl Submission {
    fn end_early(&mut self, starters: &Starters, fleet: Option<&FleetLeader>, reason: StopReason) {
        let others = fleet.filter(|fleet| fleet.generators() > 1);
        let ahead = others.map_or(0, |_| nanos(STOP_AHEAD));
        let stop_at = self.timeline.elapsed() + ahead;
        if stop_at < self.schedule.end() {
            self.stopped_at = Some(stop_at);
            starters.stop_at(stop_at);
            if let Some(fleet) = others {
                fleet.stop_at(stop_at);
            }
        }
        self.ended_by = Some(reason.clone());
        self.note_stop(&reason);
    }

    /// Writes down that something ended the run now.
    pub fn note_stop(&mut self, reason: &StopReason) {
        match reason {
            StopReason::Signal(signal) => self.note("interrupted", format!("{} came", signal.name())),
            StopReason::Cause(cause) => self.note("stopped", cause.clone()),
        }
    }

    /// Takes in what happened to members, and keeps seconds open that somebody silent may still tell of.
    pub fn hear(&mut self, fleet: &FleetLeader) {
        for (ago, event) in fleet.events() {
            let (kind, message) = wording::tell(&event);
            self.note(kind, message);
            if let Some(noted) = self.events.last_mut() {
                noted.at_seconds = self.timeline.seconds() - ago.as_secs_f64();
            }
        }
        self.note_omitted(fleet.omitted_events());
        let unheard = nanos(fleet.unheard_for());
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

    /// Whether workflows were open when the account was closed for ends.
    pub fn is_open_at_the_cut_off(&self) -> bool {
        self.cut_off.as_ref().is_some_and(|cut| cut.is_moving)
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

    /// The window, as the metrics page looks at it; `roll` tells of the processes that take part.
    pub fn window<'a>(&'a self, roll: &'a dyn Fn() -> Vec<MemberState>) -> PageWindow<'a> {
        PageWindow {
            schedule: &self.schedule,
            timeline: self.timeline,
            end: self.end(),
            accountant: &self.accountant,
            connections: self.connections,
            events: &self.events,
            roll,
        }
    }

    /// End of the submission window, planned or early, nanoseconds from its beginning.
    pub fn end(&self) -> u64 {
        self.stopped_at.unwrap_or(self.schedule.end())
    }
}
