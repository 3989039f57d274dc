//! One deadline for everything that comes after the load.
//!
//! What has to be done then is a row of steps. Undisturbed, each may take a time of its own, long enough for a server that
//! is slow. Once a stop was asked for, all of them together have `--stop-timeout` from that instant, of which each has a
//! part by whose end it must be over, whatever the steps before it took. A [`Deadline`] is handed down into every wait: a
//! stop brings it forward while somebody waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::stop::Stop;

/// What is done after the load, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The last starts are answered, here and at the other generators.
    Answers,
    /// Starts whose answer was lost are looked up.
    LookUps,
    /// Workflows end.
    Drain,
    /// Members tell what they saw until then.
    Members,
    /// The server's counts come to stand still.
    Settle,
    /// The server is asked for its own counts by phase. The results are written after it.
    Counts,
    /// What is open is terminated.
    CleanUp,
    /// Members leave.
    Farewell,
    /// The workers of this process stop.
    Workers,
    /// The embedded server stops.
    Server,
}

impl Step {
    /// The part of `--stop-timeout`, percent, by whose end it must be over.
    fn percent(self) -> u32 {
        match self {
            Step::Answers => 30,
            Step::LookUps => 42,
            Step::Drain => 50,
            Step::Members => 58,
            Step::Settle => 67,
            Step::Counts => 76,
            Step::CleanUp => 86,
            Step::Farewell => 90,
            Step::Workers => 96,
            Step::Server => 100,
        }
    }
}

/// What is left of a run after its load: makes the deadline of each step.
#[derive(Clone, Debug)]
pub struct Ending {
    stop: Stop,
    stop_timeout: Duration,
}

impl Ending {
    /// An ending that takes `stop_timeout` from the instant at which a stop is asked for.
    pub fn new(stop: Stop, stop_timeout: Duration) -> Self {
        Ending { stop, stop_timeout }
    }

    /// What asked for a stop, in words.
    pub fn stopped_by(&self) -> Option<String> {
        self.stop.reason().map(|reason| reason.to_string())
    }

    /// The deadline of a step that begins now and may take so long when nobody asks for a stop.
    pub fn step(&self, step: Step, calm: Duration) -> Deadline {
        Deadline {
            calm: later(Instant::now(), calm),
            stop: self.stop.clone(),
            hurried: self.stop_timeout * step.percent() / 100,
        }
    }
}

/// Until when something may take.
#[derive(Clone, Debug)]
pub struct Deadline {
    calm: Instant,
    stop: Stop,
    /// From the instant at which a stop is asked for.
    hurried: Duration,
}

/// Time was up before something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("time was up")]
pub struct TimeUp;

impl Deadline {
    /// The instant, as it stands now.
    pub fn at(&self) -> Instant {
        match self.stop.since() {
            Some(since) => self.calm.min(later(since, self.hurried)),
            None => self.calm,
        }
    }

    /// What is left of it.
    pub fn left(&self) -> Duration {
        self.at().saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Whether a stop was asked for.
    pub fn is_hurried(&self) -> bool {
        self.stop.since().is_some()
    }

    /// The same, or earlier: not later than `limit` from now.
    pub fn within(&self, limit: Duration) -> Deadline {
        Deadline {
            calm: self.calm.min(later(Instant::now(), limit)),
            ..self.clone()
        }
    }

    /// Waits until it has passed.
    pub async fn passed(&self) {
        let mut stop = self.stop.clone();
        while !self.is_over() {
            tokio::select! {
                () = tokio::time::sleep_until(self.at()) => {}
                // From now on it is earlier.
                _ = stop.requested(), if !self.is_hurried() => {}
            }
        }
    }

    /// Waits for something, but not beyond the deadline.
    ///
    /// # Errors
    /// When the deadline passes first; what was waited for is dropped.
    pub async fn keep<T>(&self, what: impl Future<Output = T>) -> Result<T, TimeUp> {
        tokio::select! {
            biased;
            done = what => Ok(done),
            () = self.passed() => Err(TimeUp),
        }
    }

    /// Sleeps, but not beyond the deadline.
    pub async fn sleep(&self, pause: Duration) {
        // Either end of it is the end of the sleep.
        let _ = self.keep(tokio::time::sleep(pause)).await;
    }
}

/// An instant after another one; far away where the sum is beyond all clocks.
fn later(from: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    from + by.min(FAR)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::stop::{self, StopReason, Stopper};

    const HOUR: Duration = Duration::from_secs(3600);

    fn ending(stop_timeout: Duration) -> (Stopper, Ending) {
        let (stopper, stop) = stop::channel();
        (stopper, Ending::new(stop, stop_timeout))
    }

    fn cause() -> StopReason {
        StopReason::Cause("enough".to_owned())
    }

    #[tokio::test]
    async fn each_step_has_its_own_time_until_a_stop_gives_all_of_them_one() {
        let (stopper, ending) = ending(Duration::from_secs(100));
        let begun = Instant::now();
        let (drain, server) = (ending.step(Step::Drain, HOUR), ending.step(Step::Server, HOUR));
        assert!(drain.left() > HOUR - Duration::from_secs(60) && !drain.is_hurried());
        assert!(drain.at() <= Instant::now() + HOUR);
        stopper.stop(cause());
        let stopped = Instant::now();
        assert!(drain.is_hurried());
        for (deadline, seconds) in [(&drain, 50), (&server, 100)] {
            let after = deadline.at().duration_since(begun);
            assert!(after >= Duration::from_secs(seconds), "{after:?}");
            assert!(deadline.at() <= stopped + Duration::from_secs(seconds));
        }
        // What is shorter by itself stays so.
        assert!(ending.step(Step::Server, Duration::from_secs(1)).left() <= Duration::from_secs(1));
        assert!(server.within(Duration::from_secs(1)).left() <= Duration::from_secs(1));
        assert_eq!(server.within(HOUR).at(), server.at());
    }

    #[test]
    fn steps_follow_one_another_and_the_last_one_has_all_of_the_time() {
        let steps = [
            Step::Answers,
            Step::LookUps,
            Step::Drain,
            Step::Members,
            Step::Settle,
            Step::Counts,
            Step::CleanUp,
            Step::Farewell,
            Step::Workers,
            Step::Server,
        ];
        assert!(steps.is_sorted());
        assert!(steps.windows(2).all(|pair| pair[0].percent() < pair[1].percent()));
        assert_eq!(Step::Server.percent(), 100);
        assert!(Step::Answers.percent() > 0);
    }

    #[tokio::test]
    async fn a_stop_ends_a_wait_that_has_begun() {
        let (stopper, ending) = ending(Duration::ZERO);
        let deadline = ending.step(Step::Drain, HOUR);
        let waiting = tokio::spawn(async move { deadline.keep(std::future::pending::<()>()).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        stopper.stop(cause());
        assert_eq!(waiting.await.unwrap(), Err(TimeUp));
    }

    #[tokio::test]
    async fn what_is_done_is_kept_even_at_the_last_moment() {
        let (_stopper, ending) = ending(HOUR);
        let over = ending.step(Step::Drain, Duration::ZERO);
        assert!(over.is_over());
        assert_eq!(over.keep(async { 7 }).now_or_never(), Some(Ok(7)));
        assert_eq!(over.keep(std::future::pending::<()>()).await, Err(TimeUp));
        // Nobody can stop the run any more: it has its time.
        let (stopper, ending) = self::ending(HOUR);
        drop(stopper);
        let short = ending.step(Step::Drain, Duration::from_millis(1));
        short.passed().await;
        assert!(short.is_over());
        short.sleep(HOUR).await;
    }

    #[test]
    fn a_time_beyond_all_clocks_is_far_away() {
        let (_stopper, ending) = ending(Duration::MAX / 200);
        assert!(ending.step(Step::Drain, Duration::MAX).left() > HOUR);
    }
}
