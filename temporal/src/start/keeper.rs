//! The places of a client's connections, each of which is kept filled.
//!
//! Servers retire connections all the time: each Temporal frontend by age, after five minutes unless it is told
//! otherwise, and all of them when they are restarted. So a place opens the next connection as soon as the one that it
//! has takes no more, and before that when it has become old enough to be retired soon, each place at another age.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use tokio::time::sleep;

use super::{
    client::StartCounts,
    connection::{Open, Over},
    dial::{Dialed, Dialer},
    ready::Ready,
};

/// Ages at which connections are renewed: below those at which a Temporal frontend retires them (5 minutes ± 10 %), and
/// far enough from one another that those of a run do not come together.
const RENEWAL: (Duration, Duration) = (Duration::from_secs(180), Duration::from_secs(60));

/// The wait before a failed attempt to connect is made again, from first to last.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The fractional part of the golden ratio: its multiples spread evenly over 0 to 1, however many there are.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// What the places share with the client that sends on them.
#[derive(Default)]
pub(super) struct Places {
    /// The connection in each place, which may be over.
    pub(super) open: RefCell<Vec<Rc<Open>>>,
    counts: RefCell<StartCounts>,
    pub(super) writes: Rc<Cell<u64>>,
    /// Why the last attempt to connect failed, while nothing has stood since.
    pub(super) trouble: RefCell<Option<String>>,
    /// Told when there may be room for a start.
    pub(super) ready: Arc<Ready>,
}

impl Places {
    pub(super) fn counts(&self) -> StartCounts {
        StartCounts {
            writes: self.writes.get(),
            ..self.counts.borrow().clone()
        }
    }

    fn count(&self, count: impl FnOnce(&mut StartCounts)) {
        count(&mut self.counts.borrow_mut());
    }

    /// Has a connection driven, and counts it.
    pub(super) fn stand(self: &Rc<Self>, dialed: Dialed) -> Rc<Open> {
        self.count(|counts| {
            counts.connections.opened += 1;
            counts.addresses.insert(dialed.address);
        });
        self.trouble.take();
        let ready = Arc::clone(&self.ready);
        Open::drive(dialed, Rc::new(move || ready.poller.wake()))
    }

    /// Keeps a place filled, for ever.
    pub(super) async fn keep(self: Rc<Self>, place: usize, number: u32, dialer: Arc<Dialer>) {
        let mut back_off = BackOff::default();
        let mut round = 0;
        loop {
            let open = Rc::clone(&self.open.borrow()[place]);
            tokio::select! {
                () = open.ended.notified() => {}
                () = sleep(renewal_age(number, round)) => {}
            }
            round += 1;
            match open.over() {
                Some(Over::GoAway) => self.count(|counts| counts.connections.retired += 1),
                Some(Over::Lost) => self.count(|counts| counts.connections.lost += 1),
                None => self.count(|counts| counts.connections.renewed += 1),
            }
            back_off.begin(open.was_useful());
            let dialed = loop {
                if let Some(pause) = back_off.pause() {
                    sleep(pause).await;
                }
                match dialer.dial(number, &self.writes).await {
                    Ok(dialed) => break dialed,
                    Err(reason) => {
                        tracing::debug!(reason, "a connection for starts could not be opened");
                        self.count(|counts| counts.connections.failed_attempts += 1);
                        self.trouble.replace(Some(reason));
                    }
                }
            };
            // The old one goes on for what it has taken, and until here it has taken starts unless it was over.
            let next = self.stand(dialed);
            let most = self.open.borrow().iter().map(|open| open.taken()).max();
            next.has_taken(most.unwrap_or(0));
            std::mem::replace(&mut self.open.borrow_mut()[place], next).retire();
            self.ready.poller.wake();
        }
    }
}

/// The age at which a connection is renewed, by its number among all of the run and by how many its place has had.
fn renewal_age(number: u32, round: u32) -> Duration {
    let share = (f64::from(number) * GOLDEN + f64::from(round) / 2.0).fract();
    RENEWAL.0 + RENEWAL.1.mul_f64(share)
}

/// How long to wait before the next attempt: not at all after a connection that was of use, and longer each time after
/// that, also when connections can be opened and are ended at once.
#[derive(Debug, Default)]
struct BackOff {
    failures: u32,
}

impl BackOff {
    fn begin(&mut self, useful: bool) {
        if useful {
            self.failures = 0;
        }
    }

    /// The wait before the attempt that is made now.
    fn pause(&mut self) -> Option<Duration> {
        let before = self.failures;
        self.failures = self.failures.saturating_add(1);
        let pause = BACK_OFF.0.saturating_mul(1 << before.saturating_sub(1).min(16));
        (before > 0).then(|| pause.min(BACK_OFF.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_follow_at_once_after_use_and_ever_later_after_failures() {
        let mut back_off = BackOff::default();
        back_off.begin(true);
        let millis = |pause: Option<Duration>| pause.map(|pause| pause.as_millis());
        let pauses: Vec<_> = (0..9).map(|_| millis(back_off.pause())).collect();
        assert_eq!(
            pauses,
            [
                None,
                Some(50),
                Some(100),
                Some(200),
                Some(400),
                Some(800),
                Some(1600),
                Some(2000),
                Some(2000)
            ]
        );
        // Opened, and ended before it was of use: it goes on where it was.
        back_off.begin(false);
        assert_eq!(millis(back_off.pause()), Some(2000));
        back_off.begin(true);
        assert_eq!(back_off.pause(), None);
    }

    #[test]
    fn renewals_are_before_the_servers_and_apart() {
        let mut ages: Vec<Duration> = (0..20).map(|number| renewal_age(number, 0)).collect();
        ages.sort_unstable();
        assert!(
            ages[0] >= Duration::from_secs(180) && ages[19] <= Duration::from_secs(240),
            "{ages:?}"
        );
        assert!(
            ages.windows(2).all(|pair| pair[1] - pair[0] > Duration::from_secs(1)),
            "twenty in a minute are about three seconds apart: {ages:?}"
        );
        assert_eq!(
            renewal_age(0, 1),
            Duration::from_secs(210),
            "each of a place at another age"
        );
    }
}
