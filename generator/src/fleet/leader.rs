//! Leader of the fleet: who is there, when everybody is, and what becomes of those who go.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::Sender},
    time::Duration,
};

use benchmark_fleet::{
    Clock, Command, EventKind, FleetEvent, Leader, LeaderOptions, MemberState, Presence, Role, Serving, SystemClock,
    wire,
};
use benchmark_scenarios::{Plan, Problem};
use benchmark_workflows::RunClock;

use super::{
    intake::{Intake, Limits},
    wording::{departure, left, tell, waiting},
};
use crate::{
    account::accountant::Report,
    load::{
        schedule::{Schedule, Stripe, nanos},
        timeline::Timeline,
    },
    stop::deadline::Deadline,
};

/// Time between the word to begin and the first arrival where generators elsewhere have to hear it: they ask twice a
/// second.
const LEAD: Duration = Duration::from_secs(2);

/// How long the connections of all generators may take, once they have joined.
const PREPARE_LIMIT: Duration = Duration::from_secs(60);

/// How often it is looked whether everybody was heard.
const HEAR: Duration = Duration::from_millis(20);

/// Longer than a message is under way: one that comes later was put together after now.
const CALL_TIME: Duration = Duration::from_millis(50);

/// How often it is looked whether everybody is there.
const LOOK: Duration = Duration::from_millis(250);

/// What the leader of a fleet needs.
pub struct FleetLeaderOptions<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The run's id.
    pub run_id: &'a str,
    /// `host:port` of the Temporal server as this process reaches it.
    pub server_address: String,
    /// Whether members of other versions are let in.
    pub allow_version_skew: bool,
}

/// The version that generators of a run have in common.
pub fn version() -> String {
    crate::machine::revision::version()
}

/// The members of a run, as its leader sees them.
pub struct FleetLeader {
    leader: Leader,
    intake: Intake,
    serving: Option<Serving>,
    /// What happened while everybody was waited for.
    heard: Mutex<Vec<FleetEvent>>,
    limits: Limits,
    expect_workers: u32,
    /// Generators that take part with this one, this one among them.
    generators: u32,
    stamps: bool,
    clock: Arc<dyn Clock>,
}

/// Who was not there in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{missing}, after {}: start them with --join, or give them longer with --fleet-timeout",
    benchmark_scenarios::units::format(*.after)
)]
pub struct NotThere {
    /// Who is missing, in words.
    missing: String,
    /// How long was waited.
    after: Duration,
}

impl FleetLeader {
    /// One whose members are still to join.
    ///
    /// # Errors
    /// When the plan has no JSON form, which no plan is without.
    pub fn new(options: FleetLeaderOptions<'_>) -> Result<FleetLeader, serde_json::Error> {
        let plan = options.plan;
        let generators = plan.fleet.generators.max(1);
        let intake = Intake::default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Arc::new(|| RunClock::get().now_unix_ns())));
        let leader = LeaderOptions {
            version: version(),
            workers_version: benchmark_worker::version(),
            allow_version_skew: options.allow_version_skew,
            run_id: options.run_id.to_owned(),
            plan_json: serde_json::to_string(&plan.portable())?,
            plan_hash: plan.hash().to_string(),
            server_address: options.server_address,
            generators: generators - 1,
            clock: Arc::clone(&clock),
        };
        Ok(FleetLeader {
            leader: Leader::new(leader, Arc::new(intake.clone())),
            intake,
            serving: None,
            heard: Mutex::default(),
            limits: Limits::of(plan),
            expect_workers: plan.fleet.expect_workers,
            generators,
            stamps: plan.workers.count > 0 || plan.fleet.expect_workers > 0,
            clock,
        })
    }

    /// Whom members of this process join.
    pub fn leader(&self) -> &Leader {
        &self.leader
    }

    /// Keeps what serves the fleet until it is dismissed.
    pub fn keep(&mut self, serving: Serving) {
        self.serving = Some(serving);
    }

    /// Whether workers stamp the ends of workflows for this run.
    pub fn stamps(&self) -> bool {
        self.stamps
    }

    /// Generators of the run, this one among them.
    pub fn generators(&self) -> u32 {
        self.generators
    }

    /// This process's part of the schedule: the first.
    pub fn part(&self) -> Stripe {
        Stripe::WHOLE.split(0, u64::from(self.generators))
    }

    /// Waits until everybody is there: so many workers poll, and the other generators have joined. `told` hears what is
    /// waited for, `said` why somebody was refused or left, each reason once: others may come.
    ///
    /// # Errors
    /// Who is missing, after the timeout.
    pub async fn assemble(
        &mut self,
        timeout: Duration,
        told: &dyn Fn(&str, Duration),
        said: &dyn Fn(String),
    ) -> Result<(), NotThere> {
        let begun = tokio::time::Instant::now();
        let mut changed = self.leader.changed();
        let mut reasons = BTreeSet::new();
        loop {
            for event in self.leader.take_events() {
                if let EventKind::Left { reason } | EventKind::Refused { reason } = &event.kind
                    && reasons.insert(reason.clone())
                {
                    said(tell(&event).1);
                }
                self.heard().push(event);
            }
            let Some(missing) = self.missing() else { return Ok(()) };
            if begun.elapsed() >= timeout {
                return Err(NotThere {
                    missing,
                    after: timeout,
                });
            }
            told(&missing, begun.elapsed());
            let rest = timeout.saturating_sub(begun.elapsed()).min(LOOK);
            // Only a hint to look again; the state decides.
            let _ = tokio::time::timeout(rest, changed.changed()).await;
        }
    }

    /// Who is missing, in words; `None` when nobody is.
    fn missing(&self) -> Option<String> {
        let roll = self.elsewhere();
        let of = |role| roll.iter().filter(move |member| member.role == role);
        let (gone, workers): (Vec<_>, Vec<_>) = of(Role::Worker).partition(|member| member.is_gone());
        let polling = workers.iter().filter(|worker| worker.status.ready).count();
        let mut missing = Vec::new();
        if polling < self.expect_workers as usize {
            let mut text = format!("{polling} of {} workers poll", self.expect_workers);
            let idle: Vec<String> = workers
                .iter()
                .filter(|worker| !worker.status.ready)
                .map(|worker| waiting(worker))
                .collect();
            if !idle.is_empty() {
                text += &format!("; joined and not polling: {}", idle.join(", "));
            }
            let absent = (self.expect_workers as usize).saturating_sub(workers.len() + gone.len());
            if absent > 0 {
                text += &format!("; {absent} did not join");
            }
            missing.push(text + &left(&gone));
        }
        let (gone, here): (Vec<_>, Vec<_>) = of(Role::Generator).partition(|member| member.is_gone());
        let wanted = self.generators as usize - 1;
        if here.len() < wanted {
            let text = format!("{} of {wanted} further generators joined", here.len());
            missing.push(text + &left(&gone));
        }
        (!missing.is_empty()).then(|| missing.join("; "))
    }

    fn heard(&self) -> MutexGuard<'_, Vec<FleetEvent>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The members that are other processes.
    fn elsewhere(&self) -> Vec<MemberState> {
        let mut roll = self.leader.roll();
        roll.retain(|member| !member.in_process);
        roll
    }

    /// Has the other generators connect for an iteration, and waits until they have.
    ///
    /// # Errors
    /// When one does not come so far.
    pub async fn prepare(&self, iteration: u32, prefix: &str) -> Result<(), Problem> {
        self.leader.command(Command::Prepare {
            iteration,
            id_prefix: prefix.to_owned(),
        });
        let begun = tokio::time::Instant::now();
        let mut changed = self.leader.changed();
        loop {
            let roll = self.generators_on_roll();
            if let Some(gone) = roll.iter().find(|member| member.is_gone()) {
                return Err(Problem::new(format!(
                    "generator {} is gone before the load began: {}",
                    gone.name,
                    departure(gone)
                )));
            }
            let late: Vec<String> = roll
                .iter()
                .filter(|member| !(member.status.ready && member.status.iteration == iteration))
                .map(waiting)
                .collect();
            if late.is_empty() {
                return Ok(());
            }
            if begun.elapsed() >= PREPARE_LIMIT {
                return Err(Problem::new(format!(
                    "generators are not ready after {} s: {}",
                    PREPARE_LIMIT.as_secs(),
                    late.join(", ")
                )));
            }
            let _ = tokio::time::timeout(LOOK, changed.changed()).await;
        }
    }

    /// Gives the word to begin, and opens the account for what members tell. Returns the window's clock.
    pub fn begin(&self, prefix: &Arc<str>, schedule: &Schedule, here: Duration, reports: Sender<Report>) -> Timeline {
        let lead = if self.generators > 1 { LEAD } else { here };
        let timeline = Timeline::beginning_in(nanos(lead));
        self.intake
            .open(Arc::clone(prefix), self.limits, schedule, timeline, reports);
        self.leader.command(Command::Run {
            start_unix_ns: timeline.unix_ns_of(0),
        });
        timeline
    }

    /// Ends the iteration early for all generators.
    pub fn stop_at(&self, offset_ns: u64) {
        self.leader.command(Command::StopAt { offset_ns });
    }

    /// Whether all other generators have told of everything, or will not any more.
    pub fn generators_are_done(&self, iteration: u32) -> bool {
        self.generators_on_roll()
            .iter()
            .all(|member| member.is_gone() || has_told_all(&member.status, iteration))
    }

    /// The name of a further generator that stopped because its cap was reached and `--when-full abort` says that this
    /// ends the run.
    pub fn aborted_by(&self, iteration: u32) -> Option<String> {
        let roll = self.generators_on_roll();
        let aborted = |member: &&MemberState| member.status.aborted && member.status.iteration == iteration;
        roll.iter().find(aborted).map(|member| member.name.clone())
    }

    /// The other generators' parts that nobody will tell of any more, once time is up for those that are still there:
    /// what they tell later goes nowhere.
    pub fn lost_parts(&self, iteration: u32) -> Vec<LostPart> {
        let lost: Vec<MemberState> = self
            .generators_on_roll()
            .into_iter()
            .filter(|member| !has_told_all(&member.status, iteration))
            .collect();
        self.intake.shut_out(lost.iter().map(|member| member.id.0));
        lost.into_iter()
            .filter_map(|member| {
                Some(LostPart {
                    member: member.id.0,
                    part: Stripe::WHOLE.split(u64::from(member.stripe?), u64::from(self.generators)),
                    departure: departure(&member),
                    name: member.name,
                })
            })
            .collect()
    }

    /// Whether somebody who may still deliver was not heard of lately.
    pub fn somebody_is_silent(&self) -> bool {
        self.leader
            .roll()
            .iter()
            .any(|member| matches!(member.presence, Presence::Silent { .. }))
    }

    /// How long ago the member was heard that was not heard for longest, of those that may still tell of what happened.
    pub fn unheard_for(&self) -> Duration {
        let now = self.clock.now();
        let unheard = self
            .leader
            .roll()
            .into_iter()
            .filter(|member| !member.is_gone())
            .map(|member| now.saturating_sub(member.heard_at));
        unheard.max().unwrap_or_default()
    }

    /// Waits until everybody has told what happened up to now, is found silent, or time is up.
    pub async fn hear_everybody(&self, deadline: &Deadline) {
        let from = self.clock.now() + CALL_TIME;
        // Whoever is not heard becomes silent after a while, which ends this.
        let is_awaited = |member: &MemberState| member.presence == Presence::Present && member.heard_at < from;
        self.wait_while(is_awaited, HEAR, deadline).await;
    }

    /// Waits while there is such a member, looking so often, or until time is up.
    async fn wait_while(&self, is_awaited: impl Fn(&MemberState) -> bool, look: Duration, deadline: &Deadline) {
        let mut changed = self.leader.changed();
        while !deadline.is_over() && self.leader.roll().iter().any(&is_awaited) {
            let _ = tokio::time::timeout(look.min(deadline.left()), changed.changed()).await;
        }
    }

    /// Now, on the roll's clock.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// What happened to members of other processes since the last call, each with how long ago it was. That those of this
    /// process come and go with it says nothing.
    pub fn events(&self) -> Vec<(Duration, FleetEvent)> {
        let own: Vec<_> = self
            .leader
            .roll()
            .into_iter()
            .filter(|member| member.in_process)
            .map(|member| member.id)
            .collect();
        let now = self.clock.now();
        let mut events = std::mem::take(&mut *self.heard());
        events.extend(self.leader.take_events());
        events.retain(|event| event.member.is_none_or(|member| !own.contains(&member)));
        events
            .into_iter()
            .map(|event| (now.saturating_sub(event.at), event))
            .collect()
    }

    /// How many of them are not told, because there were too many.
    pub fn omitted_events(&self) -> u64 {
        self.leader.omitted_events()
    }

    /// Everything that is known of each member.
    pub fn roll(&self) -> Vec<MemberState> {
        self.leader.roll()
    }

    /// What members told of themselves in the iteration that is open.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Closes the account for what members tell.
    pub fn close(&self) {
        self.intake.close();
    }

    /// Tells everybody that the run is over, and waits until they have left or time is up.
    pub async fn dismiss(self, reason: &str, deadline: &Deadline) {
        self.leader.command(Command::End {
            reason: reason.to_owned(),
        });
        let is_here = |member: &MemberState| !member.in_process && member.presence == Presence::Present;
        self.wait_while(is_here, LOOK, deadline).await;
        if let Some(serving) = self.serving {
            // Answers that are under way are given their time; a connection that takes none ends with the process.
            let _ = tokio::time::timeout(deadline.left().max(LOOK), serving.stop()).await;
        }
    }

    fn generators_on_roll(&self) -> Vec<MemberState> {
        // One that left and joined again under another key has no part; only those with a part count.
        let mut roll = self.leader.roll();
        roll.retain(|member| member.role == Role::Generator && member.stripe.is_some());
        roll
    }
}

/// The part of a generator that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostPart {
    /// Its number on the roll.
    pub member: u32,
    /// Its part of the schedule.
    pub part: Stripe,
    /// Its name.
    pub name: String,
    /// How it went.
    pub departure: String,
}

/// Whether a generator sent its part of an iteration as far as it was to, and told everything of it.
pub fn has_told_all(status: &wire::Status, iteration: u32) -> bool {
    status.done && status.iteration == iteration
}
