//! Look-up of one workflow: whether it exists, and how it ends.

use std::time::{Duration, SystemTime};

use futures::{FutureExt, future::BoxFuture};
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::{EventType, HistoryEventFilterType},
    failure::v1::Failure,
    history::v1::{HistoryEvent, history_event::Attributes},
    workflowservice::v1::{
        DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryResponse,
    },
};
use tokio::time::{Instant, sleep_until};
use tonic::Code;

use crate::{
    call::{self, CALL_TIMEOUT, CallError},
    connection::Server,
    status::Status,
};

/// The longest that one long poll may take: the server ends it after about 20 s by itself, at most 60.
const LONG_POLL: Duration = Duration::from_secs(65);

/// The shortest time between two polls for the same workflow.
const SHORTEST_POLL: Duration = Duration::from_secs(1);

/// Parts of a workflow that continues as new which are followed at once: each was over before it was asked for.
const CONTINUED: u32 = 20;

/// A workflow that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// How it stands.
    pub status: Status,
    /// The run that the rest is about.
    pub run_id: String,
    /// The request id of the start that made it; `None` where the server does not tell (before 1.28).
    pub start_request_id: Option<String>,
    /// When it began; `None` where it continues another run, whose beginning this is not.
    pub start_time: Option<SystemTime>,
    /// When it ended.
    pub close_time: Option<SystemTime>,
    /// Why it failed; only for one that failed.
    pub failure: Option<String>,
}

/// Looks a workflow up by its id, for a start whose answer was lost. `None` when there is none.
pub fn describe(server: &Server, workflow_id: &str) -> BoxFuture<'static, Result<Option<Lookup>, CallError>> {
    let (server, workflow_id) = (server.clone(), workflow_id.to_owned());
    async move {
        let request = DescribeWorkflowExecutionRequest {
            namespace: server.namespace().to_owned(),
            execution: Some(WorkflowExecution {
                workflow_id: workflow_id.clone(),
                run_id: String::new(),
            }),
        };
        let mut service = server.service();
        let answer = service.describe_workflow_execution(call::request(request));
        let answer = match call::answer(&server, "DescribeWorkflowExecution", answer).await {
            Ok(answer) => answer,
            // A namespace that the server does not know says nothing of the workflow.
            Err(error) if error.code == Code::NotFound && !error.no_namespace => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(info) = answer.workflow_execution_info else {
            return Ok(None);
        };
        let status = Status::from_proto(info.status);
        let run_id = info.execution.map(|execution| execution.run_id).unwrap_or_default();
        let start_request_id = answer.workflow_extended_info.and_then(|extended| {
            let mut ids = extended.request_id_infos.into_iter();
            ids.find(|(_, info)| info.event_type == EventType::WorkflowExecutionStarted as i32)
                .map(|(id, _)| id)
        });
        let failure = match status {
            Status::Failed => {
                let page = history(&server, &workflow_id, &run_id, Vec::new(), false, CALL_TIMEOUT).await?;
                page.history
                    .and_then(|history| history.events.into_iter().last())
                    .and_then(|event| failure_of(&event))
            }
            _ => None,
        };
        let close_time = info.close_time.and_then(|time| instant(time.seconds, time.nanos));
        let continues = !info.first_run_id.is_empty() && info.first_run_id != run_id;
        let start_time = info.start_time.filter(|_| !continues);
        let start_time = start_time.and_then(|time| instant(time.seconds, time.nanos));
        Ok(Some(Lookup {
            status,
            run_id,
            start_request_id,
            start_time,
            close_time,
            failure,
        }))
    }
    .boxed()
}

/// An instant that the server tells; `None` for one that this system's clock cannot hold.
fn instant(seconds: i64, nanos: i32) -> Option<SystemTime> {
    let since = Duration::from_secs(u64::try_from(seconds).ok()?)
        .checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// How a workflow ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub status: Status,
    /// Why it did not complete, where the server tells.
    pub failure: Option<String>,
    /// When, by the server's clock.
    pub close_time: Option<SystemTime>,
}

/// Waits for the end of a workflow, with one long poll at a time; where it continues as new, for the end of the last
/// part. A poll that fails is not made again: the caller decides.
///
/// # Errors
/// [`WaitError::Timeout`] when it has not ended in time.
pub fn wait_for_end(
    server: &Server,
    workflow_id: &str,
    limit: Duration,
) -> BoxFuture<'static, Result<Ended, WaitError>> {
    let (server, workflow_id) = (server.clone(), workflow_id.to_owned());
    let ask = move |run_id: String, token, timeout| {
        let (server, workflow_id) = (server.clone(), workflow_id.clone());
        async move { history(&server, &workflow_id, &run_id, token, true, timeout).await }
    };
    poll_to_the_end(limit, ask).boxed()
}

/// Asks for the next page, of which run and from which token on, each time for at most so long, until the end is seen.
async fn poll_to_the_end<F>(limit: Duration, ask: impl Fn(String, Vec<u8>, Duration) -> F) -> Result<Ended, WaitError>
where
    F: Future<Output = Result<GetWorkflowExecutionHistoryResponse, CallError>>,
{
    let end = Instant::now() + limit;
    let mut run_id = String::new();
    let mut token = Vec::new();
    let mut continued = 0;
    loop {
        let asked = Instant::now();
        let left = end.saturating_duration_since(asked);
        if left.is_zero() {
            return Err(WaitError::Timeout { limit });
        }
        let page = match ask(run_id.clone(), token, left.min(LONG_POLL)).await {
            Ok(page) => page,
            // Our own deadline comes back as one of these two.
            Err(error) if matches!(error.code, Code::DeadlineExceeded | Code::Cancelled) && Instant::now() >= end => {
                return Err(WaitError::Timeout { limit });
            }
            Err(error) => return Err(WaitError::Call(error)),
        };
        token = page.next_page_token;
        let last = page.history.and_then(|history| history.events.into_iter().last());
        match last.as_ref().map_or(End::NotYet, end_of) {
            End::Ended(ended) => return Ok(ended),
            End::Continues(next) => {
                run_id = next;
                token = Vec::new();
                continued += 1;
                if continued <= CONTINUED {
                    continue;
                }
            }
            // The server ended the poll before the workflow ended; the token says where to go on.
            End::NotYet => {}
        }
        // A server that answers at once does not wait: it is not asked in a tight loop.
        sleep_until((asked + SHORTEST_POLL).min(end)).await;
    }
}

/// The end of a workflow was not seen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// It has not ended in time.
    #[error("the workflow has not ended within {limit:?}")]
    Timeout {
        /// How long was waited.
        limit: Duration,
    },
    /// A poll failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

async fn history(
    server: &Server,
    workflow_id: &str,
    run_id: &str,
    next_page_token: Vec<u8>,
    wait: bool,
    timeout: Duration,
) -> Result<GetWorkflowExecutionHistoryResponse, CallError> {
    let request = GetWorkflowExecutionHistoryRequest {
        namespace: server.namespace().to_owned(),
        execution: Some(WorkflowExecution {
            workflow_id: workflow_id.to_owned(),
            run_id: run_id.to_owned(),
        }),
        next_page_token,
        wait_new_event: wait,
        history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
        skip_archival: true,
        ..Default::default()
    };
    let mut service = server.service();
    let answer = service.get_workflow_execution_history(call::request_within(request, timeout));
    call::answer_within("GetWorkflowExecutionHistory", timeout, answer).await
}

enum End {
    Ended(Ended),
    Continues(String),
    NotYet,
}

fn end_of(event: &HistoryEvent) -> End {
    let (status, next) = match &event.attributes {
        Some(Attributes::WorkflowExecutionCompletedEventAttributes(end)) => {
            (Status::Completed, &end.new_execution_run_id)
        }
        Some(Attributes::WorkflowExecutionFailedEventAttributes(end)) => (Status::Failed, &end.new_execution_run_id),
        Some(Attributes::WorkflowExecutionTimedOutEventAttributes(end)) => {
            (Status::TimedOut, &end.new_execution_run_id)
        }
        Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(end)) => {
            (Status::ContinuedAsNew, &end.new_execution_run_id)
        }
        Some(Attributes::WorkflowExecutionCanceledEventAttributes(_)) => (Status::Cancelled, &String::new()),
        Some(Attributes::WorkflowExecutionTerminatedEventAttributes(_)) => (Status::Terminated, &String::new()),
        _ => return End::NotYet,
    };
    match next.is_empty() {
        true => End::Ended(Ended {
            status,
            failure: failure_of(event),
            close_time: event.event_time.and_then(|time| instant(time.seconds, time.nanos)),
        }),
        false => End::Continues(next.clone()),
    }
}

fn failure_of(event: &HistoryEvent) -> Option<String> {
    match &event.attributes {
        Some(Attributes::WorkflowExecutionFailedEventAttributes(end)) => end.failure.as_ref().map(words),
        Some(Attributes::WorkflowExecutionTerminatedEventAttributes(end)) if !end.reason.is_empty() => {
            Some(end.reason.clone())
        }
        _ => None,
    }
}

/// The message of a failure and, when another one caused it, the innermost message.
fn words(failure: &Failure) -> String {
    let mut innermost = failure;
    while let Some(cause) = &innermost.cause {
        innermost = cause;
    }
    if innermost.message == failure.message || innermost.message.is_empty() {
        failure.message.clone()
    } else {
        format!("{}: {}", failure.message, innermost.message)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use temporalio_common::protos::temporal::api::history::v1::{
        History, WorkflowExecutionCanceledEventAttributes, WorkflowExecutionCompletedEventAttributes,
        WorkflowExecutionContinuedAsNewEventAttributes, WorkflowExecutionFailedEventAttributes,
        WorkflowExecutionTerminatedEventAttributes, WorkflowExecutionTimedOutEventAttributes,
    };

    use super::*;

    /// Polls a server that answers each at once, by what it says to the question of that number; how it ended, and how often
    /// it was asked.
    async fn polled(
        limit: Duration,
        answer: impl Fn(u32, &str) -> GetWorkflowExecutionHistoryResponse,
    ) -> (Result<Ended, WaitError>, u32) {
        let asked = Cell::new(0);
        let ask = |run_id: String, _, _| {
            asked.set(asked.get() + 1);
            std::future::ready(Ok(answer(asked.get(), &run_id)))
        };
        (poll_to_the_end(limit, ask).await, asked.get())
    }

    /// A page with this event, or none.
    fn page(event: Option<Attributes>) -> GetWorkflowExecutionHistoryResponse {
        let events = event.map(|attributes| HistoryEvent {
            attributes: Some(attributes),
            ..Default::default()
        });
        GetWorkflowExecutionHistoryResponse {
            history: Some(History {
                events: events.into_iter().collect(),
            }),
            next_page_token: b"on".to_vec(),
            ..Default::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_wait_is_asked_once_a_second() {
        let limit = Duration::from_secs(100);
        let (ended, asked) = polled(limit, |_, _| page(None)).await;
        assert_eq!((ended, asked), (Err(WaitError::Timeout { limit }), 100));
        // Nor, after a while, is one whose workflow goes on and on as another run; nor one that tells of what is no end.
        let continues = |asked, _: &str| {
            page(Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(
                WorkflowExecutionContinuedAsNewEventAttributes {
                    new_execution_run_id: format!("run-{asked}"),
                    ..Default::default()
                },
            )))
        };
        assert_eq!(polled(limit, continues).await.1, 100 + CONTINUED);
        let started = |_, _: &str| {
            page(Some(Attributes::WorkflowExecutionStartedEventAttributes(
                Default::default(),
            )))
        };
        assert_eq!(polled(limit, started).await.1, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_last_part_is_the_end() {
        let (ended, asked) = polled(Duration::from_secs(100), |asked, run_id| match asked {
            1 => page(None),
            2 => page(Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(
                WorkflowExecutionContinuedAsNewEventAttributes {
                    new_execution_run_id: "next".to_owned(),
                    ..Default::default()
                },
            ))),
            _ => {
                assert_eq!(run_id, "next");
                page(Some(Attributes::WorkflowExecutionCompletedEventAttributes(
                    Default::default(),
                )))
            }
        })
        .await;
        assert_eq!((ended.unwrap().status, asked), (Status::Completed, 3));
    }

    #[test]
    fn an_instant_beyond_all_clocks_is_none() {
        assert_eq!(
            instant(1, 500_000_000),
            Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1500))
        );
        // More nanoseconds than a second has carry it beyond what an instant can hold.
        assert_eq!(instant(i64::MAX, i32::MAX), None);
        assert_eq!(instant(-1, 0), None);
        assert_eq!(instant(0, -1), None);
    }

    /// A failure with this message, caused by one with the next, and so on.
    fn failure(messages: &[&str]) -> Option<Failure> {
        let (message, causes) = messages.split_first()?;
        Some(Failure {
            message: (*message).to_owned(),
            cause: failure(causes).map(Box::new),
            ..Failure::default()
        })
    }

    #[test]
    fn a_failure_is_told_with_what_caused_it_in_the_first_place() {
        for (messages, told) in [
            (
                &["activity failed", "attempt 3", "disk full"][..],
                "activity failed: disk full",
            ),
            (&["disk full"], "disk full"),
            (&["disk full", "disk full"], "disk full"),
            (&["activity failed", ""], "activity failed"),
        ] {
            assert_eq!(words(&failure(messages).unwrap()), told);
        }
    }

    #[test]
    fn each_end_is_told_as_what_it_is() {
        let failed = WorkflowExecutionFailedEventAttributes {
            failure: failure(&["disk full"]),
            ..Default::default()
        };
        let terminated = |reason: &str| {
            Attributes::WorkflowExecutionTerminatedEventAttributes(WorkflowExecutionTerminatedEventAttributes {
                reason: reason.to_owned(),
                ..Default::default()
            })
        };
        for (attributes, status, why) in [
            (
                Attributes::WorkflowExecutionCompletedEventAttributes(
                    WorkflowExecutionCompletedEventAttributes::default(),
                ),
                Status::Completed,
                None,
            ),
            (
                Attributes::WorkflowExecutionFailedEventAttributes(failed),
                Status::Failed,
                Some("disk full"),
            ),
            (
                Attributes::WorkflowExecutionTimedOutEventAttributes(
                    WorkflowExecutionTimedOutEventAttributes::default(),
                ),
                Status::TimedOut,
                None,
            ),
            (
                Attributes::WorkflowExecutionCanceledEventAttributes(
                    WorkflowExecutionCanceledEventAttributes::default(),
                ),
                Status::Cancelled,
                None,
            ),
            (terminated("left open"), Status::Terminated, Some("left open")),
            (terminated(""), Status::Terminated, None),
        ] {
            let event = HistoryEvent {
                attributes: Some(attributes),
                ..Default::default()
            };
            let End::Ended(ended) = end_of(&event) else {
                panic!("{status:?}");
            };
            assert_eq!((ended.status, ended.failure.as_deref()), (status, why));
        }
    }
}
