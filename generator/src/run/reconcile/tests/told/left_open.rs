//! What the server shows as open: rows that are behind their workflows, and what is terminated.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Stands;

use super::*;
use crate::scripted_server::{described, listed, looked_up, terminated};

/// A minute ago.
const ENDED: u64 = 3_000_000_000;

/// A row is stale where its workflow has ended, all that are missing are, and others that ended then are counted.
#[tokio::test]
async fn rows_are_behind_where_others_that_ended_then_are_counted() {
    for (counted_then, missing, more, cut_off, behind) in [
        (Ok(5), 2, false, ENDED, true),
        (Ok(1), 2, false, ENDED, true),
        (Ok(0), 2, false, ENDED, false),
        (Err(Code::PermissionDenied), 2, false, ENDED, false),
        (Ok(5), 3, false, ENDED, false),
        // More rows than are looked at: that is no row that stayed behind, but all of them.
        (Ok(5), 2, true, ENDED, false),
        // What ended after the cut-off is open in the account as well.
        (Ok(5), 2, false, ENDED - 1, false),
    ] {
        let mut over = Over::untold();
        let timeline = over.submission.timeline;
        over.submission.cut_off = Some(submission::DrainCutOff {
            at: cut_off,
            is_moving: false,
            cut_short: None,
        });
        let queries = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&queries);
        let server = scripted_server::server(move |name, message| match name {
            "ListWorkflowExecutions" => listed(&["run/measure/41", "run/measure/42", "run/measure/43"], more),
            "DescribeWorkflowExecution" => match looked_up(message).as_str() {
                "run/measure/41" => described(Stands::Completed, Some(timeline.time_of(ENDED))),
                "run/measure/42" => described(Stands::Completed, Some(timeline.time_of(ENDED - 500_000_000))),
                _ => described(Stands::Running, None),
            },
            "CountWorkflowExecutions" => {
                asked.lock().unwrap().push(query(message));
                counted_then.and_then(|count| counted(&[("Completed", count)]))
            }
            _ => Ok(Vec::new()),
        })
        .await;
        let mut ids = over.reconciling(&server).stale(missing).await;
        ids.sort();
        let expected: &[&str] = if behind {
            &["run/measure/41", "run/measure/42"]
        } else {
            &[]
        };
        assert_eq!(ids, expected, "{counted_then:?} {missing} {more} {cut_off}");
        for query in queries.lock().unwrap().iter() {
            // From a little before the first of them until now, and a little more.
            let instant = |word: &str| {
                let at = query.find(word).unwrap() + word.len();
                let text = query[at..].split('\'').next().unwrap();
                let since = text.parse::<jiff::Timestamp>().unwrap().as_nanosecond();
                SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(since).unwrap())
            };
            let first = timeline.time_of(ENDED - 500_000_000);
            let before = first.duration_since(instant("CloseTime >= '")).unwrap();
            assert!((4.9..5.1).contains(&before.as_secs_f64()), "{query}");
            let after = instant("CloseTime < '").duration_since(SystemTime::now()).unwrap();
            assert!(after.as_secs_f64() > 1.0, "{query}");
        }
    }
}

#[tokio::test]
async fn where_rows_cannot_be_listed_they_may_just_be_late() {
    let over = Over::untold();
    let server = scripted_server::server(|name, _| match name {
        "ListWorkflowExecutions" => Err(Code::PermissionDenied),
        _ => Ok(Vec::new()),
    })
    .await;
    assert_eq!(over.reconciling(&server).stale(1).await, Vec::<String>::new());
}

/// Two are counted as open, of which one was terminated by this run: where the other one has ended by itself nothing is
/// left to do, and one was open.
#[tokio::test]
async fn what_is_shown_as_open_and_has_ended_is_not_terminated() {
    for (other, open_before) in [(Stands::Completed, 1), (Stands::Running, 2)] {
        let mut over = Over::untold();
        over.plan.cleanup = true;
        let ended = Arc::new(Mutex::new(BTreeSet::new()));
        let ids = Arc::clone(&ended);
        let server = scripted_server::server(move |name, message| match name {
            "CountWorkflowExecutions" => {
                let open = if ids.lock().unwrap().is_empty() { 2 } else { 0 };
                counted(&[("Running", open)])
            }
            "ListWorkflowExecutions" => listed(&["run/measure/41", "run/measure/42"], false),
            "DescribeWorkflowExecution" => match looked_up(message).as_str() {
                "run/measure/41" => described(Stands::Terminated, None),
                _ => described(other, None),
            },
            "TerminateWorkflowExecution" => {
                ids.lock().unwrap().insert(terminated(message));
                Ok(Vec::new())
            }
            "StartBatchOperation" => Err(Code::PermissionDenied),
            _ => Ok(Vec::new()),
        })
        .await;
        let cleaned = over.reconciling(&server).clean_up().await.unwrap();
        assert_eq!(
            (cleaned.open_before, cleaned.open_after, cleaned.problem),
            (Some(open_before), Some(0), None),
            "{other:?}"
        );
        assert_eq!(ended.lock().unwrap().is_empty(), other == Stands::Completed);
    }
}

#[tokio::test]
async fn what_the_server_does_not_show_is_terminated_as_the_account_knows_it() {
    let mut over = Over::new(true, |_| StartEnd::Accepted);
    over.plan.cleanup = true;
    for n in 3..over.schedule.total() {
        over.complete(n, SOON).await;
    }
    let ended = Arc::new(Mutex::new(BTreeSet::new()));
    let ids = Arc::clone(&ended);
    let server = scripted_server::server(move |name, message| match name {
        "TerminateWorkflowExecution" => {
            assert!(ids.lock().unwrap().insert(terminated(message)), "twice");
            Ok(Vec::new())
        }
        "CountWorkflowExecutions" | "ListWorkflowExecutions" | "StartBatchOperation" => Err(Code::PermissionDenied),
        _ => Ok(Vec::new()),
    })
    .await;
    let cleaned = over.reconciling(&server).clean_up().await.unwrap();
    assert_eq!(
        (cleaned.open_before, cleaned.open_after),
        (Some(3), Some(0)),
        "{cleaned:?}"
    );
    let ended: Vec<String> = ended.lock().unwrap().iter().cloned().collect();
    assert_eq!(ended, ["run/ramp/0", "run/ramp/1", "run/ramp/2"]);
}

#[tokio::test]
async fn a_clean_up_without_time_says_so() {
    let mut over = Over::new(true, |_| StartEnd::Accepted);
    over.plan.cleanup = true;
    over.stop_within(Duration::ZERO);
    let server = scripted_server::server(|_, _| Ok(Vec::new())).await;
    let left = over.reconciling(&server).clean_up().await.unwrap();
    assert!(left.requested);
    assert_eq!((left.open_before, left.open_after), (None, None));
    assert_eq!(
        left.problem.as_deref(),
        Some("time was up, so open workflows were not terminated")
    );
}
