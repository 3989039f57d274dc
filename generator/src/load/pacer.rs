//! Pacer, which wakes a starter when something is due.
//!
//! A timer of the kernel that the starter waits for beside its connections, set to absolute deadlines: tokio's own timers
//! round up to whole milliseconds, which at 1,000 starts a second is a whole gap between two of them. It is as punctual as
//! a thread of its own that sleeps, and saves the two switches between threads for each wake-up: at 10,000 starts a second
//! they were a quarter of the CPU time of a start. The pacer decides nothing. Arrivals are due by the schedule, and a
//! starter takes all that are due when it looks; the pacer only makes it look in time.

use std::{future::poll_fn, io};

use crate::load::timeline::Timeline;
use timer::Timer;

/// The shortest time between two wake-ups, nanoseconds. Above some 3,000 starts a second arrivals are released in groups:
/// a wake-up for each would cost more than the start. What an arrival waits for its group is lag, and is counted.
const QUANTUM: u64 = 350_000;

/// Wakes the one thread that it was made on.
#[derive(Debug)]
pub struct Pacer {
    timer: Timer,
    next: u64,
}

impl Pacer {
    /// A pacer for the runtime that this is called on.
    ///
    /// # Errors
    /// When the system has no timer to give.
    pub fn new() -> io::Result<Self> {
        Ok(Pacer {
            timer: Timer::new()?,
            next: 0,
        })
    }

    /// Waits until an offset, and for a quantum after the wake-up before. Nothing is lost when it is dropped before: the
    /// next wait for the same offset goes on with it.
    pub async fn wait(&mut self, timeline: Timeline, offset: u64) {
        let until = offset.max(self.next);
        match timeline.until(until) {
            Some(_) => poll_fn(|cx| self.timer.poll(cx, until, || timeline.until(until))).await,
            // So late that nothing is left to wait for: what else runs on this thread gets its turn all the same.
            None => tokio::task::yield_now().await,
        }
        self.next = timeline.elapsed() + QUANTUM;
    }
}

#[cfg(target_os = "linux")]
mod timer {
    use std::{
        io,
        os::fd::OwnedFd,
        task::{Context, Poll, ready},
    };

    use rustix::time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{Interest, unix::AsyncFd};

    /// `timerfd_create(2)`: unlike the sleep of an ordinary thread it is not put off to save wake-ups.
    #[derive(Debug)]
    pub(super) struct Timer {
        descriptor: AsyncFd<OwnedFd>,
        set_for: Option<u64>,
    }

    impl Timer {
        #[expect(
            unsafe_code,
            reason = "a descriptor can be registered only with the promise that it stays open"
        )]
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let descriptor = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // SAFETY: the descriptor is open and owned by what is made here, which closes it only when it is dropped.
            let descriptor = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?;
            Ok(Timer {
                descriptor,
                set_for: None,
            })
        }

        /// Ready at a goal. `rest` tells how many nanoseconds are left until then. It is set once for each goal.
        pub(super) fn poll(&mut self, cx: &mut Context<'_>, goal: u64, rest: impl Fn() -> Option<u64>) -> Poll<()> {
            loop {
                let Some(left) = rest() else {
                    self.set_for = None;
                    return Poll::Ready(());
                };
                if self.set_for != Some(goal) {
                    self.set_for = Some(goal);
                    if self.set(left).is_err() {
                        // Never seen. Whoever waits looks at the clock again and again, and lets others have their turn.
                        self.set_for = None;
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                match ready!(self.descriptor.poll_read_ready(cx)) {
                    // It need not be read: setting it again takes back that it has expired, and each expiry is told
                    // anew. What is told may be an expiry that nobody waited for: then the loop waits on.
                    Ok(mut expired) => {
                        expired.clear_ready();
                        if rest().is_some() {
                            self.set_for = None;
                        }
                    }
                    Err(_) => return Poll::Ready(()),
                }
            }
        }

        fn set(&self, nanos: u64) -> io::Result<()> {
            let mut at = clock_gettime(ClockId::Monotonic);
            let total = at.tv_nsec as u64 + nanos;
            at.tv_sec += (total / 1_000_000_000) as i64;
            at.tv_nsec = (total % 1_000_000_000) as i64;
            let once = Itimerspec {
                it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
                it_value: at,
            };
            // To an absolute deadline: what passes between reading the clock and going to sleep is not slept again.
            Ok(timerfd_settime(self.descriptor.get_ref(), TimerfdTimerFlags::ABSTIME, &once).map(drop)?)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod timer {
    use std::{
        io,
        pin::Pin,
        task::{Context, Poll},
        time::Duration,
    };

    use tokio::time::Sleep;

    /// Whole milliseconds are better than nothing; lag tells.
    #[derive(Debug)]
    pub(super) struct Timer(Option<(u64, Pin<Box<Sleep>>)>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Timer(None))
        }

        pub(super) fn poll(&mut self, cx: &mut Context<'_>, goal: u64, rest: impl Fn() -> Option<u64>) -> Poll<()> {
            loop {
                let Some(left) = rest() else {
                    self.0 = None;
                    return Poll::Ready(());
                };
                match &mut self.0 {
                    Some((set_for, sleep)) if *set_for == goal => {
                        std::task::ready!(sleep.as_mut().poll(cx));
                        self.0 = None;
                    }
                    _ => self.0 = Some((goal, Box::pin(tokio::time::sleep(Duration::from_nanos(left))))),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn never_wakes_early_nor_twice_within_a_quantum() {
        let mut pacer = Pacer::new().unwrap();
        let timeline = Timeline::beginning_in(0);
        let mut woken = 0;
        for offset in [0, 1_000_000, 1_000_001, 1_000_002, 3_000_000] {
            pacer.wait(timeline, offset).await;
            let now = timeline.elapsed();
            assert!(now >= offset, "{now} {offset}");
            assert!(woken == 0 || now >= woken + QUANTUM / 2, "{now} {woken}");
            woken = now;
        }
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_does_not_disturb_the_next() {
        let mut pacer = Pacer::new().unwrap();
        let timeline = Timeline::beginning_in(0);
        for _ in 0..20 {
            tokio::select! {
                biased;
                () = tokio::task::yield_now() => {}
                () = pacer.wait(timeline, timeline.elapsed() + 300_000) => {}
            }
        }
        let offset = timeline.elapsed() + 2_000_000;
        while timeline.elapsed() < offset {
            pacer.wait(timeline, offset).await;
        }
    }

    /// Across the beginning of a second, since it sleeps for longer than one.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_timer_sleeps_until_its_goal_and_does_not_look_at_the_clock_again_and_again() {
        let mut timer = Timer::new().unwrap();
        let timeline = Timeline::beginning_in(0);
        let goal = timeline.elapsed() + 1_010_000_000;
        let looks = std::cell::Cell::new(0);
        let rest = || {
            looks.set(looks.get() + 1);
            timeline.until(goal)
        };
        poll_fn(|cx| timer.poll(cx, goal, rest)).await;
        assert!(timeline.elapsed() >= goal);
        assert!(looks.get() < 20, "{} looks", looks.get());
    }
}
