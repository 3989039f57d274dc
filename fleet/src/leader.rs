//! The leader: who is in the run, what they are told, and what they tell, exactly once.
//!
//! One short lock guards the roster and one lock for each member its windows, so that members do not wait for each other
//! while windows are merged, and the windows of one are taken in order. Nothing here waits or measures time by itself:
//! the clock is read when somebody calls.

mod admission;
mod events;
mod orders;
pub(crate) mod refusal;
mod roster;
mod types;
mod usage;

use std::{fmt, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

pub use refusal::{Refusal, RefusalKind};
use roster::{Intake, Roster};
pub use types::{
    Command, EventKind, FleetEvent, LeaderOptions, MemberId, MemberState, PeerAddress, Presence, Rejected, Role,
    Teller, UsageSample, WindowSink,
};

use crate::{
    limits::{EXCHANGE_WINDOWS, KEY_BYTES},
    text, wire,
};

/// A handle on the leader of a run; clones are the same leader. Safe to use from any thread, without a runtime.
#[derive(Clone)]
pub struct Leader {
    shared: Arc<Shared>,
}

struct Shared {
    options: LeaderOptions,
    sink: Arc<dyn WindowSink>,
    roster: Mutex<Roster>,
    changed: watch::Sender<u64>,
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader")
            .field("run_id", &self.shared.options.run_id)
            .finish_non_exhaustive()
    }
}

impl Leader {
    /// A leader that nobody has joined; the order is [`Command::Wait`].
    pub fn new(options: LeaderOptions, sink: Arc<dyn WindowSink>) -> Leader {
        let roster = Roster::new(options.generators);
        Leader {
            shared: Arc::new(Shared {
                options,
                sink,
                roster: Mutex::new(roster),
                changed: watch::Sender::new(0),
            }),
        }
    }

    /// Takes a process in. A second join with the same key is the same member.
    ///
    /// # Errors
    /// When it is malformed, or of another protocol, version or plan, or there is no place for it, or the run is over. All
    /// but the last are events, too.
    pub fn join(&self, request: wire::JoinRequest, from: PeerAddress) -> Result<wire::JoinResponse, Refusal> {
        let shared = &*self.shared;
        let who = match &from {
            PeerAddress::InProcess => text::shown(&request.name),
            PeerAddress::Remote(address) => format!("{} ({address})", text::shown(&request.name)),
        };
        let admitted = admission::admit(request, &shared.options);
        let now = shared.options.clock.now();
        let joined = admitted.and_then(|candidate| self.roster().join(candidate, from == PeerAddress::InProcess, now));
        self.bump();
        match joined {
            Ok(intake) => Ok(wire::JoinResponse {
                run_id: shared.options.run_id.clone(),
                plan_json: shared.options.plan_json.clone(),
                plan_hash: shared.options.plan_hash.clone(),
                server_address: shared.options.server_address.clone(),
                acked: intake.lock().acked,
                now_unix_ns: shared.options.clock.unix_ns(),
            }),
            Err(refusal) => {
                if refusal.kind != RefusalKind::Over {
                    self.roster().refused(now, None, who, &refusal.reason);
                }
                Err(refusal)
            }
        }
    }

    /// Takes a member's windows and status, and tells what it has to do.
    ///
    /// # Errors
    /// When the caller has not joined ([`RefusalKind::Unknown`]), when a window is malformed or one is missing before
    /// it, or when its place was given to another. Windows before the malformed one are taken, and nothing ever after it.
    pub fn exchange(&self, request: wire::ExchangeRequest) -> Result<wire::ExchangeResponse, Refusal> {
        let shared = &*self.shared;
        let key = admission::key(&request.key)?;
        let (teller, intake) = self
            .roster()
            .heard(&key, request.number, shared.options.clock.now())
            .map_err(|refusal| self.signed(refusal))?;
        let last = request.windows.last().map_or(0, |window| window.sequence);
        let acked = match self.take(teller, &intake, request.windows) {
            Ok(acked) => acked,
            Err(reason) => {
                let now = shared.options.clock.now();
                self.roster().put_out(teller.id, now, &reason);
                self.bump();
                return Err(Refusal::malformed(reason));
            }
        };
        let all = acked >= last && !request.more;
        let leaving = request.leaving.then(|| text::shown(&request.reason));
        let status = request.status.unwrap_or_default();
        let now = shared.options.clock.now();
        let (order, changed) = self.roster().told(teller.id, now, status, all, leaving);
        if changed {
            self.bump();
        }
        Ok(wire::ExchangeResponse {
            acked,
            now_unix_ns: shared.options.clock.unix_ns(),
            order: Some(order),
        })
    }

    /// Whether something may be taken from the member with this key. Asked before its message is read.
    ///
    /// # Errors
    /// As [`Leader::exchange`] for a caller that has not joined, or from which nothing more is taken.
    pub(crate) fn knows(&self, key: &[u8; KEY_BYTES]) -> Result<(), Refusal> {
        let known = self.roster().known(key);
        known.map(|_| ()).map_err(|refusal| self.signed(refusal))
    }

    /// A refusal with the run that it is of.
    fn signed(&self, refusal: Refusal) -> Refusal {
        Refusal {
            run_id: Some(self.shared.options.run_id.clone()),
            ..refusal
        }
    }

    /// Hands windows to the sink that were not taken before. Returns the last sequence number that was taken, which is
    /// that of an earlier window when there is no room; or what is wrong with one of them.
    fn take(&self, from: Teller, intake: &Mutex<Intake>, windows: Vec<wire::Window>) -> Result<u64, String> {
        if windows.len() > EXCHANGE_WINDOWS {
            return Err(format!(
                "{} windows in one exchange; at most {EXCHANGE_WINDOWS} are taken",
                windows.len()
            ));
        }
        // Held while windows are merged: another exchange of the same member waits, and finds them taken.
        let mut intake = intake.lock();
        for window in windows {
            let sequence = window.sequence;
            if sequence == 0 {
                return Err("a window has no sequence number".to_owned());
            }
            if sequence <= intake.acked {
                intake.resent += 1;
                continue;
            }
            if sequence != intake.acked + 1 {
                return Err(format!(
                    "window {sequence} comes after window {}: those between are missing",
                    intake.acked
                ));
            }
            let taken = fits(from.role, &window).and_then(|()| self.shared.sink.take(from, window));
            match taken {
                Ok(()) => intake.acked = sequence,
                Err(Rejected::Full) => break,
                Err(Rejected::Malformed(reason)) => {
                    return Err(format!("window {sequence} is malformed: {}", text::shown(&reason)));
                }
            }
        }
        Ok(intake.acked)
    }

    /// What all members have to do from now on; they are told at their next exchange.
    pub fn command(&self, command: Command) {
        self.roster().command(command);
        self.bump();
    }

    /// Everything that is known of every member, in the order of joining.
    pub fn roll(&self) -> Vec<MemberState> {
        let now = self.shared.options.clock.now();
        let mut roster = self.roster();
        roster.watch(now);
        let (roll, news) = (roster.roll(), roster.news());
        drop(roster);
        if news {
            self.bump();
        }
        // A member's intake may be locked while its windows are merged, which nobody else should wait for.
        roll.into_iter()
            .map(|(mut state, intake)| {
                let intake = intake.lock();
                (state.windows, state.resent) = (intake.acked, intake.resent);
                state
            })
            .collect()
    }

    /// What happened since this was last called, in order.
    pub fn take_events(&self) -> Vec<FleetEvent> {
        let now = self.shared.options.clock.now();
        let mut roster = self.roster();
        roster.watch(now);
        let (events, news) = (roster.take_events(), roster.news());
        drop(roster);
        if news {
            self.bump();
        }
        events
    }

    /// How many events of the run are not told, because there were too many.
    pub fn omitted_events(&self) -> u64 {
        self.roster().omitted_events()
    }

    /// Changes whenever somebody joins, is refused, gets ready or done, returns, leaves, or is found silent or lost, and
    /// with each command. A member is found silent or lost when [`Leader::roll`] or [`Leader::take_events`] is called.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Notes somebody who was not let in before a message was read.
    pub(crate) fn stranger(&self, who: String, reason: &str) {
        let now = self.shared.options.clock.now();
        if self.roster().refused(now, None, who, reason) {
            self.bump();
        }
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.shared.roster.lock()
    }

    fn bump(&self) {
        self.shared.changed.send_modify(|count| *count += 1);
    }
}

/// Whether a window tells of what its sender does.
fn fits(role: Role, window: &wire::Window) -> Result<(), Rejected> {
    let what = match (role, &window.body) {
        (Role::Worker, Some(wire::window::Body::Ends(_))) | (Role::Generator, Some(wire::window::Body::Starts(_))) => {
            return Ok(());
        }
        (_, Some(wire::window::Body::Ends(_))) => "ends of workflows",
        (_, Some(wire::window::Body::Starts(_))) => "starts",
        (_, None) => "nothing",
    };
    Err(Rejected::Malformed(format!("a {role} tells of {what}")))
}

#[cfg(test)]
mod tests;
