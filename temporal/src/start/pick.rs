//! Load balancing, which connection takes the next start: the better of two picked at random, which keeps them level
//! without looking at all of them (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).
//!
//! Starts that are sent at the same instant go out on the same connection: one write to the system carries them all, and
//! their answers come in one read. At 20,000 starts a second that is a fifth of the CPU time of a start.

use std::rc::Rc;

use super::connection::Open;

/// Unanswered starts from which on a connection takes no more of the same instant: the plan has as many connections as
/// this many on each come to. Servers and balancers allow 100 to 128.
const FULL: usize = 80;

/// Starts after which a group looks for another connection all the same, when the one that it has is full.
const GROUP: usize = 16;

type Load = (bool, usize, u64);

/// What can take starts.
pub(super) trait Candidate {
    /// Whether it can take one now.
    fn has_room(&self) -> bool;
    /// The smaller, the better: whether it fails again and again, how much is unanswered on it, and how much it has taken.
    fn load(&self) -> Load;
}

impl Candidate for Rc<Open> {
    fn has_room(&self) -> bool {
        Open::has_room(self)
    }

    fn load(&self) -> Load {
        (self.is_failing(), self.in_flight(), self.taken())
    }
}

/// Picks connections.
#[derive(Debug, Default)]
pub(super) struct Picker {
    random: u64,
    group: Option<usize>,
    /// Starts of the group so far.
    grouped: usize,
}

impl Picker {
    /// The connection for a start: that of the one before, until [`Picker::end_group`]. `None` when none has room.
    pub(super) fn pick<C: Candidate>(&mut self, candidates: &[C]) -> Option<usize> {
        let same = self.group.filter(|index| {
            let (failing, in_flight, _) = candidates[*index].load();
            candidates[*index].has_room() && !failing && (in_flight < FULL || self.grouped < GROUP)
        });
        self.grouped = if same.is_some() { self.grouped + 1 } else { 1 };
        self.group = same.or_else(|| self.of_two(candidates)).or_else(|| of_all(candidates));
        self.group
    }

    /// The next start is of another instant.
    pub(super) fn end_group(&mut self) {
        self.group = None;
    }

    fn of_two<C: Candidate>(&mut self, candidates: &[C]) -> Option<usize> {
        self.random = mix(self.random);
        let count = candidates.len() as u64;
        let (first, second) = ((self.random % count) as usize, ((self.random >> 32) % count) as usize);
        let usable = |index: &usize| candidates[*index].has_room();
        [first, second]
            .into_iter()
            .filter(usable)
            .min_by_key(|index| candidates[*index].load())
    }
}

fn of_all<C: Candidate>(candidates: &[C]) -> Option<usize> {
    (0..candidates.len())
        .filter(|index| candidates[*index].has_room())
        .min_by_key(|index| candidates[*index].load())
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, Default)]
    struct Fake {
        standing: bool,
        failing: bool,
        in_flight: usize,
        taken: usize,
    }

    impl Candidate for Fake {
        fn has_room(&self) -> bool {
            self.standing
        }

        fn load(&self) -> Load {
            (self.failing, self.in_flight, self.taken as u64)
        }
    }

    fn standing(count: usize) -> Vec<Fake> {
        vec![
            Fake {
                standing: true,
                ..Fake::default()
            };
            count
        ]
    }

    /// Sends starts of different instants; `keep` says whether a start stays unanswered on a connection.
    fn send(candidates: &mut [Fake], starts: usize, keep: impl Fn(usize) -> bool) {
        let mut picker = Picker::default();
        for _ in 0..starts {
            let index = picker.pick(candidates).unwrap();
            candidates[index].taken += 1;
            candidates[index].in_flight += usize::from(keep(index));
            picker.end_group();
        }
    }

    #[test]
    fn what_is_drawn_is_splitmix64() {
        // The generator adds to its state before it mixes: these are its first numbers from 0 and from 1.
        assert_eq!([mix(0), mix(1)], [0xe220_a839_7b1d_cdaf, 0x910a_2dec_8902_5cc1]);
    }

    #[test]
    fn connections_stay_level() {
        let mut four = standing(4);
        send(&mut four, 40_000, |_| true);
        assert!(four.iter().all(|one| one.taken.abs_diff(10_000) < 10), "{four:?}");
    }

    #[test]
    fn those_that_answer_at_once_take_the_same_number() {
        let mut three = standing(3);
        send(&mut three, 3_000, |_| false);
        assert!(three.iter().all(|one| one.taken.abs_diff(1_000) < 10), "{three:?}");
    }

    #[test]
    fn one_that_fails_fast_attracts_nothing_while_others_stand() {
        let mut four = standing(4);
        four[0].failing = true;
        // The others have starts unanswered, the failing one has none.
        send(&mut four, 40_000, |index| index != 0);
        // Taken only where it was picked twice: a sixteenth, so that it is seen when it is well again.
        assert!(four[0].taken < 3_000, "{four:?}");
        assert!(four[0].taken > 2_000, "{four:?}");
        let mut all = standing(2);
        all.iter_mut().for_each(|one| one.failing = true);
        send(&mut all, 1_000, |_| true);
        assert!(all[0].taken > 400 && all[1].taken > 400, "{all:?}");
    }

    #[test]
    fn one_that_takes_nothing_is_never_picked() {
        let mut four = standing(4);
        four[1].standing = false;
        four[2].standing = false;
        send(&mut four, 1_000, |_| true);
        assert_eq!(four[1].taken + four[2].taken, 0);
        four.iter_mut().for_each(|one| one.standing = false);
        assert_eq!(Picker::default().pick(&four), None);
        four[3].standing = true;
        for _ in 0..100 {
            assert_eq!(Picker::default().pick(&four), Some(3));
        }
    }

    #[test]
    fn starts_of_one_instant_stay_together_until_a_connection_is_full() {
        let mut two = standing(2);
        let mut picker = Picker::default();
        let first = picker.pick(&two).unwrap();
        for _ in 0..FULL {
            assert_eq!(picker.pick(&two), Some(first));
            two[first].in_flight += 1;
        }
        // Where both are full starts still leave some together.
        let mut full = two.clone();
        full.iter_mut().for_each(|one| one.in_flight = 2 * FULL);
        picker.end_group();
        let group = picker.pick(&full);
        assert!((1..GROUP).all(|_| picker.pick(&full) == group));
        // And then may find the other one, which has less, whatever is drawn.
        let found = (0..64).filter(|random| {
            let mut picker = Picker {
                random: *random,
                group: Some(first),
                grouped: 1,
            };
            assert!((1..GROUP).all(|_| picker.pick(&two) == Some(first)), "{random}");
            picker.pick(&two) == Some(1 - first)
        });
        assert!(found.count() > 32);
        picker.end_group();
        two[first].in_flight = 0;
        two[1 - first].standing = false;
        assert_eq!(
            picker.pick(&two),
            Some(first),
            "one that has no room any more ends the group"
        );
    }
}
