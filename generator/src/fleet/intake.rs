//! Intake of the members' windows: taken apart, checked against what each may tell, and put into whichever account is
//! open.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
};

use benchmark_fleet::{Rejected, Role, Teller, WindowSink, bounded, limits::FACTS_BYTES, read_ends, wire};
use benchmark_results::schema::{GeneratorHealth, Phase};
use benchmark_scenarios::Plan;
use prost::Message as _;

use crate::{
    account::{
        accountant::Report,
        accounts::{Origin, StampedEnd},
        room::Room,
        starts::{self, Bounds, Claims},
    },
    load::{
        schedule::{Schedule, Stripe},
        timeline::Timeline,
    },
};

/// The most that a clock may be said to be wrong by and still be believed, nanoseconds: else who says that he knows nothing
/// would be believed anything.
const MOST_WRONG: u64 = 1_000_000_000;

/// What members' clocks were found to be while the account was open; unless it says otherwise from the beginning of the
/// measured phase on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockSeen {
    /// What was added to the instants of the last window, nanoseconds.
    pub used_ns: i64,
    /// By how much instants were surely wrong, at the worst: the offset less the one in use, beyond its uncertainty.
    pub error_ns: u64,
    /// Steps of the member's clock or the leader's.
    pub steps: u64,
    /// The largest of them.
    pub largest_step_ns: u64,
    /// The largest step before the measured phase.
    pub earlier_step_ns: u64,
}

impl ClockSeen {
    /// Takes what a window says of the clock that its instants are told on.
    fn note(&mut self, window: &wire::Window, counts: bool) {
        self.used_ns = window.clock_used_ns;
        if !counts {
            self.earlier_step_ns = self.earlier_step_ns.max(window.clock_step_ns);
            return;
        }
        self.error_ns = self
            .error_ns
            .max(off_by(window).saturating_sub(window.clock_uncertainty_ns));
        self.steps += u64::from(window.clock_step_ns > 0);
        self.largest_step_ns = self.largest_step_ns.max(window.clock_step_ns);
    }
}

/// The offset less the one in use.
fn off_by(window: &wire::Window) -> u64 {
    window
        .clock_offset_ns
        .map_or(0, |offset| offset.abs_diff(window.clock_used_ns))
}

/// Puts windows into the open account.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    state: Arc<Mutex<Option<State>>>,
    room: Room,
}

/// The account that is open, and what its members told so far.
#[derive(Debug)]
struct State {
    open: Arc<Open>,
    members: BTreeMap<u32, OfMember>,
    /// How wrong the instants of generators elsewhere may be, at the most.
    generators_wrong: u64,
}

#[derive(Debug, Default)]
struct OfMember {
    claims: Claims,
    health: Option<GeneratorHealth>,
    /// Its part was closed without it: what it tells now would count twice.
    is_shut_out: bool,
    /// What its clock was found to be.
    clock: Option<ClockSeen>,
}

/// What bounds what a single generator may tell, besides the schedule.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Generators that the schedule is divided among, at least 1.
    pub generators: u32,
    /// Threads of each, at most.
    pub threads: u32,
    /// Unanswered starts of each, at most.
    pub max_in_flight: u32,
}

impl Limits {
    /// Those of a plan.
    pub fn of(plan: &Plan) -> Limits {
        Limits {
            generators: plan.fleet.generators.max(1),
            threads: plan.starter.threads.max(1),
            max_in_flight: plan.load.max_in_flight,
        }
    }
}

#[derive(Debug)]
struct Open {
    /// Prefix of its workflow ids: windows of another iteration are not its.
    prefix: Arc<str>,
    timeline: Timeline,
    arrivals: u64,
    limits: Limits,
    reports: Sender<Report>,
    /// Where the measured phase begins.
    measured_from: u64,
}

impl Intake {
    /// From now on windows of this iteration go to the account that reads these reports.
    pub fn open(
        &self,
        prefix: Arc<str>,
        limits: Limits,
        schedule: &Schedule,
        timeline: Timeline,
        reports: Sender<Report>,
    ) {
        let open = Arc::new(Open {
            prefix,
            timeline,
            arrivals: schedule.total(),
            limits,
            reports,
            measured_from: schedule.bounds(Phase::Measure).0,
        });
        *self.lock() = Some(State {
            open,
            members: BTreeMap::new(),
            generators_wrong: 0,
        });
    }

    /// From now on windows are taken and put nowhere. Returns what the generators told of themselves, by member.
    pub fn close(&self) -> BTreeMap<u32, GeneratorHealth> {
        let healths = self.healths();
        *self.lock() = None;
        healths
    }

    /// From now on what these generators tell of the iteration goes nowhere: their part is closed without them.
    pub fn shut_out(&self, members: impl IntoIterator<Item = u32>) {
        if let Some(state) = self.lock().as_mut() {
            for member in members {
                state.members.entry(member).or_default().is_shut_out = true;
            }
        }
    }

    /// What the generators told of themselves so far, by member.
    pub fn healths(&self) -> BTreeMap<u32, GeneratorHealth> {
        let state = self.lock();
        let members = state.iter().flat_map(|state| &state.members);
        members
            .filter_map(|(member, told)| Some((*member, told.health.clone()?)))
            .collect()
    }

    /// What the members' clocks were found to be so far, by member.
    pub fn clocks(&self) -> BTreeMap<u32, ClockSeen> {
        let state = self.lock();
        let members = state.iter().flat_map(|state| &state.members);
        members
            .filter_map(|(member, told)| Some((*member, told.clock?)))
            .collect()
    }

    /// Notes the clock that a window of the open account is told on. Returns how wrong its instants may be.
    fn note_clock(&self, open: &Open, from: Teller, window: &wire::Window) -> u64 {
        let wrong = off_by(window)
            .saturating_add(window.clock_uncertainty_ns)
            .min(MOST_WRONG);
        let mut lock = self.lock();
        let Some(state) = lock.as_mut() else { return wrong };
        let counts = open.timeline.now().is_some_and(|now| now >= open.measured_from);
        let member = state.members.entry(from.id.0).or_default();
        member.clock.get_or_insert_default().note(window, counts);
        if from.role == Role::Generator {
            state.generators_wrong = state.generators_wrong.max(wrong);
            return wrong;
        }
        // The start was told by a generator's clock, and the end by the worker's.
        wrong.saturating_add(state.generators_wrong)
    }

    /// What is open for windows of this iteration, and what the member told of it so far.
    fn at(&self, prefix: &str, member: u32) -> Option<(Arc<Open>, Claims)> {
        let state = self.lock();
        let state = state.as_ref().filter(|state| *state.open.prefix == *prefix)?;
        let told = state.members.get(&member);
        Some((
            Arc::clone(&state.open),
            told.map(|told| told.claims).unwrap_or_default(),
        ))
    }

    /// Puts a report into the account, unless that was closed, or the member's part of it.
    fn put(&self, open: &Arc<Open>, member: u32, report: Report, told: impl FnOnce(&mut OfMember)) {
        let mut state = self.lock();
        let Some(state) = state.as_mut().filter(|state| Arc::ptr_eq(&state.open, open)) else {
            return;
        };
        let of_member = state.members.entry(member).or_default();
        if of_member.is_shut_out {
            return;
        }
        told(of_member);
        // The account may be gone in this instant; then this is too late for it.
        let _ = open.reports.send(report);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WindowSink for Intake {
    fn take(&self, from: Teller, window: wire::Window) -> Result<(), Rejected> {
        let member = from.id.0;
        // Of an earlier iteration, whose workflow ended after its drain.
        let Some((open, mut claims)) = self.at(&window.run, member) else {
            return Ok(());
        };
        let place = self.room.place(window.encoded_len()).ok_or(Rejected::Full)?;
        let wrong = self.note_clock(&open, from, &window);
        let origin = Origin::Member(member);
        match window.body {
            Some(wire::window::Body::Ends(ends)) => {
                let ends = open.ends(&ends, wrong)?;
                self.put(&open, member, Report::Ends(origin, ends, place), |_| {});
            }
            Some(wire::window::Body::Starts(mut message)) => {
                let health = health(&std::mem::take(&mut message.health_json))?;
                let reports = starts::from_message(message, open.bounds(from), &mut claims)?;
                self.put(&open, member, Report::Elsewhere(origin, reports, place), |told| {
                    told.claims = claims;
                    told.health = health.or(told.health.take());
                });
            }
            None => return Err(Rejected::Malformed("a window without a body".into())),
        }
        Ok(())
    }
}

/// What a generator used, when it says so.
fn health(json: &str) -> Result<Option<GeneratorHealth>, String> {
    if json.is_empty() {
        return Ok(None);
    }
    if json.len() > FACTS_BYTES {
        return Err(format!(
            "what the generator used has {} bytes; at most {FACTS_BYTES} are taken",
            json.len()
        ));
    }
    let health = bounded::facts(json).map_err(|error| format!("what the generator used cannot be read: {error}"))?;
    Ok(Some(health))
}

impl Open {
    fn bounds(&self, from: Teller) -> Bounds {
        Bounds {
            arrivals: self.arrivals,
            part: Stripe::WHOLE.split(u64::from(from.stripe.unwrap_or(0)), u64::from(self.limits.generators)),
            threads: self.limits.threads,
            max_in_flight: self.limits.max_in_flight,
            now: self.timeline.elapsed(),
        }
    }

    fn ends(&self, ends: &wire::Ends, wrong: u64) -> Result<Vec<StampedEnd>, String> {
        let told = self.timeline.elapsed();
        let offset = |unix_ns| self.timeline.offset_of(unix_ns);
        let ends = read_ends(ends)?
            .into_iter()
            // Anybody can start a workflow with this run's name in its header; it is no arrival of this run.
            .filter(|end| end.n < self.arrivals)
            .map(|end| StampedEnd {
                n: end.n,
                sent: offset(end.sent_unix_ns),
                ended: offset(end.ended_unix_ns),
                end: end.end,
                message: end.message.as_deref().map(|text| bounded::line(text).into()),
                told,
                wrong,
            })
            .collect();
        Ok(ends)
    }
}

#[cfg(test)]
mod tests;
