//! Events of the fleet until they are taken; unauthenticated attempts are told of once a minute, and a run has a
//! bounded number of events, whatever its members and strangers do.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use super::{EventKind, FleetEvent, MemberId};
use crate::limits::{EVENTS, REFUSALS};

/// How long the same refusal is not told again.
const AGAIN: Duration = Duration::from_secs(60);
/// Refusals that are remembered; with more, all are forgotten and may be told again.
const REMEMBERED: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Events {
    waiting: VecDeque<FleetEvent>,
    /// Events of the run so far, and how many of them are refusals.
    told: usize,
    refusals: usize,
    /// Those that found no room.
    omitted: u64,
    remembered: HashMap<(String, String), Duration>,
}

impl Events {
    pub(super) fn push(&mut self, at: Duration, member: MemberId, name: &str, kind: EventKind) {
        self.add(FleetEvent {
            at,
            member: Some(member),
            name: name.to_owned(),
            kind,
        });
    }

    /// Whether the refusal is news.
    pub(super) fn refused(&mut self, at: Duration, member: Option<MemberId>, name: String, reason: &str) -> bool {
        let same = (name.clone(), reason.to_owned());
        let before = self.remembered.get(&same);
        if before.is_some_and(|before| at < before.saturating_add(AGAIN)) {
            return false;
        }
        if self.refusals >= REFUSALS {
            self.omitted += 1;
            return false;
        }
        if self.remembered.len() >= REMEMBERED {
            self.remembered.clear();
        }
        self.remembered.insert(same, at);
        self.refusals += 1;
        self.add(FleetEvent {
            at,
            member,
            name,
            kind: EventKind::Refused {
                reason: reason.to_owned(),
            },
        })
    }

    fn add(&mut self, event: FleetEvent) -> bool {
        if self.told >= EVENTS {
            self.omitted += 1;
            return false;
        }
        self.told += 1;
        self.waiting.push_back(event);
        true
    }

    pub(super) fn take(&mut self) -> Vec<FleetEvent> {
        self.waiting.drain(..).collect()
    }

    /// How many were not told, because there were too many.
    pub(super) fn omitted(&self) -> u64 {
        self.omitted
    }
}
