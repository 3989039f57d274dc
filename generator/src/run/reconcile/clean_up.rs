//! Clean-up: what the run left open is terminated.

use std::time::Duration;

use benchmark_results::schema::Cleanup;
use benchmark_scenarios::Problem;
use benchmark_temporal::{
    cleanup::{self, KnownOpen},
    visibility,
};

use super::{Reconciling, silent};
use crate::{
    load::ids,
    stop::deadline::{PATIENCE, Step},
};

/// How long terminating what is open may take, at least.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(60);

/// How long counting what is open may take.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// Workflows a second that a cluster's batch operation terminates unless it is configured otherwise.
const BATCH_RATE: u64 = 50;

impl Reconciling<'_> {
    /// Terminates what is still open of this run, and nothing else.
    ///
    /// # Errors
    /// When the account is gone.
    pub async fn clean_up(&self) -> Result<Cleanup, Problem> {
        let (server, prefix) = (self.server, &self.submission.id_prefix);
        let counting = self.ending.asking(Step::CleanUp, OPEN_LIMIT, PATIENCE);
        let open = counting.keep(visibility::count_open(server, prefix)).await;
        let open = open.ok().and_then(Result::ok);
        if !self.plan.cleanup {
            return Ok(Cleanup {
                requested: false,
                open_before: open,
                open_after: open,
                problem: None,
            });
        }
        let backlog = self.submission.accountant.visit(|accounts| accounts.backlog()).await?;
        let deadline = self
            .ending
            .asking(Step::CleanUp, limit(open.unwrap_or(backlog)), PATIENCE);
        let room = KnownOpen::room(deadline.left());
        let open_ones = self
            .submission
            .accountant
            .visit(move |accounts| accounts.open_from(0, room))
            .await?;
        let id = |n| ids::workflow_id(prefix, self.submission.schedule.phase_of(n), n);
        let known = KnownOpen {
            total: backlog,
            counted: open,
            ids: open_ones.into_iter().map(id).collect(),
        };
        let cleaning = cleanup::terminate_open(server, prefix, deadline.left(), known);
        Ok(match deadline.keep(cleaning).await {
            Ok(cleaned) => Cleanup {
                requested: true,
                open_before: cleaned.open_before,
                open_after: cleaned.open_after,
                problem: cleaned.problem,
            },
            Err(time_up) => {
                let why = silent(&deadline).unwrap_or_else(|| time_up.to_string());
                Cleanup {
                    requested: true,
                    open_before: open,
                    open_after: None,
                    problem: Some(format!("{why}, so open workflows were not terminated")),
                }
            }
        })
    }
}

/// How long terminating so many may take.
fn limit(open: u64) -> Duration {
    CLEAN_UP_LIMIT + Duration::from_secs(open / BATCH_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_operation_has_a_minute_and_the_time_that_it_takes() {
        for (open, seconds) in [(0, 60), (49, 60), (50, 61), (6_000, 180)] {
            assert_eq!(limit(open), Duration::from_secs(seconds), "{open}");
        }
    }
}
