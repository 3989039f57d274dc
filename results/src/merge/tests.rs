//! Totals of several iterations: whatever is added up, and what is not.

use proptest::prelude::*;

use super::*;
use crate::{
    histogram::Histogram,
    schema::{CutOff, ErrorExample},
    testing::{self, ledger_strategy},
};

fn histogram_of(samples: &[i64]) -> Histogram {
    let mut histogram = Histogram::new();
    samples.iter().for_each(|micros| histogram.record_micros(*micros));
    histogram
}

fn phase_of(samples: &[i64]) -> PhaseReport {
    let mut phase = PhaseReport::empty();
    phase.latencies.e2e_response.completed = histogram_of(samples).to_latency();
    phase.latencies.lag = histogram_of(samples).to_latency();
    phase
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn merged_histograms_equal_one(parts in prop::collection::vec(
        prop::collection::vec(-10..4_000_000_000_i64, 0..60), 1..5))
    {
        let one = histogram_of(&parts.concat());
        let mut merged = Histogram::new();
        parts.iter().for_each(|part| merged.add(&histogram_of(part)));
        prop_assert_eq!(&merged, &one);

        let reports: Vec<_> = parts.iter().map(|part| phase_of(part)).collect();
        let report = phase_reports(&reports).unwrap();
        prop_assert_eq!(&report.latencies.e2e_response.completed, &one.to_latency());
        prop_assert_eq!(&report.latencies.lag, &one.to_latency());
        prop_assert_eq!(report.latencies.e2e_service.completed.count, 0);
    }

    #[test]
    fn text_keeps_the_histogram(samples in prop::collection::vec(0..3_600_000_000_i64, 0..200)) {
        let histogram = histogram_of(&samples);
        prop_assert_eq!(Histogram::decode(&histogram.encode()).unwrap(), histogram);
    }

    #[test]
    fn sums_of_sound_ledgers_are_sound(parts in prop::collection::vec(ledger_strategy(), 0..6)) {
        let sum = ledgers(&parts);
        prop_assert_eq!(sum.broken_identities(), vec![]);
        prop_assert_eq!(sum.arrivals, parts.iter().map(|part| part.arrivals).sum::<u64>());
        let mut backwards = parts.clone();
        backwards.reverse();
        prop_assert_eq!(ledgers(&backwards), sum);
    }
}

#[test]
fn rates_are_weighted_by_time() {
    let part = |seconds, rate| PhaseReport {
        seconds,
        start_rate: Some(rate),
        ..PhaseReport::empty()
    };
    // What took no time has no weight, whatever its rate is said to be.
    let instant = part(0.0, f64::INFINITY);
    let merged = phase_reports([&part(10.0, 100.0), &part(30.0, 200.0), &instant, &PhaseReport::empty()]).unwrap();
    assert_eq!(merged.start_rate, Some(175.0));
    assert_eq!(merged.completion_rate, None);
    assert_eq!(merged.seconds, 40.0);
}

#[test]
fn nothing_merges_to_nothing() {
    let merged = phases([]).unwrap();
    assert_eq!(merged.measure, PhaseReport::empty());
    assert_eq!(generators([]), None);
}

#[test]
fn a_damaged_histogram_is_an_error() {
    let mut damaged = phase_of(&[1, 2, 3]);
    damaged.latencies.lag.histogram.truncate(8);
    assert!(phase_reports([&damaged, &phase_of(&[])]).is_err());
}

#[test]
fn equal_errors_become_one_group() {
    let group = |code: &str, count, message: &str| ErrorGroup {
        operation: "StartWorkflowExecution".into(),
        code: code.into(),
        count,
        examples: vec![
            ErrorExample {
                workflow_id: None,
                message: message.into()
            };
            6
        ],
    };
    let merged = errors(&[
        group("Internal", 6, "a"),
        group("Unavailable", 7, "b"),
        group("Internal", 6, "c"),
    ]);
    assert_eq!(merged.len(), 2);
    assert_eq!((merged[0].code.as_str(), merged[0].count), ("Internal", 12));
    assert_eq!(merged[0].examples.len(), MAX_EXAMPLES);
}

#[test]
fn the_generator_is_the_whole_of_its_iterations() {
    let mut second = testing::generator();
    second.cpu_share = 0.5;
    second.peak_in_flight = 900;
    second.busiest_thread.value.as_mut().unwrap().share = 0.4;
    let first = testing::generator();
    let merged = generators([&first, &second]).unwrap();
    assert_eq!(merged.seconds, first.seconds * 2.0);
    assert!((merged.cpu_share - (first.cpu_share + 0.5) / 2.0).abs() < 1e-9);
    assert_eq!(merged.peak_in_flight, 900);
    assert_eq!(merged.busiest_thread.value.unwrap().share, 0.4);
    assert!((merged.cpu_per_start_us.unwrap() - first.cpu_per_start_us.unwrap()).abs() < 1e-6);
}

/// A reconciliation in which every figure is another one.
fn reconciled(base: u64) -> Reconciliation {
    Reconciliation {
        server: Fact::found(
            BTreeMap::from([("Completed".to_owned(), base + 1), ("Failed".to_owned(), base + 2)]),
            "asked",
        ),
        settled_after_seconds: Some(base as f64),
        disagreements: vec![format!("of {base}")],
        stamped: base + 3,
        stamped_twice: base + 4,
        not_stamped: base + 5,
        sampled: base + 6,
        sample_disagreements: base + 7,
        sample_ends: Some(SampleEnds {
            accepted: base + 8,
            polled: base + 9,
            asked: base + 10,
            open: base + 11,
            missing: base + 12,
        }),
        poll_delay: histogram_of(&[1_000, 2_000]).to_latency(),
        unknown_found: base + 13,
        unknown_not_found: base + 14,
        cut_off: Some(CutOff {
            seconds: 1_500.0 - base as f64,
            ended_later: base + 17,
            cut_short_by: (base == 1_000).then(|| "SIGTERM".to_owned()),
        }),
        cleanup: Cleanup {
            requested: base == 100,
            open_before: Some(base + 15),
            open_after: Some(base + 16),
            problem: None,
        },
        ..Reconciliation::not_made("")
    }
}

#[test]
fn reconciliations_add_up() {
    let merged = reconciliations([&reconciled(100), &reconciled(1_000)]).unwrap();
    let sum = |offset: u64| 1_100 + 2 * offset;
    let counts = merged.server.value.clone().unwrap();
    assert_eq!((counts["Completed"], counts["Failed"]), (sum(1), sum(2)));
    assert_eq!(merged.server.source, "asked");
    assert_eq!(merged.disagreements, ["of 100", "of 1000"]);
    let figures = [
        merged.stamped,
        merged.stamped_twice,
        merged.not_stamped,
        merged.sampled,
        merged.sample_disagreements,
    ];
    assert_eq!(figures, [3, 4, 5, 6, 7].map(sum));
    let sample = merged.sample_ends.unwrap();
    assert_eq!(
        [
            sample.accepted,
            sample.polled,
            sample.asked,
            sample.open,
            sample.missing
        ],
        [8, 9, 10, 11, 12].map(sum)
    );
    assert_eq!((merged.unknown_found, merged.unknown_not_found), (sum(13), sum(14)));
    let cleanup = &merged.cleanup;
    assert_eq!(
        (cleanup.open_before, cleanup.open_after),
        (Some(sum(15)), Some(sum(16)))
    );
    assert!(cleanup.requested && cleanup.problem.is_none());
    let latest = CutOff {
        seconds: 1_400.0,
        ended_later: sum(17),
        cut_short_by: Some("SIGTERM".to_owned()),
    };
    assert_eq!(merged.cut_off, Some(latest));
    assert_eq!(merged.poll_delay.count, 4);
    assert_eq!(merged.settled_after_seconds, Some(1_000.0));
    assert_eq!(merged.source, CompletionSource::Stamps);
}

#[test]
fn a_part_that_was_not_told_leaves_the_whole_untold() {
    let mut second = reconciled(1_000);
    second.server = Fact::missing("it was away");
    second.sample_ends = None;
    second.cut_off = None;
    second.source = CompletionSource::Visibility;
    second.cleanup.open_after = None;
    second.cleanup.problem = Some("forbidden".into());
    let merged = reconciliations([&reconciled(100), &second]).unwrap();
    assert_eq!(merged.server, Fact::missing("it was away"));
    assert_eq!(merged.source, CompletionSource::Visibility);
    assert_eq!(merged.sample_ends.unwrap().accepted, 108);
    // What ended after one of two cut-offs is not what ended later.
    assert_eq!(merged.cut_off, None);
    assert_eq!(
        (merged.cleanup.open_before, merged.cleanup.open_after),
        (Some(1_130), None)
    );
    assert_eq!(merged.cleanup.problem.as_deref(), Some("forbidden"));
    // One by itself is what it is, and none is none.
    assert_eq!(reconciliations([&second]).unwrap(), second);
    assert_eq!(
        reconciliations([]).unwrap(),
        Reconciliation::not_made("no iteration ran")
    );
}

#[test]
fn a_sample_is_whole_enough_up_to_one_in_a_hundred() {
    let sample = |missing: u64| SampleEnds {
        accepted: 1_200,
        open: 200,
        missing,
        ..SampleEnds::default()
    };
    assert_eq!((sample(0).ended(), sample(0).missing_share()), (1_000, 0.0));
    assert_eq!(sample(10).missing_share(), 0.01);
    assert!(sample(10).is_whole_enough() && !sample(11).is_whole_enough());
    // More than there are: from a file that somebody wrote.
    assert_eq!(sample(5_000).missing_share(), 1.0);
    assert!(SampleEnds::default().is_whole_enough());
}

#[test]
fn peaks_are_the_largest_and_times_are_added() {
    let part = |seconds: f64, share: f64, most: u64| {
        let mut part = testing::generator();
        (part.seconds, part.cpu_seconds, part.cpu_share) = (seconds, seconds * share, share);
        part.cpu_per_start_us = Some(20.0);
        (part.peak_in_flight, part.peak_in_flight_per_connection) = (most, most + 1);
        part.connections = u32::try_from(most).unwrap() + 2;
        part.cpu_wait = Fact::found(share / 2.0, "");
        part.throttled = Fact::found(share / 4.0, "");
        part.steal = Fact::found(share / 8.0, "");
        part.peak_memory_bytes = Fact::found(most + 3, "");
        part.share_of_ceiling = Fact::found(share / 3.0, "");
        part
    };
    for parts in [
        [part(10.0, 0.2, 50), part(30.0, 0.6, 40)],
        [part(30.0, 0.6, 40), part(10.0, 0.2, 50)],
    ] {
        let merged = generators(&parts).unwrap();
        assert_eq!((merged.seconds, merged.cpu_seconds), (40.0, 20.0));
        let near = |value: f64, wanted: f64| assert!((value - wanted).abs() < 1e-9, "{value} for {wanted}");
        near(merged.cpu_share, 0.5);
        near(merged.cpu_wait.value.unwrap(), 0.25);
        near(merged.throttled.value.unwrap(), 0.125);
        near(merged.steal.value.unwrap(), 0.0625);
        near(merged.share_of_ceiling.value.unwrap(), 0.2);
        near(merged.cpu_per_start_us.unwrap(), 20.0);
        assert_eq!((merged.peak_in_flight, merged.peak_in_flight_per_connection), (50, 51));
        assert_eq!((merged.connections, merged.peak_memory_bytes.value), (52, Some(53)));
    }
    let connected = |opened: u64| GeneratorHealth {
        start_connections: Some(StartConnections {
            opened,
            ..StartConnections::default()
        }),
        ..testing::generator()
    };
    let merged = generators([&connected(3), &testing::generator(), &connected(4)]).unwrap();
    assert_eq!(merged.start_connections.unwrap().opened, 7);
    let mut idle = testing::generator();
    idle.cpu_per_start_us = Some(0.0);
    assert_eq!(generators([&idle, &idle]).unwrap().cpu_per_start_us, None);
}

#[test]
fn the_most_frequent_errors_come_first() {
    let group = |operation: &str, code: &str, count| ErrorGroup {
        operation: operation.into(),
        code: code.into(),
        count,
        examples: Vec::new(),
    };
    let merged = errors(&[
        group("a", "X", 1),
        group("b", "X", 5),
        group("a", "Y", 5),
        group("a", "X", 2),
    ]);
    let order: Vec<_> = merged
        .iter()
        .map(|group| (group.operation.as_str(), group.code.as_str(), group.count))
        .collect();
    assert_eq!(order, [("a", "Y", 5), ("b", "X", 5), ("a", "X", 3)]);
}

#[test]
fn what_waited_at_the_cap_is_added_and_not_known_where_one_part_does_not_tell() {
    let told = |dropped, samples: &[i64]| PhaseReport {
        at_cap: Some(AtCap {
            dropped,
            lag: histogram_of(samples).to_latency(),
        }),
        ..PhaseReport::empty()
    };
    let merged = phase_reports(&[told(3, &[10, 20]), told(4, &[30])]).unwrap();
    assert_eq!(merged.at_cap, told(7, &[10, 20, 30]).at_cap);
    assert_eq!(
        phase_reports(&[told(3, &[10]), PhaseReport::empty()]).unwrap().at_cap,
        None
    );
    assert_eq!(phase_reports(&[]).unwrap().at_cap, None);
}

#[test]
fn of_the_servers_clock_the_worst_is_told() {
    let clock = |offset_ms, uncertainty_ms| {
        let clock = ServerClock {
            offset_ms,
            uncertainty_ms,
            corrected: false,
            moved_ms: 0.0,
            samples: 3,
        };
        Fact::found(clock, "asked")
    };
    let merged = |clocks: &[Option<Fact<ServerClock>>]| {
        let parts: Vec<_> = clocks
            .iter()
            .map(|clock| Reconciliation {
                server_clock: clock.clone(),
                ..reconciled(1)
            })
            .collect();
        reconciliations(&parts).unwrap().server_clock
    };
    let (near, far, unknown) = (clock(0.0, 2.0), clock(-5.0, 1.0), Fact::missing("forbidden"));
    assert_eq!(
        merged(&[Some(near.clone()), Some(far.clone()), None]),
        Some(far.clone())
    );
    assert_eq!(merged(&[Some(unknown.clone()), Some(near), Some(far)]), Some(unknown));
    assert_eq!(merged(&[None, None]), None);
}
