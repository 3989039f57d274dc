//! The part of a generator that is lost.

use benchmark_results::WorkflowEnd;

use super::*;

proptest! {
    /// A generator that is lost: whatever it told, whatever the server knows, whatever was stamped, every arrival of its
    /// part ends in exactly one place.
    #[test]
    fn a_lost_part_is_closed(
        fates in prop::collection::vec((any_fate(), any::<bool>(), any::<bool>()), 300),
        seconds_told in 0..=3u64,
    ) {
        let schedule = schedule();
        let (lost, origin) = (Stripe { index: 1, of: 2 }, Origin::Member(7));
        let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
        let total = schedule.total();
        let mut windows: BTreeMap<(bool, u64), ShardWindow> = BTreeMap::new();
        for (n, (fate, told, stamped)) in (0..total).zip(&fates) {
            let of_lost = n % 2 == 1;
            if of_lost && !told {
                // Sent perhaps, but nobody was told; if it was, a worker may have stamped it.
                if *stamped {
                    accounts.add_stamp(Origin::Member(0), stamp(n, WorkflowEnd::Completed));
                }
                continue;
            }
            let by = if of_lost { origin } else { Origin::Leader };
            accounts.add_start(by, n, fate.start);
            let second = schedule.offset(n) / SECOND;
            let window = windows.entry((of_lost, second)).or_default();
            window.second = second;
            count(window.phases.entry(schedule.phase_of(n)).or_default(), fate.start);
            if *stamped && matches!(fate.start, StartEnd::Accepted) {
                accounts.add_stamp(Origin::Member(0), stamp(n, WorkflowEnd::Completed));
            }
        }
        for ((of_lost, second), window) in &windows {
            // The last seconds of the lost one were never told, although single starts of them were.
            if !of_lost || *second < seconds_told {
                accounts.add_window(if *of_lost { origin } else { Origin::Leader }, window);
            }
        }
        let missing = accounts.missing(lost, schedule.end());
        let found: HashSet<u64> = missing.unheard.iter().filter(|n| fates[*n as usize].2).collect();
        accounts.close_lost(origin, &missing, &found);

        let ledger = accounts.ledger();
        prop_assert_eq!(ledger.broken_identities(), vec![]);
        prop_assert_eq!(ledger.arrivals, total);
        prop_assert_eq!(accounts.missing(lost, schedule.end()), Missing::default());
        let member = &accounts.members()[&origin];
        prop_assert_eq!(member.missing, missing.unheard.len() + missing.ended.len());
        prop_assert_eq!(member.ledger().arrivals, total / 2);
        let open = ledger.open;
        prop_assert_eq!(accounts.backlog(), open);
        // Accepted is what was told so, what the server knows, and what ended; the rest was refused, lost, or never sent.
        let told = |n: &u64| n.is_multiple_of(2) || fates[*n as usize].1;
        let ended_as = |end: StartEnd| {
            (0..total).filter(|n| told(n) && fates[*n as usize].0.start == end).count() as u64
        };
        let there = missing.ended.len() + found.len() as u64;
        prop_assert_eq!(ledger.accepted, ended_as(StartEnd::Accepted) + there);
        prop_assert_eq!(ledger.rejected, ended_as(StartEnd::Rejected));
        prop_assert_eq!(ledger.unknown, ended_as(StartEnd::Unknown));
        prop_assert_eq!(
            ledger.dropped(),
            ended_as(StartEnd::Dropped) + missing.unheard.len() + missing.ended.len() - there
        );
    }
}

fn count(samples: &mut PhaseSamples, end: StartEnd) {
    let ledger = &mut samples.ledger;
    ledger.arrivals += 1;
    if end == StartEnd::Dropped {
        ledger.dropped_lag += 1;
        return;
    }
    ledger.dispatched += 1;
    match end {
        StartEnd::Accepted => ledger.accepted += 1,
        StartEnd::Rejected => ledger.rejected += 1,
        StartEnd::Unknown => ledger.unknown += 1,
        StartEnd::Dropped => {}
    }
}

/// Of a part that is lost what was told stands, what ended had been taken, what the server knows is open, and the rest was
/// never sent.
#[test]
fn a_lost_part_is_closed_arrival_by_arrival() {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
    let lost = Origin::Member(4);
    let mut window = ShardWindow::default();
    let ledger = &mut window.phases.entry(Phase::WarmUp).or_default().ledger;
    (ledger.arrivals, ledger.dispatched, ledger.accepted) = (5, 2, 2);
    (ledger.dropped_cap, ledger.dropped_lag) = (2, 1);
    accounts.add_window(lost, &window);
    for n in 0..5 {
        let end = if n < 2 { StartEnd::Accepted } else { StartEnd::Dropped };
        accounts.add_start(lost, n, end);
    }
    accounts.add_stamp(Origin::Member(9), stamp(6, WorkflowEnd::Completed));
    let until = schedule.offset(8);
    let missing = accounts.missing(Stripe::WHOLE, until);
    assert_eq!(missing.unheard.iter().collect::<Vec<_>>(), [5, 7, 8]);
    assert_eq!(missing.ended.iter().collect::<Vec<_>>(), [6]);
    accounts.close_lost(lost, &missing, &HashSet::from([7]));
    let ledger = accounts.ledger();
    assert_eq!((ledger.arrivals, ledger.dispatched, ledger.accepted), (9, 4, 4));
    assert_eq!((ledger.dropped_cap, ledger.dropped_lag), (2, 3));
    assert_eq!((ledger.completed, ledger.open), (1, 3));
    assert_eq!(ledger.broken_identities(), []);
    assert_eq!(accounts.open_from(0, 99), [0, 1, 7]);
    assert_eq!(accounts.members()[&lost].missing, 4);
    assert_eq!(accounts.missing(Stripe::WHOLE, until), Missing::default());
}
