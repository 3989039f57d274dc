//! Any order, loss, duplication and re-delivery of exchanges gives what delivering each window once would have given.

use proptest::prelude::*;

use super::*;
use crate::{
    fixtures::{ends, window},
    member::held::Held,
};

const MEMBERS: usize = 3;

/// What happens to one member next.
#[derive(Clone, Debug)]
enum Step {
    /// It observes that many ends.
    Observe(u64),
    /// It sends what it holds, and hears the answer or does not.
    Send { arrives: bool, answered: bool },
    /// An exchange that it sent before arrives once more, or for the first time. Its answer is not heard.
    Again(prop::sample::Index),
    /// It joins again.
    Join,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..20_u64).prop_map(Step::Observe),
        (any::<bool>(), any::<bool>()).prop_map(|(arrives, answered)| Step::Send { arrives, answered }),
        any::<prop::sample::Index>().prop_map(Step::Again),
        Just(Step::Join),
    ]
}

struct Simulated {
    key: u8,
    held: Held,
    sent: Vec<wire::ExchangeRequest>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn each_window_counts_once(steps in prop::collection::vec((0..MEMBERS, step()), 0..120)) {
        let (leader, _, merger) = leader(0);
        let (once, _, expected) = crate::fixtures::leader(0);
        let mut members: Vec<Simulated> = (0..MEMBERS)
            .map(|index| Simulated { key: index as u8, held: Held::new(usize::MAX), sent: Vec::new() })
            .collect();
        for member in &members {
            for leader in [&leader, &once] {
                leader.join(join(member.key, wire::Role::Worker), PeerAddress::InProcess).unwrap();
            }
        }
        let (mut arrivals, mut observed) = (0, [0; MEMBERS]);
        for (index, step) in steps {
            let member = &mut members[index];
            match step {
                Step::Observe(count) => {
                    let new = arrivals..arrivals + count;
                    arrivals += count;
                    observed[index] += 1;
                    once.exchange(exchange(member.key, vec![window(observed[index], new.clone())])).unwrap();
                    member.held.push("run".to_owned(), ends(new));
                }
                Step::Send { arrives, answered } => {
                    let request = exchange(member.key, member.held.batch().0);
                    member.sent.push(request.clone());
                    if arrives {
                        let acked = leader.exchange(request).unwrap().acked;
                        if answered {
                            member.held.ack(acked);
                        }
                    }
                }
                Step::Again(which) if !member.sent.is_empty() => {
                    let again = which.get(&member.sent);
                    // One that skips windows which never arrived is malformed, and its sender is put out: no member sends
                    // such a thing, since it sends what was not acknowledged.
                    let first = again.windows.first().map_or(0, |window| window.sequence);
                    if first <= leader.roll()[index].windows + 1 {
                        leader.exchange(again.clone()).unwrap();
                    }
                }
                Step::Again(_) => {}
                Step::Join => {
                    let joined = leader.join(join(member.key, wire::Role::Worker), PeerAddress::InProcess).unwrap();
                    member.held.resume(joined.acked);
                }
            }
        }
        for member in &mut members {
            while member.held.len() > 0 {
                member.held.ack(leader.exchange(exchange(member.key, member.held.batch().0)).unwrap().acked);
            }
        }
        prop_assert_eq!(&*merger.0.lock().unwrap(), &*expected.0.lock().unwrap());
        for state in leader.roll() {
            prop_assert_eq!(state.windows, observed[state.id.0 as usize]);
        }
    }
}

#[test]
fn one_member_on_many_threads_still_counts_once() {
    let (leader, _, merger) = leader(0);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    let windows: Vec<_> = (1..=50).map(|n| window(n, [n])).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for end in 1..=windows.len() {
                    leader.exchange(exchange(1, windows[..end].to_vec())).unwrap();
                }
            });
        }
    });
    let merged = merger.0.lock().unwrap();
    assert_eq!(merged.sequences[&MemberId(0)], (1..=50).collect::<Vec<_>>());
}
