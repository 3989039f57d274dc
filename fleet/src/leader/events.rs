//! What happened, until it is taken; a stranger who knocks all the time is told of once a minute.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use super::{EventKind, FleetEvent, MemberId};
use crate::limits::EVENTS;

/// How long the same refusal is not told again.
const AGAIN: Duration = Duration::from_secs(60);
/// Refusals that are remembered; with more, all are forgotten and may be told again.
const REMEMBERED: usize = 256;
/// Refusals that wait to be taken; of more, none is told.
const REFUSALS: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Events {
    waiting: VecDeque<FleetEvent>,
    refusals: usize,
    told: HashMap<(String, String), Duration>,
}

impl Events {
    pub(super) fn push(&mut self, at: Duration, member: MemberId, name: &str, kind: EventKind) {
        if self.waiting.len() >= EVENTS {
            self.waiting.pop_front();
        }
        self.waiting.push_back(FleetEvent {
            at,
            member: Some(member),
            name: name.to_owned(),
            kind,
        });
    }

    /// Whether the refusal is news.
    pub(super) fn refused(&mut self, at: Duration, member: Option<MemberId>, name: String, reason: &str) -> bool {
        let same = (name.clone(), reason.to_owned());
        let before = self.told.get(&same);
        if before.is_some_and(|before| at < before.saturating_add(AGAIN)) || self.refusals >= REFUSALS {
            return false;
        }
        if self.told.len() >= REMEMBERED {
            self.told.clear();
        }
        self.told.insert(same, at);
        self.refusals += 1;
        self.waiting.push_back(FleetEvent {
            at,
            member,
            name,
            kind: EventKind::Refused {
                reason: reason.to_owned(),
            },
        });
        true
    }

    pub(super) fn take(&mut self) -> Vec<FleetEvent> {
        self.refusals = 0;
        self.waiting.drain(..).collect()
    }
}
