//! Answers that are held back, by a delay or a stall, until they are due.

use std::{cmp::Ordering, collections::BinaryHeap};

use bytes::Bytes;
use h2::server::SendResponse;
use tokio::time::Instant;

use super::serve::{Reply, Shared};

/// The answers that wait, the earliest first.
#[derive(Default)]
pub(super) struct Held {
    answers: BinaryHeap<Answer>,
    pushed: u64,
}

struct Answer {
    due: Instant,
    /// Keeps the order of answers that are due at the same instant.
    number: u64,
    respond: SendResponse<Bytes>,
    reply: Reply,
}

impl Held {
    /// Holds one back until `due`. True when it is now the first, so that whoever waits must wait for less.
    pub(super) fn push(&mut self, due: Instant, respond: SendResponse<Bytes>, reply: Reply) -> bool {
        let first = self.next_due().is_none_or(|next| due < next);
        self.answers.push(Answer {
            due,
            number: self.pushed,
            respond,
            reply,
        });
        self.pushed += 1;
        first
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    fn next_due(&self) -> Option<Instant> {
        self.answers.peek().map(|answer| answer.due)
    }

    fn pop_due(&mut self, now: Instant) -> Option<Answer> {
        self.answers.peek().filter(|answer| answer.due <= now)?;
        self.answers.pop()
    }
}

/// Sends what is held when it is due, for ever.
pub(super) async fn release(shared: &Shared) {
    let mut due = Vec::new();
    loop {
        let next = {
            let mut state = shared.state();
            if state.stalled {
                None
            } else {
                let now = Instant::now();
                due.extend(std::iter::from_fn(|| state.held.pop_due(now)));
                shared.count_held(&state.held);
                state.held.next_due()
            }
        };
        for answer in due.drain(..) {
            shared.send(answer.respond, answer.reply);
        }
        match next {
            Some(next) => tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = shared.changed.notified() => {}
            },
            None => shared.changed.notified().await,
        }
    }
}

// The heap gives the greatest first, so the order is by what is due later.
impl Ord for Answer {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl PartialOrd for Answer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Answer {}
