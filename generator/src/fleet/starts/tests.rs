//! Reports survive the way through a message, and nonsense is refused without harm.

use std::time::Duration;

use proptest::prelude::*;
use prost::Message as _;

use super::*;

const BOUNDS: Bounds = Bounds {
    arrivals: 1_000,
    now: 60_000_000_000,
};

fn any_pair() -> impl Strategy<Value = Pair> {
    prop::collection::vec((0..10_000_000u64, 0..5_000_000u64), 0..20).prop_map(|samples| {
        let mut pair = Pair::default();
        for (service, late) in samples {
            pair.service.record(Duration::from_micros(service));
            pair.response.record(Duration::from_micros(service + late));
        }
        pair
    })
}

fn any_samples() -> impl Strategy<Value = PhaseSamples> {
    let counts = prop::collection::vec(0..1_000u64, 7);
    (
        counts,
        any_pair(),
        prop::option::of(any_pair()),
        prop::option::of(any_pair()),
    )
        .prop_map(|(counts, accepted, rejected, unanswered)| PhaseSamples {
            ledger: Ledger {
                arrivals: counts[0],
                dispatched: counts[1],
                dropped_lag: counts[2],
                dropped_cap: counts[3],
                rejected: counts[4],
                unknown: counts[5],
                accepted: counts[6],
                ..Ledger::default()
            },
            lag: accepted.service.clone(),
            accepted,
            rejected,
            unanswered,
        })
}

fn any_phase() -> impl Strategy<Value = Phase> {
    prop_oneof![Just(Phase::Ramp), Just(Phase::WarmUp), Just(Phase::Measure)]
}

fn any_window() -> impl Strategy<Value = ShardWindow> {
    (
        0..60u64,
        prop::collection::vec(0..1_000u64, 7),
        prop::collection::btree_map(any_phase(), 0..1_000u64, 0..3),
        prop::collection::btree_map(any_phase(), any_samples().prop_map(Box::new), 0..3),
    )
        .prop_map(|(second, counts, sent_in, phases)| ShardWindow {
            second,
            dispatched: counts[0],
            dropped: counts[1],
            accepted: counts[2],
            rejected: counts[3],
            unknown: counts[4],
            in_flight: counts[5],
            peak_in_flight: counts[6],
            sent_in,
            phases,
        })
}

fn any_reports() -> impl Strategy<Value = Vec<StartReport>> {
    let end = prop_oneof![
        Just(StartEnd::Dropped),
        Just(StartEnd::Accepted),
        Just(StartEnd::Rejected),
        Just(StartEnd::Unknown),
    ];
    let told = (any::<u32>(), 0..3_u8).prop_map(|(at, kind)| match kind {
        0 => SampledEnd::Polled(WorkflowEnd::TimedOut, at.into()),
        1 => SampledEnd::Asked(WorkflowEnd::Completed, at.into()),
        _ => SampledEnd::Open,
    });
    let poll = (0..1_000u64, any::<u32>(), told).prop_map(|(n, sent, told)| {
        StartReport::Poll(PolledEnd {
            n,
            sent: sent.into(),
            told,
        })
    });
    let errors = (0..1_000u64, ".{0,20}").prop_map(|(n, text)| {
        StartReport::StartErrors(StartErrors::from([("RESOURCE_EXHAUSTED", (3, vec![(n, text)]))]))
    });
    (
        prop::collection::vec((0..1_000u64, end), 1..50),
        prop::collection::vec(any_window(), 1..3),
        prop::option::of(errors),
        prop::collection::vec(poll, 0..4),
    )
        .prop_map(|(starts, windows, errors, polls)| {
            [StartReport::Starts(starts), StartReport::Windows(windows)]
                .into_iter()
                .chain(errors)
                .chain(polls)
                .collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Through bytes and back it is the same message: nothing is rounded and nothing is left out.
    #[test]
    fn reports_survive_the_way(reports in any_reports()) {
        let message = to_message(reports);
        let bytes = message.encode_to_vec();
        let read = wire::Starts::decode(bytes.as_slice()).unwrap();
        let again = to_message(from_message(read, BOUNDS).unwrap());
        prop_assert_eq!(again, message);
    }

    /// Whatever the bytes are, reading them neither panics nor gives the account a number that the run cannot have.
    #[test]
    fn nonsense_is_refused(reports in any_reports(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut bytes = to_message(reports).encode_to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = wire::Starts::decode(bytes.as_slice())
            && let Ok(reports) = from_message(message, BOUNDS)
        {
            for report in reports {
                match report {
                    StartReport::Starts(starts) => prop_assert!(starts.iter().all(|(n, _)| *n < BOUNDS.arrivals)),
                    StartReport::Windows(windows) => {
                        prop_assert!(windows.iter().all(|window| window.second <= 61));
                        prop_assert!(windows.iter().all(|window| window.dispatched <= BOUNDS.arrivals));
                    }
                    StartReport::Poll(poll) => {
                        prop_assert!(poll.n < BOUNDS.arrivals && poll.sent <= BOUNDS.now);
                        if let SampledEnd::Polled(_, at) | SampledEnd::Asked(_, at) = poll.told {
                            prop_assert!(at <= BOUNDS.now);
                        }
                    }
                    StartReport::StartErrors(_) => {}
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_is_named() {
    let second = |second| wire::Starts {
        seconds: vec![wire::StartSecond {
            second,
            ..Default::default()
        }],
        ..Default::default()
    };
    assert!(from_message(second(60), BOUNDS).is_ok());
    assert_eq!(
        from_message(second(u64::MAX), BOUNDS).unwrap_err(),
        format!("second {} has not come yet", u64::MAX)
    );
    let ends = wire::Starts {
        ends: Some(wire::StartEnds {
            n: columns::encode([5, 1_000]),
            end: vec![1, 2],
        }),
        ..Default::default()
    };
    assert_eq!(
        from_message(ends, BOUNDS).unwrap_err(),
        "arrival 1000 of a schedule with 1000"
    );
}
