//! After the last start: completions are waited for, lost answers looked up, and the account closed.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use benchmark_scenarios::Plan;
use benchmark_temporal::{CallError, Server, lookup, visibility};
use futures::{StreamExt as _, stream};

use crate::{
    accounts::{Missing, Origin, WorkflowEnd},
    fleet::{Crew, crew::LostPart},
    ids,
    sampler::workflow_end,
    stop::Stop,
    submission::{Submission, TICK},
    workload,
};

/// How long is waited for completions after a stop was asked for: a supervisor that sent SIGTERM kills after 30 s.
const HURRIED: Duration = Duration::from_secs(10);

/// Backlog that has not moved for this long is looked up: what the server timed out or somebody terminated is never
/// stamped.
const STANDSTILL: Duration = Duration::from_secs(3);

/// Open workflows that are looked up at one time.
const LOOK_UPS: usize = 1_000;

/// Look-ups under way at the same time: they are not measured, and must not weigh on a server that recovers.
const LOOK_UP_CONCURRENCY: usize = 16;

/// How long lost answers are looked up for: a server that was restarted needs a while.
const LOOK_UP_LIMIT: Duration = Duration::from_secs(60);

/// Arrivals of a lost generator that are looked up, the earliest first: those it may have sent and not told of.
const LOST_LOOK_UPS: usize = 5_000;

/// How the drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Nothing is open.
    Empty,
    /// Time was up with workflows open.
    TimeUp,
}

/// Waits for what is open and resolves what is unknown. `on_tick` is called about four times a second.
///
/// # Errors
/// When the account is gone.
pub async fn drain(
    plan: &Plan,
    server: &Server,
    crew: &Crew,
    submission: &mut Submission,
    stop: &Stop,
    mut on_tick: impl AsyncFnMut(&Submission) -> anyhow::Result<()>,
) -> anyhow::Result<Drained> {
    let begun = Instant::now();
    let look_ups = LookUps::new(server, submission);
    for part in crew.lost_parts(submission.iteration) {
        let missing = look_ups.close_lost(submission, &part).await?;
        let (name, departure) = (part.name, part.departure);
        submission.note(
            "generator-lost",
            format!("generator {name} is gone ({departure}): it told nothing of {missing} arrivals of its part"),
        );
    }
    look_ups
        .resolve_unknown(submission, begun, plan, stop, &mut on_tick)
        .await?;
    let mut seen = (u64::MAX, Instant::now());
    loop {
        submission.hear(crew);
        let limit = if stop.reason().is_some() {
            HURRIED.min(plan.load.drain)
        } else {
            plan.load.drain
        };
        let open = if submission.stamps {
            submission.accountant.visit(|accounts| accounts.backlog()).await?
        } else {
            open_on_server(plan, server, submission).await?
        };
        if open == 0 {
            return Ok(Drained::Empty);
        }
        if open != seen.0 {
            seen = (open, Instant::now());
        }
        let time_up = begun.elapsed() >= limit;
        // Somebody silent may be about to deliver what is looked for.
        let standing_still = seen.1.elapsed() >= STANDSTILL && !crew.somebody_is_silent();
        if submission.stamps && (time_up || standing_still) {
            look_ups.find_ended(submission).await?;
            seen.1 = Instant::now();
        }
        if time_up {
            let open = submission.accountant.visit(|accounts| accounts.backlog()).await?;
            return Ok(if submission.stamps && open == 0 {
                Drained::Empty
            } else {
                Drained::TimeUp
            });
        }
        on_tick(submission).await?;
        tokio::time::sleep(TICK.min(limit.saturating_sub(begun.elapsed()))).await;
    }
}

/// Accepted workflows that the server does not count as ended, where nobody stamps. A query that fails counts as all open:
/// it is made again until time is up.
async fn open_on_server(plan: &Plan, server: &Server, submission: &Submission) -> anyhow::Result<u64> {
    let accepted = submission
        .accountant
        .visit(|accounts| accounts.ledger().accepted)
        .await?;
    let workflow_type = workload::registered_name(&plan.workload.kind);
    let counts = visibility::count_by_status(server, &submission.id_prefix, workflow_type).await;
    Ok(counts.map_or(accepted, |counts| accepted.saturating_sub(visibility::ended(&counts))))
}

/// Asks the server about single workflows.
struct LookUps {
    server: Server,
    id_prefix: Arc<str>,
    schedule: crate::schedule::Schedule,
}

/// What the server says of one workflow.
struct Found {
    n: u64,
    answer: Result<Option<lookup::Lookup>, CallError>,
}

impl LookUps {
    fn new(server: &Server, submission: &Submission) -> Self {
        LookUps {
            server: server.clone(),
            id_prefix: Arc::clone(&submission.id_prefix),
            schedule: submission.schedule.clone(),
        }
    }

    /// Looks up the starts whose answer was lost, until each is resolved or time is up.
    async fn resolve_unknown(
        &self,
        submission: &Submission,
        begun: Instant,
        plan: &Plan,
        stop: &Stop,
        on_tick: &mut impl AsyncFnMut(&Submission) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        loop {
            let unknown = submission
                .accountant
                .visit(|accounts| accounts.unknown(LOOK_UPS))
                .await?;
            let limit = if stop.reason().is_some() {
                HURRIED
            } else {
                LOOK_UP_LIMIT
            };
            if unknown.is_empty() || begun.elapsed() >= limit.min(plan.load.drain) {
                return Ok(());
            }
            let found = self.ask(unknown).await;
            let passing = found.iter().all(|found| found.answer.is_err());
            submission
                .accountant
                .visit(|accounts| {
                    for Found { n, answer } in found {
                        match answer {
                            Ok(found) => accounts.resolve_unknown(n, found.is_some()),
                            Err(error) => accounts.add_error("lookup", format!("{:?}", error.code), n, error.message),
                        }
                    }
                })
                .await?;
            on_tick(submission).await?;
            if passing {
                // Not one was answered: the server is not there. It is asked again, but not in a tight loop.
                tokio::time::sleep(TICK).await;
            }
        }
    }

    /// Closes the part of a generator that is gone: of what it did not tell, the workflows that the server knows were
    /// accepted, the others never sent. Returns how many arrivals it did not tell of.
    async fn close_lost(&self, submission: &Submission, lost: &LostPart) -> anyhow::Result<u64> {
        let (part, end) = (lost.part, submission.end());
        let missing: Missing = submission
            .accountant
            .visit(move |accounts| accounts.missing(part, end))
            .await?;
        // It tells twice a second, so what it sent and did not tell of are the first of them.
        let asked = missing.unheard.iter().take(LOST_LOOK_UPS).collect();
        let found: HashSet<u64> = self
            .ask(asked)
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

    /// Looks up open workflows that may have ended without a stamp.
    async fn find_ended(&self, submission: &Submission) -> anyhow::Result<()> {
        let open = submission.accountant.visit(|accounts| accounts.open(LOOK_UPS)).await?;
        let ended: Vec<(u64, WorkflowEnd, Option<String>)> = self
            .ask(open)
            .await
            .into_iter()
            .filter_map(|Found { n, answer }| {
                let found = answer.ok()??;
                Some((n, workflow_end(found.status)?, found.failure))
            })
            .collect();
        submission
            .accountant
            .visit(|accounts| {
                ended
                    .into_iter()
                    .for_each(|(n, end, message)| accounts.add_unstamped_end(n, end, message));
            })
            .await
    }

    async fn ask(&self, numbers: Vec<u64>) -> Vec<Found> {
        stream::iter(numbers)
            .map(|n| {
                let phase = self.schedule.phase_of(n);
                let id = ids::workflow_id(&self.id_prefix, phase, n);
                let answer = lookup::describe(&self.server, &id);
                async move {
                    Found {
                        n,
                        answer: answer.await,
                    }
                }
            })
            .buffer_unordered(LOOK_UP_CONCURRENCY)
            .collect()
            .await
    }
}
