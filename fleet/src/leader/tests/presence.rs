use std::time::Duration;

use super::*;
use crate::limits::{EVENTS, LOST_AFTER, REFUSALS, SILENT_AFTER};

const SECOND: Duration = Duration::from_secs(1);

fn status(key: u8, status: wire::Status) -> wire::ExchangeRequest {
    wire::ExchangeRequest {
        status: Some(status),
        ..exchange(key, Vec::new())
    }
}

#[test]
fn a_member_that_is_not_heard_is_silent_then_lost_and_may_return() {
    let (leader, clock, _) = leader(0);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    clock.pass(SECOND);
    leader.exchange(exchange(1, Vec::new())).unwrap();
    leader.take_events();
    let presence = || leader.roll()[0].presence.clone();

    clock.pass(SILENT_AFTER - Duration::from_nanos(1));
    assert_eq!(presence(), Presence::Present);
    clock.pass(Duration::from_nanos(1));
    assert_eq!(presence(), Presence::Silent { since: SECOND });
    clock.pass(LOST_AFTER);
    assert_eq!(presence(), Presence::Lost { since: SECOND });
    leader.exchange(exchange(1, Vec::new())).unwrap();
    assert_eq!(presence(), Presence::Present);

    let events: Vec<_> = leader
        .take_events()
        .into_iter()
        .map(|event| (event.at, event.kind))
        .collect();
    assert_eq!(
        events,
        [
            (SECOND + SILENT_AFTER, EventKind::Silent),
            (SECOND + LOST_AFTER, EventKind::Lost),
            (SECOND + SILENT_AFTER + LOST_AFTER, EventKind::Returned),
        ]
    );
}

#[test]
fn silence_that_nobody_looked_at_is_told_all_the_same() {
    let (leader, clock, _) = leader(0);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    clock.pass(SILENT_AFTER);
    leader.exchange(exchange(1, Vec::new())).unwrap();
    let kinds: Vec<_> = kinds(&leader).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [EventKind::Joined, EventKind::Silent, EventKind::Returned]);
}

#[test]
fn a_member_that_left_stays_away_until_it_joins_again() {
    let (leader, clock, _) = leader(0);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    let mut bye = exchange(1, Vec::new());
    (bye.leaving, bye.reason) = (true, "SIGTERM".to_owned());
    // The answer may get lost, and the good-bye be said again.
    leader.exchange(bye.clone()).unwrap();
    leader.exchange(bye).unwrap();
    clock.pass(LOST_AFTER);
    // An exchange from before that was on its way for long.
    leader.exchange(exchange(1, Vec::new())).unwrap();
    let left = Presence::Left {
        at: Duration::ZERO,
        reason: "SIGTERM".to_owned(),
    };
    assert_eq!(leader.roll()[0].presence, left);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    assert_eq!(leader.roll()[0].presence, Presence::Present);
    let kinds: Vec<_> = kinds(&leader).into_iter().map(|(_, kind)| kind).collect();
    let reason = "SIGTERM".to_owned();
    assert_eq!(
        kinds,
        [EventKind::Joined, EventKind::Left { reason }, EventKind::Returned]
    );
}

#[test]
fn getting_ready_is_told_once_for_each_iteration() {
    let (leader, ..) = leader(1);
    leader
        .join(join(1, wire::Role::Generator), PeerAddress::InProcess)
        .unwrap();
    let mut changed = leader.changed();
    let mut says = |ready, iteration, done| {
        let told = wire::Status {
            ready,
            iteration,
            done,
            ..Default::default()
        };
        changed.mark_unchanged();
        leader.exchange(status(1, told)).unwrap();
        let woken = changed.has_changed().unwrap();
        (
            woken,
            kinds(&leader)
                .iter()
                .filter(|(_, kind)| *kind == EventKind::Ready)
                .count(),
        )
    };
    assert_eq!(says(false, 1, false), (true, 0));
    assert_eq!(says(true, 1, false), (true, 1));
    assert_eq!(says(true, 1, false), (false, 0));
    assert_eq!(says(true, 1, true), (true, 0));
    assert_eq!(says(true, 2, false), (true, 1));
}

#[test]
fn what_a_member_says_of_itself_is_made_sane() {
    let (leader, clock, _) = leader(0);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    for cpu in [f64::NAN, f64::INFINITY, -3.0] {
        clock.pass(SECOND);
        let told = wire::Status {
            cpu_cores: cpu,
            cpu_share: cpu,
            waiting_for: "\u{1b}c polls".to_owned(),
            ..Default::default()
        };
        leader.exchange(status(1, told)).unwrap();
    }
    let state = leader.roll().remove(0);
    assert_eq!(state.usage.len(), 3);
    assert!(
        state
            .usage
            .iter()
            .all(|sample| sample.cpu_cores == 0.0 && sample.cpu_share == 0.0)
    );
    assert_eq!(state.status.waiting_for, "\u{fffd}c polls");
}

#[test]
fn a_stranger_that_knocks_all_the_time_is_told_of_once_a_minute() {
    let (leader, clock, _) = leader(0);
    for _ in 0..1000 {
        leader.stranger("somebody at 10.0.0.1".to_owned(), "no token");
    }
    assert_eq!(refusals(&leader).len(), 1);
    clock.pass(60 * SECOND);
    leader.stranger("somebody at 10.0.0.1".to_owned(), "no token");
    assert_eq!(refusals(&leader).len(), 1);
}

#[test]
fn a_run_has_a_bounded_number_of_events_and_strangers_have_few_of_them() {
    let (leader, clock, _) = leader(0);
    let mut strangers = 0;
    for n in 0..10_000 {
        leader.stranger(format!("somebody at {n}"), "no token");
        strangers += refusals(&leader).len();
    }
    assert_eq!(
        (strangers, leader.omitted_events()),
        (REFUSALS, 10_000 - REFUSALS as u64)
    );
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    let mut told = strangers;
    for _ in 0..EVENTS {
        clock.pass(SILENT_AFTER);
        leader.exchange(exchange(1, Vec::new())).unwrap();
        told += leader.take_events().len();
    }
    assert_eq!(told, EVENTS);
    assert_eq!(
        leader.omitted_events(),
        (10_000 + 1 + 2 * EVENTS - EVENTS) as u64,
        "all that happened less what was told"
    );
}

#[test]
fn a_run_that_is_over_takes_nobody_in_but_whom_it_knows() {
    let (leader, clock, _) = leader(0);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    leader.command(Command::End {
        reason: "done".to_owned(),
    });
    leader.take_events();
    clock.pass(LOST_AFTER * 3);
    let refusal = leader
        .join(join(2, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Over);
    assert!(refusal.reason.contains("this run is over (done)"), "{refusal}");
    assert!(refusals(&leader).is_empty());
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    assert_eq!(leader.roll().len(), 1);
}
