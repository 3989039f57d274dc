//! The account against the server's own, for exactly this run's workflow ids.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use benchmark_results::{
    Ledger,
    schema::{Cleanup, CompletionSource, Fact, Phase, Reconciliation},
};
use benchmark_scenarios::Plan;
use benchmark_temporal::{
    Server, Status, cleanup,
    visibility::{self, Counts, Settle},
};

use crate::{accounts::WorkflowEnd, ids, sampler::workflow_end, submission::Submission, workload};

/// How long terminating what is open may take, at least.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(60);

/// How long each of the two may take after a stop was asked for.
const HURRIED: Duration = Duration::from_secs(5);

/// Workflows a second that a cluster's batch operation terminates unless it is configured otherwise.
const BATCH_RATE: u64 = 50;

/// Where the counts come from, for the result.
const SOURCE: &str = "CountWorkflowExecutions by workflow id prefix and type, grouped by status";

/// Phases that workflows are due in.
pub const PHASES: [Phase; 3] = [Phase::Ramp, Phase::WarmUp, Phase::Measure];

/// Compares the account with the server's counts, and fills in the ends where nobody stamped them. A server that is
/// `gone`, for this reason, is not asked. `hurried` after a stop was asked for: a supervisor does not wait long.
///
/// # Errors
/// When the account is gone. A server that cannot be asked is part of the result.
pub async fn reconcile(
    plan: &Plan,
    server: &Server,
    submission: &Submission,
    gone: Option<&str>,
    hurried: bool,
) -> anyhow::Result<Reconciliation> {
    let workflow_type = workload::registered_name(&plan.workload.kind);
    let ledger = submission.accountant.visit(|accounts| accounts.ledger()).await?;
    let expected = if submission.stamps {
        ledger.ended()
    } else {
        ledger.accepted
    };
    let mut when = Settle::on(expected);
    if !submission.stamps {
        // The drain has waited for the ends already; here the counts only have to stand still.
        when.limit = Duration::from_secs(20);
    }
    if hurried {
        when.limit = HURRIED;
    }
    let mut result = Reconciliation::not_made("the server was not asked");
    result.source = if submission.stamps {
        CompletionSource::Stamps
    } else {
        CompletionSource::Visibility
    };
    if let Some(reason) = gone {
        result.server = Fact::missing(reason);
        observe(submission, &mut result).await?;
        return Ok(result);
    }
    match visibility::settle(server, &submission.id_prefix, workflow_type, when).await {
        Ok(settled) => {
            let counts = settled
                .counts
                .iter()
                .map(|(status, count)| (status.name().to_owned(), *count));
            result.server = Fact::found(counts.collect(), SOURCE);
            result.settled_after_seconds = Some(settled.after.as_secs_f64());
            for phase in PHASES {
                let prefix = ids::phase_prefix(&submission.id_prefix, phase);
                match visibility::count_by_status(server, &prefix, workflow_type).await {
                    Ok(counts) => {
                        if !submission.stamps {
                            take_ends(submission, phase, &counts).await?;
                        }
                        let ledger = phase_ledger(submission, phase).await?;
                        result.disagreements.extend(disagreements(phase, &ledger, &counts));
                    }
                    Err(error) => result.server = Fact::missing(format!("{}: {error}", ids::phase_name(phase))),
                }
            }
        }
        Err(error) => result.server = Fact::missing(error.to_string()),
    }
    if !submission.stamps {
        take_completion_times(plan, server, submission).await?;
    }
    observe(submission, &mut result).await?;
    Ok(result)
}

/// Terminates what is still open of this run, and nothing else.
pub async fn clean_up(plan: &Plan, server: &Server, submission: &Submission, hurried: bool) -> Cleanup {
    let open = visibility::count_open(server, &submission.id_prefix).await.ok();
    if !plan.cleanup {
        return Cleanup {
            requested: false,
            open_before: open,
            open_after: open,
            problem: None,
        };
    }
    let limit = if hurried {
        HURRIED
    } else {
        CLEAN_UP_LIMIT + Duration::from_secs(open.unwrap_or(0) / BATCH_RATE)
    };
    let cleaned = cleanup::terminate_open(server, &submission.id_prefix, limit).await;
    Cleanup {
        requested: true,
        open_before: cleaned.open_before,
        open_after: cleaned.open_after,
        problem: cleaned.problem,
    }
}

async fn phase_ledger(submission: &Submission, phase: Phase) -> anyhow::Result<Ledger> {
    submission
        .accountant
        .visit(move |accounts| {
            accounts
                .phases()
                .get(&phase)
                .map(|phase| phase.ledger())
                .unwrap_or_default()
        })
        .await
}

async fn take_ends(submission: &Submission, phase: Phase, counts: &Counts) -> anyhow::Result<()> {
    let ends: BTreeMap<WorkflowEnd, u64> = counts
        .iter()
        .filter_map(|(status, count)| Some((workflow_end(*status)?, *count)))
        .collect();
    submission
        .accountant
        .visit(move |accounts| accounts.set_ends(phase, &ends))
        .await
}

/// Where nobody stamps, the server tells how many completed in each phase's time. Its clock may differ from ours by
/// milliseconds, which is nothing to a phase.
async fn take_completion_times(plan: &Plan, server: &Server, submission: &Submission) -> anyhow::Result<()> {
    let workflow_type = workload::registered_name(&plan.workload.kind);
    let instant =
        |offset: u64| -> SystemTime { UNIX_EPOCH + Duration::from_nanos(submission.timeline.unix_ns_of(offset)) };
    for phase in PHASES {
        let (begin, end) = submission.schedule.bounds(phase);
        let (begin, end) = (begin, end.min(submission.end()));
        if begin >= end {
            continue;
        }
        let completed = visibility::count_completed_between(
            server,
            &submission.id_prefix,
            workflow_type,
            instant(begin),
            instant(end),
        );
        if let Ok(completed) = completed.await {
            submission
                .accountant
                .visit(move |accounts| accounts.set_completed_in_time(phase, completed))
                .await?;
        }
    }
    Ok(())
}

/// What the ledger and the server's counts of one phase differ by, in words.
fn disagreements(phase: Phase, ledger: &Ledger, counts: &Counts) -> Vec<String> {
    let server = |status: Status| counts.get(&status).copied().unwrap_or(0);
    // A start whose fate is unknown may be on the server in any state; it must not be called a disagreement twice.
    let tolerated = ledger.unknown;
    let open = server(Status::Running) + server(Status::Paused) + server(Status::ContinuedAsNew);
    [
        ("completed", ledger.completed, server(Status::Completed)),
        ("failed", ledger.failed, server(Status::Failed)),
        ("timed out", ledger.timed_out, server(Status::TimedOut)),
        ("terminated", ledger.terminated, server(Status::Terminated)),
        ("cancelled", ledger.cancelled, server(Status::Cancelled)),
        ("open", ledger.open, open),
    ]
    .into_iter()
    .filter(|(_, ours, theirs)| ours.abs_diff(*theirs) > tolerated)
    .map(|(what, ours, theirs)| {
        format!(
            "{} phase: {ours} {what} in the ledger, {theirs} on the server",
            ids::phase_name(phase)
        )
    })
    .collect()
}

async fn observe(submission: &Submission, result: &mut Reconciliation) -> anyhow::Result<()> {
    let (observers, sample_ends, found, not_found) = submission
        .accountant
        .visit(|accounts| {
            let sum =
                |count: fn(&crate::accounts::PhaseAccount) -> u64| accounts.phases().values().map(count).sum::<u64>();
            (
                accounts.observers().clone(),
                accounts.phases().get(&Phase::Measure).map(|phase| phase.sample_ends()),
                sum(|phase| phase.unknown_found),
                sum(|phase| phase.unknown_not_found),
            )
        })
        .await?;
    result.stamped = observers.stamped;
    result.stamped_twice = observers.stamped_twice;
    result.not_stamped = observers.not_stamped;
    result.sampled = observers.polled;
    result.sample_ends = Some(sample_ends.unwrap_or_default());
    result.sample_disagreements = observers.poll_disagreements;
    result.poll_delay = observers.poll_delay.to_latency();
    result.unknown_found = found;
    result.unknown_not_found = not_found;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_with_both_figures() {
        let ledger = Ledger {
            accepted: 10,
            completed: 8,
            failed: 1,
            open: 1,
            ..Ledger::default()
        };
        let agreeing = Counts::from([(Status::Completed, 8), (Status::Failed, 1), (Status::Running, 1)]);
        assert_eq!(disagreements(Phase::Measure, &ledger, &agreeing), Vec::<String>::new());
        let other = Counts::from([(Status::Completed, 9), (Status::Failed, 1)]);
        assert_eq!(
            disagreements(Phase::Measure, &ledger, &other),
            [
                "measure phase: 8 completed in the ledger, 9 on the server",
                "measure phase: 1 open in the ledger, 0 on the server"
            ]
        );
    }

    #[test]
    fn an_unknown_start_may_be_anywhere() {
        let ledger = Ledger {
            unknown: 1,
            accepted: 8,
            completed: 8,
            ..Ledger::default()
        };
        let counts = Counts::from([(Status::Completed, 9)]);
        assert_eq!(disagreements(Phase::Measure, &ledger, &counts), Vec::<String>::new());
    }
}
