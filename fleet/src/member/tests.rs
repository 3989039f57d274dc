mod addresses;
mod outages;
mod proxy;

use std::time::Duration;

use super::*;
use crate::{
    Command, EventKind, Presence,
    fixtures::{Observed, ends, live, plain, until, worker, worker_of},
    limits::WINDOW_BYTES,
};

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn in_the_leaders_process() {
    let (leader, merger) = live("run-1");
    let (joined, mut member) = Member::join(worker_of(LeaderAt::InProcess(leader.clone())))
        .await
        .unwrap();
    assert_eq!((joined.run_id.as_str(), joined.plan_json.as_str()), ("run-1", "{}"));
    assert_eq!(member.clock(), ClockEstimate::SAME);
    let observed = Arc::new(Observed::default());
    member.begin(observed.clone());
    leader.command(Command::Prepare {
        iteration: 1,
        id_prefix: "p".to_owned(),
    });
    let mut orders = member.orders();
    let order = orders
        .wait_for(|order| order.stage() == wire::Stage::Prepare)
        .await
        .unwrap()
        .clone();
    assert_eq!((order.iteration, order.id_prefix.as_str()), (1, "p"));
    observed.observe(3);
    until("the window is there", || merger.ended() == 3).await;
    let state = leader.roll().remove(0);
    assert!(state.in_process && state.status.ready);
    assert_eq!(state.status.clock_offset_ns, Some(0));
    observed.observe(2);
    member.leave("done".to_owned(), LIMIT).await.unwrap();
    assert_eq!(merger.ended(), 5);
    let presence = leader.roll().remove(0).presence;
    assert!(matches!(presence, Presence::Left { reason, .. } if reason == "done"));
}

#[tokio::test]
async fn over_the_network() {
    let (leader, merger) = live("run-1");
    let serving = plain(&leader).await;
    let mut options = worker(serving.address());
    // Only those who hurry are heard in this test.
    options.interval = Duration::from_secs(3600);
    // Clocks that differ by an hour, in a measure that no round trip comes near.
    let unix = options.unix_ns.clone();
    options.unix_ns = Arc::new(move || unix() - 3_600_000_000_000);
    let (_, mut member) = Member::join(options).await.unwrap();
    let off = member.clock();
    let wrong = off.to_leader_ns().abs_diff(3_600_000_000_000);
    assert!(
        wrong <= off.uncertainty_ns && off.uncertainty_ns < 5_000_000_000,
        "{off:?}"
    );
    let observed = Arc::new(Observed::default());
    member.begin(observed.clone());
    until("the first exchange", || leader.roll()[0].status.ready).await;
    observed.observe(3);
    member.hurry();
    until("the window is there", || merger.ended() == 3).await;
    let status = leader.roll().remove(0).status;
    assert!(status.clock_offset_ns.unwrap() > 3_500_000_000_000 && status.clock_uncertainty_ns > 0);
    member.leave("done".to_owned(), LIMIT).await.unwrap();
    let kinds: Vec<_> = leader.take_events().into_iter().map(|event| event.kind).collect();
    let left = EventKind::Left {
        reason: "done".to_owned(),
    };
    assert_eq!(kinds, [EventKind::Joined, EventKind::Ready, left]);
}

#[tokio::test]
async fn more_than_one_exchange_carries_is_delivered_at_once() {
    let (leader, merger) = live("run-1");
    let serving = plain(&leader).await;
    let mut options = worker(serving.address());
    options.interval = Duration::from_secs(3600);
    let (_, mut member) = Member::join(options).await.unwrap();
    let observed = Arc::new(Observed::default());
    for _ in 0..1000 {
        observed.observe(50);
    }
    member.begin(observed);
    until("all is there", || merger.ended() == 50_000).await;
    drop(member);
}

#[tokio::test]
async fn windows_that_cannot_be_kept_are_told() {
    let (leader, _) = live("run-1");
    let (_, mut member) = Member::join(worker_of(LeaderAt::InProcess(leader.clone())))
        .await
        .unwrap();
    let observed = Arc::new(Observed::default());
    // More than any exchange could carry.
    let numbers = vec![i64::MIN; WINDOW_BYTES / 10];
    observed.push(
        "run",
        wire::window::Body::Ends(wire::Ends {
            n: numbers,
            ..Default::default()
        }),
    );
    member.begin(observed);
    until("it is told", || leader.roll()[0].status.windows_dropped == 1).await;
    member.leave("done".to_owned(), LIMIT).await.unwrap();
}

#[tokio::test]
async fn a_malformed_window_ends_the_member() {
    let (leader, _) = live("run-1");
    let serving = plain(&leader).await;
    let (_, mut member) = Member::join(worker(serving.address())).await.unwrap();
    let observed = Arc::new(Observed::default());
    observed.push("bad", ends([1]));
    member.begin(observed);
    let end = tokio::time::timeout(LIMIT, member.ended()).await.unwrap();
    assert!(
        matches!(&end, MemberEnd::Refused { reason } if reason.contains("window 1 is malformed")),
        "{end}"
    );
    let undelivered = member.leave("done".to_owned(), LIMIT).await.unwrap_err();
    assert_eq!(undelivered.windows, 1);
    assert!(undelivered.why.contains("malformed"), "{undelivered}");
}

#[tokio::test]
async fn a_member_that_never_began_can_leave() {
    let (leader, _) = live("run-1");
    let (_, member) = Member::join(worker_of(LeaderAt::InProcess(leader.clone())))
        .await
        .unwrap();
    member.leave("changed my mind".to_owned(), LIMIT).await.unwrap();
    assert!(matches!(leader.roll()[0].presence, Presence::Left { .. }));
}

#[tokio::test]
async fn a_source_that_panics_ends_the_member() {
    struct Panics;
    impl WindowSource for Panics {
        fn windows(&self, _: i64) -> Vec<(String, wire::window::Body)> {
            panic!("a test")
        }

        fn status(&self) -> wire::Status {
            wire::Status::default()
        }
    }
    let (leader, _) = live("run-1");
    let (_, mut member) = Member::join(worker_of(LeaderAt::InProcess(leader))).await.unwrap();
    member.begin(Arc::new(Panics));
    let end = tokio::time::timeout(LIMIT, member.ended()).await.unwrap();
    assert!(end.to_string().contains("a panic"), "{end}");
}
