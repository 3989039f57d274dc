//! Halves of a run are the run.

use std::collections::BTreeMap;

use super::*;
use crate::{
    Histogram, IterationParts, LatencyHistograms, Ledger, file, fixtures,
    schema::{Fact, Fleet, Interval, MemberRole, Phase, PhaseReport, VerdictValue, Window},
    summary::{self, Style},
};

/// Latency of an arrival, microseconds: each another one, the same whoever sends it.
fn micros(n: u64) -> i64 {
    (3_000 + n * 7_919 % 40_000) as i64
}

/// A phase in which every second arrival, or each of them, belongs to this part.
fn phase(start: f64, seconds: f64, arrivals: impl Iterator<Item = u64>) -> PhaseReport {
    let mut histograms = LatencyHistograms::new();
    let mut count = 0;
    for n in arrivals {
        histograms.lag.record_micros(n as i64 % 90);
        for start in [&mut histograms.start_service, &mut histograms.start_response] {
            start.accepted.record_micros(micros(n));
        }
        for end in [&mut histograms.e2e_service, &mut histograms.e2e_response] {
            end.completed.record_micros(micros(n) * 2);
        }
        count += 1;
    }
    PhaseReport {
        start_seconds: start,
        seconds,
        ledger: Ledger {
            arrivals: count,
            dispatched: count,
            accepted: count,
            completed: count,
            ..Ledger::default()
        },
        start_rate: Some(count as f64 / seconds),
        completion_rate: Some(count as f64 / seconds),
        latencies: histograms.to_latencies(),
    }
}

/// What the generator of one stripe of `of` would have observed; with one of one, the whole.
fn part(stripe: u64, of: u64) -> IterationParts {
    let mut iteration = fixtures::iteration();
    let its = |count: u64| (0..count).filter(move |n| n % of == stripe);
    iteration.phases.ramp = phase(0.0, 30.0, its(6_000));
    iteration.phases.warm_up = phase(30.0, 30.0, its(12_000));
    iteration.phases.measure = phase(60.0, 240.0, its(96_000));
    let phases = &iteration.phases;
    iteration.ledger =
        crate::merge::ledgers([&phases.ramp, &phases.warm_up, &phases.measure].map(|phase| &phase.ledger));
    let reconciliation = &mut iteration.reconciliation;
    reconciliation.server.value = Some(BTreeMap::from([("Completed".into(), iteration.ledger.completed)]));
    reconciliation.stamped = iteration.ledger.completed;
    iteration.errors.clear();
    for window in &mut iteration.windows {
        for count in [&mut window.due, &mut window.dispatched, &mut window.accepted] {
            *count /= of;
        }
        window.completed = window.completed.map(|count| count / of);
        // About 400/s × 23 ms.
        window.backlog = Some(if window.phase == Phase::Drain {
            0
        } else {
            9 / of + window.second % 2
        });
        window.lag_p99 = Some(0.1 + stripe as f64 / 10.0);
    }
    let histogram = |second: u64| {
        let mut histogram = Histogram::new();
        its(400).for_each(|n| histogram.record_micros(micros(n + second * 400)));
        histogram.encode()
    };
    iteration.intervals = (0..5)
        .map(|second| Interval {
            iteration: 1,
            start_seconds: second,
            seconds: 1,
            start_response: histogram(second),
            e2e_response: histogram(second + 5),
        })
        .collect();
    let mut leader = fixtures::fleet::sender(&format!("generator-{stripe}"), MemberRole::Leader, stripe as u32);
    leader.share = Some(1.0);
    iteration.fleet = Fleet {
        generators: of as u32,
        members: vec![leader],
        ..Fleet::alone()
    };
    iteration
}

fn results_of(stripe: u64, of: u64) -> Results {
    let mut results = fixtures::fleet::run_of(part(stripe, of));
    results.run.id = format!("01k3-part-{stripe}");
    results
}

type Parts = Vec<(String, Results)>;

fn halves() -> Parts {
    (0..2)
        .map(|stripe| (format!("{stripe}.json"), results_of(stripe, 2)))
        .collect()
}

#[test]
fn halves_are_the_whole() {
    let parts = halves();
    assert_eq!(covers(&parts[1].1), Some(vec![1]));
    assert_eq!(
        parts[0].1.verdict.value,
        VerdictValue::Invalid,
        "half of the load is not the load"
    );
    let merged = combine(&parts).unwrap();
    let one = results_of(0, 1);
    assert_eq!(merged.ledger, one.ledger);
    for (merged, one) in [
        (&merged.phases.ramp, &one.phases.ramp),
        (&merged.phases.warm_up, &one.phases.warm_up),
        (&merged.phases.measure, &one.phases.measure),
    ] {
        assert_eq!(merged, one);
    }
    assert_eq!(merged.verdict.value, VerdictValue::Valid, "{:#?}", merged.verdict);
    assert_eq!(merged.plan_hash, parts[0].1.plan_hash);
    assert_eq!(
        merged.reconciliation.server.value.as_ref().unwrap()["Completed"],
        114_000
    );
    assert_eq!(merged.intervals, one.intervals);
    assert_eq!(merged.windows.len(), one.windows.len());
    let due = |results: &Results| results.windows.iter().map(|window| window.due).sum::<u64>();
    assert_eq!(due(&merged), due(&one));
}

#[test]
fn windows_have_quantiles_of_the_whole_or_none() {
    let merged = combine(&halves()).unwrap();
    let of = |second: usize| -> &Window { &merged.windows[second] };
    let interval = Histogram::decode(&merged.intervals[3].start_response).unwrap();
    assert_eq!(interval.count(), 400);
    assert_eq!(of(3).start_p99, interval.quantile_ms(0.99));
    assert_eq!(of(7).start_p99, None, "no histogram of that second is known");
    assert_eq!(of(7).lag_p99, Some(0.2));
    let mut unknown = halves();
    unknown[1].1.windows[7].backlog = None;
    assert_eq!(combine(&unknown).unwrap().windows[7].backlog, None);
}

#[test]
fn members_are_told_apart_and_have_their_share() {
    let mut parts = halves();
    for (_, results) in &mut parts {
        results.fleet.members[0].name = "container/1".into();
    }
    let merged = combine(&parts).unwrap();
    let told: Vec<_> = merged
        .fleet
        .members
        .iter()
        .map(|m| (m.name.as_str(), m.role, m.share))
        .collect();
    assert_eq!(
        told,
        [
            ("container/1", MemberRole::Leader, Some(0.5)),
            ("container/1", MemberRole::Generator, Some(0.5))
        ]
    );
    assert_eq!(covers(&merged), Some(vec![0, 1]));
    assert_eq!(merged.events.last().unwrap().kind, "merged");
}

#[test]
fn what_was_merged_is_a_results_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    let merged = combine(&halves()).unwrap();
    file::write_atomically(&path, &merged).unwrap();
    assert!(file::read(&path).unwrap() == merged);
    insta::assert_snapshot!("merged", summary::render(&merged, None, Style::PLAIN));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let message = |change: &dyn Fn(&mut Parts)| {
        let mut parts = halves();
        change(&mut parts);
        combine(&parts).unwrap_err().to_string()
    };
    let whole = || ("whole.json".to_owned(), fixtures::fleet::run_of(fixtures::iteration()));
    let messages = [
        message(&|parts| parts.truncate(1)),
        message(&|parts| parts[1].1.plan_hash = fixtures::plan().hash()),
        message(&|parts| parts[1].1.environment.server.version = Fact::found("1.30.0".into(), "")),
        message(&|parts| parts[1] = parts[0].clone()),
        message(&|parts| parts[1].1.fleet.members[0].starts.as_mut().unwrap().stripe = 0),
        message(&|parts| parts[1].1.fleet.members[0].starts.as_mut().unwrap().stripe = 7),
        message(&|parts| parts[1].1.fleet.generators = 4),
        message(&|parts| parts.push(whole())),
        message(&|parts| parts.insert(0, whole())),
        message(&|parts| parts[1].1.iterations[0].started_at = "2026-11-20T10:00:07.5Z".into()),
        message(&|parts| parts[1].1.iterations.clear()),
        message(&|parts| parts[1].1.run.id = "01k3-part-0".into()),
        message(&|parts| parts[1].1.complete = false),
        message(&|parts| parts[1].1.iterations[0].phases.measure.latencies.lag.histogram = "AAAA".into()),
        message(&|parts| {
            for (_, results) in parts {
                results.plan.fleet.generators = 3;
                results.fleet.generators = 3;
            }
        }),
        message(&|parts| {
            for (_, results) in parts {
                results.plan.target = fixtures::plan().target;
            }
        }),
    ];
    insta::assert_snapshot!("refused", messages.join("\n"));
}

#[test]
fn what_a_part_was_interrupted_by_stands() {
    let mut parts = halves();
    parts[1].1.run.interrupted_by = Some("SIGINT".into());
    let merged = combine(&parts).unwrap();
    assert_eq!(merged.run.interrupted_by.as_deref(), Some("SIGINT"));
    assert_eq!(merged.outcome.exit_code, 130);
}
