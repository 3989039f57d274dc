//! The drain and its look-ups with a server whose answers are written down.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use benchmark_results::WorkflowEnd;
use benchmark_temporal::Server;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Stands;
use tonic::Code;

use super::{
    look_ups::{LOOK_UPS, LookUps},
    *,
};
use crate::{
    account::sampler::{SamplerOptions, server_clock::SharedServerClock},
    fleet::leader::LostPart,
    load::{schedule::Stripe, shard::StartEnd},
    scripted_server::{self, Answer, Over, counted, described, looked_up},
};

const SOON: Duration = Duration::from_millis(5);

/// A server that answers look-ups by the arrival's number, and counts as told.
async fn looking(
    look_up: impl Fn(u64) -> Answer + Send + Sync + 'static,
    count: impl Fn() -> Answer + Send + Sync + 'static,
) -> Server {
    scripted_server::server(move |name, message| match name {
        "DescribeWorkflowExecution" => {
            let id = looked_up(message);
            look_up(id.rsplit('/').next().unwrap().parse().unwrap())
        }
        "CountWorkflowExecutions" => count(),
        _ => Ok(Vec::new()),
    })
    .await
}

fn no_count() -> Answer {
    Err(Code::Internal)
}

async fn drained(over: &mut Over, server: &Server) -> Drained {
    let Over {
        plan,
        fleet,
        submission,
        ending,
        ..
    } = over;
    drain(plan, server, fleet, submission, ending, async |_| Ok(()))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_drain_is_cut_short_only_by_a_stop_and_only_while_something_is_open() {
    let cut = Some("somebody said so".to_owned());
    for (open, drain, stopped, outcome, cut_short) in [
        (0, 30, false, Drained::Empty, None),
        (0, 30, true, Drained::Empty, None),
        (2, 0, false, Drained::TimeUp, None),
        (2, 0, true, Drained::TimeUp, None),
        (2, 30, true, Drained::TimeUp, cut),
    ] {
        let mut over = Over::new(true, |_| StartEnd::Accepted);
        over.plan.load.drain = Duration::from_secs(drain);
        for n in open..over.schedule.total() {
            over.complete(n, SOON).await;
        }
        if stopped {
            over.stop_within(SOON);
        }
        let server = looking(|_| Err(Code::Internal), no_count).await;
        assert_eq!(drained(&mut over, &server).await, outcome, "{open} {drain} {stopped}");
        let cut_off = over.submission.cut_off.clone().unwrap();
        assert_eq!(cut_off.is_moving, open > 0);
        assert_eq!(cut_off.cut_short, cut_short, "{open} {drain} {stopped}");
        // The account is closed then: what ends later is open in it.
        let after = Duration::from_nanos(cut_off.at) + SOON;
        if open > 0 {
            over.complete(0, after).await;
            assert_eq!(
                over.visit(|accounts| (accounts.backlog(), accounts.ended_later()))
                    .await,
                (open, 1)
            );
        }
    }
}

#[tokio::test]
async fn where_nobody_stamps_the_server_says_what_is_open() {
    for (missing, code, outcome) in [
        (0, None, Drained::Empty),
        (1, None, Drained::TimeUp),
        (0, Some(Code::PermissionDenied), Drained::NotTold),
        (0, Some(Code::Unavailable), Drained::TimeUp),
    ] {
        let mut over = Over::new(false, |_| StartEnd::Accepted);
        over.plan.load.drain = Duration::from_millis(600);
        let total = over.schedule.total();
        let server = looking(
            |_| Err(Code::NotFound),
            move || match code {
                Some(code) => Err(code),
                None => counted(&[("Completed", total - 1 - missing), ("Failed", 1), ("Running", missing)]),
            },
        )
        .await;
        assert_eq!(drained(&mut over, &server).await, outcome, "{missing} {code:?}");
        let noted = over.submission.events.iter().any(|event| event.kind == "not-counted");
        assert_eq!(noted, outcome == Drained::NotTold);
    }
}

#[tokio::test]
async fn where_nobody_can_count_the_sample_is_waited_for() {
    for (sampled, drain, outcome) in [
        (true, Duration::from_millis(600), Drained::TimeUp),
        // Of whom nobody was accepted nothing is to come.
        (false, Duration::from_secs(60), Drained::NotTold),
    ] {
        let mut over = Over::new(false, |_| StartEnd::Accepted);
        over.plan.load.drain = drain;
        let server = looking(|_| described(Stands::Running, None), || Err(Code::PermissionDenied)).await;
        let (starts, started) = tokio::sync::mpsc::unbounded_channel();
        let options = SamplerOptions {
            server: server.clone(),
            id_prefix: "run".into(),
            schedule: over.schedule.clone(),
            timeline: over.submission.timeline,
            cap: 1,
            part: Stripe::WHOLE,
            limit: Duration::from_secs(10),
            reports: std::sync::mpsc::channel().0,
            server_clock: SharedServerClock::default(),
        };
        over.submission.sampler = Some(Sampler::spawn(options, started));
        if sampled {
            starts.send((0, 0)).unwrap();
        }
        drop(starts);
        assert_eq!(drained(&mut over, &server).await, outcome);
        let noted = over
            .submission
            .events
            .iter()
            .filter(|event| event.kind == "not-counted");
        assert_eq!(noted.count(), 1, "{:?}", over.submission.events);
    }
}

/// Three workflows that nobody stamps: one that the server timed out, one that is open, one that it does not know.
#[tokio::test]
async fn a_backlog_that_stands_still_is_looked_up() {
    let mut over = Over::new(true, |_| StartEnd::Accepted);
    over.plan.load.drain = Duration::from_secs(5);
    for n in 3..over.schedule.total() {
        over.complete(n, SOON).await;
    }
    let asked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    let server = looking(
        move |n| {
            seen.store(true, Ordering::Relaxed);
            match n {
                0 => described(Stands::TimedOut, None),
                1 => described(Stands::Running, None),
                _ => Err(Code::NotFound),
            }
        },
        no_count,
    )
    .await;
    let (begun, asked_at) = (Instant::now(), Mutex::new(None));
    let Over {
        plan,
        fleet,
        submission,
        ending,
        ..
    } = &mut over;
    let on_tick = async |_: &Submission| {
        if asked.load(Ordering::Relaxed) {
            asked_at.lock().unwrap().get_or_insert(begun.elapsed());
        }
        Ok(())
    };
    let outcome = drain(plan, &server, fleet, submission, ending, on_tick).await.unwrap();
    assert_eq!(outcome, Drained::TimeUp);
    assert!(asked_at.into_inner().unwrap().unwrap() >= Duration::from_secs(3));
    let (backlog, not_stamped, ledger) = over
        .visit(|accounts| (accounts.backlog(), accounts.observers().not_stamped, accounts.ledger()))
        .await;
    assert_eq!((backlog, not_stamped, ledger.timed_out, ledger.open), (2, 1, 1, 2));
}

#[tokio::test]
async fn all_that_is_open_is_looked_through_at_the_end_but_for_what_ended_later() {
    let mut over = Over::new(true, |_| StartEnd::Accepted);
    let timeline = over.submission.timeline;
    let at = 30_000_000_000;
    over.visit(move |accounts| accounts.close_at(at)).await;
    over.submission.cut_off = Some(DrainCutOff {
        at,
        is_moving: true,
        cut_short: None,
    });
    let server = looking(
        move |n| match n {
            0 => described(Stands::Terminated, Some(timeline.time_of(at))),
            1 => described(Stands::TimedOut, Some(timeline.time_of(at + 1_000))),
            2 => described(Stands::Canceled, None),
            _ => described(Stands::Running, None),
        },
        no_count,
    )
    .await;
    sweep(&over.plan, &server, &over.submission, &over.ending, async |_| Ok(()))
        .await
        .unwrap();
    let ledger = over.visit(|accounts| accounts.ledger()).await;
    assert_eq!((ledger.terminated, ledger.timed_out, ledger.cancelled), (1, 0, 1));
    assert_eq!(ledger.open, over.schedule.total() - 2);
}

/// Every other start whose answer was lost is on the server; of one it cannot say.
#[tokio::test]
async fn lost_answers_are_looked_up() {
    let mut over = Over::new(true, |_| StartEnd::Unknown);
    over.plan.load.drain = Duration::ZERO;
    let total = over.schedule.total();
    let server = looking(
        |n| match n {
            3 => Err(Code::Internal),
            n if n % 2 == 0 => described(Stands::Running, None),
            _ => Err(Code::NotFound),
        },
        no_count,
    )
    .await;
    // The one that cannot be told is asked for until time is up.
    over.stop_within(Duration::from_secs(4));
    drained(&mut over, &server).await;
    let (ledger, errors, pending) = over
        .visit(|accounts| (accounts.ledger(), accounts.errors().clone(), accounts.unknown(9)))
        .await;
    let found = total.div_ceil(2);
    assert_eq!(
        (ledger.accepted, ledger.rejected, ledger.unknown),
        (found, total - found - 1, 1)
    );
    assert_eq!(pending, [3]);
    let (count, examples) = &errors[&("lookup", "Internal".to_owned())];
    // Once a second at the most.
    assert!((1..=3).contains(count) && examples[0].0 == 3, "{count} {examples:?}");
}

/// The second of two generators is gone without a word: the first two of its starts are on the server, a third has ended.
#[tokio::test]
async fn the_part_of_a_lost_generator_is_closed_by_what_the_server_knows() {
    let over = Over::untold();
    over.complete(5, SOON).await;
    let server = looking(
        |n| match n {
            ..4 => described(Stands::Running, None),
            _ => Err(Code::NotFound),
        },
        no_count,
    )
    .await;
    let look_ups = LookUps::new(&over.plan, &server, &over.submission);
    let deadline = over.ending.step(Step::LookUps, LOOK_UP_LIMIT);
    let lost = LostPart {
        member: 7,
        part: Stripe { index: 1, of: 2 },
        name: "gone".into(),
        departure: "lost".into(),
    };
    let missing = look_ups.close_lost(&over.submission, &lost, &deadline).await.unwrap();
    assert_eq!(missing, over.schedule.total() / 2);
    let ledger = over.visit(|accounts| accounts.ledger()).await;
    assert_eq!(
        (ledger.accepted, ledger.dropped_lag, ledger.completed),
        (3, missing - 3, 1)
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_not_asked_for_all_of_them() {
    let over = Over::new(true, |_| StartEnd::Accepted);
    let deadline = over.ending.step(Step::LookUps, LOOK_UP_LIMIT);
    for (code, answers) in [(Some(Code::Unavailable), 16), (Some(Code::Internal), 40), (None, 40)] {
        let server = looking(
            move |_| code.map_or_else(|| described(Stands::Running, None), Err),
            no_count,
        )
        .await;
        let look_ups = LookUps::new(&over.plan, &server, &over.submission);
        let told = look_ups.ask((0..40).collect(), &deadline).await;
        assert_eq!(told.len(), answers, "{code:?}");
    }
}

#[tokio::test]
async fn an_end_that_only_the_server_knows_has_its_reason() {
    let over = Over::new(true, |_| StartEnd::Accepted);
    let server = looking(|_| described(Stands::TimedOut, None), no_count).await;
    let look_ups = LookUps::new(&over.plan, &server, &over.submission);
    let deadline = over.ending.step(Step::LookUps, LOOK_UP_LIMIT);
    let looked = look_ups
        .find_ended(&over.submission, 40, &deadline, &mut async |_: &Submission| Ok(()))
        .await
        .unwrap();
    let rest = over.schedule.total() - 40;
    assert_eq!((looked.ended as u64, looked.answered, looked.next), (rest, true, None));
    let errors = over.visit(|accounts| accounts.errors().clone()).await;
    assert_eq!(errors[&("workflow", WorkflowEnd::TimedOut.name().to_owned())].0, rest);
}

/// More of them than are looked up at one time.
#[tokio::test]
async fn all_lost_answers_are_looked_up_however_many() {
    let mut over = Over::at_rate("400", true, |_| StartEnd::Unknown);
    over.plan.load.drain = Duration::ZERO;
    let total = over.schedule.total();
    assert!(total > LOOK_UPS as u64);
    let server = looking(|_| described(Stands::Running, None), no_count).await;
    drained(&mut over, &server).await;
    let ledger = over.visit(|accounts| accounts.ledger()).await;
    assert_eq!((ledger.accepted, ledger.unknown), (total, 0));
}

/// Beyond those that are looked up at one time all have ended.
#[tokio::test]
async fn what_is_open_is_looked_through_in_parts() {
    let over = Over::at_rate("400", true, |_| StartEnd::Accepted);
    let total = over.schedule.total();
    let beyond = LOOK_UPS as u64;
    let server = looking(
        move |n| match n >= beyond {
            true => described(Stands::TimedOut, None),
            false => described(Stands::Running, None),
        },
        no_count,
    )
    .await;
    let look_ups = LookUps::new(&over.plan, &server, &over.submission);
    let deadline = over.ending.step(Step::LookUps, LOOK_UP_LIMIT);
    let mut on_tick = async |_: &Submission| Ok(());
    let first = look_ups
        .find_ended(&over.submission, 0, &deadline, &mut on_tick)
        .await
        .unwrap();
    assert_eq!((first.ended, first.next), (0, Some(beyond)));
    let second = look_ups
        .find_ended(&over.submission, beyond, &deadline, &mut on_tick)
        .await
        .unwrap();
    assert_eq!((second.ended as u64, second.next), (total - beyond, None));
}

#[tokio::test]
async fn a_sweep_does_not_go_on_while_nothing_is_answered() {
    let over = Over::at_rate("400", true, |_| StartEnd::Accepted);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let server = looking(
        move |n| {
            seen.lock().unwrap().push(n);
            Err(Code::Unavailable)
        },
        no_count,
    )
    .await;
    sweep(&over.plan, &server, &over.submission, &over.ending, async |_| Ok(()))
        .await
        .unwrap();
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|n| *n < LOOK_UPS as u64), "{asked:?}");
}
