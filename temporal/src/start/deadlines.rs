//! The deadlines of all starts of a client: one queue and one timer.
//!
//! All starts have the same time to be answered in, so their deadlines pass in the order in which they were handed over.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// A start: its place, and which one of those that were in this place.
pub(super) type Ticket = (usize, u64);

#[derive(Debug)]
pub(super) struct Deadlines {
    timeout: Duration,
    queue: VecDeque<(Instant, Ticket)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadlines {
    pub(super) fn new(timeout: Duration) -> Self {
        Deadlines {
            timeout,
            queue: VecDeque::new(),
            timer: None,
        }
    }

    /// Takes in a start that is handed over now.
    pub(super) fn push(&mut self, ticket: Ticket) {
        self.queue.push_back((Instant::now() + self.timeout, ticket));
    }

    /// Forgets those at the front that are over by themselves.
    pub(super) fn forget(&mut self, is_over: impl Fn(Ticket) -> bool) {
        while self.queue.front().is_some_and(|(_, ticket)| is_over(*ticket)) {
            self.queue.pop_front();
        }
    }

    /// The next start whose time is up; it may be over by itself. Wakes when there is one.
    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<Ticket> {
        loop {
            let Some((first, ticket)) = self.queue.front().copied() else {
                return Poll::Pending;
            };
            // Set for a deadline that may be forgotten by now: it wakes too early then, once, and is set anew.
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(first)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if timer.deadline() < first {
                timer.as_mut().reset(first);
                continue;
            }
            self.queue.pop_front();
            return Poll::Ready(ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn deadlines_pass_in_order_and_never_early() {
        let timeout = Duration::from_millis(20);
        let mut deadlines = Deadlines::new(timeout);
        let begun = Instant::now();
        for ticket in 0..3 {
            deadlines.push((ticket, 7));
        }
        for ticket in 0..3 {
            assert_eq!(poll_fn(|cx| deadlines.poll_passed(cx)).await, (ticket, 7));
        }
        assert!(begun.elapsed() >= timeout, "{:?}", begun.elapsed());
        // The timer that has fired serves again.
        deadlines.push((9, 1));
        let pushed = Instant::now();
        assert_eq!(poll_fn(|cx| deadlines.poll_passed(cx)).await, (9, 1));
        assert!(pushed.elapsed() >= timeout, "{:?}", pushed.elapsed());
    }

    #[tokio::test]
    async fn those_that_are_over_are_forgotten_from_the_front() {
        let mut deadlines = Deadlines::new(Duration::from_millis(1));
        for ticket in 0..4 {
            deadlines.push((ticket, 0));
        }
        deadlines.forget(|(place, _)| place != 2);
        assert_eq!(deadlines.queue.len(), 2, "what is behind one that is open stays");
        assert_eq!(poll_fn(|cx| deadlines.poll_passed(cx)).await, (2, 0));
        deadlines.forget(|_| true);
        assert!(deadlines.queue.is_empty());
    }
}
