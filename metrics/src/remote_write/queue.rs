//! Send queue: what waits to be sent, and when it is tried again. It reads no clock.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

/// Pages that are kept: one is made each second.
pub(crate) const KEPT: usize = 300;

/// First pause after a failure, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Longest first line of a refusal that is kept, characters.
const LINE: usize = 200;

/// What became of a page that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was taken.
    Taken,
    /// It was not, and may be later: after so long, when that was said. Why, in words.
    Later(Option<Duration>, String),
    /// It never will be. Why, in words.
    Refused(String),
}

/// What became of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Pages that were taken.
    pub taken: u64,
    /// Pages that were lost: refused, too old, or still waiting at the end.
    pub lost: u64,
    /// What went wrong first, in words.
    pub problem: Option<String>,
}

/// Pages in the order of time.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pages: VecDeque<Bytes>,
    written: Written,
    pause: Option<Duration>,
    not_before: Option<Instant>,
}

impl Queue {
    /// Adds a page; the oldest one goes when there are too many. The one that is under way is the oldest, and is told apart
    /// by `in_flight`.
    pub(crate) fn push(&mut self, page: Bytes, in_flight: bool) {
        self.pages.push_back(page);
        if self.pages.len() > KEPT {
            // What may have been taken already is not given up.
            self.pages.remove(usize::from(in_flight));
            self.lose(1, "the receiver did not follow for 5 minutes");
        }
    }

    /// The next page to send, and not before when.
    pub(crate) fn next(&self) -> Option<(Bytes, Option<Instant>)> {
        Some((self.pages.front()?.clone(), self.not_before))
    }

    /// What became of the page that [`Queue::next`] gave. Returns what is to be said, once.
    pub(crate) fn answered(&mut self, answer: Answer, now: Instant) -> Option<String> {
        let is_first = self.written.problem.is_none();
        match answer {
            Answer::Taken => {
                self.pages.pop_front();
                self.written.taken += 1;
                (self.pause, self.not_before) = (None, None);
                return None;
            }
            Answer::Later(after, why) => {
                let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
                self.pause = Some(pause);
                // Whoever says how long is believed, within what is kept.
                let wait = after.map_or(pause, |after| {
                    after.clamp(FIRST_PAUSE, Duration::from_secs(KEPT as u64))
                });
                self.not_before = Some(now + wait);
                self.written.problem.get_or_insert_with(|| cut(&why));
            }
            Answer::Refused(why) => {
                self.pages.pop_front();
                (self.pause, self.not_before) = (None, None);
                self.lose(1, &why);
            }
        }
        self.written.problem.clone().filter(|_| is_first)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The end: what still waits is lost.
    pub(crate) fn finish(mut self) -> Written {
        let left = self.pages.len() as u64;
        if left > 0 {
            self.lose(left, "the receiver did not take everything by the end");
        }
        self.written
    }

    fn lose(&mut self, pages: u64, why: &str) {
        self.written.lost += pages;
        self.written.problem.get_or_insert_with(|| cut(why));
    }
}

fn cut(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    first.chars().filter(|c| !c.is_control()).take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(n: u32) -> Bytes {
        Bytes::from(n.to_string())
    }

    fn later() -> Answer {
        Answer::Later(None, "answered 503".to_owned())
    }

    #[test]
    fn pages_leave_in_order_and_wait_longer_each_time() {
        let mut queue = Queue::default();
        let now = Instant::now();
        queue.push(page(1), false);
        queue.push(page(2), false);
        let mut pauses = Vec::new();
        for n in 0..10 {
            let said = queue.answered(later(), now);
            assert_eq!(said.is_some(), n == 0, "it is said once");
            let (next, at) = queue.next().unwrap();
            assert_eq!(next, page(1));
            pauses.push((at.unwrap() - now).as_millis());
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1920, 3840, 5000, 5000]);
        assert_eq!(queue.answered(Answer::Taken, now), None);
        assert_eq!(queue.next(), Some((page(2), None)), "at once");
        queue.answered(later(), now);
        assert_eq!(queue.next().unwrap().1, Some(now + FIRST_PAUSE), "from the beginning");
    }

    #[test]
    fn whoever_says_how_long_is_believed() {
        let mut queue = Queue::default();
        let now = Instant::now();
        queue.push(page(1), false);
        for (said, waited) in [(7_000, 7_000), (0, 30), (u64::MAX / 2, 300_000)] {
            queue.answered(Answer::Later(Some(Duration::from_millis(said)), "busy".to_owned()), now);
            assert_eq!(queue.next().unwrap().1, Some(now + Duration::from_millis(waited)));
        }
    }

    #[test]
    fn a_refusal_costs_one_page_and_is_said_once() {
        let mut queue = Queue::default();
        let now = Instant::now();
        (1..=3).for_each(|n| queue.push(page(n), false));
        let refused = || Answer::Refused("answered 400: out of order\nand more".to_owned());
        assert_eq!(
            queue.answered(refused(), now).as_deref(),
            Some("answered 400: out of order")
        );
        assert_eq!(queue.answered(refused(), now), None);
        assert_eq!(queue.next(), Some((page(3), None)));
        queue.answered(Answer::Taken, now);
        let written = queue.finish();
        assert_eq!((written.taken, written.lost), (1, 2));
    }

    #[test]
    fn the_oldest_go_but_not_the_one_under_way() {
        let mut queue = Queue::default();
        (0..KEPT as u32).for_each(|n| queue.push(page(n), true));
        queue.push(page(1_000), true);
        assert_eq!(queue.next().unwrap().0, page(0));
        queue.push(page(1_001), false);
        assert_eq!(queue.next().unwrap().0, page(2), "1 went before, 0 now");
        let written = queue.finish();
        assert_eq!(written.lost, 2 + KEPT as u64);
        assert!(written.problem.unwrap().contains("did not follow"));
    }

    proptest! {
        #[test]
        fn every_page_is_taken_or_lost(steps in prop::collection::vec(0_u8..4, 0..900)) {
            let mut queue = Queue::default();
            let now = Instant::now();
            let (mut pushed, mut last) = (0_u32, None);
            for step in steps {
                match step {
                    0 | 1 => {
                        pushed += 1;
                        queue.push(page(pushed), false);
                    }
                    _ if queue.is_empty() => {}
                    step => {
                        let (next, _) = queue.next().unwrap();
                        let next: u32 = std::str::from_utf8(&next).unwrap().parse().unwrap();
                        prop_assert!(last.is_none_or(|last| next > last), "in order");
                        last = Some(next);
                        let refused = Answer::Refused("no".to_owned());
                        queue.answered(if step == 2 { Answer::Taken } else { refused }, now);
                    }
                }
                prop_assert!(queue.pages.len() <= KEPT);
            }
            let written = queue.finish();
            prop_assert_eq!(written.taken + written.lost, u64::from(pushed));
        }
    }
}
