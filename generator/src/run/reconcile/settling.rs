//! Settling of visibility, when the server's counts are worth something: visibility is written behind the workflows.

use std::time::Duration;

use benchmark_temporal::{
    BoxFuture, CallError,
    visibility::{self, Counts},
};
use tokio::time::Instant;

use super::{INTERVAL, silent};
use crate::stop::deadline::Deadline;

/// Counts that have not changed for this long will not change any more, unless the server lags.
pub(super) const UNCHANGED: Duration = Duration::from_secs(10);

/// The same where no count is expected and a supervisor is waiting.
pub(super) const UNCHANGED_IN_A_HURRY: Duration = Duration::from_secs(2);

/// Counts that stand below the expected ones for this long are looked into: rows of visibility may never be written.
pub(super) const OVERDUE: Duration = Duration::from_secs(20);

/// Waits for the counts to stand still.
#[derive(Debug)]
pub(super) struct Settling {
    /// Ended workflows after which nothing more is to come, and by how many the server may differ.
    expected: (u64, u64),
    /// Whether counts that stand still below the expected ones are waited for to the end: they may lag.
    patient: bool,
    last: Option<Last>,
    /// When it was last looked into what is missing.
    looked: Duration,
}

#[derive(Debug)]
struct Last {
    counts: Counts,
    /// When they were first seen, from the beginning.
    since: Duration,
    /// Most ended workflows that were ever counted.
    most: u64,
}

/// The counts, when no more was to be waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) counts: Counts,
    /// From the beginning until the counts had their last value.
    pub(super) after: Duration,
    /// Whether they had stopped changing.
    pub(super) stands: bool,
    /// By how many ended workflows the count fell while it was looked at: somebody deletes them.
    pub(super) fell: u64,
    /// Workflows that are counted as open and have ended.
    pub(super) stale: Vec<String>,
}

impl Settling {
    pub(super) fn new(expected: u64, tolerance: u64, patient: bool) -> Self {
        Settling {
            expected: (expected, tolerance),
            patient,
            last: None,
            looked: Duration::ZERO,
        }
    }

    /// Asks until the counts need not be asked for again, or time is up. `stale` tells, of so many that are missing, those
    /// that have ended all the same. The error says why there are no counts.
    pub(super) async fn run(
        mut self,
        deadline: &Deadline,
        ends: impl Fn() -> BoxFuture<'static, Result<Counts, CallError>>,
        stale: impl AsyncFn(u64) -> Vec<String>,
    ) -> Result<Settled, String> {
        let begun = Instant::now();
        let patient = self.patient;
        let unchanged = || match !patient && deadline.is_hurried() {
            true => UNCHANGED_IN_A_HURRY,
            false => UNCHANGED,
        };
        let mut problem = "no time was left to ask the server for its counts".to_owned();
        let mut behind = Vec::new();
        loop {
            match deadline.keep(ends()).await {
                Ok(Ok(counts)) => {
                    if self.take(counts, begun.elapsed(), unchanged()) {
                        break;
                    }
                    if let Some(missing) = self.overdue(begun.elapsed()) {
                        behind = deadline.keep(stale(missing)).await.unwrap_or_default();
                        if !behind.is_empty() {
                            break;
                        }
                    }
                }
                Ok(Err(error)) if error.is_transient() => problem = error.to_string(),
                Ok(Err(error)) => return Err(error.to_string()),
                Err(_) => problem = silent(deadline).unwrap_or(problem),
            }
            if deadline.is_over() {
                break;
            }
            deadline.sleep(INTERVAL).await;
        }
        let settled = self.finish(begun.elapsed(), unchanged()).ok_or(problem)?;
        Ok(Settled {
            stale: behind,
            ..settled
        })
    }

    /// Takes the counts that were told at a time; true when no others need to be asked for. Counts that have not changed
    /// for as long as `unchanged` stand.
    pub(super) fn take(&mut self, counts: Counts, now: Duration, unchanged: Duration) -> bool {
        let ended = visibility::ended(&counts);
        let most = self.last.as_ref().map_or(0, |last| last.most).max(ended);
        match &mut self.last {
            Some(last) if last.counts == counts => {}
            last => {
                *last = Some(Last {
                    counts,
                    since: now,
                    most,
                });
            }
        }
        let (expected, tolerance) = self.expected;
        let waits_for_more = self.patient && ended < expected;
        ended.abs_diff(expected) <= tolerance || (self.stand(now, unchanged) && !waits_for_more)
    }

    /// How many ended workflows are missing, when it is time to look where they are.
    pub(super) fn overdue(&mut self, now: Duration) -> Option<u64> {
        let last = self.last.as_ref()?;
        let missing = self.expected.0.saturating_sub(visibility::ended(&last.counts));
        let due = now.saturating_sub(last.since.max(self.looked)) >= OVERDUE;
        if !(self.patient && missing > 0 && due) {
            return None;
        }
        self.looked = now;
        Some(missing)
    }

    /// What it came to, at a time; `None` when nothing was told.
    pub(super) fn finish(self, now: Duration, unchanged: Duration) -> Option<Settled> {
        let (expected, tolerance) = self.expected;
        let stands = self.stand(now, unchanged);
        self.last.map(|last| {
            let ended = visibility::ended(&last.counts);
            Settled {
                after: last.since,
                stands: stands || ended.abs_diff(expected) <= tolerance,
                fell: last.most - ended,
                counts: last.counts,
                stale: Vec::new(),
            }
        })
    }

    fn stand(&self, now: Duration, unchanged: Duration) -> bool {
        let last = self.last.as_ref();
        last.is_some_and(|last| now.saturating_sub(last.since) >= unchanged)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use benchmark_temporal::{Silence, Status};
    use tonic::Code;

    use super::*;
    use crate::stop::{
        self, StopReason, Stopper,
        deadline::{Ending, PATIENCE, Step},
    };

    fn completed(count: u64) -> Counts {
        Counts::from([(Status::Completed, count), (Status::Running, 3)])
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_expected_counts_end_it_at_once() {
        for (counted, tolerance, done) in [
            (10, 0, true),
            (9, 0, false),
            (11, 0, false),
            (9, 1, true),
            (12, 1, false),
        ] {
            let mut settling = Settling::new(10, tolerance, true);
            assert_eq!(
                settling.take(completed(counted), seconds(1), UNCHANGED),
                done,
                "{counted} ± {tolerance}"
            );
            let settled = settling.finish(seconds(2), UNCHANGED).unwrap();
            assert_eq!((settled.stands, settled.after), (done, seconds(1)));
            assert_eq!(settled.counts, completed(counted));
        }
    }

    #[test]
    fn too_many_that_stand_still_are_final_and_too_few_may_lag() {
        for (counted, patient, done) in [(11, true, true), (9, true, false), (9, false, true)] {
            let mut settling = Settling::new(10, 0, patient);
            assert!(!settling.take(completed(counted), seconds(5), UNCHANGED));
            assert!(!settling.take(completed(counted), seconds(14), UNCHANGED));
            assert_eq!(settling.take(completed(counted), seconds(15), UNCHANGED), done);
            let settled = settling.finish(seconds(16), UNCHANGED).unwrap();
            assert!(settled.stands);
            assert_eq!(settled.after, seconds(5));
        }
    }

    #[test]
    fn what_still_moves_when_time_is_up_does_not_stand() {
        let mut settling = Settling::new(10, 0, true);
        for at in 0..8 {
            assert!(!settling.take(completed(at), seconds(at), UNCHANGED));
        }
        let settled = settling.finish(seconds(16), UNCHANGED).unwrap();
        assert_eq!((settled.stands, settled.after, settled.fell), (false, seconds(7), 0));
        assert_eq!(Settling::new(10, 0, true).finish(seconds(60), UNCHANGED), None);
    }

    #[test]
    fn in_a_hurry_a_shorter_time_must_do() {
        let mut settling = Settling::new(10, 0, false);
        assert!(!settling.take(completed(4), seconds(0), UNCHANGED_IN_A_HURRY));
        assert!(settling.take(completed(4), seconds(2), UNCHANGED_IN_A_HURRY));
        assert!(settling.finish(seconds(2), UNCHANGED_IN_A_HURRY).unwrap().stands);
    }

    #[test]
    fn what_is_missing_for_long_is_looked_into_now_and_then() {
        let mut settling = Settling::new(10, 0, true);
        assert_eq!(settling.overdue(seconds(60)), None);
        settling.take(completed(7), seconds(1), UNCHANGED);
        settling.take(completed(8), seconds(5), UNCHANGED);
        assert_eq!(settling.overdue(seconds(24)), None);
        assert_eq!(settling.overdue(seconds(25)), Some(2));
        assert_eq!(settling.overdue(seconds(44)), None);
        assert_eq!(settling.overdue(seconds(45)), Some(2));
        // It moves: it is behind.
        settling.take(completed(9), seconds(46), UNCHANGED);
        assert_eq!(settling.overdue(seconds(65)), None);
        // More than expected: none is missing.
        settling.take(completed(11), seconds(66), UNCHANGED);
        assert_eq!(settling.overdue(seconds(90)), None);
        // Where no count is expected nothing is missing.
        let mut settling = Settling::new(10, 0, false);
        settling.take(completed(9), seconds(1), UNCHANGED);
        assert_eq!(settling.overdue(seconds(60)), None);
    }

    #[test]
    fn a_count_that_falls_is_told() {
        let mut settling = Settling::new(10, 0, true);
        for (at, counted) in [(0, 8), (1, 9), (2, 4), (3, 5)] {
            assert!(!settling.take(completed(counted), seconds(at), UNCHANGED));
        }
        assert_eq!(settling.finish(seconds(4), UNCHANGED).unwrap().fell, 4);
    }

    const LIMIT: Duration = Duration::from_secs(60);

    fn ending() -> (Stopper, Ending) {
        let (stopper, stop) = stop::channel();
        (stopper, Ending::new(stop, Duration::from_secs(100)))
    }

    fn refusal(code: Code) -> CallError {
        CallError {
            operation: "CountWorkflowExecutions",
            code,
            message: "no".to_owned(),
            no_namespace: false,
        }
    }

    /// What a server whose answers are told by the time came to where ten are expected, after how many questions, and how
    /// many were said to be missing at which time.
    async fn run(
        deadline: &Deadline,
        patient: bool,
        answer: impl Fn(Duration) -> Result<Counts, CallError>,
        stale: impl Fn(Duration) -> Vec<String>,
    ) -> (Result<Settled, String>, u32, Vec<(Duration, u64)>) {
        let (begun, asked, missing) = (Instant::now(), Cell::new(0), RefCell::new(Vec::new()));
        let ends = || -> BoxFuture<'static, _> {
            asked.set(asked.get() + 1);
            Box::pin(std::future::ready(answer(begun.elapsed())))
        };
        let look = async |many| {
            missing.borrow_mut().push((begun.elapsed(), many));
            stale(begun.elapsed())
        };
        let settled = Settling::new(10, 0, patient).run(deadline, ends, look).await;
        (settled, asked.get(), missing.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_asked_twice_a_second_until_all_are_there_or_time_is_up() {
        let (_stopper, ending) = ending();
        for (there_after, asked, stands) in [(0, 1, true), (3, 7, true), (90, 121, false)] {
            let deadline = ending.step(Step::Settle, LIMIT);
            let answer = |now: Duration| {
                let count = if now >= seconds(there_after) {
                    10
                } else {
                    now.as_secs() / 9
                };
                Ok(completed(count))
            };
            let (settled, times, _) = run(&deadline, true, answer, |_| Vec::new()).await;
            let settled = settled.unwrap();
            assert_eq!((settled.stands, times), (stands, asked), "{there_after}");
            assert!(settled.stale.is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_now_is_asked_again_and_what_is_forbidden_is_not() {
        let (_stopper, ending) = ending();
        for (code, until, told, asked) in [
            (Code::Unavailable, seconds(3), true, 7),
            (Code::Unavailable, seconds(90), false, 121),
            (Code::PermissionDenied, seconds(3), false, 1),
        ] {
            let answer = |now| {
                if now < until {
                    Err(refusal(code))
                } else {
                    Ok(completed(10))
                }
            };
            let deadline = ending.step(Step::Settle, LIMIT);
            let (settled, times, _) = run(&deadline, true, answer, |_| Vec::new()).await;
            assert_eq!((settled.is_ok(), times), (told, asked), "{code:?} {until:?}");
            if let Err(why) = settled {
                assert!(why.contains(&format!("{code:?}")), "{why}");
            }
        }
        // Who has no time has not been told, and it is not the server's fault.
        let over = ending.step(Step::Settle, Duration::ZERO);
        let never = || -> BoxFuture<'static, Result<Counts, CallError>> { Box::pin(std::future::pending()) };
        let why = Settling::new(10, 0, true).run(&over, never, async |_| Vec::new()).await;
        assert_eq!(why.unwrap_err(), "no time was left to ask the server for its counts");
        // One that answers nothing is waited for no longer than it is worth, and is said to.
        let silence = Silence::default();
        silence.asked();
        let silent = ending.after_load(&silence).asking(Step::Settle, LIMIT, PATIENCE);
        let why = Settling::new(10, 0, true)
            .run(&silent, never, async |_| Vec::new())
            .await;
        assert_eq!(why.unwrap_err(), "the server has answered nothing for 15 s");
    }

    #[tokio::test(start_paused = true)]
    async fn rows_that_stay_behind_end_the_wait() {
        let (_stopper, ending) = ending();
        let found = |now| match now >= seconds(40) {
            true => vec!["run/measure/7".to_owned()],
            false => Vec::new(),
        };
        let deadline = ending.step(Step::Settle, LIMIT);
        let (settled, _, missing) = run(&deadline, true, |_| Ok(completed(9)), found).await;
        let settled = settled.unwrap();
        // The first look finds nothing, since they may just be late.
        assert_eq!(missing, [(seconds(20), 1), (seconds(40), 1)]);
        assert_eq!(settled.stale, ["run/measure/7"]);
        assert_eq!((settled.stands, settled.after), (true, Duration::ZERO));
        // Nobody waits for them longer than for the counts.
        let deadline = ending.step(Step::Settle, seconds(35));
        let (settled, ..) = run(&deadline, true, |_| Ok(completed(9)), found).await;
        assert!(settled.unwrap().stale.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn only_where_no_count_is_expected_a_stop_makes_it_shorter() {
        for (patient, stops, took) in [(false, false, 10), (false, true, 2), (true, true, 60)] {
            let (stopper, ending) = ending();
            if stops {
                stopper.stop(StopReason::Cause("enough".into()));
            }
            let begun = Instant::now();
            let deadline = ending.step(Step::Settle, LIMIT);
            let (settled, ..) = run(&deadline, patient, |_| Ok(completed(9)), |_| Vec::new()).await;
            assert!(settled.unwrap().stands);
            assert_eq!(begun.elapsed().as_secs(), took, "{patient} {stops}");
        }
    }
}
