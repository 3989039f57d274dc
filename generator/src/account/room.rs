//! Backpressure on members: how much of what they told may wait for the account at one time.
//!
//! The account is written by one thread, and members could tell more than it writes down. What finds no room is not taken:
//! the member keeps it, in memory that it bounds itself, and tells it again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Bytes of messages that may wait. In memory they take some eight times as many.
const BYTES: usize = 16 * 1024 * 1024;

/// Room for messages on their way to the account; clones are the same room.
#[derive(Clone, Debug, Default)]
pub struct Room {
    taken: Arc<AtomicUsize>,
}

/// A part of the room, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl Room {
    /// A place for a message of so many bytes; `None` when there is none now. When nothing else waits there is one for any.
    pub fn place(&self, bytes: usize) -> Option<Place> {
        let enough = |taken: usize| {
            let after = taken.saturating_add(bytes);
            (taken == 0 || after <= BYTES).then_some(after)
        };
        let taken = self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, enough);
        taken.ok().map(|_| Place {
            taken: Arc::clone(&self.taken),
            bytes,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_waits_until_some_is_given_back() {
        let room = Room::default();
        let large = room.place(BYTES * 2).unwrap();
        assert!(room.clone().place(1).is_none());
        drop(large);
        let half = room.place(BYTES / 2).unwrap();
        let other = room.place(BYTES / 2).unwrap();
        assert!(room.place(1).is_none());
        drop(half);
        assert!(room.place(BYTES / 2 + 1).is_none());
        assert!(room.place(BYTES / 2).is_some());
        drop(other);
        assert!(room.place(BYTES).is_some());
    }
}
