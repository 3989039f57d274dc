//! Unacknowledged windows, in the order of their numbers.

use std::collections::VecDeque;

use prost::Message;

use super::offset::ToldClock;
use crate::{
    limits::{EXCHANGE_BYTES, EXCHANGE_WINDOWS, WINDOW_BYTES},
    wire,
};

/// Far above the number of any window.
const HIGHEST: u64 = u64::MAX / 2;

#[derive(Debug)]
struct Kept {
    window: wire::Window,
    /// On the wire.
    bytes: usize,
    /// In memory.
    memory: usize,
}

/// Windows, bounded by what they take in memory.
#[derive(Debug)]
pub(crate) struct Held {
    windows: VecDeque<Kept>,
    memory: usize,
    limit: usize,
    /// The number of the next window.
    next: u64,
    /// Windows that were given up.
    dropped: u64,
    /// What is known of the leader's clock, told with each window.
    clock: ToldClock,
}

impl Held {
    pub(crate) fn new(limit: usize) -> Held {
        Held {
            windows: VecDeque::new(),
            memory: 0,
            limit,
            next: 1,
            dropped: 0,
            clock: ToldClock::default(),
        }
    }

    /// The clock that windows are told on from now on.
    pub(crate) fn tell(&mut self, clock: ToldClock) {
        self.clock = clock;
    }

    /// Keeps a window, or drops it for want of room. A dropped window never gets a number: those that are kept have no
    /// gaps, whatever was sent of them.
    pub(crate) fn push(&mut self, run: String, body: wire::window::Body) {
        let window = wire::Window {
            sequence: self.next,
            run,
            body: Some(body),
            clock_offset_ns: self.clock.estimate.offset_ns,
            clock_used_ns: self.clock.used_ns,
            clock_uncertainty_ns: self.clock.estimate.uncertainty_ns,
            clock_step_ns: self.clock.step_ns,
        };
        // Of several windows that are told at once the first one tells of the step.
        self.clock.step_ns = 0;
        let (bytes, memory) = (window.encoded_len(), memory(&window));
        if bytes > WINDOW_BYTES || self.memory.saturating_add(memory) > self.limit {
            self.dropped += 1;
            return;
        }
        self.next += 1;
        self.memory += memory;
        self.windows.push_back(Kept { window, bytes, memory });
    }

    /// The oldest windows, as many as one exchange carries, and whether that is all.
    pub(crate) fn batch(&self) -> (Vec<wire::Window>, bool) {
        let mut room = EXCHANGE_BYTES;
        let mut batch = Vec::new();
        for kept in self.windows.iter().take(EXCHANGE_WINDOWS) {
            if kept.bytes > room && !batch.is_empty() {
                break;
            }
            room = room.saturating_sub(kept.bytes);
            batch.push(kept.window.clone());
        }
        let all = batch.len() == self.windows.len();
        (batch, all)
    }

    /// Forgets what the leader has. Returns whether that is more than it had before.
    pub(crate) fn ack(&mut self, acked: u64) -> bool {
        let before = self.windows.len();
        while let Some(kept) = self.windows.front()
            && kept.window.sequence <= acked
        {
            self.memory -= kept.memory;
            self.windows.pop_front();
        }
        self.windows.len() < before
    }

    /// Goes on where the leader stands after joining again: what it has is forgotten, the rest is numbered from there.
    /// What it had and has no more is gone, and counts as dropped.
    pub(crate) fn resume(&mut self, acked: u64) {
        // A leader that claims to have what nobody sent is not to bring the numbers to their end.
        let acked = acked.min(HIGHEST);
        self.ack(acked);
        let before = self.next.saturating_sub(self.windows.len() as u64 + 1);
        self.dropped += before.saturating_sub(acked);
        self.next = acked + 1;
        for kept in &mut self.windows {
            kept.window.sequence = self.next;
            self.next += 1;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.windows.len()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// About what a window takes in memory.
fn memory(window: &wire::Window) -> usize {
    let content = match &window.body {
        Some(wire::window::Body::Ends(ends)) => {
            let numbers = ends.n.len() + ends.ended_unix_ns.len() + ends.service_ns.len();
            let others: usize = ends.others.iter().map(|end| size_of_val(end) + end.message.len()).sum();
            numbers * size_of::<i64>() + others
        }
        // Mostly bytes of histograms; the numbers beside them take a few times more than on the wire.
        Some(wire::window::Body::Starts(starts)) => starts.encoded_len() * 4,
        None => 0,
    };
    size_of::<Kept>() + window.run.len() + content
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(ends: usize) -> wire::window::Body {
        wire::window::Body::Ends(wire::Ends {
            n: vec![1; ends],
            ended_unix_ns: vec![i64::MAX; ends],
            service_ns: vec![i64::MAX; ends],
            others: Vec::new(),
        })
    }

    fn numbers(held: &Held) -> Vec<u64> {
        held.batch().0.iter().map(|window| window.sequence).collect()
    }

    #[test]
    fn what_has_no_room_is_dropped_and_leaves_no_gap() {
        let one = memory(&wire::Window {
            body: Some(body(100)),
            ..Default::default()
        });
        let mut held = Held::new(2 * one);
        for _ in 0..4 {
            held.push(String::new(), body(100));
        }
        assert_eq!((numbers(&held), held.dropped()), (vec![1, 2], 2));
        held.ack(1);
        held.push(String::new(), body(100));
        assert_eq!((numbers(&held), held.dropped()), (vec![2, 3], 2));
        held.ack(9);
        assert_eq!((held.len(), held.memory), (0, 0));
    }

    #[test]
    fn an_exchange_carries_a_bounded_number_of_bytes_and_of_windows() {
        let mut held = Held::new(usize::MAX);
        for _ in 0..3 {
            held.push(String::new(), body(EXCHANGE_BYTES / 30));
        }
        assert_eq!(held.batch().0.len(), 1);
        assert!(!held.batch().1);
        let mut held = Held::new(usize::MAX);
        for _ in 0..=EXCHANGE_WINDOWS {
            held.push(String::new(), body(0));
        }
        assert_eq!(held.batch().0.len(), EXCHANGE_WINDOWS);
        held.ack(1);
        assert!(held.batch().1);
        let mut held = Held::new(usize::MAX);
        held.push(String::new(), body(WINDOW_BYTES / 20));
        assert_eq!(held.dropped(), 1);
    }

    #[test]
    fn after_joining_again_the_numbers_go_on_where_the_leader_stands() {
        let mut held = Held::new(usize::MAX);
        for _ in 0..5 {
            held.push(String::new(), body(1));
        }
        held.ack(2);
        held.resume(3);
        assert_eq!((numbers(&held), held.dropped()), (vec![4, 5], 0));
        held.resume(0);
        assert_eq!(held.dropped(), 3);
        assert_eq!(numbers(&held), [1, 2]);
        held.push(String::new(), body(1));
        assert_eq!(numbers(&held), [1, 2, 3]);
        held.resume(u64::MAX);
        held.push(String::new(), body(1));
        assert_eq!(numbers(&held), [HIGHEST + 1]);
    }
}
