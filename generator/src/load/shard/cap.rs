//! Waiting at the cap: which arrivals waited because the cap on unanswered starts held them back: noted while it
//! happens.
//!
//! Afterwards it cannot be told. A stall of the server that is over before the second is leaves no full cap at the second's
//! end, and with several shards one may be full while their sum is far from it. An arrival waited at the cap when the shard
//! looked, found it due, and had no place for it. One that was due while the shard did not look at all waited for the
//! shard's thread first, and that is the generator's doing, whatever the cap was.

/// Time between two looks up to which the shard counts as awake, nanoseconds: twice what its loop needs when nothing
/// comes.
const AWAKE: u64 = 100_000_000;

/// What was seen of the cap.
#[derive(Debug, Default)]
pub(super) struct Cap {
    looked: u64,
    full: bool,
    /// Arrivals that were due until then, and had not been sent, waited at the cap.
    until: Option<u64>,
    /// Arrivals that were due within this waited for the thread.
    asleep: Option<(u64, u64)>,
}

impl Cap {
    /// The shard looks. While it is awake a cap that was reached has been reached until now.
    pub(super) fn look(&mut self, now: u64) {
        if now.saturating_sub(self.looked) > AWAKE {
            self.asleep = Some((self.looked, now - AWAKE));
        } else if self.full {
            self.until = Some(now);
        }
        self.looked = now;
    }

    /// An arrival is due and finds no place.
    pub(super) fn reached(&mut self, now: u64) {
        self.full = true;
        self.until = Some(now);
    }

    /// An answer made a place.
    pub(super) fn has_place(&mut self) {
        self.full = false;
    }

    /// Whether an arrival that was due at an offset and is only now sent or given up waited at the cap.
    pub(super) fn held(&self, due: u64) -> bool {
        let asleep = self.asleep.is_some_and(|(from, to)| from < due && due < to);
        !asleep && self.until.is_some_and(|until| due <= until)
    }

    /// What was due until this offset and still waits at another waits at the cap; `None` when nothing does.
    pub(super) fn held_until(&self, at: u64) -> Option<u64> {
        self.until.map(|until| until.min(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: u64 = 1_000_000;

    #[test]
    fn what_is_due_while_the_cap_is_full_waited_at_it_and_what_comes_later_did_not() {
        let mut cap = Cap::default();
        assert!(!cap.held(0) && cap.held_until(MILLI).is_none());
        cap.look(10 * MILLI);
        cap.reached(10 * MILLI);
        assert!(cap.held(10 * MILLI) && !cap.held(10 * MILLI + 1));
        // A look extends it while it is full, and no longer.
        cap.look(60 * MILLI);
        assert!(cap.held(60 * MILLI) && !cap.held(60 * MILLI + 1));
        cap.has_place();
        cap.look(90 * MILLI);
        assert!(cap.held(60 * MILLI) && !cap.held(60 * MILLI + 1));
        assert_eq!(cap.held_until(50 * MILLI), Some(50 * MILLI));
        assert_eq!(cap.held_until(80 * MILLI), Some(60 * MILLI));
    }

    #[test]
    fn what_was_due_while_nobody_looked_waited_for_the_thread() {
        let mut cap = Cap::default();
        cap.look(50 * MILLI);
        cap.reached(50 * MILLI);
        // Exactly as long as the loop may sleep is awake.
        cap.look(150 * MILLI);
        assert!(cap.held(150 * MILLI));
        cap.look(650 * MILLI);
        assert!(cap.held(150 * MILLI), "it waited at the cap before");
        assert!(!cap.held(151 * MILLI), "nobody looked");
        cap.reached(650 * MILLI);
        assert!(!cap.held(151 * MILLI) && !cap.held(549 * MILLI));
        assert!(cap.held(550 * MILLI), "due within what an awake shard takes to look");
    }
}
