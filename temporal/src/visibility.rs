//! The server's own counts of exactly this run's workflows.
//!
//! A run's workflow ids are `prefix/n`. Children carry ids of their own and another workflow type, so that prefix and
//! type together leave them out. Visibility is written behind the workflows: a count is only worth something once it
//! has stopped changing, which is what [`settle`] waits for.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use futures::{FutureExt, future::BoxFuture};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse,
};
use tokio::time::{Instant, sleep};

use crate::{call, call::CallError, connection::Server, status::Status};

/// Workflows of this run by status. A run that continued as new counts once for each of its parts.
pub type Counts = BTreeMap<Status, u64>;

/// Counts the workflows `prefix/…` of one type by status.
pub fn count_by_status(
    server: &Server,
    prefix: &str,
    workflow_type: &str,
) -> BoxFuture<'static, Result<Counts, CallError>> {
    let server = server.clone();
    let query = format!("{} GROUP BY ExecutionStatus", of_run(prefix, workflow_type));
    async move {
        let answer = count(&server, query).await?;
        let mut counts = Counts::new();
        for group in answer.groups {
            let word = group
                .group_values
                .first()
                .map(|value| value.data.as_slice())
                .unwrap_or_default();
            let status =
                serde_json::from_slice::<String>(word).map_or(Status::Unknown, |word| Status::from_name(&word));
            *counts.entry(status).or_default() += u64::try_from(group.count).unwrap_or(0);
        }
        Ok(counts)
    }
    .boxed()
}

/// Counts the workflows `prefix/…` of one type that completed in `[from, to)`.
pub fn count_completed_between(
    server: &Server,
    prefix: &str,
    workflow_type: &str,
    from: SystemTime,
    to: SystemTime,
) -> BoxFuture<'static, Result<u64, CallError>> {
    let server = server.clone();
    let query = format!(
        "{} AND ExecutionStatus = 'Completed' AND CloseTime >= '{}' AND CloseTime < '{}'",
        of_run(prefix, workflow_type),
        instant(from),
        instant(to)
    );
    async move { total(&server, query).await }.boxed()
}

/// Counts the open workflows `prefix/…` of whatever type.
pub fn count_open(server: &Server, prefix: &str) -> BoxFuture<'static, Result<u64, CallError>> {
    let (server, query) = (server.clone(), open_query(prefix));
    async move { total(&server, query).await }.boxed()
}

/// Workflows of the run that have ended, by these counts.
pub fn ended(counts: &Counts) -> u64 {
    counts
        .iter()
        .filter(|(status, _)| status.is_end())
        .map(|(_, count)| count)
        .sum()
}

/// When to stop waiting for the counts.
#[derive(Clone, Copy, Debug)]
pub struct Settle {
    /// Ended workflows after which nothing more is to come.
    pub expected: u64,
    /// Time between two queries.
    pub interval: Duration,
    /// Queries with the same counts after which they count as settled, if the number is not reached.
    pub unchanged: u32,
    /// The longest that is waited.
    pub limit: Duration,
}

impl Settle {
    /// Half a second between queries, 10 s without a change, a minute in all.
    pub fn on(expected: u64) -> Self {
        Settle {
            expected,
            interval: Duration::from_millis(500),
            unchanged: 20,
            limit: Duration::from_secs(60),
        }
    }
}

/// The counts, when no more was to be waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The counts.
    pub counts: Counts,
    /// From the call until the counts had their last value.
    pub after: Duration,
    /// Why waiting ended.
    pub reason: SettledBy,
}

/// Why waiting for the counts ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettledBy {
    /// The expected number of ends was there.
    Expected,
    /// The counts had stopped changing.
    Unchanged,
    /// Time was up while they still changed.
    Limit,
}

/// Asks for the counts until the expected number of workflows has ended, they stop changing, or time is up.
/// A query that fails for a passing reason is made again within the limit.
///
/// # Errors
/// When a query fails for good, or no query succeeded within the limit.
pub fn settle(
    server: &Server,
    prefix: &str,
    workflow_type: &str,
    when: Settle,
) -> BoxFuture<'static, Result<Settled, CallError>> {
    let (server, prefix, workflow_type) = (server.clone(), prefix.to_owned(), workflow_type.to_owned());
    async move {
        let begun = Instant::now();
        let mut seen: Option<(Counts, Duration)> = None;
        let mut unchanged = 0;
        loop {
            match count_by_status(&server, &prefix, &workflow_type).await {
                Ok(counts) => {
                    match &mut seen {
                        Some((last, _)) if *last == counts => unchanged += 1,
                        _ => {
                            seen = Some((counts.clone(), begun.elapsed()));
                            unchanged = 0;
                        }
                    }
                    let reason = if ended(&counts) == when.expected {
                        Some(SettledBy::Expected)
                    } else if unchanged >= when.unchanged {
                        Some(SettledBy::Unchanged)
                    } else {
                        None
                    };
                    if let (Some(reason), Some((counts, after))) = (reason, seen.clone()) {
                        return Ok(Settled { counts, after, reason });
                    }
                }
                Err(error) if error.is_transient() && begun.elapsed() < when.limit => {}
                Err(error) => match seen {
                    Some((counts, after)) => {
                        return Ok(Settled {
                            counts,
                            after,
                            reason: SettledBy::Limit,
                        });
                    }
                    None => return Err(error),
                },
            }
            if begun.elapsed() >= when.limit
                && let Some((counts, after)) = seen
            {
                return Ok(Settled {
                    counts,
                    after,
                    reason: SettledBy::Limit,
                });
            }
            sleep(when.interval).await;
        }
    }
    .boxed()
}

pub(crate) fn open_query(prefix: &str) -> String {
    format!(
        "WorkflowId STARTS_WITH {} AND ExecutionStatus = 'Running'",
        quote(&format!("{prefix}/"))
    )
}

fn of_run(prefix: &str, workflow_type: &str) -> String {
    format!(
        "WorkflowId STARTS_WITH {} AND WorkflowType = {}",
        quote(&format!("{prefix}/")),
        quote(workflow_type)
    )
}

/// Text as a literal of the query language, which is SQL's with backslashes as in MySQL.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn instant(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| jiff::Timestamp::MAX.to_string(), |time| time.to_string())
}

async fn total(server: &Server, query: String) -> Result<u64, CallError> {
    Ok(u64::try_from(count(server, query).await?.count).unwrap_or(0))
}

async fn count(server: &Server, query: String) -> Result<CountWorkflowExecutionsResponse, CallError> {
    server.until_query_allowed().await;
    let request = CountWorkflowExecutionsRequest {
        namespace: server.namespace().to_owned(),
        query,
    };
    let answer = server.service().count_workflow_executions(call::request(request)).await;
    answer
        .map(tonic::Response::into_inner)
        .map_err(CallError::new("CountWorkflowExecutions"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted() {
        assert_eq!(quote("it's \\"), r"'it\'s \\'");
        assert_eq!(
            open_query("run-1"),
            "WorkflowId STARTS_WITH 'run-1/' AND ExecutionStatus = 'Running'"
        );
    }

    #[test]
    fn instants_are_utc() {
        assert_eq!(
            instant(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)),
            "1970-01-01T00:00:01.5Z"
        );
    }

    #[test]
    fn only_ends_are_ends() {
        let counts = Counts::from([
            (Status::Completed, 3),
            (Status::Running, 5),
            (Status::ContinuedAsNew, 7),
            (Status::Failed, 1),
        ]);
        assert_eq!(ended(&counts), 4);
    }
}
