use super::*;
use crate::fixtures::window;

#[test]
fn a_window_counts_once_and_in_order() {
    let (leader, _, merger) = leader(0);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    let send = |windows| leader.exchange(exchange(1, windows)).map(|response| response.acked);
    assert_eq!(send(vec![window(1, [1]), window(2, [2])]), Ok(2));
    assert_eq!(send(vec![window(1, [1]), window(2, [2]), window(3, [3])]), Ok(3));
    assert_eq!(send(Vec::new()), Ok(3));
    let state = leader.roll().remove(0);
    assert_eq!((state.windows, state.resent), (3, 2));
    let merged = merger.0.lock().unwrap().clone();
    assert_eq!(merged.sequences[&MemberId(0)], [1, 2, 3]);
    assert!(merged.arrivals.values().all(|count| *count == 1));
    drop(merged);
    // Joining again tells how far the leader is.
    let joined = leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    assert_eq!(joined.acked, 3);
}

#[test]
fn whoever_sends_a_malformed_window_is_put_out_and_hurts_nobody_else() {
    let mut bad = window(2, [2]);
    bad.run = "bad".to_owned();
    let mut empty = window(2, []);
    empty.body = None;
    let mut starts = window(2, []);
    starts.body = Some(wire::window::Body::Starts(wire::Starts::default()));
    let cases = [
        ("window 2 is malformed: it is of no run", vec![window(1, [1]), bad]),
        ("those between are missing", vec![window(3, [3])]),
        ("no sequence number", vec![window(0, [3])]),
        ("at most", vec![window(2, [2]); EXCHANGE_WINDOWS + 1]),
        ("a worker tells of starts", vec![window(1, [1]), starts]),
        ("a worker tells of nothing", vec![window(1, [1]), empty]),
    ];
    for (words, windows) in cases {
        let (leader, clock, merger) = leader(0);
        for key in [1, 2] {
            leader
                .join(join(key, wire::Role::Worker), PeerAddress::InProcess)
                .unwrap();
        }
        leader.take_events();
        // What comes before the malformed one is taken.
        let before = windows.iter().filter(|window| window.sequence == 1).count();
        let refusal = leader.exchange(exchange(1, windows)).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Malformed);
        assert!(refusal.reason.contains(words), "{refusal}");
        assert_eq!(merger.0.lock().unwrap().arrivals.len(), before);
        let Presence::Left { reason, .. } = leader.roll()[0].presence.clone() else {
            panic!("{refusal}")
        };
        assert!(
            reason.contains("sent what could not be read") && reason.contains(words),
            "{reason}"
        );
        assert_eq!(kinds(&leader), [("member-1".to_owned(), EventKind::Left { reason })]);
        // Nothing brings it back, and it is not heard of again.
        clock.pass(std::time::Duration::from_secs(1));
        assert!(leader.knows(&[1; 16]).is_err());
        let again = leader.exchange(exchange(1, vec![window(2, [2])])).unwrap_err();
        assert_eq!(again.kind, RefusalKind::Malformed);
        assert!(
            leader
                .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
                .is_err()
        );
        assert!(leader.roll()[0].is_gone() && leader.roll()[0].heard_at.is_zero());
        assert_eq!(leader.exchange(exchange(2, vec![window(1, [7])])).unwrap().acked, 1);
    }
}

#[test]
fn a_generator_tells_of_starts_only() {
    let (leader, ..) = leader(1);
    leader
        .join(join(1, wire::Role::Generator), PeerAddress::InProcess)
        .unwrap();
    let refusal = leader.exchange(exchange(1, vec![window(1, [1])])).unwrap_err();
    assert!(refusal.reason.contains("a generator tells of ends"), "{refusal}");
}

#[test]
fn what_finds_no_room_is_kept_by_the_member_and_nothing_is_done_until_it_is_taken() {
    let (leader, clock, merger) = leader(0);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    let mut full = window(2, [2]);
    full.run = "full".to_owned();
    let told = |windows, more| {
        let mut request = exchange(1, windows);
        request.status = Some(wire::Status {
            done: true,
            ready: true,
            ..Default::default()
        });
        (request.leaving, request.more) = (true, more);
        request
    };
    clock.pass(std::time::Duration::from_secs(1));
    let response = leader
        .exchange(told(vec![window(1, [1]), full, window(3, [3])], false))
        .unwrap();
    assert_eq!((response.acked, merger.0.lock().unwrap().arrivals.len()), (1, 1));
    let state = leader.roll().remove(0);
    assert!(state.heard_at.is_zero() && !state.status.done && state.status.ready && !state.is_gone());
    // Nor is it while the member holds back more than this exchange carries.
    let response = leader.exchange(told(vec![window(2, [2])], true)).unwrap();
    assert_eq!(response.acked, 2);
    assert!(leader.roll()[0].heard_at.is_zero() && !leader.roll()[0].is_gone());
    leader.exchange(told(vec![window(3, [3])], false)).unwrap();
    let state = leader.roll().remove(0);
    assert!(!state.heard_at.is_zero() && state.status.done && state.is_gone());
}

#[test]
fn a_recording_of_an_exchange_says_nothing() {
    let (leader, clock, _) = leader(0);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    let numbered = |number, leaving| {
        let mut request = exchange(1, Vec::new());
        (request.number, request.leaving) = (number, leaving);
        leader.exchange(request).map_err(|refusal| refusal.kind)
    };
    numbered(2, false).unwrap();
    clock.pass(crate::limits::SILENT_AFTER);
    for old in [1, 2] {
        assert_eq!(numbered(old, true), Err(RefusalKind::Stale));
    }
    assert!(matches!(leader.roll()[0].presence, Presence::Silent { .. }));
    numbered(3, false).unwrap();
    assert_eq!(leader.roll()[0].presence, Presence::Present);
}

#[test]
fn whoever_has_not_joined_is_told_the_run() {
    let (leader, ..) = leader(0);
    let refusal = leader.exchange(exchange(1, Vec::new())).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unknown);
    assert_eq!(refusal.run_id.as_deref(), Some("run-1"));
    let status = tonic::Status::from(refusal.clone());
    assert_eq!(Refusal::from_status(&status), Some(refusal));
}

#[test]
fn a_sink_that_panics_hurts_only_that_exchange() {
    struct Panics;
    impl WindowSink for Panics {
        fn take(&self, _: Teller, window: wire::Window) -> Result<(), Rejected> {
            assert_ne!(window.run, "panic");
            Ok(())
        }
    }
    let (other, ..) = leader(0);
    let leader = Leader::new(other.shared.options.clone(), Arc::new(Panics));
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    let mut bad = window(1, [1]);
    bad.run = "panic".to_owned();
    let call = std::panic::AssertUnwindSafe(|| leader.exchange(exchange(1, vec![bad])));
    assert!(std::panic::catch_unwind(call).is_err());
    assert_eq!(leader.exchange(exchange(1, vec![window(1, [1])])).unwrap().acked, 1);
}
