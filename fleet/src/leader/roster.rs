//! Roster of members: joining, presence, stripes, status. A state machine that is told the time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::{
    Command, EventKind, FleetEvent, MemberId, MemberState, Presence, Refusal, RefusalKind, Role, Teller,
    admission::Candidate, events::Events, orders::Orders, usage::Usage,
};
use crate::{
    bounded,
    limits::{KEY_BYTES, LOST_AFTER, MEMBERS, SILENT_AFTER},
    wire,
};

/// How far a member's windows were taken. It has a lock of its own.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// The last one.
    pub(super) acked: u64,
    /// How many came again.
    pub(super) resent: u64,
}

#[derive(Debug)]
struct Entry {
    /// All but usage and windows, which are filled in when it is asked for.
    state: MemberState,
    last_heard: Duration,
    /// Number of its last exchange.
    exchange: u64,
    /// Why nothing more is taken from it, when that is so.
    out: Option<String>,
    usage: Usage,
    intake: Arc<Mutex<Intake>>,
}

impl Entry {
    fn is_welcome(&self) -> Result<(), Refusal> {
        match &self.out {
            Some(reason) => Err(Refusal::malformed(format!("nothing more is taken from it: {reason}"))),
            None => Ok(()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Roster {
    /// Places for generators beside the leader.
    generators: u32,
    entries: Vec<Entry>,
    by_key: HashMap<[u8; KEY_BYTES], usize>,
    orders: Orders,
    events: Events,
    /// Whether something happened since this was last looked at.
    news: bool,
}

impl Roster {
    pub(super) fn new(generators: u32) -> Roster {
        Roster {
            generators,
            entries: Vec::new(),
            by_key: HashMap::new(),
            orders: Orders::new(generators),
            events: Events::default(),
            news: false,
        }
    }

    /// Takes a process in, or recognises it.
    pub(super) fn join(
        &mut self,
        candidate: Candidate,
        in_process: bool,
        now: Duration,
    ) -> Result<Arc<Mutex<Intake>>, Refusal> {
        self.watch(now);
        if let Some(index) = self.by_key.get(&candidate.key).copied() {
            return self.rejoin(index, candidate, now);
        }
        if let Some(reason) = self.orders.over() {
            return Err(Refusal::new(
                RefusalKind::Over,
                format!("this run is over ({reason}); the next one may begin at this address"),
            ));
        }
        if self.entries.len() >= MEMBERS {
            return Err(Refusal::new(
                RefusalKind::Full,
                format!("{MEMBERS} members have joined this run already; a leader takes no more"),
            ));
        }
        let stripe = match candidate.role {
            Role::Worker => None,
            Role::Generator => Some(self.free_stripe()?),
        };
        let index = self.entries.len();
        let intake = Arc::new(Mutex::new(Intake::default()));
        self.by_key.insert(candidate.key, index);
        self.entries.push(Entry {
            state: MemberState {
                // At most `MEMBERS`.
                id: MemberId(index as u32),
                role: candidate.role,
                in_process,
                name: candidate.name,
                version: candidate.version,
                host: candidate.host,
                workers: candidate.workers,
                presence: Presence::Present,
                joined_at: now,
                heard_at: now,
                stripe,
                status: wire::Status::default(),
                usage: Arc::default(),
                windows: 0,
                resent: 0,
            },
            last_heard: now,
            exchange: 0,
            out: None,
            usage: Usage::new(now),
            intake: intake.clone(),
        });
        self.event(index, now, EventKind::Joined);
        if let Some(wanted) = candidate.skewed {
            let version = self.entries[index].state.version.clone();
            self.event(index, now, EventKind::Skewed { version, wanted });
        }
        Ok(intake)
    }

    fn rejoin(&mut self, index: usize, candidate: Candidate, now: Duration) -> Result<Arc<Mutex<Intake>>, Refusal> {
        self.entries[index].is_welcome()?;
        if self.entries[index].state.role != candidate.role {
            return Err(Refusal::precondition(format!(
                "it joined as {} before and now as {}; start a new process",
                self.entries[index].state.role, candidate.role
            )));
        }
        if candidate.role == Role::Generator && self.entries[index].state.stripe.is_none() {
            self.entries[index].state.stripe = Some(self.free_stripe()?);
        }
        let entry = &mut self.entries[index];
        entry.state.host = candidate.host;
        entry.state.workers = candidate.workers;
        let intake = entry.intake.clone();
        self.present(index, now);
        Ok(intake)
    }

    /// The lowest part of the schedule that no generator has. Before the run, one that left or was lost gives its part
    /// back; afterwards nobody could do it.
    fn free_stripe(&mut self) -> Result<u32, Refusal> {
        if self.orders.begun {
            return Err(Refusal::precondition(
                "the run has begun, and its schedule is divided among the generators that were there; \
                 let this one join before the next run",
            ));
        }
        for entry in &mut self.entries {
            if matches!(entry.state.presence, Presence::Left { .. } | Presence::Lost { .. }) {
                entry.state.stripe = None;
            }
        }
        (1..=self.generators)
            .find(|stripe| self.entries.iter().all(|entry| entry.state.stripe != Some(*stripe)))
            .ok_or_else(|| {
                Refusal::precondition(match self.generators {
                    0 => "the leader is to be the only generator; start it with --generators 2 or more".to_owned(),
                    places => format!(
                        "all {places} places for further generators are taken; start the leader with a higher \
                         --generators, or fewer processes"
                    ),
                })
            })
    }

    /// Finds a member by its key, when something may still be taken from it.
    pub(super) fn known(&self, key: &[u8; KEY_BYTES]) -> Result<usize, Refusal> {
        let Some(index) = self.by_key.get(key).copied() else {
            return Err(Refusal::new(
                RefusalKind::Unknown,
                "this process has not joined the leader's run, or the leader was started anew; join first",
            ));
        };
        let entry = &self.entries[index];
        entry.is_welcome()?;
        if entry.state.role == Role::Generator && entry.state.stripe.is_none() {
            return Err(Refusal::precondition(
                "it was not heard for too long before the run, and its place was given to another generator; \
                 start it again for the next run",
            ));
        }
        Ok(index)
    }

    /// Finds a member by its key and notes that it was heard. `exchange` is the number of its exchange; 0 when it does not
    /// count them.
    pub(super) fn heard(
        &mut self,
        key: &[u8; KEY_BYTES],
        exchange: u64,
        now: Duration,
    ) -> Result<(Teller, Arc<Mutex<Intake>>), Refusal> {
        self.watch(now);
        let index = self.known(key)?;
        let entry = &mut self.entries[index];
        if exchange > 0 {
            if exchange <= entry.exchange {
                return Err(Refusal::new(
                    RefusalKind::Stale,
                    "a later exchange of this process was taken already",
                ));
            }
            entry.exchange = exchange;
        }
        // An exchange that was under way when the member said good-bye does not bring it back; joining does.
        if !matches!(entry.state.presence, Presence::Left { .. }) {
            self.present(index, now);
        }
        let entry = &self.entries[index];
        let teller = Teller {
            id: entry.state.id,
            role: entry.state.role,
            stripe: entry.state.stripe,
        };
        Ok((teller, entry.intake.clone()))
    }

    /// Takes nothing more from a member, which sent what could not be read. It has left, whatever it says.
    pub(super) fn put_out(&mut self, id: MemberId, now: Duration, what: &str) {
        let index = id.0 as usize;
        let Some(entry) = self.entries.get_mut(index) else {
            return;
        };
        let reason = bounded::line(&format!("it sent what could not be read: {what}"));
        entry.out = Some(reason.clone());
        entry.state.presence = Presence::Left {
            at: now,
            reason: reason.clone(),
        };
        self.event(index, now, EventKind::Left { reason });
    }

    fn present(&mut self, index: usize, now: Duration) {
        let entry = &mut self.entries[index];
        entry.last_heard = entry.last_heard.max(now);
        if std::mem::replace(&mut entry.state.presence, Presence::Present) != Presence::Present {
            self.event(index, now, EventKind::Returned);
        }
    }

    /// Notes what a member says of itself; `all`: it holds back nothing that it observed before. Returns its order, and
    /// whether something happened that others wait for.
    pub(super) fn told(
        &mut self,
        id: MemberId,
        now: Duration,
        mut status: wire::Status,
        all: bool,
        leaving: Option<String>,
    ) -> (wire::Order, bool) {
        let index = id.0 as usize;
        let Some(entry) = self.entries.get_mut(index) else {
            return (self.orders.of(None), false);
        };
        bounded::status(&mut status);
        status.done &= all;
        let before = &entry.state.status;
        let same_iteration = before.iteration == status.iteration;
        let got_ready = status.ready && !(before.ready && same_iteration);
        self.news |= before.ready != status.ready || before.done != status.done || !same_iteration;
        entry.usage.note(now, &status);
        entry.state.status = status;
        if all {
            entry.state.heard_at = entry.last_heard;
        }
        let stripe = entry.state.stripe;
        if got_ready {
            self.event(index, now, EventKind::Ready);
        }
        if let Some(reason) = leaving.filter(|_| all)
            && !matches!(self.entries[index].state.presence, Presence::Left { .. })
        {
            self.entries[index].state.presence = Presence::Left {
                at: now,
                reason: reason.clone(),
            };
            self.event(index, now, EventKind::Left { reason });
        }
        (self.orders.of(stripe), std::mem::take(&mut self.news))
    }

    /// Marks who was not heard for too long.
    pub(super) fn watch(&mut self, now: Duration) {
        for index in 0..self.entries.len() {
            let entry = &mut self.entries[index];
            let since = entry.last_heard;
            let quiet = now.saturating_sub(since);
            if entry.state.presence == Presence::Present && quiet >= SILENT_AFTER {
                entry.state.presence = Presence::Silent { since };
                self.event(index, since + SILENT_AFTER, EventKind::Silent);
            }
            let entry = &mut self.entries[index];
            if matches!(entry.state.presence, Presence::Silent { .. }) && quiet >= LOST_AFTER {
                entry.state.presence = Presence::Lost { since };
                self.event(index, since + LOST_AFTER, EventKind::Lost);
            }
        }
    }

    /// Whether something happened since this was last asked that others wait for.
    pub(super) fn news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    pub(super) fn command(&mut self, command: Command) {
        self.orders.command(command);
    }

    pub(super) fn refused(&mut self, at: Duration, member: Option<MemberId>, name: String, reason: &str) -> bool {
        self.events.refused(at, member, name, reason)
    }

    pub(super) fn take_events(&mut self) -> Vec<FleetEvent> {
        self.events.take()
    }

    pub(super) fn omitted_events(&self) -> u64 {
        self.events.omitted()
    }

    pub(super) fn roll(&self) -> Vec<(MemberState, Arc<Mutex<Intake>>)> {
        self.entries
            .iter()
            .map(|entry| {
                let state = MemberState {
                    usage: entry.usage.samples(),
                    ..entry.state.clone()
                };
                (state, entry.intake.clone())
            })
            .collect()
    }

    fn event(&mut self, index: usize, at: Duration, kind: EventKind) {
        self.news = true;
        let state = &self.entries[index].state;
        self.events.push(at, state.id, &state.name, kind);
    }
}
