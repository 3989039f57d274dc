//! One deadline for everything that comes after the load.
//!
//! What has to be done then is a row of steps. Undisturbed, each may take a time of its own, long enough for a server that
//! is slow. Once a stop was asked for, all of them together have `--stop-timeout` from that instant, of which each has a
//! part by whose end it must be over, whatever the steps before it took. A server that has answered nothing for long ends the
//! steps that ask it, all of them together: each of the rest has only the time for one question. A [`Deadline`] is handed
//! down into every wait: a stop, and a silence, bring it forward while somebody waits.

use std::time::Duration;

use benchmark_temporal::Silence;
use tokio::time::Instant;

use crate::stop::Stop;

/// How long a server that answers nothing is waited for.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How long a step may ask a server that has been waited for in vain: it may have come back.
const ONE_QUESTION: Duration = Duration::from_secs(2);

/// What is done after the load, in this order; each with the part of `--stop-timeout`, percent, by whose end it must be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The last starts are answered, here and at the other generators.
    Answers = 30,
    /// Starts whose answer was lost are looked up.
    LookUps = 42,
    /// Workflows end.
    Drain = 50,
    /// Members tell what they saw until then.
    Members = 58,
    /// The server's counts come to stand still.
    Settle = 67,
    /// The server is asked for its own counts by phase.
    Counts = 74,
    /// The results are written, for the case that they cannot be later.
    Results = 78,
    /// What is open is terminated.
    CleanUp = 86,
    /// A Prometheus is asked for the server's figures.
    Figures = 88,
    /// Members leave.
    Farewell = 90,
    /// The workers of this process stop.
    Workers = 96,
    /// The embedded server stops.
    Server = 100,
}

/// What is left of a run after its load: makes the deadline of each step.
#[derive(Clone, Debug)]
pub struct Ending {
    stop: Stop,
    stop_timeout: Duration,
    server: Option<AfterLoad>,
}

/// Whether the server answers, and since when that counts.
#[derive(Clone, Debug)]
struct AfterLoad {
    silence: Silence,
    /// Nobody asks it while there is a load, so that a question of then says nothing.
    since: Instant,
}

impl AfterLoad {
    fn silent_since(&self) -> Option<Instant> {
        self.silence.since().map(|since| since.max(self.since))
    }
}

impl Ending {
    /// An ending that takes `stop_timeout` from the instant at which a stop is asked for.
    pub fn new(stop: Stop, stop_timeout: Duration) -> Self {
        Ending {
            stop,
            stop_timeout,
            server: None,
        }
    }

    /// The same of a load that is over now, on a server that may answer nothing any more.
    #[must_use]
    pub fn after_load(&self, silence: &Silence) -> Self {
        let server = AfterLoad {
            silence: silence.clone(),
            since: Instant::now(),
        };
        Ending {
            server: Some(server),
            ..self.clone()
        }
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
            hurried: self.stop_timeout * step as u32 / 100,
            asked: None,
        }
    }

    /// The deadline of a step that asks the server: the same, but one that answers nothing is waited for no longer than
    /// `patience`, the silence before this step included.
    pub fn asking(&self, step: Step, calm: Duration, patience: Duration) -> Deadline {
        let at_least = later(Instant::now(), ONE_QUESTION);
        Deadline {
            asked: self.server.clone().map(|server| Asked {
                server,
                patience,
                at_least,
            }),
            ..self.step(step, calm)
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
    /// Where the server is asked.
    asked: Option<Asked>,
}

/// Until when a server that answers nothing is asked.
#[derive(Clone, Debug)]
struct Asked {
    server: AfterLoad,
    patience: Duration,
    at_least: Instant,
}

impl Asked {
    fn until(&self) -> Option<Instant> {
        let since = self.server.silent_since()?;
        Some(later(since, self.patience).max(self.at_least))
    }
}

/// Time was up before something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("time was up")]
pub struct TimeUp;

impl Deadline {
    /// The instant, as it stands now.
    pub fn at(&self) -> Instant {
        let stopped = self.stop.since().map(|since| later(since, self.hurried));
        let silent = self.asked.as_ref().and_then(Asked::until);
        [stopped, silent].into_iter().flatten().fold(self.calm, Instant::min)
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

    /// For how long the server has answered nothing, where it is asked and that is longer than a question takes.
    pub fn silent_for(&self) -> Option<Duration> {
        let since = self.asked.as_ref()?.server.silent_since()?;
        Some(Instant::now().saturating_duration_since(since)).filter(|silent| *silent >= ONE_QUESTION)
    }

    /// Waits until it has passed.
    pub async fn passed(&self) {
        let mut stop = self.stop.clone();
        loop {
            let silence = self.asked.as_ref().map(|asked| asked.server.silence.changes());
            if self.is_over() {
                return;
            }
            let changes = async {
                match silence {
                    Some(changes) => changes.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = tokio::time::sleep_until(self.at()) => {}
                // From now on it is earlier.
                _ = stop.requested(), if !self.is_hurried() => {}
                // Earlier, or later again.
                () = changes => {}
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

    /// Timers are no finer than milliseconds.
    fn is_about(time: Duration, expected: Duration) -> bool {
        (expected..expected + Duration::from_millis(20)).contains(&time)
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
            Step::Results,
            Step::CleanUp,
            Step::Figures,
            Step::Farewell,
            Step::Workers,
            Step::Server,
        ];
        assert!(steps.is_sorted());
        assert!(steps.windows(2).all(|pair| (pair[0] as u32) < pair[1] as u32));
        assert_eq!(Step::Server as u32, 100);
        assert!(Step::Answers as u32 > 0);
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

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_nothing_is_waited_for_once_for_all_steps() {
        let (_stopper, ending) = ending(HOUR);
        let silence = Silence::default();
        // A question of the load's that nobody answered says nothing.
        silence.asked();
        tokio::time::advance(HOUR).await;
        let ending = ending.after_load(&silence);
        let begun = Instant::now();
        let look_ups = ending.asking(Step::LookUps, HOUR, PATIENCE);
        look_ups.passed().await;
        assert!(is_about(begun.elapsed(), PATIENCE));
        assert!(is_about(look_ups.silent_for().unwrap(), PATIENCE));
        for step in [Step::Settle, Step::Counts, Step::CleanUp] {
            let begun = Instant::now();
            let deadline = ending.asking(step, HOUR, PATIENCE);
            assert_eq!(deadline.keep(std::future::pending::<()>()).await, Err(TimeUp));
            assert!(is_about(begun.elapsed(), ONE_QUESTION));
        }
        // Who does not ask it has its time.
        assert_eq!(ending.step(Step::Members, HOUR).left(), HOUR);
        // A question that is under way is no silence.
        silence.heard();
        silence.asked();
        assert_eq!(ending.asking(Step::Settle, HOUR, PATIENCE).silent_for(), None);
        // It is back.
        let settle = ending.asking(Step::Settle, HOUR, PATIENCE);
        silence.heard();
        assert_eq!((settle.left(), settle.silent_for()), (HOUR, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_that_begins_while_somebody_waits_ends_the_wait() {
        let (_stopper, ending) = ending(HOUR);
        let silence = Silence::default();
        let ending = ending.after_load(&silence);
        let deadline = ending.asking(Step::CleanUp, HOUR, PATIENCE);
        let begun = Instant::now();
        let waiting = tokio::spawn(async move { deadline.passed().await });
        let pause = Duration::from_secs(60);
        tokio::time::sleep(pause).await;
        silence.asked();
        // It was heard in between: that silence is over.
        tokio::time::sleep(PATIENCE / 2).await;
        silence.heard();
        tokio::time::sleep(PATIENCE).await;
        assert!(!waiting.is_finished());
        silence.asked();
        waiting.await.unwrap();
        assert!(is_about(begun.elapsed(), pause + PATIENCE / 2 + PATIENCE * 2));
    }

    #[test]
    fn a_time_beyond_all_clocks_is_far_away() {
        let (_stopper, ending) = ending(Duration::MAX / 200);
        assert!(ending.step(Step::Drain, Duration::MAX).left() > HOUR);
    }
}
