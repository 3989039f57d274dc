//! From whole runs to verdicts.

use benchmark_results::{Histogram, Results, summary::Style};

use super::runs::{FACTOR, base, named, runs, side, tuned};
use crate::compare::{
    Arrangement, Candidate, Comparison, ComparisonOutcome, Method, Metric, MetricRow, MetricVerdict, NoiseProfile,
    Options, Pairing, compare, render_terminal, to_json,
};

fn about(factor: &str) -> Options {
    Options {
        factors: vec![factor.to_owned()],
        ..Options::default()
    }
}

fn row<'a>(candidate: &'a Candidate, metric: &str) -> &'a MetricRow {
    let metric: Metric = metric.parse().unwrap();
    candidate.rows.iter().find(|row| row.metric == metric).unwrap()
}

fn pair(baseline: &[Results], other: &[Results], options: &Options) -> Comparison {
    compare(&side("base", baseline), &[side("new", other)], options).unwrap()
}

#[test]
fn runs_in_turn_are_compared_pair_by_pair() {
    let comparison = pair(&base(), &tuned(), &about(FACTOR));
    let candidate = &comparison.candidates[0];
    assert!(candidate.arrangement.is_paired());
    let verdict = |metric| row(candidate, metric).verdict;
    assert_eq!(
        verdict("throughput"),
        MetricVerdict::NoVerdict,
        "it is what was asked for"
    );
    assert_eq!(verdict("start-response-p99"), MetricVerdict::Improved);
    assert_eq!(verdict("e2e-response-p99"), MetricVerdict::Regressed);
    assert_eq!(
        (comparison.outcome, comparison.exit_code),
        (ComparisonOutcome::Regressed, 1)
    );
    let e2e = row(candidate, "e2e-response-p99");
    assert_eq!(e2e.method, Some(Method::TurnsT));
    assert_eq!(candidate.pairs.len(), 5);
    assert!(candidate.pairs[0].baseline_first && !candidate.pairs[1].baseline_first);
    assert!((e2e.change.unwrap() - 0.176).abs() < 0.01, "{e2e:?}");
    assert!(e2e.interval.unwrap().contains(e2e.change.unwrap()));
    assert!(e2e.adjusted_p >= e2e.p);
}

#[test]
fn the_other_way_round_all_signs_turn() {
    let there = pair(&base(), &tuned(), &about(FACTOR));
    let back = pair(&tuned(), &base(), &about(FACTOR));
    for (there, back) in there.candidates[0].rows.iter().zip(&back.candidates[0].rows) {
        let swapped = match there.verdict {
            MetricVerdict::Improved => MetricVerdict::Regressed,
            MetricVerdict::Regressed => MetricVerdict::Improved,
            other => other,
        };
        assert_eq!(back.verdict, swapped, "{}", there.metric);
    }
}

#[test]
fn one_after_the_other_they_are_groups_unless_said() {
    let later: Vec<_> = tuned()
        .into_iter()
        .enumerate()
        .map(|(index, mut run)| {
            run.run.started_at = format!("2026-11-20T11:{index:02}:00Z");
            run
        })
        .collect();
    let comparison = pair(&base(), &later, &about(FACTOR));
    assert!(!comparison.candidates[0].arrangement.is_paired());
    assert_eq!(
        row(&comparison.candidates[0], "throughput").method,
        Some(Method::RankSum)
    );
    let options = Options {
        pairing: Pairing::Paired,
        ..about(FACTOR)
    };
    assert!(pair(&base(), &later, &options).candidates[0].arrangement.is_paired());
    let options = Options {
        pairing: Pairing::Unpaired,
        ..about(FACTOR)
    };
    assert!(!pair(&base(), &tuned(), &options).candidates[0].arrangement.is_paired());
}

#[test]
fn one_run_a_side_has_an_interval_and_no_verdict() {
    let comparison = pair(&base()[..1], &tuned()[..1], &about(FACTOR));
    let candidate = &comparison.candidates[0];
    assert!(
        candidate
            .rows
            .iter()
            .all(|row| row.verdict == MetricVerdict::NoVerdict && row.p.is_none())
    );
    let throughput = row(candidate, "throughput");
    assert_eq!(throughput.method, Some(Method::WithinRun));
    assert!(throughput.interval.is_some() && throughput.change.is_some());
    let lag = row(candidate, "lag-p99");
    assert!(lag.interval.is_none() && lag.change.is_some(), "{lag:?}");
    assert_eq!(
        (comparison.outcome, comparison.exit_code),
        (ComparisonOutcome::NoVerdict, 0)
    );
    let options = Options {
        strict: true,
        ..about(FACTOR)
    };
    assert_eq!(pair(&base()[..1], &tuned()[..1], &options).exit_code, 4);
}

#[test]
fn one_run_a_side_with_a_noise_profile_is_judged_by_it() {
    let baseline = base();
    let noise = NoiseProfile::of(&side("base", &baseline).runs).unwrap();
    let options = Options {
        noise: vec![named(noise)],
        ..about(FACTOR)
    };
    let comparison = pair(&baseline[..1], &tuned()[..1], &options);
    let candidate = &comparison.candidates[0];
    let start = row(candidate, "start-response-p99");
    assert_eq!(
        (start.method, start.verdict),
        (Some(Method::NoiseProfile), MetricVerdict::Improved)
    );
    assert_eq!(row(candidate, "lag-p99").verdict, MetricVerdict::Equivalent);
}

#[test]
fn a_profile_enters_the_error_and_never_the_margin() {
    let baseline = base();
    let noise = NoiseProfile::of(&side("base", &baseline).runs).unwrap();
    let p99: Metric = "e2e-response-p99".parse().unwrap();
    assert!(noise.spreads[&p99].spread > 0.015);
    let options = Options {
        noise: vec![named(noise)],
        ..about(FACTOR)
    };
    for pairing in [Pairing::Auto, Pairing::Unpaired] {
        let options = Options {
            pairing,
            ..options.clone()
        };
        let comparison = pair(&baseline, &tuned(), &options);
        let e2e = row(&comparison.candidates[0], "e2e-response-p99");
        assert!((e2e.margin.high - 0.03).abs() < 1e-9);
        assert_eq!(e2e.method, Some(Method::NoiseProfile));
    }
    // Of two runs a side it tells what they cannot.
    let two = |options: &Options| {
        let comparison = pair(&baseline[..2], &tuned()[..2], options);
        row(&comparison.candidates[0], "e2e-response-p99").interval.unwrap()
    };
    let (alone, with) = (two(&about(FACTOR)), two(&options));
    assert!(with.high - with.low < alone.high - alone.low, "{with:?} {alone:?}");
    let told = &pair(&baseline, &tuned(), &options).noise[0];
    assert_eq!(
        (told.file.as_str(), told.runs, told.seeds, told.age_days),
        ("noise.json", 5, Some(1), Some(0))
    );
    assert_eq!(told.remarks, [""; 0]);
}

#[test]
fn a_profile_that_is_old_or_was_scheduled_otherwise_says_so() {
    let noise = NoiseProfile::of(&side("base", &base()).runs).unwrap();
    let later = |runs: Vec<Results>, day: &str| -> Vec<Results> {
        runs.into_iter()
            .map(|mut run| {
                run.run.started_at = run.run.started_at.replace("2026-11-20", day);
                run
            })
            .collect()
    };
    let compared = |day: &str, noise: &NoiseProfile| {
        let options = Options {
            noise: vec![named(noise.clone())],
            ..about(FACTOR)
        };
        pair(&later(base(), day), &later(tuned(), day), &options)
            .noise
            .remove(0)
    };
    let told = compared("2026-12-20", &noise);
    assert_eq!((told.age_days, told.remarks.len()), (Some(30), 0));
    let told = compared("2026-12-21", &noise);
    assert_eq!(told.remarks, ["it is older than 30 days: measure it anew"]);
    let mut other = noise.clone();
    let scheduling = other
        .surroundings
        .0
        .keys()
        .find(|key| key.starts_with("program.scheduling"));
    let scheduling = scheduling.unwrap().clone();
    other.surroundings.0.insert(scheduling, "something else".into());
    let told = compared("2026-11-20", &other);
    assert!(told.remarks[0].contains("scheduled otherwise"), "{told:?}");
}

#[test]
fn one_against_several_takes_the_spread_of_the_several() {
    let comparison = pair(&base()[..1], &tuned(), &about(FACTOR));
    let start = row(&comparison.candidates[0], "start-response-p99");
    assert_eq!(
        (start.method, start.verdict),
        (Some(Method::PooledT), MetricVerdict::Improved)
    );
}

#[test]
fn what_a_run_does_not_have_is_said() {
    let mut baseline = base();
    baseline[1].generator.cpu_per_start_us = None;
    let comparison = pair(&baseline, &tuned(), &about(FACTOR));
    let cpu = row(&comparison.candidates[0], "cpu-per-start");
    assert_eq!(cpu.reason.as_deref(), Some("base-1: not measured"));
    assert!(cpu.change.is_none() && cpu.baseline.is_none());
}

#[test]
fn strict_makes_inconclusive_a_failure() {
    let noisy = |name: &str, from| {
        runs(
            name,
            from,
            10,
            &[(399.0, 9.0, 52.0), (399.4, 9.8, 50.5), (398.8, 8.4, 53.0)],
        )
    };
    let (baseline, other) = (noisy("base", 0), noisy("new", 5));
    // Pairs of equal values have no spread, so they are taken as groups.
    let mut options = Options {
        pairing: Pairing::Unpaired,
        ..Options::default()
    };
    let comparison = pair(&baseline, &other, &options);
    assert_eq!((comparison.outcome, comparison.exit_code), (ComparisonOutcome::Open, 0));
    let start = row(&comparison.candidates[0], "start-response-p99");
    assert!(start.more_runs.is_some_and(|more| more > 5), "{start:?}");
    options.strict = true;
    assert_eq!(pair(&baseline, &other, &options).exit_code, 4);
}

#[test]
fn primary_metrics_can_be_chosen() {
    let options = Options {
        primary: vec!["start-response-p99".parse().unwrap()],
        ..about(FACTOR)
    };
    let comparison = pair(&base(), &tuned(), &options);
    let rows = &comparison.candidates[0].rows;
    assert_eq!(rows.iter().filter(|row| row.primary).count(), 1);
    assert!(rows[0].primary && rows.len() == Metric::all().count());
    assert_eq!(
        (comparison.outcome, comparison.exit_code),
        (ComparisonOutcome::Improved, 0)
    );
}

#[test]
fn several_candidates_are_corrected_together() {
    let (baseline, other) = (base(), tuned());
    let alone = pair(&baseline, &other, &about(FACTOR));
    let third: Vec<_> = other
        .iter()
        .cloned()
        .map(|mut run| {
            run.run.id += "-again";
            run
        })
        .collect();
    let sides = [side("new", &other), side("again", &third)];
    let both = compare(&side("base", &baseline), &sides, &about(FACTOR)).unwrap();
    assert_eq!(both.candidates.len(), 2);
    let p = |comparison: &Comparison| row(&comparison.candidates[0], "e2e-response-p99").adjusted_p.unwrap();
    assert!(p(&both) > p(&alone));
}

#[test]
fn json_says_all_of_it() {
    let json = to_json(&pair(&base(), &tuned(), &about(FACTOR))).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["outcome"], "regressed");
    assert_eq!(json["exitCode"], 1);
    let rows = json["candidates"][0]["rows"].as_array().unwrap();
    let e2e = rows.iter().find(|row| row["metric"] == "e2e-response-p99").unwrap();
    assert_eq!(e2e["verdict"], "regressed");
    assert_eq!(e2e["baselineValues"].as_array().unwrap().len(), 5);
    assert_eq!(json["candidates"][0]["differences"][0]["key"], FACTOR);
    assert_eq!(json["candidates"][0]["differences"][0]["standing"], "onPurpose");
}

#[test]
fn a_gate_fails_by_a_guard_whatever_the_latencies() {
    let options = Options {
        at_most_worse: Some("30%".parse().unwrap()),
        ..about(FACTOR)
    };
    let fine = pair(&base(), &tuned(), &options);
    assert_eq!(fine.exit_code, 0, "18 % worse at the end, and faster at the start");
    assert_eq!(
        fine.outcome,
        ComparisonOutcome::Regressed,
        "what is said of the metrics stays"
    );
    let mut failing = tuned();
    for run in &mut failing {
        let ledger = &mut run.phases.measure.ledger;
        let share = ledger.completed / 200;
        ledger.completed -= share;
        ledger.failed += share;
    }
    let stopped = pair(&base(), &failing, &options);
    assert_eq!(stopped.exit_code, 1);
    assert!(render_terminal(&stopped, Style::PLAIN).contains("WORSE BY A GUARD"));
}

#[test]
fn what_the_generator_adds_decides_nothing() {
    let lagging = |mut runs: Vec<Results>, lag_us: i64| {
        for run in &mut runs {
            let mut histogram = Histogram::new();
            (0..6_000).for_each(|_| histogram.record_micros(lag_us));
            run.phases.measure.latencies.lag = histogram.to_latency();
        }
        runs
    };
    let verdict_of = |other: Vec<Results>, metric: &str| {
        let comparison = pair(&base(), &other, &about(FACTOR));
        let row = row(&comparison.candidates[0], metric);
        (row.verdict, row.reason.clone().unwrap_or_default())
    };
    let (verdict, _) = verdict_of(lagging(tuned(), 790), "start-response-p99");
    assert_eq!(verdict, MetricVerdict::Improved, "less than a tenth of 8 ms");
    let (verdict, reason) = verdict_of(lagging(tuned(), 1_500), "start-response-p99");
    assert_eq!(verdict, MetricVerdict::NoVerdict);
    assert!(reason.contains("is the generator's own lag in new"), "{reason}");
    // The ends are slower from due on, and from dispatch on they are not: it is the generator that was late.
    let mut late = tuned();
    for (run, like) in late.iter_mut().zip(base()) {
        run.phases.measure.latencies.e2e_service = like.phases.measure.latencies.e2e_service.clone();
    }
    let (verdict, reason) = verdict_of(late, "e2e-response-p99");
    assert_eq!(verdict, MetricVerdict::NoVerdict);
    assert!(reason.starts_with("e2e service p99 is equivalent"), "{reason}");
}

#[test]
fn an_odd_run_is_marked_with_the_verdict_without_it() {
    let mut other = tuned();
    let odd = runs("odd", 27, 1, &[(399.0, 30.0, 61.0)]).remove(0);
    other[3].phases.measure.latencies = odd.phases.measure.latencies;
    let options = Options {
        pairing: Pairing::Unpaired,
        ..about(FACTOR)
    };
    let comparison = pair(&base(), &other, &options);
    let start = row(&comparison.candidates[0], "start-response-p99");
    let found = start.odd.as_ref().unwrap();
    assert_eq!((&found.baseline[..], &found.values[..]), (&[][..], &[3][..]));
    assert_eq!(found.verdict, MetricVerdict::Improved);
    assert!(start.values.iter().any(|value| *value > 29.0), "it counts");
    let text = render_terminal(&comparison, Style::PLAIN);
    assert!(
        text.contains("30.0ms*") && text.contains("without the 1 odd run marked *"),
        "{text}"
    );
}

#[test]
fn turns_of_which_one_side_is_always_first_are_groups_and_told_so() {
    let later: Vec<_> = tuned()
        .into_iter()
        .enumerate()
        .map(|(index, mut run)| {
            run.run.started_at = format!("2026-11-20T10:{:02}:00Z", 10 * index + 5);
            run
        })
        .collect();
    let comparison = pair(&base(), &later, &about(FACTOR));
    assert_eq!(comparison.candidates[0].arrangement, Arrangement::UnbalancedTurns);
    let text = render_terminal(&comparison, Style::PLAIN);
    assert!(text.contains("in turn, but one side came first more often"), "{text}");
}
