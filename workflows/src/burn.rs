//! CPU that an activity burns.
//!
//! The time is that of the burning thread's own CPU clock, so that a busy machine makes it take longer and not become
//! less. Two things keep it from being felt by anybody but the activity's caller: it happens on a thread of its own, since
//! a worker's workflow tasks, connection and activities share one thread; and no more of these threads burn at a time than
//! the process has cores, since those that wait would only take slices from that thread. Go's scheduler does the same for
//! the activities of its workers.

use std::{
    hint::black_box,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use benchmark_scenarios::draw;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Semaphore;

/// Rounds of arithmetic between two looks at the clock: some microseconds.
const ROUNDS: u64 = 5_000;

/// One place for each core.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, usize::from)));

/// Burns CPU time; dropping the future ends that soon, too.
pub(crate) async fn burn(cpu: Duration) {
    if cpu.is_zero() {
        return;
    }
    // The semaphore is never closed, so there is always a place at last.
    let place = PLACES.acquire().await;
    let given_up = GiveUp(Arc::default());
    let told = given_up.0.clone();
    // Arithmetic does not panic; were the thread lost all the same, the activity would be over sooner.
    let _ = tokio::task::spawn_blocking(move || spin(cpu, &told)).await;
    drop(place);
}

/// Tells the thread that nobody waits for it any more.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn spin(cpu: Duration, given_up: &AtomicBool) {
    let end = thread_cpu() + cpu;
    let mut value = 0;
    while thread_cpu() < end && !given_up.load(Ordering::Relaxed) {
        value = (0..ROUNDS).fold(value, draw::derive);
        black_box(value);
    }
}

/// CPU time that this thread has used.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burns_what_it_was_asked_for() {
        let asked = Duration::from_millis(20);
        let before = thread_cpu();
        spin(asked, &AtomicBool::new(false));
        let burnt = thread_cpu() - before;
        assert!(burnt >= asked, "{burnt:?}");
        // A round takes some microseconds; a debug build's some more.
        assert!(burnt < asked + Duration::from_millis(10), "{burnt:?}");
    }

    #[test]
    fn the_thread_that_asks_goes_on_meanwhile() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut turns = 0u64;
            let burning = burn(Duration::from_millis(50));
            tokio::pin!(burning);
            loop {
                tokio::select! {
                    biased;
                    () = &mut burning => break,
                    () = tokio::task::yield_now() => turns += 1,
                }
            }
            assert!(turns > 0, "the burning happened on this thread");
        });
    }

    #[test]
    fn ends_when_nobody_waits_for_it() {
        let given_up = AtomicBool::new(true);
        spin(Duration::from_secs(3600), &given_up);
    }
}
