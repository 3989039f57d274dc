//! The server's own counts of exactly this run's workflows.
//!
//! A run's workflow ids are `prefix/n`. Children carry ids of their own and another workflow type, so that prefix and
//! type together leave them out. Visibility is written behind the workflows: a count is only worth something once it
//! has stopped changing.

use std::{collections::BTreeMap, time::SystemTime};

use futures::{FutureExt, future::BoxFuture};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse,
};

use crate::{call, call::CallError, connection::Server, status::Status};

/// Workflows of this run by status. A run that continued as new counts once for each of its parts.
pub type Counts = BTreeMap<Status, u64>;

/// Counts the workflows `prefix/…` of one type by status.
pub fn count_by_status(
    server: &Server,
    prefix: &str,
    workflow_type: &str,
) -> BoxFuture<'static, Result<Counts, CallError>> {
    let (server, query) = (server.clone(), of_run(prefix, workflow_type));
    async move { grouped(&server, &query).await }.boxed()
}

/// Counts the workflows `prefix/…` of one type that had ended at an instant, by status.
pub fn count_ended_by(
    server: &Server,
    prefix: &str,
    workflow_type: &str,
    at: SystemTime,
) -> BoxFuture<'static, Result<Counts, CallError>> {
    let server = server.clone();
    let query = format!("{} AND CloseTime <= '{}'", of_run(prefix, workflow_type), instant(at));
    async move {
        let mut counts = grouped(&server, &query).await?;
        // One that goes on under the same id has not ended.
        counts.retain(|status, _| status.is_end());
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

async fn grouped(server: &Server, query: &str) -> Result<Counts, CallError> {
    let answer = count(server, format!("{query} GROUP BY ExecutionStatus")).await?;
    let mut counts = Counts::new();
    for group in answer.groups {
        let word = group
            .group_values
            .first()
            .map(|value| value.data.as_slice())
            .unwrap_or_default();
        let status = serde_json::from_slice::<String>(word).map_or(Status::Unknown, |word| Status::from_name(&word));
        *counts.entry(status).or_default() += u64::try_from(group.count).unwrap_or(0);
    }
    Ok(counts)
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
    let mut service = server.service();
    let answer = service.count_workflow_executions(call::request(request));
    call::answer(server, "CountWorkflowExecutions", answer).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
