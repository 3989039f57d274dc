//! Drain, after the last start: completions are waited for, lost answers looked up, and the account closed for ends.

mod look_ups;
#[cfg(test)]
mod tests;

use std::time::Duration;

use benchmark_scenarios::{Plan, Problem};
use benchmark_temporal::{CallError, Server, visibility};
use tokio::time::Instant;

use crate::{
    account::sampler::Sampler,
    fleet::FleetLeader,
    load::timeline::TICK,
    run::submission::{DrainCutOff, Submission},
    stop::deadline::{Deadline, Ending, PATIENCE, Step},
};
pub use look_ups::ticking;
use look_ups::{LookUps, Scan};

/// How long lost answers are looked up for: a server that was restarted needs a while.
const LOOK_UP_LIMIT: Duration = Duration::from_secs(60);

/// How long all that is open is looked through at the end, for ends that nobody stamped.
const SWEEP_LIMIT: Duration = Duration::from_secs(5);

/// How the drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Nothing is open.
    Empty,
    /// Time was up with workflows open.
    TimeUp,
    /// The server does not tell what is open.
    NotTold,
}

/// Waits for what is open, resolves what is unknown, and closes the account for ends at the instant at which that is over.
/// `on_tick` is called about four times a second.
///
/// # Errors
/// When the account is gone.
pub async fn drain(
    plan: &Plan,
    server: &Server,
    fleet: &FleetLeader,
    submission: &mut Submission,
    ending: &Ending,
    mut on_tick: impl AsyncFnMut(&Submission) -> Result<(), Problem>,
) -> Result<Drained, Problem> {
    let mut look_ups = LookUps::new(plan, server, submission);
    let load_over = Instant::now();
    // Who waits long for ends waits as long for a server that comes back.
    let looking_up = ending.asking(Step::LookUps, LOOK_UP_LIMIT, plan.load.drain.max(PATIENCE));
    for part in fleet.lost_parts(submission.iteration) {
        let missing = look_ups.close_lost(submission, &part, &looking_up).await?;
        let (name, departure) = (part.name, part.departure);
        submission.note(
            "generator-lost",
            format!("generator {name} is gone ({departure}): it told nothing of {missing} arrivals of its part"),
        );
    }
    look_ups.resolve_unknown(submission, &looking_up, &mut on_tick).await?;
    // What might have ended while the server was silent had that time.
    let begun = match looking_up.silent_for() {
        Some(_) => load_over,
        None => Instant::now(),
    };
    let deadline = ending.step(Step::Drain, plan.load.drain.saturating_sub(begun.elapsed()));
    let drained = wait(plan, server, fleet, submission, &deadline, &look_ups, &mut on_tick).await?;
    let is_cut_short = drained == Drained::TimeUp && deadline.is_hurried() && begun.elapsed() < plan.load.drain;
    let ended_by = submission.ended_by.as_ref().map(ToString::to_string);
    let cut_short = ended_by.or_else(|| ending.stopped_by()).filter(|_| is_cut_short);
    let at = submission.timeline.elapsed();
    submission
        .accountant
        .visit(move |accounts| accounts.close_at(at))
        .await?;
    submission.cut_off = Some(DrainCutOff {
        at,
        is_moving: drained != Drained::Empty,
        cut_short,
    });
    Ok(drained)
}

/// Waits until nothing is open, or the deadline.
async fn wait(
    plan: &Plan,
    server: &Server,
    fleet: &FleetLeader,
    submission: &mut Submission,
    deadline: &Deadline,
    look_ups: &LookUps,
    on_tick: &mut impl AsyncFnMut(&Submission) -> Result<(), Problem>,
) -> Result<Drained, Problem> {
    let mut scan = Scan::new(Instant::now());
    loop {
        submission.hear(fleet);
        let open = if submission.stamps {
            submission.accountant.visit(|accounts| accounts.backlog()).await?
        } else {
            let asking = open_on_server(plan, server, submission, deadline);
            match ticking(asking, submission, &mut *on_tick).await?? {
                Ok(open) => open,
                Err(error) => {
                    submission.note(
                        "not-counted",
                        format!(
                            "how many workflows are open cannot be found out, so only those of the sample are waited \
                             for: {error}"
                        ),
                    );
                    return wait_for_sample(fleet, submission, deadline, on_tick).await;
                }
            }
        };
        if open == 0 {
            return Ok(Drained::Empty);
        }
        if deadline.is_over() {
            return Ok(Drained::TimeUp);
        }
        // Somebody silent may be about to deliver what is looked for.
        if submission.stamps
            && let Some(from) = scan.due(open, Instant::now())
            && !fleet.somebody_is_silent()
        {
            let looked = look_ups.find_ended(submission, from, deadline, on_tick).await?;
            scan.looked(&looked, Instant::now());
        }
        on_tick(submission).await?;
        deadline.sleep(TICK).await;
    }
}

/// Waits until the ends of the sample are learnt, or the deadline: where nobody can count, they are all that is known.
async fn wait_for_sample(
    fleet: &FleetLeader,
    submission: &mut Submission,
    deadline: &Deadline,
    on_tick: &mut impl AsyncFnMut(&Submission) -> Result<(), Problem>,
) -> Result<Drained, Problem> {
    loop {
        submission.hear(fleet);
        if submission.sampler.as_ref().is_none_or(Sampler::is_done) {
            return Ok(Drained::NotTold);
        }
        if deadline.is_over() {
            return Ok(Drained::TimeUp);
        }
        on_tick(submission).await?;
        deadline.sleep(TICK).await;
    }
}

/// Looks through everything that is open in the account, once all stamps until then have been told: what the server timed
/// out or somebody terminated is never stamped.
///
/// # Errors
/// When the account is gone.
pub async fn sweep(
    plan: &Plan,
    server: &Server,
    submission: &Submission,
    ending: &Ending,
    mut on_tick: impl AsyncFnMut(&Submission) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let look_ups = LookUps::new(plan, server, submission);
    let deadline = ending.asking(Step::Members, SWEEP_LIMIT, PATIENCE);
    let mut from = Some(0);
    while let Some(next) = from
        && !deadline.is_over()
    {
        let looked = look_ups.find_ended(submission, next, &deadline, &mut on_tick).await?;
        from = looked.next.filter(|_| looked.answered);
    }
    Ok(())
}

/// Accepted workflows that the server does not count as ended, where nobody stamps. A query that fails for now counts as all
/// open: it is made again until time is up. The error within is one that does not pass.
async fn open_on_server(
    plan: &Plan,
    server: &Server,
    submission: &Submission,
    deadline: &Deadline,
) -> Result<Result<u64, CallError>, Problem> {
    let accepted = submission
        .accountant
        .visit(|accounts| accounts.ledger().accepted)
        .await?;
    let workflow_type = plan.workload.kind.definition().workflow_type;
    let counting = visibility::count_by_status(server, &submission.id_prefix, workflow_type);
    Ok(match deadline.keep(counting).await {
        Ok(Ok(counts)) => Ok(accepted.saturating_sub(visibility::ended(&counts))),
        Ok(Err(error)) if !error.is_transient() => Err(error),
        Ok(Err(_)) | Err(_) => Ok(accepted),
    })
}
