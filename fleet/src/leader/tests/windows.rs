use super::*;
use crate::fixtures::window;

#[test]
fn a_window_counts_once_and_in_order() {
    let (leader, _, merger) = leader(0);
    leader.join(join(1, wire::Role::Worker), Origin::InProcess).unwrap();
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
    let joined = leader.join(join(1, wire::Role::Worker), Origin::InProcess).unwrap();
    assert_eq!(joined.acked, 3);
}

#[test]
fn a_malformed_window_is_refused_and_hurts_nobody_else() {
    let (leader, _, merger) = leader(0);
    for key in [1, 2] {
        leader.join(join(key, wire::Role::Worker), Origin::InProcess).unwrap();
    }
    leader.take_events();
    let mut bad = window(2, [2]);
    bad.run = "bad".to_owned();
    let cases = [
        ("window 2 is malformed: it is of no run", vec![window(1, [1]), bad]),
        ("those between are missing", vec![window(3, [3])]),
        ("no sequence number", vec![window(0, [3])]),
        ("at most", vec![window(2, [2]); EXCHANGE_WINDOWS + 1]),
    ];
    for (words, windows) in cases {
        let refusal = leader.exchange(exchange(1, windows)).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Malformed);
        assert!(refusal.reason.contains(words), "{refusal}");
        assert_eq!(refusals(&leader), [("member-1".to_owned(), refusal.reason)]);
    }
    // What came before the malformed one was taken; the member could go on from there.
    assert_eq!(leader.exchange(exchange(1, vec![window(2, [2])])).unwrap().acked, 2);
    assert_eq!(leader.exchange(exchange(2, vec![window(1, [7])])).unwrap().acked, 1);
    assert_eq!(merger.0.lock().unwrap().arrivals.len(), 3);
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
        fn take(&self, _: MemberId, window: wire::Window) -> Result<(), String> {
            assert_ne!(window.run, "panic");
            Ok(())
        }
    }
    let (other, ..) = leader(0);
    let leader = Leader::new(other.shared.options.clone(), Arc::new(Panics));
    leader.join(join(1, wire::Role::Worker), Origin::InProcess).unwrap();
    let mut bad = window(1, [1]);
    bad.run = "panic".to_owned();
    let call = std::panic::AssertUnwindSafe(|| leader.exchange(exchange(1, vec![bad])));
    assert!(std::panic::catch_unwind(call).is_err());
    assert_eq!(leader.exchange(exchange(1, vec![window(1, [1])])).unwrap().acked, 1);
}
