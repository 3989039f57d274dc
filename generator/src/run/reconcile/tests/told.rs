//! The account against what a server tells, whose answers are written down.

mod clock;
mod left_open;

use std::sync::atomic::{AtomicUsize, Ordering};

use benchmark_results::schema::CutOff;
use tonic::Code;

use super::*;
use crate::{
    load::shard::StartEnd,
    run::submission,
    scripted_server::{self, Answer, Over, counted, query},
};

const SOON: Duration = Duration::from_millis(5);

impl Over {
    fn reconciling<'a>(&'a self, server: &'a Server) -> Reconciling<'a> {
        Reconciling {
            plan: &self.plan,
            server,
            submission: &self.submission,
            ending: &self.ending,
            gone: None,
            retention: None,
        }
    }

    /// Starts that were due in a phase.
    fn of(&self, phase: Phase) -> u64 {
        let total = self.schedule.total();
        (0..total).filter(|n| self.schedule.phase_of(*n) == phase).count() as u64
    }
}

/// A run all of whose workflows were accepted and, where workers stamp, completed in time.
async fn completed(stamps: bool) -> Over {
    let over = Over::new(stamps, |_| StartEnd::Accepted);
    if stamps {
        for n in 0..over.schedule.total() {
            over.complete(n, SOON).await;
        }
    }
    over
}

/// A server that answers each count by its query and by how many were made before it.
async fn counting(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Server {
    let calls = AtomicUsize::new(0);
    scripted_server::server(move |name, message| match name {
        "CountWorkflowExecutions" => answer(&query(message), calls.fetch_add(1, Ordering::Relaxed)),
        _ => Ok(Vec::new()),
    })
    .await
}

/// The phase that a query is about; `None` for the whole run.
fn phase_in(query: &str) -> Option<Phase> {
    PHASES
        .into_iter()
        .find(|phase| query.contains(&format!("/{}/", ids::phase_name(*phase))))
}

/// What the server tells when it has this many of each phase, by status.
fn told(query: &str, of: impl Fn(Phase) -> Vec<(&'static str, u64)>) -> Answer {
    let mut sum: BTreeMap<&str, u64> = BTreeMap::new();
    for phase in PHASES {
        if phase_in(query).is_none_or(|asked| asked == phase) {
            for (status, count) in of(phase) {
                *sum.entry(status).or_default() += count;
            }
        }
    }
    counted(&sum.into_iter().collect::<Vec<_>>())
}

#[tokio::test]
async fn counts_that_agree_are_added_over_the_phases() {
    let mut over = completed(true).await;
    let at = over.submission.timeline.elapsed();
    // Nothing was open then: whenever the server says that it ended, it had.
    over.submission.cut_off = Some(submission::DrainCutOff {
        at,
        is_moving: false,
        cut_short: None,
    });
    let sizes = PHASES.map(|phase| over.of(phase));
    let total: u64 = sizes.iter().sum();
    let server = counting(move |query, _| match query.contains("CloseTime") {
        true => counted(&[]),
        false => told(query, |phase| vec![("Completed", sizes[phase as usize])]),
    })
    .await;
    let result = over.reconciling(&server).reconcile().await.unwrap();
    assert_eq!(
        result.server.value,
        Some(BTreeMap::from([("Completed".to_owned(), total)]))
    );
    assert_eq!(result.disagreements, Vec::<String>::new());
    assert_eq!(result.source, CompletionSource::Stamps);
    assert!(result.settled_after_seconds.unwrap() < 5.0);
    assert_eq!(
        (result.stamped, result.stamped_twice, result.not_stamped),
        (total, 0, 0)
    );
    assert_eq!((result.implausible, result.seen_before_stamp), (Some(0), Some(0)));
    assert_eq!((result.unknown_found, result.unknown_not_found), (0, 0));
    assert_eq!(result.sample_ends.unwrap().accepted, sizes[2]);
    assert_eq!(result.cut_off.unwrap().seconds, at as f64 / 1e9);
}

/// One more than there are at first, which are gone when it is asked again.
#[tokio::test]
async fn differences_are_told_and_that_somebody_deletes() {
    for (terminated, surplus) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let over = completed(true).await;
        let sizes = PHASES.map(|phase| over.of(phase));
        let server = counting(move |query, call| {
            told(query, |phase| match phase {
                Phase::Measure => vec![
                    ("Completed", sizes[2] - terminated),
                    ("Terminated", terminated + if call == 0 { surplus } else { 0 }),
                ],
                _ => vec![("Completed", sizes[phase as usize])],
            })
        })
        .await;
        let said = over.reconciling(&server).reconcile().await.unwrap().disagreements;
        let n = sizes[2];
        let mut expected = Vec::new();
        if terminated > 0 {
            expected.push(format!(
                "measure phase: {n} completed in the ledger, {} on the server",
                n - 1
            ));
            expected.push("measure phase: 0 terminated in the ledger, 1 on the server".to_owned());
            if surplus > 0 {
                expected.push(
                    "the server's count of ended workflows fell by 1 while it was looked at: somebody deletes them"
                        .to_owned(),
                );
            }
        }
        assert_eq!(said, expected);
    }
}

#[tokio::test]
async fn where_nobody_stamps_the_server_tells_the_ends_and_how_many_completed_in_each_phase() {
    let over = completed(false).await;
    let sizes = PHASES.map(|phase| over.of(phase));
    let server = counting(move |query, _| {
        if query.contains("CloseTime >= ") {
            // Of the ramp's two completed in its time, of what was due before the others as well.
            return counted(&[("Completed", [2, 30, 40][phase_of_interval(query)])]);
        }
        told(query, |phase| {
            vec![("Completed", sizes[phase as usize] - 1), ("Failed", 1)]
        })
    })
    .await;
    let result = over.reconciling(&server).reconcile().await.unwrap();
    assert_eq!(result.source, CompletionSource::Visibility);
    assert_eq!(result.server.value.unwrap()["Failed"], 3);
    assert_eq!(result.disagreements, Vec::<String>::new());
    let (ledger, in_time) = over
        .visit(|accounts| (accounts.ledger(), PHASES.map(|phase| accounts.completed_in_time(phase))))
        .await;
    let total: u64 = sizes.iter().sum();
    assert_eq!((ledger.completed, ledger.failed, ledger.open), (total - 3, 3, 0));
    assert_eq!(in_time, [Some(2), Some(30), Some(40)]);
}

/// The phases are a second long each: which of them the interval of a query is.
fn phase_of_interval(query: &str) -> usize {
    static FIRST: std::sync::Mutex<Option<String>> = std::sync::Mutex::new(None);
    let instant = |word: &str| {
        let at = query.find(word).unwrap() + word.len();
        query[at..].split('\'').next().unwrap().to_owned()
    };
    let seconds = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let from = instant("CloseTime >= '");
    let first = FIRST.lock().unwrap().get_or_insert_with(|| from.clone()).clone();
    let length = seconds(&instant("CloseTime < '")).duration_since(seconds(&from));
    assert_eq!(length.as_secs_f64().round(), 1.0, "{query}");
    seconds(&from).duration_since(seconds(&first)).as_secs_f64().round() as usize
}

/// Five were open at the cut-off. Some have ended since, one so near to it that the server may count it there.
#[tokio::test]
async fn a_backlog_that_moves_on_is_compared_as_it_stood_at_the_cut_off() {
    for told_by_then in [15, 12, 16] {
        let mut over = Over::new(true, |_| StartEnd::Accepted);
        let total = over.schedule.total();
        let sizes = PHASES.map(|phase| over.of(phase));
        let first = total - sizes[2];
        let at = over.schedule.offset(first + 15);
        for n in 0..first + 15 {
            over.complete(n, SOON).await;
        }
        over.visit(move |accounts| accounts.close_at(at)).await;
        over.complete(first + 15, SOON).await;
        over.submission.cut_off = Some(submission::DrainCutOff {
            at,
            is_moving: true,
            cut_short: Some("somebody said so".into()),
        });
        let server = counting(move |query, _| {
            let at_the_cut_off = query.contains("CloseTime <= ");
            told(query, |phase| match (phase, at_the_cut_off) {
                (Phase::Measure, true) => vec![("Completed", told_by_then), ("ContinuedAsNew", 1)],
                (Phase::Measure, false) => vec![("Completed", sizes[2] - 1), ("Running", 1)],
                (phase, _) => vec![("Completed", sizes[phase as usize])],
            })
        })
        .await;
        let result = over.reconciling(&server).reconcile().await.unwrap();
        assert_eq!(
            result.cut_off,
            Some(CutOff {
                seconds: at as f64 / 1e9,
                ended_later: 1,
                cut_short_by: Some("somebody said so".into())
            })
        );
        assert_eq!(result.disagreements, Vec::<String>::new());
        let counts = result.server.value.unwrap();
        assert_eq!(counts["Completed"], first + told_by_then);
        assert_eq!(counts["Running"], sizes[2] - told_by_then);
    }
}

#[tokio::test]
async fn a_difference_of_one_is_one_where_nothing_moves() {
    let over = completed(true).await;
    let server = counting(|_, _| counted(&[])).await;
    let mut reconciling = over.reconciling(&server);
    assert_eq!(reconciling.tolerance(3), 0);
    assert_eq!(
        reconciling.phase_ledger(Phase::Measure).await.unwrap().0.completed,
        over.of(Phase::Measure)
    );
    // Fewer than were started, kept for less time than the minute that it took: some are gone.
    reconciling.retention = Some(Duration::from_secs(30));
    let counts = |count: u64| Counts::from([(Status::Completed, count - 1), (Status::Running, 1)]);
    let total = over.schedule.total();
    assert_eq!(reconciling.too_late(&counts(total)).await.unwrap(), None);
    let reason = reconciling.too_late(&counts(total - 3)).await.unwrap().unwrap();
    assert!(
        reason.starts_with("3 workflows are gone from the server: the namespace keeps closed ones for 30s"),
        "{reason}"
    );
    reconciling.retention = Some(Duration::from_secs(86_400));
    assert_eq!(reconciling.too_late(&counts(total - 3)).await.unwrap(), None);
}

#[tokio::test]
async fn a_question_that_fails_for_now_is_asked_again_and_any_other_is_not() {
    for (code, asked) in [(Code::Unavailable, 2), (Code::PermissionDenied, 1)] {
        // While the counts settle, and by phase.
        for failing in [0, 1] {
            let over = completed(true).await;
            let sizes = PHASES.map(|phase| over.of(phase));
            let calls = std::sync::Arc::new(AtomicUsize::new(0));
            let made = std::sync::Arc::clone(&calls);
            let server = counting(move |query, call| {
                made.store(call + 1, Ordering::Relaxed);
                match call {
                    call if call == failing => Err(code),
                    _ => told(query, |phase| vec![("Completed", sizes[phase as usize])]),
                }
            })
            .await;
            let result = over.reconciling(&server).reconcile().await.unwrap();
            let is_told = asked == 2;
            assert_eq!(result.server.value.is_some(), is_told, "{code:?} {failing}");
            // Once for the whole and once for each phase, and once more where it is asked again.
            let expected = match (is_told, failing) {
                (true, _) => 5,
                (false, 0) => 1,
                (false, _) => 4,
            };
            assert_eq!(calls.load(Ordering::Relaxed), expected, "{code:?} {failing}");
        }
    }
}

#[tokio::test]
async fn what_is_open_is_cleaned_up_when_that_is_asked_for() {
    let mut over = Over::new(true, |_| StartEnd::Accepted);
    let server = scripted_server::server(|name, message| match name {
        "CountWorkflowExecutions" => {
            assert!(query(message).contains("Running"));
            counted(&[("Running", 6_000)])
        }
        "StartBatchOperation" | "ListWorkflowExecutions" | "TerminateWorkflowExecution" => Err(Code::PermissionDenied),
        _ => Ok(Vec::new()),
    })
    .await;
    over.plan.cleanup = false;
    let left = over.reconciling(&server).clean_up().await.unwrap();
    assert!(!left.requested && left.problem.is_none());
    assert_eq!((left.open_before, left.open_after), (Some(6_000), Some(6_000)));
    over.plan.cleanup = true;
    let tried = over.reconciling(&server).clean_up().await.unwrap();
    assert!(tried.requested && tried.problem.is_some(), "{tried:?}");
    assert_eq!((tried.open_before, tried.open_after), (Some(6_000), None));
}
