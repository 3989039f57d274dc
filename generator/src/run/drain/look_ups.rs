//! Look-ups of single workflows: starts whose answer was lost, and ends that nobody stamped.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use benchmark_results::WorkflowEnd;
use benchmark_scenarios::{Plan, Problem};
use benchmark_temporal::{CallError, Server, lookup};
use futures::{StreamExt as _, stream};
use tokio::time::Instant;

use crate::{
    account::{
        accounts::{Missing, Origin},
        sampler::workflow_end,
    },
    fleet::leader::LostPart,
    load::{ids, schedule::Schedule, timeline::TICK},
    run::submission::Submission,
    stop::deadline::Deadline,
};

/// Workflows that are looked up at one time.
pub(super) const LOOK_UPS: usize = 1_000;

/// Look-ups under way at the same time: they are not measured, and must not weigh on a server that recovers.
const CONCURRENCY: usize = 16;

/// Arrivals of a lost generator that are looked up, the earliest first: those it may have sent and not told of.
const LOST_LOOK_UPS: usize = 5_000;

/// Time between two questions for a start that the server did not know.
const AGAIN: Duration = Duration::from_secs(1);

/// Asks the server about single workflows.
pub(super) struct LookUps {
    server: Server,
    id_prefix: Arc<str>,
    schedule: Schedule,
    denials: Denials,
}

/// What the server says of one workflow.
pub(super) struct Found {
    n: u64,
    answer: Result<Option<lookup::Lookup>, CallError>,
}

impl LookUps {
    pub(super) fn new(plan: &Plan, server: &Server, submission: &Submission) -> Self {
        LookUps {
            server: server.clone(),
            id_prefix: Arc::clone(&submission.id_prefix),
            schedule: submission.schedule.clone(),
            denials: Denials {
                sent_within: plan.load.max_lag,
                start_timeout: plan.starter.start_timeout,
                first: HashMap::new(),
            },
        }
    }

    /// Looks up the starts whose answer was lost, until each is resolved or time is up.
    pub(super) async fn resolve_unknown(
        &mut self,
        submission: &Submission,
        deadline: &Deadline,
        on_tick: &mut impl AsyncFnMut(&Submission) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        while !deadline.is_over() {
            let unknown = submission
                .accountant
                .visit(|accounts| accounts.unknown(LOOK_UPS))
                .await?;
            if unknown.is_empty() {
                return Ok(());
            }
            let found = ticking(self.ask(unknown, deadline), submission, &mut *on_tick).await?;
            let now = Instant::now();
            let after = Duration::from_nanos(submission.timeline.elapsed());
            let mut resolved = Vec::new();
            let mut failed = Vec::new();
            for Found { n, answer } in found {
                match answer {
                    Ok(Some(_)) => resolved.push((n, true)),
                    Ok(None) => {
                        let due = Duration::from_nanos(self.schedule.offset(n));
                        if self.denials.is_believed(n, due, after, now) {
                            resolved.push((n, false));
                        }
                    }
                    Err(error) => failed.push((n, error)),
                }
            }
            let progress = !resolved.is_empty();
            submission
                .accountant
                .visit(|accounts| {
                    for (n, found) in resolved {
                        accounts.resolve_unknown(n, found);
                    }
                    for (n, error) in failed {
                        accounts.add_error("lookup", format!("{:?}", error.code), n, error.message);
                    }
                })
                .await?;
            on_tick(submission).await?;
            if !progress {
                // The server is not there, or it does not know them yet. It is asked again, but not in a tight loop.
                deadline.sleep(AGAIN).await;
            }
        }
        Ok(())
    }

    /// Closes the part of a generator that is gone: of what it did not tell, the workflows that the server knows were
    /// accepted, the others never sent. Returns how many arrivals it did not tell of.
    pub(super) async fn close_lost(
        &self,
        submission: &Submission,
        lost: &LostPart,
        deadline: &Deadline,
    ) -> Result<u64, Problem> {
        let (part, end) = (lost.part, submission.end());
        let missing: Missing = submission
            .accountant
            .visit(move |accounts| accounts.missing(part, end))
            .await?;
        // It tells twice a second, so what it sent and did not tell of are the first of them.
        let asked = missing.unheard.iter().take(LOST_LOOK_UPS).collect();
        let found: HashSet<u64> = self
            .ask(asked, deadline)
            .await
            .into_iter()
            .filter(|found| matches!(found.answer, Ok(Some(_))))
            .map(|found| found.n)
            .collect();
        let (origin, count) = (Origin::Member(lost.member), missing.unheard.len() + missing.ended.len());
        submission
            .accountant
            .visit(move |accounts| accounts.close_lost(origin, &missing, &found))
            .await?;
        Ok(count)
    }

    /// Looks up the next open workflows from `from` on, which may have ended without a stamp.
    pub(super) async fn find_ended(
        &self,
        submission: &Submission,
        from: u64,
        deadline: &Deadline,
        on_tick: &mut impl AsyncFnMut(&Submission) -> Result<(), Problem>,
    ) -> Result<Looked, Problem> {
        let open = submission
            .accountant
            .visit(move |accounts| accounts.open_from(from, LOOK_UPS))
            .await?;
        let next = open
            .last()
            .filter(|_| open.len() == LOOK_UPS)
            .map(|last| last.saturating_add(1));
        let cut = submission
            .cut_off
            .as_ref()
            .map(|cut| submission.timeline.time_of(cut.at));
        let found = ticking(self.ask(open, deadline), submission, &mut *on_tick).await?;
        let answered = found.iter().any(|found| found.answer.is_ok());
        let ended: Vec<(u64, WorkflowEnd, Option<String>)> = found
            .into_iter()
            .filter_map(|Found { n, answer }| {
                let found = answer.ok()??;
                // What ended later is open in the account.
                if let (Some(cut), Some(closed)) = (cut, found.close_time)
                    && closed > cut
                {
                    return None;
                }
                Some((n, workflow_end(found.status)?, found.failure))
            })
            .collect();
        let count = ended.len();
        submission
            .accountant
            .visit(|accounts| {
                ended
                    .into_iter()
                    .for_each(|(n, end, message)| accounts.add_unstamped_end(n, end, message));
            })
            .await?;
        Ok(Looked {
            ended: count,
            answered,
            next,
        })
    }

    /// Asks for each of them, until time is up, or until the first that were asked at once all failed for now: the server
    /// is not there, and the rest would fail as well.
    pub(super) async fn ask(&self, numbers: Vec<u64>, deadline: &Deadline) -> Vec<Found> {
        let first = numbers.len().min(CONCURRENCY);
        let asked = stream::iter(numbers).map(|n| {
            let phase = self.schedule.phase_of(n);
            let answer = lookup::describe(&self.server, &ids::workflow_id(&self.id_prefix, phase, n));
            async move {
                Found {
                    n,
                    answer: answer.await,
                }
            }
        });
        let mut answers = pin!(
            asked
                .buffer_unordered(CONCURRENCY)
                .take_until(Box::pin(deadline.passed()))
        );
        let mut found = Vec::new();
        while let Some(one) = answers.next().await {
            found.push(one);
            let failed = |found: &Found| found.answer.as_ref().is_err_and(CallError::is_transient);
            if found.len() == first && found.iter().all(failed) {
                break;
            }
        }
        found
    }
}

/// What looking for ends came to.
pub(super) struct Looked {
    /// Workflows that had ended.
    pub(super) ended: usize,
    /// Whether anything was answered.
    pub(super) answered: bool,
    /// Where to go on; `None` when there are no more.
    pub(super) next: Option<u64>,
}

/// When to look for ends that nobody stamped: behind the last number that was looked at, and half as often each time that
/// nothing is found.
#[derive(Debug)]
pub(super) struct Scan {
    from: u64,
    pause: Duration,
    since: Instant,
    open: u64,
}

impl Scan {
    /// Backlog that has not moved for this long is looked up: what the server timed out or somebody terminated is never
    /// stamped.
    const STANDSTILL: Duration = Duration::from_secs(3);
    /// The longest time between two looks.
    const LONGEST: Duration = Duration::from_secs(96);

    pub(super) fn new(now: Instant) -> Self {
        Scan {
            from: 0,
            pause: Self::STANDSTILL,
            since: now,
            open: u64::MAX,
        }
    }

    /// Where to look now, if it is time to, at so many open workflows.
    pub(super) fn due(&mut self, open: u64, now: Instant) -> Option<u64> {
        if open != self.open {
            self.open = open;
            self.since = now;
        }
        (now.duration_since(self.since) >= self.pause).then_some(self.from)
    }

    /// So it was looked.
    pub(super) fn looked(&mut self, looked: &Looked, now: Instant) {
        self.from = looked.next.unwrap_or(0);
        self.pause = if looked.ended > 0 {
            Self::STANDSTILL
        } else {
            (self.pause * 2).min(Self::LONGEST)
        };
        self.since = now;
    }
}

/// When it is believed that the server does not know a start: a start whose deadline has just passed may still be about to
/// be committed.
#[derive(Debug)]
struct Denials {
    /// How long after it was due a start is sent at the latest.
    sent_within: Duration,
    start_timeout: Duration,
    /// When it was said of each for the first time.
    first: HashMap<u64, Instant>,
}

impl Denials {
    /// Whether to believe that the server does not know start `n`, which was due at an offset and asked for at another:
    /// when that was a start's whole time after its deadline, or is said for the second time.
    fn is_believed(&mut self, n: u64, due: Duration, asked: Duration, now: Instant) -> bool {
        let deadline = due + self.sent_within + self.start_timeout;
        let first = *self.first.entry(n).or_insert(now);
        let believed = asked >= deadline + self.start_timeout || now.duration_since(first) >= AGAIN;
        if believed {
            self.first.remove(&n);
        }
        believed
    }
}

/// Waits for something while the run is shown and refreshed.
///
/// # Errors
/// When `on_tick` fails.
pub async fn ticking<T>(
    work: impl Future<Output = T>,
    submission: &Submission,
    mut on_tick: impl AsyncFnMut(&Submission) -> Result<(), Problem>,
) -> Result<T, Problem> {
    let mut work = pin!(work);
    let mut interval = tokio::time::interval_at(Instant::now() + TICK, TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            _ = interval.tick() => on_tick(submission).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{load::shard::StartEnd, scripted_server::Over};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn that_a_start_does_not_exist_is_believed_late_or_twice() {
        let mut denials = Denials {
            sent_within: SECOND,
            start_timeout: SECOND * 10,
            first: HashMap::new(),
        };
        let now = Instant::now();
        let due = SECOND * 5;
        // Its deadline is at most at 16 s.
        assert!(denials.is_believed(1, due, SECOND * 26, now));
        assert!(!denials.is_believed(2, due, SECOND * 26 - Duration::from_nanos(1), now));
        assert!(!denials.is_believed(2, due, SECOND * 17, now + AGAIN - Duration::from_nanos(1)));
        assert!(denials.is_believed(2, due, SECOND * 17, now + AGAIN));
        // What was said of one says nothing of another.
        assert!(!denials.is_believed(3, due, SECOND * 17, now + AGAIN));
    }

    #[test]
    fn it_is_looked_on_from_where_it_was_and_less_often_while_nothing_is_found() {
        let begun = Instant::now();
        let mut scan = Scan::new(begun);
        assert_eq!(scan.due(7, begun), None);
        assert_eq!(scan.due(7, begun + SECOND * 2), None);
        // It moved: no look.
        assert_eq!(scan.due(6, begun + SECOND * 3), None);
        assert_eq!(scan.due(6, begun + SECOND * 6), Some(0));
        let nothing = |next| Looked {
            ended: 0,
            answered: true,
            next,
        };
        scan.looked(&nothing(Some(1000)), begun + SECOND * 6);
        assert_eq!(scan.due(6, begun + SECOND * 11), None);
        assert_eq!(scan.due(6, begun + SECOND * 12), Some(1000));
        let mut now = begun + SECOND * 12;
        for pause in [12, 24, 48, 96, 96] {
            scan.looked(&nothing(None), now);
            assert_eq!(
                scan.due(6, now + SECOND * pause - Duration::from_nanos(1)),
                None,
                "{pause}"
            );
            now += SECOND * pause;
            assert_eq!(scan.due(6, now), Some(0), "{pause}");
        }
        scan.looked(
            &Looked {
                ended: 1,
                ..nothing(Some(5))
            },
            now,
        );
        assert_eq!(scan.due(6, now + SECOND * 3), Some(5));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_is_shown_from_a_quarter_of_a_second_on() {
        let over = Over::new(true, |_| StartEnd::Accepted);
        for (wait, shown) in [(TICK / 2, 0), (TICK * 5 / 2, 2)] {
            let mut ticks = 0;
            let on_tick = async |_: &Submission| {
                ticks += 1;
                Ok(())
            };
            ticking(tokio::time::sleep(wait), &over.submission, on_tick)
                .await
                .unwrap();
            assert_eq!(ticks, shown);
        }
    }
}
