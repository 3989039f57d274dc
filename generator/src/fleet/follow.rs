//! Follower, a further generator: joins a run, sends its part of the starts, and tells the leader what became of them.

use std::{path::Path, sync::Arc, time::Duration};

use benchmark_fleet::{Member, MemberOptions, Role, WindowSource, wire};
use benchmark_results::schema::{Fact, HostFacts, Phase};
use benchmark_scenarios::{Context, Plan, Problem};
use benchmark_temporal::{ConnectOptions, Server};
use tokio::{
    sync::{mpsc::unbounded_channel, watch},
    time::MissedTickBehavior,
};

use super::relay::Relay;
use crate::{
    account::sampler::{Sampler, SamplerOptions, server_clock::SharedServerClock},
    load::{
        sample::HashedSample,
        schedule::{Schedule, Stripe},
        starters::{Starters, StartersOptions},
        timeline::{TICK, Timeline},
    },
    machine::{
        health::{HealthProbe, HealthSnapshot, StarterLoad},
        measured::MeasuredProbe,
    },
    stop::{
        Stop, StopReason,
        deadline::{Ending, Step},
    },
    view::page::GeneratorPage,
};

/// How long the last windows may take to reach the leader.
const DELIVERY: Duration = Duration::from_secs(10);

/// As long as nobody asks for a stop.
const NO_LIMIT: Duration = Duration::MAX;

/// Says how the Temporal server is reached, from the plan and the address that the leader tells.
pub type Reach = dyn FnOnce(&Plan, &str) -> Result<ConnectOptions, Problem> + Send;

/// What a further generator is given.
pub struct FollowOptions {
    /// How the leader is joined.
    pub member: MemberOptions,
    /// How the Temporal server is reached.
    pub connect: Box<Reach>,
    /// Hears what is going on, a line at a time.
    pub say: Arc<dyn Fn(String) + Send + Sync>,
    /// What this process shows of itself.
    pub page: GeneratorPage,
}

/// How following ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The run is over, and everything was delivered.
    ToTheEnd,
    /// It was told to stop, and everything up to then was delivered.
    Stopped(StopReason),
}

/// Joins a run and follows it to its end.
///
/// # Errors
/// When it is not let in, when the leader is lost, when the server cannot be reached, or when something could not be
/// delivered.
pub async fn follow(options: FollowOptions, mut stop: Stop) -> Result<Followed, Problem> {
    let joining = Member::join(MemberOptions {
        role: Role::Generator,
        ..options.member
    });
    let (joined, mut member) = tokio::select! {
        joined = joining => joined?,
        reason = stop.requested() => return Ok(Followed::Stopped(reason)),
    };
    let probe = HealthProbe::new(Path::new("/"));
    let relay = Arc::new(Relay::default());
    relay.tell(0, false, false, "the run's preparation");
    member.begin(Arc::clone(&relay) as Arc<dyn WindowSource>);
    let plan = read_plan(&joined.plan_json, &joined.plan_hash);
    // A plan that is not carried out is told at once.
    let stop_timeout = plan.as_ref().map_or(DELIVERY, |plan| plan.load.stop_timeout);
    let ending = Ending::new(stop.clone(), stop_timeout);
    let (time_up, mut stopped) = (ending.step(Step::Members, NO_LIMIT), stop.clone());
    let told = async {
        let plan = plan?;
        let connect = (options.connect)(&plan, &joined.server_address)?;
        options.page.of_run(&joined.run_id);
        (options.say)(format!(
            "joined run {} as a generator; plan {}; server {}",
            joined.run_id,
            plan.hash().short(),
            connect.address
        ));
        let server = benchmark_temporal::connect(&connect).await?;
        let mut follower = Follower {
            plan,
            connect,
            server,
            relay,
            probe,
            member: &member,
            orders: member.orders(),
            say: Arc::clone(&options.say),
            page: options.page.clone(),
            ending: ending.clone(),
            stop: stop.clone(),
        };
        follower.follow().await
    };
    let told = tokio::select! {
        told = told => told,
        end = member.ended() => Err(Problem::new(format!("the leader is gone: {end}; no more starts are sent"))),
        // Whatever it is busy with.
        reason = async { time_up.passed().await; stopped.requested().await } => Ok(Followed::Stopped(reason)),
    };
    let (reason, told) = match told {
        Ok(Followed::ToTheEnd) => ("the run is over".to_owned(), Ok(Followed::ToTheEnd)),
        Ok(Followed::Stopped(reason)) => (
            match &reason {
                StopReason::Signal(signal) => format!("{} came", signal.name()),
                StopReason::Cause(cause) => cause.clone(),
            },
            Ok(Followed::Stopped(reason)),
        ),
        Err(error) => (error.to_string(), Err(error)),
    };
    let delivering = ending.step(Step::Farewell, DELIVERY);
    let delivered = member.leave(reason, delivering.left()).await;
    match (told, delivered) {
        (Err(error), _) => Err(error),
        (Ok(_), Err(undelivered)) => Err(Problem::from(undelivered).context("not everything reached the leader")),
        (Ok(followed), Ok(())) => Ok(followed),
    }
}

/// Reads the leader's plan, and makes sure that it means the same here.
fn read_plan(json: &str, hash: &str) -> Result<Plan, Problem> {
    let plan: Plan = serde_json::from_str(json).context("the leader's plan cannot be read; is it another version?")?;
    let own = plan.hash().to_string();
    if own != hash {
        return Err(Problem::new(format!(
            "the leader's plan {hash} reads as {own} here: the programs differ; use the same build on all machines"
        )));
    }
    // Whatever a leader says is not more than what could be asked for here.
    plan.check().context("the leader's plan is not carried out")?;
    Ok(plan)
}

struct Follower<'a> {
    plan: Plan,
    connect: ConnectOptions,
    server: Server,
    relay: Arc<Relay>,
    probe: HealthProbe,
    member: &'a Member,
    orders: watch::Receiver<wire::Order>,
    say: Arc<dyn Fn(String) + Send + Sync>,
    page: GeneratorPage,
    ending: Ending,
    stop: Stop,
}

impl Follower<'_> {
    async fn follow(&mut self) -> Result<Followed, Problem> {
        let mut done = 0;
        loop {
            let order = self.orders.borrow_and_update().clone();
            match order.stage() {
                wire::Stage::End => {
                    (self.say)(format!("the run is over: {}", order.reason));
                    return Ok(Followed::ToTheEnd);
                }
                wire::Stage::Prepare | wire::Stage::Run if order.iteration > done => {
                    done = order.iteration;
                    if let Some(reason) = self.iterate(order).await? {
                        return Ok(Followed::Stopped(reason));
                    }
                }
                _ => {
                    tokio::select! {
                        changed = self.orders.changed() => changed.context("the connection to the leader has ended")?,
                        reason = self.stop.requested() => return Ok(Followed::Stopped(reason)),
                    }
                }
            }
        }
    }

    /// One submission window. Returns why it was left early, when it was.
    async fn iterate(&mut self, order: wire::Order) -> Result<Option<StopReason>, Problem> {
        let iteration = order.iteration;
        let prefix: Arc<str> = order.id_prefix.as_str().into();
        let schedule = Schedule::new(&self.plan.load);
        let sample = HashedSample::new(self.plan.load.seed, self.plan.observation.sample_ratio);
        let reports = self.relay.open(Arc::clone(&prefix));
        let (sampled, samples) = unbounded_channel();
        let part = Stripe {
            index: u64::from(order.stripe),
            of: u64::from(order.stripes.max(1)),
        };
        let mut starters = Starters::connect(StartersOptions {
            plan: &self.plan,
            schedule: &schedule,
            part,
            connect: &self.connect,
            id_prefix: Arc::clone(&prefix),
            sample,
            reports: reports.clone(),
            sampled,
        })
        .await?;
        self.relay.show_on(self.page.clone(), starters.connections());
        self.relay.tell(iteration, true, false, "");
        self.member.hurry();
        let order = tokio::select! {
            order = word(self.orders.clone(), iteration) => order?,
            reason = self.stop.requested() => return Ok(Some(reason)),
        };
        let Some(order) = order else { return Ok(None) };

        let to_leader = self.member.clock().to_leader_ns();
        let timeline = Timeline::beginning_at(order.start_unix_ns, to_leader);
        self.relay.tell_clock(timeline);
        if let Some(late) = timeline.now() {
            (self.say)(format!("the word to begin came {:.1} s late", late as f64 / 1e9));
        }
        let sampler = Sampler::spawn(
            SamplerOptions {
                server: self.server.clone(),
                id_prefix: prefix,
                schedule: schedule.clone(),
                timeline,
                cap: self.plan.observation.sample_cap,
                part,
                limit: self.plan.load.duration + self.plan.load.drain,
                reports,
                // The leader learns it from its own part, and asks about instants on it.
                server_clock: SharedServerClock::default(),
            },
            samples,
        );
        starters.begin(timeline);
        let stopped = self.attend(&schedule, timeline, starters, iteration).await?;
        // The sample's last ends are seen while the leader drains.
        tokio::spawn(sampler.finish_within(self.plan.load.drain.max(TICK)));
        let leaders = leaders_stop(&self.orders.borrow(), iteration);
        if OwnStop::is_whole(stopped.as_ref(), schedule.end(), leaders) {
            self.relay.tell(iteration, true, true, "");
        }
        self.member.hurry();
        Ok(stopped.map(|stopped| stopped.reason))
    }

    /// Looks after the threads until everything is sent and answered.
    async fn attend(
        &mut self,
        schedule: &Schedule,
        timeline: Timeline,
        starters: Starters,
        iteration: u32,
    ) -> Result<Option<OwnStop>, Problem> {
        let probe = self.probe.clone();
        let mut watch = MeasuredProbe::new(schedule, &probe);
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let measured_from = schedule.bounds(Phase::Measure).0;
        let (mut own, mut stopped, mut aborted): (Option<OwnStop>, bool, bool) = (None, false, false);
        let answers = self.ending.step(Step::Answers, NO_LIMIT);
        while (!stopped && timeline.elapsed() < schedule.end()) || !starters.are_done() {
            tokio::select! {
                _ = interval.tick() => {}
                reason = self.stop.requested(), if own.is_none() => {
                    let at = timeline.elapsed();
                    starters.stop_at(at);
                    stopped = true;
                    own = Some(OwnStop { at, reason });
                    if at < schedule.end() {
                        self.relay.tell_stopped(at);
                        self.member.hurry();
                    }
                }
            }
            if !aborted && starters.are_aborted() {
                // The run is to end, and the leader says when it does: what falls due until then found the cap reached as
                // well.
                aborted = true;
                self.relay.tell_aborted();
                self.member.hurry();
            }
            if let Some(leaders) = leaders_stop(&self.orders.borrow(), iteration) {
                starters.stop_at(leaders);
                stopped |= timeline.elapsed() >= leaders;
            }
            if waits_no_more(&self.orders.borrow(), iteration) {
                starters.stop_at(timeline.elapsed());
                stopped = true;
                starters.give_up();
            } else if answers.is_over() {
                starters.give_up();
            }
            timeline.steer(self.member.clock(), measured_from);
            watch.look(timeline.now(), starters.dispatched());
        }
        let measured = watch.finish(starters.dispatched());
        let (connections, dispatched) = (starters.connections(), starters.dispatched());
        let summary = starters.join();
        if let Some((begin, end)) = &measured.health {
            let load = StarterLoad {
                dispatched: measured.dispatched,
                // Counted by the leader, from the windows of all generators.
                peak_in_flight: 0,
                connections,
                starts: summary.counts,
                share_of_ceiling: Fact::missing("a further generator does not look for a calibration"),
                scheduling: summary.scheduling,
            };
            self.relay.tell_health(load.add_to(HealthSnapshot::between(begin, end)));
        }
        (self.say)(format!("iteration {iteration}: {dispatched} starts sent and answered"));
        Ok(own)
    }
}

/// When and why this generator stopped sending without the leader's word.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnStop {
    /// Offset from the beginning of the iteration, nanoseconds.
    at: u64,
    /// Why.
    reason: StopReason,
}

impl OwnStop {
    /// Whether the part was sent as far as it was to be: to the end of the schedule, or to the leader's stop.
    fn is_whole(own: Option<&OwnStop>, end: u64, leaders: Option<u64>) -> bool {
        own.is_none_or(|own| own.at >= end || leaders.is_some_and(|leaders| leaders <= own.at))
    }
}

/// The offset at which the leader ended the iteration early, when it did.
fn leaders_stop(order: &wire::Order, iteration: u32) -> Option<u64> {
    order.stop_at_ns.filter(|_| order.iteration == iteration)
}

/// Whether the leader is further than an iteration, and hears no more of it.
fn waits_no_more(order: &wire::Order, iteration: u32) -> bool {
    order.stage() == wire::Stage::End || order.iteration > iteration
}

/// Waits for the word to begin; `None` when the run ends without it.
async fn word(mut orders: watch::Receiver<wire::Order>, iteration: u32) -> Result<Option<wire::Order>, Problem> {
    let begins = |order: &wire::Order| order.stage() == wire::Stage::Run && order.iteration == iteration;
    let order = orders
        .wait_for(|order| begins(order) || order.stage() == wire::Stage::End || order.iteration > iteration)
        .await
        .context("the connection to the leader has ended")?
        .clone();
    Ok(begins(&order).then_some(order))
}

/// This process's name in the fleet: where it runs, and which process it is.
pub fn name(host: &HostFacts) -> String {
    let hostname = host.hostname.value.as_deref().unwrap_or("unknown-host");
    format!("{}@{hostname}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(at: u64) -> Option<OwnStop> {
        Some(OwnStop {
            at,
            reason: StopReason::Cause("somebody said so".to_owned()),
        })
    }

    #[test]
    fn who_stops_by_itself_is_done_only_where_nothing_more_was_to_be_sent() {
        let whole = |own: Option<OwnStop>, leaders| OwnStop::is_whole(own.as_ref(), 100, leaders);
        assert!(whole(None, None) && whole(None, Some(50)));
        assert!(!whole(stop(99), None) && whole(stop(100), None));
        // The leader's stop was there before, at the same time, or came later.
        assert!(whole(stop(60), Some(59)) && whole(stop(60), Some(60)));
        assert!(!whole(stop(60), Some(61)));
    }

    #[test]
    fn a_leader_that_is_further_waits_no_more() {
        let order = |stage: wire::Stage, iteration| wire::Order {
            stage: stage.into(),
            iteration,
            ..Default::default()
        };
        assert!(!waits_no_more(&order(wire::Stage::Run, 2), 2));
        assert!(waits_no_more(&order(wire::Stage::Prepare, 3), 2));
        assert!(waits_no_more(&order(wire::Stage::End, 2), 2));
    }

    #[test]
    fn a_stop_is_of_one_iteration() {
        let order = wire::Order {
            iteration: 2,
            stop_at_ns: Some(7),
            ..Default::default()
        };
        assert_eq!((leaders_stop(&order, 2), leaders_stop(&order, 1)), (Some(7), None));
    }
}
