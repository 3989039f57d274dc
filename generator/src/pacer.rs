//! Wakes the starters when something is due.
//!
//! A thread of its own that sleeps to absolute deadlines: tokio's timers round up to whole milliseconds, which at 1,000
//! starts a second is a whole gap between two of them. The pacer decides nothing. Arrivals are due by the schedule, and a
//! starter takes all that are due when it looks; the pacer only makes it look in time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    realtime,
    schedule::{Schedule, Stripe},
    timeline::Timeline,
};

/// The shortest time between two wake-ups. Above 4,000 starts a second arrivals are released in groups: a wake-up for
/// each would cost more than the start.
const QUANTUM: u64 = 250_000;

/// The longest sleep, so that a stop is noticed.
const LONGEST_SLEEP: u64 = 100_000_000;

/// The pacer's thread.
#[derive(Debug)]
pub struct Pacer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Pacer {
    /// Starts waking. `wakers` are the threads that share the stripe, in the order of [`Stripe::split`].
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn spawn(
        schedule: &Schedule,
        stripe: Stripe,
        timeline: Timeline,
        wakers: Vec<Arc<Notify>>,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (schedule, stopped) = (schedule.clone(), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("pacer".into()).spawn(move || {
            realtime::request();
            sharpen_timers();
            wake_when_due(&schedule, stripe, timeline, &wakers, &stopped);
            // It stays until it has been looked at: the system forgets what an ended thread has used.
            while !stopped.load(Ordering::Relaxed) {
                sleep(LONGEST_SLEEP);
            }
        })?;
        Ok(Pacer { stop, thread })
    }

    /// Ends the waking, and waits for the thread.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        // A panic of the pacer shows as lag, which ends the run as invalid; there is nothing to add here.
        let _ = self.thread.join();
    }
}

fn wake_when_due(schedule: &Schedule, stripe: Stripe, timeline: Timeline, wakers: &[Arc<Notify>], stop: &AtomicBool) {
    let mut cursor = schedule.cursor(stripe);
    let mut woken = 0;
    while let Some(arrival) = cursor.peek() {
        if !sleep_until(timeline, arrival.due.max(woken), stop) {
            return;
        }
        let now = timeline.now();
        woken = now + QUANTUM;
        if wakers.len() == 1 {
            while cursor.peek().is_some_and(|arrival| arrival.due <= now) {
                cursor.take();
            }
            wakers[0].notify_one();
        } else {
            let mut due = vec![false; wakers.len()];
            while let Some(arrival) = cursor.peek().filter(|arrival| arrival.due <= now) {
                due[(arrival.n / stripe.of) as usize % wakers.len()] = true;
                cursor.take();
            }
            wakers
                .iter()
                .zip(due)
                .filter(|(_, due)| *due)
                .for_each(|(waker, _)| waker.notify_one());
        }
    }
}

/// Sleeps to an offset; false when told to stop on the way.
fn sleep_until(timeline: Timeline, offset: u64, stop: &AtomicBool) -> bool {
    while let Some(rest) = timeline.until(offset) {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        sleep(rest.min(LONGEST_SLEEP));
    }
    !stop.load(Ordering::Relaxed)
}

#[cfg(target_os = "linux")]
fn sleep(nanos: u64) {
    use rustix::thread::{ClockId, clock_nanosleep_absolute};
    // To an absolute deadline: what passes between reading the clock and going to sleep is not slept again.
    let mut deadline = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let total = deadline.tv_nsec as u64 + nanos;
    deadline.tv_sec += (total / 1_000_000_000) as i64;
    deadline.tv_nsec = (total % 1_000_000_000) as i64;
    if clock_nanosleep_absolute(ClockId::Monotonic, &deadline).is_err() {
        // Interrupted by a signal: the caller looks at the clock again.
        std::thread::sleep(Duration::from_nanos(nanos.min(QUANTUM)));
    }
}

#[cfg(not(target_os = "linux"))]
fn sleep(nanos: u64) {
    std::thread::sleep(Duration::from_nanos(nanos));
}

/// Linux lets the timers of an ordinary thread expire up to 50 µs late to save wake-ups; this thread is there to be on time.
fn sharpen_timers() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}
