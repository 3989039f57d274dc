//! Long polls of the sample: who of it is followed how, until each one's end is learnt or the run is over: a state
//! machine without clock and server.
//!
//! A long poll sees an end at once, but only so many may be open, and room comes back when a workflow ends: to leave out
//! whoever finds none would leave out the slow ones, which is when there is none. So nobody is left out. Who finds no room,
//! or whose poll failed, is asked for later, at ages that double, and the server's own times say when it ended; one call
//! costs no more than the poll would have.

use std::collections::{BTreeMap, BTreeSet};

const SECOND: u64 = 1_000_000_000;

/// Workflows that are followed at one time, about 100 bytes each. More are not followed, and count as missing.
const FOLLOWED: usize = 1 << 17;

/// Questions under way at the same time: they are not measured, and must not weigh on a server that recovers.
const QUESTIONS: usize = 16;

/// The shortest time until somebody is asked for again.
const SOONEST: u64 = SECOND;

/// The longest while starts go on.
const LATEST: u64 = 60 * SECOND;

/// The longest when no start follows any more: the run waits for these ends.
const LATEST_IN_DRAIN: u64 = 2 * SECOND;

/// A workflow of the sample that the server took. Offsets from the beginning of the window, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// The arrival's number.
    pub n: u64,
    /// When its start was sent.
    pub sent: u64,
    /// When it was answered.
    pub answered: u64,
}

/// What a question came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollAnswer {
    /// It had ended, at this offset.
    Ended(u64),
    /// It had not.
    Open,
    /// Nobody can know any more: the server has forgotten it.
    Forgotten,
    /// It could not be asked.
    Failed,
}

/// What an answer taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learnt {
    /// Nothing, or nothing new.
    Nothing,
    /// The end.
    End,
    /// That it is open, and nobody asks again.
    Open,
}

/// What is done about a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollDecision {
    /// Long-poll it now.
    Poll,
    /// Nothing yet: [`Following::question`] comes to it.
    Wait,
}

/// The workflows that are followed.
#[derive(Debug)]
pub struct Following {
    room: u64,
    questions: usize,
    live: BTreeMap<u64, Sampled>,
    /// When whom to ask.
    queue: BTreeSet<(u64, u64)>,
    /// How long the last one took whose end was learnt: the next one is not asked for much sooner.
    usual: u64,
    latest: u64,
    last_round: bool,
}

impl Following {
    /// Nobody yet; this many long polls may be open.
    pub fn new(room: u64) -> Self {
        Following {
            room,
            questions: 0,
            live: BTreeMap::new(),
            queue: BTreeSet::new(),
            usual: 0,
            latest: LATEST,
            last_round: false,
        }
    }

    /// A workflow of the sample was started.
    pub fn started(&mut self, start: Sampled) -> PollDecision {
        if self.live.len() >= FOLLOWED {
            return PollDecision::Wait;
        }
        self.live.insert(start.n, start);
        if self.room > 0 {
            self.room -= 1;
            return PollDecision::Poll;
        }
        let age = (self.usual + self.usual / 4).clamp(SOONEST, self.latest);
        self.queue.insert((start.sent + age, start.n));
        PollDecision::Wait
    }

    /// A long poll is over: with the end at this offset, or it failed. True when that is news.
    pub fn polled(&mut self, start: Sampled, ended: Option<u64>, now: u64) -> bool {
        self.room += 1;
        match ended {
            Some(ended) => self.learnt(start, ended),
            None => {
                self.defer(start, now);
                false
            }
        }
    }

    /// The next one to ask for; the caller asks now and brings the answer.
    pub fn question(&mut self, now: u64) -> Option<Sampled> {
        while self.questions < QUESTIONS {
            let (at, n) = *self.queue.first()?;
            if at > now {
                return None;
            }
            self.queue.pop_first();
            // Its poll may have told meanwhile.
            if let Some(start) = self.live.get(&n) {
                self.questions += 1;
                return Some(*start);
            }
        }
        None
    }

    /// When [`Following::question`] has something to ask next, unless an answer comes first.
    pub fn next_question(&self) -> Option<u64> {
        let free = self.questions < QUESTIONS;
        self.queue.first().filter(|_| free).map(|(at, _)| *at)
    }

    /// A question was answered.
    pub fn answered(&mut self, start: Sampled, answer: PollAnswer, now: u64) -> Learnt {
        self.questions -= 1;
        match answer {
            PollAnswer::Ended(ended) if self.learnt(start, ended) => return Learnt::End,
            PollAnswer::Ended(_) => {}
            PollAnswer::Open if self.last_round => {
                if self.live.remove(&start.n).is_some() {
                    return Learnt::Open;
                }
            }
            PollAnswer::Open | PollAnswer::Failed => self.defer(start, now),
            // Its end stays unknown.
            PollAnswer::Forgotten => drop(self.live.remove(&start.n)),
        }
        Learnt::Nothing
    }

    /// No start follows any more.
    pub fn drain(&mut self, now: u64) {
        self.latest = LATEST_IN_DRAIN;
        let late: Vec<_> = self.queue.split_off(&(now + self.latest, 0)).into_iter().collect();
        self.queue.extend(late.into_iter().map(|(_, n)| (now + self.latest, n)));
    }

    /// Everybody whose end is not known is asked for once more, those with an open poll, too: what is open then is open.
    pub fn last_round(&mut self) {
        self.last_round = true;
        self.latest = SOONEST;
        let live: Vec<_> = self.live.keys().map(|n| (0, *n)).collect();
        self.queue = live.into_iter().collect();
    }

    /// Whether nobody is followed any more.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    fn learnt(&mut self, start: Sampled, ended: u64) -> bool {
        self.usual = ended.saturating_sub(start.sent);
        self.live.remove(&start.n).is_some()
    }

    fn defer(&mut self, start: Sampled, now: u64) {
        if self.live.contains_key(&start.n) {
            let pause = now.saturating_sub(start.sent).clamp(SOONEST, self.latest);
            self.queue.insert((now + pause, start.n));
        }
    }
}

#[cfg(test)]
mod tests;
