//! Reconciliation of the account with the server's own, for exactly this run's workflow ids, at the instant at which
//! the account was closed.

mod clean_up;
mod differences;
mod server_clock;
mod settling;
mod stale;

use std::{collections::BTreeMap, time::Duration};

use benchmark_results::{
    Ledger, WorkflowEnd,
    limits::CUT_OFF_NEAR,
    schema::{CompletionSource, Fact, Phase, Reconciliation},
};
use benchmark_scenarios::{Plan, Problem, units};
use benchmark_temporal::{
    BoxFuture, CallError, Server, Status,
    visibility::{self, Counts},
};

use crate::{
    account::sampler::workflow_end,
    load::ids,
    run::submission::Submission,
    stop::deadline::{Deadline, Ending, PATIENCE, Step},
};
use differences::disagreements;
use settling::{Settled, Settling};

/// How long the counts are waited for.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);

/// The same where nobody stamps: the drain has waited for the ends already, and here they only have to stand still.
const SETTLE_AGAIN_LIMIT: Duration = Duration::from_secs(20);

/// How long the counts by phase may take together.
const COUNT_LIMIT: Duration = Duration::from_secs(30);

/// Time between two questions.
const INTERVAL: Duration = Duration::from_millis(500);

/// Where the counts come from, for the result.
const SOURCE: &str = "CountWorkflowExecutions by workflow id prefix and type, grouped by status";

/// Phases that workflows are due in.
pub const PHASES: [Phase; 3] = [Phase::Ramp, Phase::WarmUp, Phase::Measure];

/// What the account is compared with, and until when.
pub struct Reconciling<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The server.
    pub server: &'a Server,
    /// The window, whose account is closed for ends.
    pub submission: &'a Submission,
    /// How long each step may take.
    pub ending: &'a Ending,
    /// Why the server is gone for good, when it is: then it is not asked.
    pub gone: Option<&'a str>,
    /// How long the namespace keeps closed workflows, where the server tells.
    pub retention: Option<Duration>,
}

impl Reconciling<'_> {
    /// Compares the account with the server's counts, and fills in the ends where nobody stamped them.
    ///
    /// # Errors
    /// When the account is gone. A server that cannot be asked is part of the result.
    pub async fn reconcile(&self) -> Result<Reconciliation, Problem> {
        let stamps = self.submission.stamps;
        let mut result = Reconciliation::not_made("the server was not asked");
        result.source = if stamps {
            CompletionSource::Stamps
        } else {
            CompletionSource::Visibility
        };
        match self.gone {
            Some(reason) => result.server = Fact::missing(reason),
            None => {
                self.compare(&mut result).await?;
                if !stamps && self.are_close_times_known() {
                    self.take_completion_times().await?;
                }
            }
        }
        result.server_clock = Some(self.server_clock());
        self.observe(&mut result).await?;
        Ok(result)
    }

    async fn compare(&self, result: &mut Reconciliation) -> Result<(), Problem> {
        let settled = match self.settle().await? {
            Ok(settled) => settled,
            Err(reason) => {
                result.server = Fact::missing(reason);
                return Ok(());
            }
        };
        result.settled_after_seconds = Some(settled.after.as_secs_f64());
        let deadline = self.ending.asking(Step::Counts, COUNT_LIMIT, PATIENCE);
        let mut whole = Counts::new();
        let mut differences = Vec::new();
        let mut not_asked = None;
        for phase in PHASES {
            let counts = match self.count_phase(phase, &deadline).await {
                Ok(counts) => counts,
                Err(reason) => {
                    not_asked = Some(format!("{} phase: {reason}", ids::phase_name(phase)));
                    continue;
                }
            };
            if !self.submission.stamps {
                self.take_ends(phase, &counts).await?;
            }
            let (ledger, near) = self.phase_ledger(phase).await?;
            differences.extend(disagreements(phase, &ledger, &counts, self.tolerance(near)));
            for (status, count) in counts {
                *whole.entry(status).or_default() += count;
            }
        }
        let asked = match not_asked {
            Some(reason) => Err(reason),
            None if !settled.stands => Err(format!(
                "the server's counts still changed when time was up: {} workflows that ended until the drain was over",
                visibility::ended(&settled.counts)
            )),
            None if self.submission.is_open_at_the_cut_off() && !self.is_cut_off_known() => Err(format!(
                "what had ended at the cut-off is told by the server's clock, which is not known to {}",
                units::format(CUT_OFF_NEAR)
            )),
            None => match self.too_late(&whole).await? {
                Some(reason) => Err(reason),
                None => Ok(whole),
            },
        };
        match asked {
            Ok(counts) => {
                let counts = counts.iter().map(|(status, count)| (status.name().to_owned(), *count));
                result.server = Fact::found(counts.collect(), SOURCE);
                if !differences.is_empty() && settled.fell > 0 {
                    differences.push(format!(
                        "the server's count of ended workflows fell by {} while it was looked at: somebody deletes them",
                        settled.fell
                    ));
                }
                differences.extend(stale::in_words(&settled.stale));
                result.disagreements = differences;
            }
            Err(reason) => result.server = Fact::missing(reason),
        }
        Ok(())
    }

    /// Waits until the server's counts of the whole run stand still. The error within says why they cannot be had.
    async fn settle(&self) -> Result<Result<Settled, String>, Problem> {
        let submission = self.submission;
        let (ledger, near) = submission
            .accountant
            .visit(|accounts| (accounts.ledger(), accounts.ends_near_the_cut_off()))
            .await?;
        let (expected, limit) = if submission.stamps {
            (ledger.ended(), SETTLE_LIMIT)
        } else {
            (ledger.accepted, SETTLE_AGAIN_LIMIT)
        };
        let deadline = self.ending.asking(Step::Settle, limit, PATIENCE);
        let settling = Settling::new(expected, self.tolerance(near), submission.stamps);
        let ends = || self.ends(&submission.id_prefix);
        let stale = async |missing| self.stale(missing).await;
        Ok(settling.run(&deadline, ends, stale).await)
    }

    /// What the server may differ by: nothing, unless workflows ended at the cut-off.
    fn tolerance(&self, near: u64) -> u64 {
        if self.submission.is_open_at_the_cut_off() {
            near
        } else {
            0
        }
    }

    /// Counts by status. Where the backlog moves on, only what had ended at the cut-off.
    fn ends(&self, prefix: &str) -> BoxFuture<'static, Result<Counts, CallError>> {
        let workflow_type = self.plan.workload.kind.definition().workflow_type;
        match &self.submission.cut_off {
            Some(cut) if cut.is_moving => {
                let at = self.time_of(cut.at);
                visibility::count_ended_by(self.server, prefix, workflow_type, at)
            }
            _ => visibility::count_by_status(self.server, prefix, workflow_type),
        }
    }

    /// The workflows of a phase by status as they stood at the cut-off.
    async fn count_phase(&self, phase: Phase, deadline: &Deadline) -> Result<Counts, String> {
        let prefix = ids::phase_prefix(&self.submission.id_prefix, phase);
        let ends = asked(deadline, || self.ends(&prefix)).await?;
        if !self.submission.is_open_at_the_cut_off() {
            return Ok(ends);
        }
        let workflow_type = self.plan.workload.kind.definition().workflow_type;
        let all = asked(deadline, || {
            visibility::count_by_status(self.server, &prefix, workflow_type)
        })
        .await?;
        Ok(as_of_then(ends, &all))
    }

    /// Why the server cannot know them all any more, when it has fewer than were started.
    async fn too_late(&self, counts: &Counts) -> Result<Option<String>, Problem> {
        let known: u64 = counts.values().sum();
        let accepted = self
            .submission
            .accountant
            .visit(|accounts| accounts.ledger().accepted)
            .await?;
        let ran = Duration::from_secs_f64(self.submission.timeline.seconds().max(0.0));
        Ok(self
            .retention
            .and_then(|retention| gone(accepted.saturating_sub(known), retention, ran)))
    }

    async fn phase_ledger(&self, phase: Phase) -> Result<(Ledger, u64), Problem> {
        self.submission
            .accountant
            .visit(move |accounts| {
                let ledger = accounts.phases().get(&phase).map(|phase| phase.ledger());
                (ledger.unwrap_or_default(), accounts.ends_near_the_cut_off())
            })
            .await
    }

    async fn take_ends(&self, phase: Phase, counts: &Counts) -> Result<(), Problem> {
        let ends: BTreeMap<WorkflowEnd, u64> = counts
            .iter()
            .filter_map(|(status, count)| Some((workflow_end(*status)?, *count)))
            .collect();
        self.submission
            .accountant
            .visit(move |accounts| accounts.set_ends(phase, &ends))
            .await
    }

    /// Where nobody stamps, the server tells how many completed in each phase's time. What it does not tell stays unknown.
    async fn take_completion_times(&self) -> Result<(), Problem> {
        let submission = self.submission;
        let workflow_type = self.plan.workload.kind.definition().workflow_type;
        let deadline = self.ending.asking(Step::Counts, COUNT_LIMIT, PATIENCE);
        for phase in PHASES {
            let (begin, end) = submission.schedule.bounds(phase);
            let (begin, end) = (begin, end.min(submission.end()));
            if begin >= end {
                continue;
            }
            let completed = asked(&deadline, || {
                visibility::count_completed_between(
                    self.server,
                    &submission.id_prefix,
                    workflow_type,
                    self.time_of(begin),
                    self.time_of(end),
                )
            });
            if let Ok(completed) = completed.await {
                submission
                    .accountant
                    .visit(move |accounts| accounts.set_completed_in_time(phase, completed))
                    .await?;
            }
        }
        Ok(())
    }

    async fn observe(&self, result: &mut Reconciliation) -> Result<(), Problem> {
        let (observers, sample_ends, found, not_found, later) = self
            .submission
            .accountant
            .visit(|accounts| {
                let sum = |count: fn(&crate::account::accounts::PhaseAccount) -> u64| {
                    accounts.phases().values().map(count).sum::<u64>()
                };
                (
                    accounts.observers().clone(),
                    accounts.phases().get(&Phase::Measure).map(|phase| phase.sample_ends()),
                    sum(|phase| phase.unknown_found),
                    sum(|phase| phase.unknown_not_found),
                    accounts.ended_later(),
                )
            })
            .await?;
        result.stamped = observers.stamped;
        result.stamped_twice = observers.stamped_twice;
        result.implausible = Some(observers.implausible);
        result.seen_before_stamp = Some(observers.seen_before_stamp);
        result.compared_with_server = Some(observers.compared_with_server);
        result.stamped_early = Some(observers.stamped_early);
        result.not_stamped = observers.not_stamped;
        result.sampled = observers.polled;
        result.sample_ends = Some(sample_ends.unwrap_or_default());
        result.sample_disagreements = observers.poll_disagreements;
        result.poll_delay = observers.poll_delay.to_latency();
        result.unknown_found = found;
        result.unknown_not_found = not_found;
        result.cut_off = self
            .submission
            .cut_off
            .as_ref()
            .map(|cut| benchmark_results::schema::CutOff {
                seconds: cut.at as f64 / 1e9,
                ended_later: later,
                cut_short_by: cut.cut_short.clone(),
            });
        Ok(())
    }
}

/// Asks, and again while the failure may pass and time is left. The error says why nothing was told.
async fn asked<T>(
    deadline: &Deadline,
    question: impl Fn() -> BoxFuture<'static, Result<T, CallError>>,
) -> Result<T, String> {
    let mut problem = "no time was left to ask the server".to_owned();
    loop {
        match deadline.keep(question()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) if error.is_transient() && !deadline.is_over() => problem = error.to_string(),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(silent(deadline).unwrap_or(problem)),
        }
        deadline.sleep(INTERVAL).await;
    }
}

/// For how long the server has answered nothing, in words, where that is so.
fn silent(deadline: &Deadline) -> Option<String> {
    let silent = deadline.silent_for()?;
    Some(format!("the server has answered nothing for {} s", silent.as_secs()))
}

/// What had ended then, and as running all that had not.
fn as_of_then(ends: Counts, all: &Counts) -> Counts {
    let ended = visibility::ended(&ends);
    let open = all.values().sum::<u64>().saturating_sub(ended);
    let mut counts = ends;
    if open > 0 {
        counts.insert(Status::Running, open);
    }
    counts
}

/// Why that many workflows are not there, when the namespace keeps closed ones for less time than has gone by.
fn gone(missing: u64, retention: Duration, ran: Duration) -> Option<String> {
    (missing > 0 && retention < ran).then(|| {
        format!(
            "{missing} workflows are gone from the server: the namespace keeps closed ones for {}, and they were counted {} \
             after the beginning",
            units::format(retention),
            units::format(Duration::from_secs(ran.as_secs()))
        )
    })
}

#[cfg(test)]
mod tests {
    mod told;

    use std::cell::Cell;

    use tonic::Code;

    use super::*;
    use crate::stop;

    fn deadline(limit: Duration) -> Deadline {
        Ending::new(stop::channel().1, limit).step(Step::Counts, limit)
    }

    fn refusal(code: Code) -> CallError {
        CallError {
            operation: "CountWorkflowExecutions",
            code,
            message: "no".to_owned(),
            no_namespace: false,
        }
    }

    /// Asks a server that gives these answers and then none; what came of it, and how many it gave.
    async fn ask(limit: Duration, answers: Vec<Result<u64, CallError>>) -> (Result<u64, String>, usize) {
        let given = Cell::new(0);
        let deadline = deadline(limit);
        let told = asked(&deadline, || {
            let answer = answers.get(given.get()).cloned();
            given.set(given.get() + 1);
            Box::pin(async move {
                match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            })
        });
        (told.await, given.get())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_a_moment_is_asked_again() {
        let busy = || Err(refusal(Code::ResourceExhausted));
        assert_eq!(ask(COUNT_LIMIT, vec![busy(), busy(), Ok(7)]).await, (Ok(7), 3));
        // Not for good, and what is refused for good not at all.
        let (told, asked) = ask(INTERVAL * 3, vec![busy(); 100]).await;
        assert!(
            told.unwrap_err().contains("ResourceExhausted") && (3..6).contains(&asked),
            "{asked}"
        );
        let (told, asked) = ask(COUNT_LIMIT, vec![Err(refusal(Code::PermissionDenied)), Ok(7)]).await;
        assert!(told.unwrap_err().contains("PermissionDenied") && asked == 1, "{asked}");
        // Nor is one question waited for without limit.
        let (told, asked) = ask(COUNT_LIMIT, vec![busy()]).await;
        assert!(told.unwrap_err().contains("ResourceExhausted") && asked == 2, "{asked}");
    }

    #[test]
    fn what_had_not_ended_then_was_open() {
        let ends = Counts::from([(Status::Completed, 7), (Status::Failed, 1)]);
        let all = Counts::from([(Status::Completed, 9), (Status::Failed, 1), (Status::Running, 2)]);
        assert_eq!(
            as_of_then(ends.clone(), &all),
            Counts::from([(Status::Completed, 7), (Status::Failed, 1), (Status::Running, 4)])
        );
        assert_eq!(as_of_then(ends.clone(), &ends), ends);
    }

    #[test]
    fn only_what_was_not_kept_long_enough_is_gone() {
        let minute = Duration::from_secs(60);
        assert_eq!(gone(1, minute, minute), None);
        assert_eq!(gone(0, minute, minute * 2), None);
        assert_eq!(
            gone(1, minute, minute + Duration::from_millis(1)).unwrap(),
            "1 workflows are gone from the server: the namespace keeps closed ones for 1m, and they were counted 1m after \
             the beginning"
        );
    }
}
