//! What is asked by the server's clock, and what is not when that is not known well enough.

use std::{sync::Arc, time::SystemTime};

use super::*;
use crate::account::sampler::following::Sampled;

const MILLI: i64 = 1_000_000;

impl Over {
    /// A start that took so long, just now, has told that the server's clock is ahead by so much.
    fn knows_the_clock(&self, ahead: i64, took: i64) {
        let sent = self.submission.timeline.elapsed();
        let start = Sampled {
            n: 0,
            sent,
            answered: sent + took.unsigned_abs(),
        };
        let started = i64::try_from(sent).unwrap() + took / 2 + ahead;
        self.submission.server_clock.lock().started(start, started);
    }
}

/// A server that only counts what it is asked.
async fn silent_one() -> Server {
    scripted_server::server(|_, _| Ok(Vec::new())).await
}

#[tokio::test]
async fn instants_are_told_on_the_servers_clock_where_it_surely_differs() {
    let server = silent_one().await;
    for (ahead, took, shift) in [(2_000, 20, 2_000), (-2_000, 20, -2_000), (5, 20, 0), (-5, 20, 0)] {
        let over = Over::untold();
        let reconciling = over.reconciling(&server);
        assert_eq!(reconciling.server_clock().value, None);
        over.knows_the_clock(ahead * MILLI, took * MILLI);
        let ours = over
            .submission
            .timeline
            .time_of(7)
            .duration_since(SystemTime::UNIX_EPOCH);
        let theirs = reconciling.time_of(7).duration_since(SystemTime::UNIX_EPOCH);
        let shifted = theirs.unwrap().as_secs_f64() - ours.unwrap().as_secs_f64();
        assert!((shifted * 1e3 - shift as f64).abs() < 0.1, "{shifted} s for {shift} ms");
        let told = reconciling.server_clock().value.unwrap();
        assert!((told.offset_ms - ahead as f64).abs() < 0.1, "{told:?}");
        assert!((10.0..10.5).contains(&told.uncertainty_ms), "{told:?}");
        assert_eq!((told.corrected, told.moved_ms, told.samples), (shift != 0, 0.0, 1));
        // It was set while it was measured.
        over.knows_the_clock((ahead + 500) * MILLI, took * MILLI);
        let told = reconciling.server_clock().value.unwrap();
        assert!((480.0..480.1).contains(&told.moved_ms), "{told:?}");
    }
}

/// A hundredth of the measured phase for when workflows ended, a second for the cut-off.
#[tokio::test]
async fn it_must_be_known_as_well_as_what_rests_on_it() {
    let server = silent_one().await;
    for (took, stopped_after, close_times, cut_off) in [
        // Half of it may be wrong.
        (18, 1_000, true, true),
        (22, 1_000, false, true),
        (8, 500, true, true),
        (18, 500, false, true),
        (1_990, 1_000, false, true),
        (2_001, 1_000, false, false),
    ] {
        let mut over = Over::untold();
        let begin = over.schedule.bounds(Phase::Measure).0;
        over.submission.stopped_at = Some(begin + stopped_after * MILLI as u64);
        let reconciling = over.reconciling(&server);
        assert!(
            reconciling.are_close_times_known() && reconciling.is_cut_off_known(),
            "where nothing is known of it, it is believed"
        );
        over.knows_the_clock(0, took * MILLI);
        assert_eq!(
            (reconciling.are_close_times_known(), reconciling.is_cut_off_known()),
            (close_times, cut_off),
            "{took} ms, {stopped_after} ms"
        );
    }
}

/// By when workflows ended it is asked only where nobody stamps, and where the clock is known for that.
#[tokio::test]
async fn when_workflows_ended_is_asked_where_the_answer_means_something() {
    for (stamps, took, asked) in [(false, 10, true), (false, 100, false), (true, 10, false)] {
        let over = completed(stamps).await;
        over.knows_the_clock(0, took * MILLI);
        let sizes = PHASES.map(|phase| over.of(phase));
        let times = Arc::new(AtomicUsize::new(0));
        let counted_by_time = Arc::clone(&times);
        let server = counting(move |query, _| {
            if query.contains("CloseTime >= ") {
                counted_by_time.fetch_add(1, Ordering::Relaxed);
            }
            told(query, |phase| vec![("Completed", sizes[phase as usize])])
        })
        .await;
        over.reconciling(&server).reconcile().await.unwrap();
        let expected = if asked { PHASES.len() } else { 0 };
        assert_eq!(times.load(Ordering::Relaxed), expected, "{stamps} {took}");
        let in_time = over.visit(|accounts| accounts.completed_in_time(Phase::Measure)).await;
        assert_eq!(in_time.is_some(), stamps || asked);
    }
}

#[tokio::test]
async fn a_backlog_that_moves_on_cannot_be_compared_by_a_clock_that_is_not_known() {
    for (moving, took, compared) in [(true, 1_000, true), (true, 3_000, false), (false, 3_000, true)] {
        let mut over = completed(true).await;
        over.submission.cut_off = Some(submission::DrainCutOff {
            at: over.schedule.end(),
            is_moving: moving,
            cut_short: None,
        });
        over.knows_the_clock(0, took * MILLI);
        let sizes = PHASES.map(|phase| over.of(phase));
        let server = counting(move |query, _| told(query, |phase| vec![("Completed", sizes[phase as usize])])).await;
        let counts = over.reconciling(&server).reconcile().await.unwrap().server;
        assert_eq!(counts.value.is_some(), compared, "{moving} {took}");
        let why = "what had ended at the cut-off is told by the server's clock, which is not known to 1s";
        assert_eq!(counts.source == why, !compared, "{}", counts.source);
    }
}

/// Each count is another one, until somebody asks for an end.
#[tokio::test]
async fn counts_that_still_change_when_time_is_up_are_not_compared() {
    let mut over = completed(true).await;
    over.stop_within(Duration::from_secs(2));
    let server = counting(|query, call| told(query, |_| vec![("Completed", call as u64 % 2)])).await;
    let counts = over.reconciling(&server).reconcile().await.unwrap().server;
    assert_eq!(counts.value, None);
    assert!(
        counts
            .source
            .starts_with("the server's counts still changed when time was up: "),
        "{}",
        counts.source
    );
}

#[tokio::test]
async fn a_server_that_is_gone_is_not_asked() {
    let over = completed(true).await;
    let server = counting(|_, _| unreachable!("nobody asks")).await;
    let mut reconciling = over.reconciling(&server);
    reconciling.gone = Some("the embedded server has ended");
    let result = reconciling.reconcile().await.unwrap();
    assert_eq!(result.server, Fact::missing("the embedded server has ended"));
    // What the stamps say stands.
    assert_eq!(result.stamped, over.schedule.total());
}
