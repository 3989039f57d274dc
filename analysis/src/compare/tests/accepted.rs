//! Quantiles are of all accepted workflows: what did not complete is beyond every number.

use benchmark_results::{Histogram, Ledger, Results, summary::Style};

use super::runs::{base, side};
use crate::compare::{
    Candidate, Comparison, Method, MetricRow, MetricVerdict, Options, compare, render_terminal, to_json,
};

/// Arrivals of each run.
const ALL: u64 = 10_000;

/// A run of which the slowest so many did not complete; the n-th of the others took n × `unit` microseconds.
fn run(name: &str, minute: usize, unit: i64, lost: u64) -> Results {
    let mut run = base().remove(0);
    run.run.id = format!("{name}-{minute}");
    run.run.started_at = format!("2026-11-20T10:{minute:02}:00Z");
    let measure = &mut run.phases.measure;
    measure.ledger = Ledger {
        arrivals: ALL,
        dispatched: ALL,
        accepted: ALL,
        completed: ALL - lost,
        timed_out: lost,
        ..Ledger::default()
    };
    let mut completed = Histogram::new();
    (1..=(ALL - lost) as i64).for_each(|n| completed.record_micros(n * unit));
    measure.latencies.e2e_response.completed = completed.to_latency();
    measure.latencies.e2e_service.completed = completed.to_latency();
    run
}

/// Runs in turn with others that begin at minute 0 or 1, of slightly different speed.
fn runs(name: &str, from: usize, unit: i64, lost: &[u64]) -> Vec<Results> {
    let of = |(index, lost): (usize, &u64)| run(name, from + 2 * index, unit + index as i64, *lost);
    lost.iter().enumerate().map(of).collect()
}

fn pair(baseline: &[Results], other: &[Results]) -> Comparison {
    compare(&side("base", baseline), &[side("new", other)], &Options::default()).unwrap()
}

fn row<'a>(candidate: &'a Candidate, metric: &str) -> &'a MetricRow {
    let rows = &candidate.rows;
    rows.iter().find(|row| row.metric.to_string() == metric).unwrap()
}

#[test]
fn losing_the_slowest_makes_nothing_faster() {
    let (baseline, other) = (runs("base", 0, 100, &[0; 5]), runs("new", 1, 100, &[90; 5]));
    // What is left of them is faster by as much as p99 is beyond p98.1.
    let p99 = |runs: &[Results]| runs[0].phases.measure.latencies.e2e_response.completed.p99.unwrap();
    assert!(p99(&other) < 0.992 * p99(&baseline));
    let compared = pair(&baseline, &other);
    for metric in [
        "e2e-response-p50",
        "e2e-response-p90",
        "e2e-response-p99",
        "e2e-service-p99",
    ] {
        let change = row(&compared.candidates[0], metric).change.unwrap();
        assert!(change.abs() < 2e-3, "{metric}: {change}");
    }
    assert_eq!(compared.exit_code, 1, "and that they were lost is a regression");
}

#[test]
fn beyond_is_worse_than_any_number() {
    // Less than a tenth of a point apart, so that no guard says it, and on either side of the one in a hundred.
    let (few, many) = ([96; 5], [104; 5]);
    let compared = |count: usize| {
        let (baseline, other) = (runs("base", 0, 900, &few), runs("new", 1, 100, &many));
        pair(&baseline[..count], &other[..count])
    };
    let found = compared(5);
    let candidate = &found.candidates[0];
    assert_eq!(candidate.guards, []);
    let e2e = row(candidate, "e2e-response-p99");
    assert_eq!(
        (e2e.verdict, e2e.method),
        (MetricVerdict::Regressed, Some(Method::RankSum))
    );
    assert_eq!((e2e.value, e2e.change), (Some(f64::INFINITY), None));
    assert!((e2e.p.unwrap() - 2.0 / 252.0).abs() < 1e-9, "{e2e:?}");
    assert_eq!(
        row(candidate, "e2e-response-p50").verdict,
        MetricVerdict::Improved,
        "a ninth"
    );
    assert_eq!(found.exit_code, 1);
    // Too few to tell by ranks: open, and of single runs nothing. Never an improvement.
    for (count, verdict) in [
        (3, MetricVerdict::Open),
        (2, MetricVerdict::Open),
        (1, MetricVerdict::NoVerdict),
    ] {
        let found = compared(count);
        let e2e = row(&found.candidates[0], "e2e-response-p99");
        assert_eq!(e2e.verdict, verdict, "{count}");
        let reason = e2e.reason.as_deref().unwrap();
        assert!(
            reason.ends_with("it lies among the workflows that did not complete"),
            "{reason}"
        );
        assert!(reason.starts_with("in 0 of "), "{reason}");
    }
    let (baseline, other) = (runs("base", 0, 100, &many), runs("new", 1, 900, &few));
    let back = pair(&baseline, &other);
    assert_eq!(
        row(&back.candidates[0], "e2e-response-p99").verdict,
        MetricVerdict::Improved
    );
}

#[test]
fn one_run_beyond_is_one_that_ranks_last() {
    let (baseline, other) = (
        runs("base", 0, 100, &[96, 96, 104, 96, 96]),
        runs("new", 1, 100, &[96; 5]),
    );
    let found = pair(&baseline, &other);
    let e2e = row(&found.candidates[0], "e2e-response-p99");
    assert_eq!(e2e.verdict, MetricVerdict::Open);
    // The middle of the others, and not a mean of which one is endless.
    assert!(e2e.baseline.unwrap().is_finite());
    let text = render_terminal(&found, Style::PLAIN);
    assert!(
        text.contains("in 1 of 5 runs of base and 0 of 5 runs of new it lies"),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&to_json(&found).unwrap()).unwrap();
    let rows = json["candidates"][0]["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["metric"] == "e2e-response-p99").unwrap();
    assert_eq!(row["baselineValues"][2], serde_json::Value::Null);
    assert!(row["baselineValues"][1].is_number());
    let both = pair(&runs("base", 0, 100, &[104; 5]), &runs("new", 1, 100, &[104; 5]));
    assert_eq!(row_of(&both).verdict, MetricVerdict::Open);
    assert!(render_terminal(&both, Style::PLAIN).contains("beyond    beyond"));
}

fn row_of(comparison: &Comparison) -> &MetricRow {
    row(&comparison.candidates[0], "e2e-response-p99")
}
