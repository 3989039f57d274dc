//! Reports survive the way through a message, and nonsense is refused without harm.

use std::time::Duration;

use benchmark_results::WorkflowEnd;
use proptest::prelude::*;
use prost::Message as _;

use super::*;

const BOUNDS: Bounds = Bounds {
    arrivals: 1_000,
    part: Stripe { index: 1, of: 2 },
    threads: 8,
    max_in_flight: 1_000,
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
    let counts = prop::collection::vec(0..100u64, 4);
    (
        counts,
        any_pair(),
        prop::option::of(any_pair()),
        prop::option::of(any_pair()),
        any::<bool>(),
    )
        .prop_map(|(counts, accepted, rejected, unanswered, at_cap)| {
            let count = |pair: &Option<Pair>| pair.as_ref().map_or(0, |pair| pair.service.count());
            PhaseSamples {
                ledger: Ledger {
                    arrivals: counts[0],
                    dispatched: accepted.service.count(),
                    dropped_lag: counts[1],
                    dropped_cap: counts[2],
                    rejected: count(&rejected),
                    unknown: count(&unanswered),
                    accepted: accepted.service.count(),
                    ..Ledger::default()
                },
                lag: accepted.service.clone(),
                // An empty histogram and none are the same bytes.
                lag_at_cap: at_cap.then(|| accepted.service.clone()).filter(|lag| !lag.is_empty()),
                dropped_at_cap: counts[3].min(counts[1] + counts[2]),
                rejected_by: [("UNAVAILABLE", count(&rejected))]
                    .into_iter()
                    .filter(|(_, count)| *count > 0)
                    .collect(),
                accepted,
                rejected,
                unanswered,
            }
        })
}

fn any_phase() -> impl Strategy<Value = Phase> {
    prop_oneof![Just(Phase::Ramp), Just(Phase::WarmUp), Just(Phase::Measure)]
}

fn any_window() -> impl Strategy<Value = ShardWindow> {
    (
        0..60u64,
        prop::collection::vec(0..100u64, 9),
        prop::collection::btree_map(any_phase(), 0..50u64, 0..3),
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
            waited_at_cap: counts[7],
            held_at_cap: counts[8],
            sent_in,
            phases,
        })
}

/// Numbers of the generator's part.
fn of_part() -> impl Strategy<Value = u64> {
    (0..500u64).prop_map(|n| 2 * n + 1)
}

fn read(message: wire::Starts) -> Result<Vec<StartReport>, String> {
    from_message(message, BOUNDS, &mut Claims::default())
}

/// The same with its seconds taken apart.
fn opened(reports: Vec<StartReport>) -> Vec<StartReport> {
    reports
        .into_iter()
        .map(|report| match report {
            StartReport::Seconds(seconds) => StartReport::Windows(seconds.into_iter().map(Second::open).collect()),
            report => report,
        })
        .collect()
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
    let closed = prop::option::of((any::<u32>(), any::<u64>()).prop_map(|(at, wrong)| Closed { at: at.into(), wrong }));
    let poll = (of_part(), any::<u32>(), told, closed).prop_map(|(n, sent, told, closed)| {
        StartReport::Poll(PolledEnd {
            n,
            sent: sent.into(),
            told,
            closed,
        })
    });
    let errors = (of_part(), "[a-z]{0,20}").prop_map(|(n, text)| {
        StartReport::StartErrors(StartErrors::from([("RESOURCE_EXHAUSTED", (3, vec![(n, text)]))]))
    });
    (
        prop::collection::vec((of_part(), end), 1..50),
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
        let message_read = wire::Starts::decode(bytes.as_slice()).unwrap();
        let again = to_message(opened(read(message_read).unwrap()));
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
            && let Ok(reports) = read(message)
        {
            for report in opened(reports) {
                match report {
                    StartReport::Starts(starts) => prop_assert!(starts.iter().all(|(n, _)| *n < BOUNDS.arrivals && n % 2 == 1)),
                    StartReport::Windows(windows) => {
                        prop_assert!(windows.iter().all(|window| window.second <= 61));
                        prop_assert!(windows.iter().all(|window| window.dispatched <= BOUNDS.arrivals));
                    }
                    StartReport::Poll(poll) => {
                        prop_assert!(poll.n < BOUNDS.arrivals && poll.sent <= BOUNDS.now);
                        prop_assert!(poll.closed.is_none_or(|closed| closed.at <= BOUNDS.now));
                        if let SampledEnd::Polled(_, at) | SampledEnd::Asked(_, at) = poll.told {
                            prop_assert!(at <= BOUNDS.now);
                        }
                    }
                    StartReport::StartErrors(_) | StartReport::Seconds(_) => {}
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
    assert!(read(second(60)).is_ok());
    // A generator whose clock is ahead tells of seconds that have not come yet: they are this one or the next.
    let [StartReport::Windows(windows)] = &opened(read(second(u64::MAX)).unwrap())[..] else {
        panic!("no seconds")
    };
    assert_eq!(windows[0].second, BOUNDS.now / 1_000_000_000 + 1);
    let ends = |n| wire::Starts {
        ends: Some(wire::StartEnds {
            n: columns::encode([5, n]),
            end: vec![1, 2],
        }),
        ..Default::default()
    };
    assert_eq!(read(ends(1_001)).unwrap_err(), "arrival 1001 of a schedule with 1000");
    assert_eq!(
        read(ends(6)).unwrap_err(),
        "arrival 6, which is not of its part: those with n mod 2 = 1"
    );
    let phase = |change: fn(&mut wire::PhaseSamples)| {
        let mut samples = wire::PhaseSamples {
            phase: wire::Phase::Measure.into(),
            ..Default::default()
        };
        change(&mut samples);
        let second = wire::StartSecond {
            phases: vec![samples],
            ..Default::default()
        };
        read(wire::Starts {
            seconds: vec![second],
            ..Default::default()
        })
    };
    assert!(phase(|_| {}).is_ok());
    for (words, change) in [
        (
            "latencies of 0 lag, of which there are 3",
            (|samples| samples.dispatched = 3) as fn(&mut wire::PhaseSamples),
        ),
        ("latencies of 0 accepted starts, of which there are 1", |samples| {
            samples.accepted = 1
        }),
        ("latencies of 0 refused starts", |samples| samples.rejected = 1),
        ("latencies of 0 unanswered starts", |samples| samples.unknown = 1),
        ("not an HdrHistogram", |samples| samples.lag = vec![1]),
        ("a count of 501 in a part with 500 arrivals", |samples| {
            samples.dropped_cap = 501
        }),
        ("phase 9", |samples| samples.phase = 9),
    ] {
        let reason = phase(change).unwrap_err();
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn a_generator_has_had_only_so_many_seconds_and_unanswered_starts() {
    let seconds = |count, in_flight| wire::Starts {
        seconds: vec![
            wire::StartSecond {
                peak_in_flight: in_flight,
                ..Default::default()
            };
            count
        ],
        ..Default::default()
    };
    // Sixty seconds of eight threads, and the 61 that are allowed for.
    assert!(read(seconds(8 * 121, 1_000)).is_ok());
    assert!(
        read(seconds(8 * 121 + 1, 0))
            .unwrap_err()
            .contains("more seconds than 8 threads")
    );
    assert!(read(seconds(1, 1_001)).unwrap_err().contains("where the cap is 1000"));
    let mut claims = Claims::default();
    from_message(seconds(8 * 60, 0), BOUNDS, &mut claims).unwrap();
    assert!(from_message(seconds(8 * 62, 0), BOUNDS, &mut claims).is_err());
}

#[test]
fn errors_of_many_threads_and_flushes_are_one_for_each_code() {
    let errors = |code, n| StartReport::StartErrors(StartErrors::from([(code, (2, vec![(n, "x".repeat(9_999))]))]));
    let reports = (0..200u64).map(|n| errors(if n % 2 == 0 { "UNAVAILABLE" } else { "DEADLINE_EXCEEDED" }, 2 * n + 1));
    let message = to_message(reports.collect());
    let told: Vec<_> = message
        .errors
        .iter()
        .map(|error| (error.code.as_str(), error.count))
        .collect();
    assert_eq!(told, [("DEADLINE_EXCEEDED", 200), ("UNAVAILABLE", 200)]);
    assert!(message.errors.iter().all(|error| error.examples.len() == EXAMPLES));
    assert!(
        message.errors[0]
            .examples
            .iter()
            .all(|example| example.message.len() <= 1024)
    );
    let reports = read(message).unwrap();
    let [StartReport::StartErrors(errors)] = &reports[..] else {
        panic!("{reports:?}")
    };
    assert_eq!(errors["UNAVAILABLE"].0, 200);
}
