//! Runs that are not compared, and what is said of them.

use benchmark_results::{
    Results,
    schema::{CompletionSource, VerdictValue},
    testing,
};

use super::runs::{FACTOR, base, in_turn, named, side, tuned, upgraded};
use crate::compare::{AtMostWorse, CompareError, Metric, NoiseProfile, Options, Pairing, compare};

fn error(baseline: &[Results], other: &[Results], options: &Options) -> CompareError {
    compare(&side("base", baseline), &[side("new", other)], options).unwrap_err()
}

fn fine(baseline: &[Results], other: &[Results], options: &Options) {
    compare(&side("base", baseline), &[side("new", other)], options).unwrap();
}

fn same() -> Vec<Results> {
    in_turn("new", &[(399.0, 9.9, 52.0), (399.4, 10.0, 50.5)])
}

fn factors(keys: &[&str]) -> Options {
    Options {
        factors: keys.iter().map(|key| (*key).to_owned()).collect(),
        ..Options::default()
    }
}

fn allowed(keys: &[&str]) -> Options {
    Options {
        allowed: keys.iter().map(|key| (*key).to_owned()).collect(),
        ..Options::default()
    }
}

#[test]
fn each_refusal_is_one_line_that_says_what_to_do() {
    let baseline = base();
    let mut text = String::new();
    let mut add =
        |title: &str, error: CompareError| text += &format!("# {title}, exit {}\n{error}\n\n", error.exit_code());
    let with = |change: &dyn Fn(&mut Results)| {
        let mut other = same();
        change(&mut other[1]);
        other
    };
    let plain = Options::default();
    add(
        "incomplete",
        error(&baseline, &with(&|run| run.complete = false), &plain),
    );
    add(
        "interrupted",
        error(
            &baseline,
            &with(&|run| run.run.interrupted_by = Some("SIGINT".into())),
            &plain,
        ),
    );
    add(
        "invalid",
        error(
            &baseline,
            &with(&|run| run.verdict = testing::verdict(VerdictValue::Invalid)),
            &plain,
        ),
    );
    add(
        "damaged",
        error(
            &baseline,
            &with(&|run| run.phases.measure.latencies.lag.histogram = "***".into()),
            &plain,
        ),
    );
    add(
        "mixed",
        error(
            &baseline,
            &with(&|run| run.plan.load.rate = "401".parse().unwrap()),
            &plain,
        ),
    );
    add("twice", error(&baseline, &baseline[..2], &plain));
    add("differs", error(&baseline, &upgraded(tuned()), &plain));
    add(
        "differs besides",
        error(&baseline, &upgraded(tuned()), &factors(&[FACTOR])),
    );
    add("idle factor", error(&baseline, &same(), &factors(&["plan.load.rate"])));
    let overloaded = with(&|run| run.verdict = testing::verdict(VerdictValue::Overloaded));
    let slower: Vec<_> = base()
        .into_iter()
        .map(|mut run| {
            run.plan.load.rate = "200".parse().unwrap();
            run
        })
        .collect();
    add("overloaded", error(&slower, &overloaded, &factors(&["plan.load.rate"])));
    let foreign = NoiseProfile::of(&side("noise", &upgraded(base())).runs).unwrap();
    let noisy = |noise| Options {
        noise: vec![named(noise)],
        ..Options::default()
    };
    add("foreign profile", error(&baseline, &same(), &noisy(foreign)));
    add("no runs", error(&baseline, &[], &plain));
    add("at most worse", "0.7".parse::<AtMostWorse>().unwrap_err().into());
    let many: Vec<_> = baseline.iter().cycle().take(199).cloned().collect();
    add("too many", error(&many, &same(), &plain));
    let none = Options {
        primary: Vec::new(),
        ..Options::default()
    };
    add("no primary", error(&baseline, &same(), &none));
    let paired = Options {
        pairing: Pairing::Paired,
        ..Options::default()
    };
    add("unpairable", error(&baseline, &same(), &paired));
    add(
        "metric",
        CompareError::Usage("p99".parse::<Metric>().unwrap_err().into()),
    );
    insta::assert_snapshot!(text);
}

#[test]
fn what_comes_from_a_file_breaks_no_line() {
    let mut other = same();
    other[0].verdict = testing::verdict(VerdictValue::Invalid);
    other[0].verdict.headline = "a\u{1b}[2J\nb".repeat(1_000);
    other[1]
        .environment
        .server
        .dynamic_config
        .insert("k\n".into(), "\u{1b}[31m".repeat(1_000));
    let text = error(&base(), &other, &Options::default()).to_string();
    assert!(
        !text.contains('\u{1b}') && text.lines().count() == 3 && text.len() < 2_000,
        "{text}"
    );
}

#[test]
fn what_is_named_may_differ() {
    let (baseline, other) = (base(), upgraded(tuned()));
    let both = Options {
        allowed: vec!["server.version".into()],
        ..factors(&[FACTOR])
    };
    fine(&baseline, &other, &both);
    fine(&baseline, &other, &allowed(&["server"]));
    fine(&baseline, &other, &factors(&["server"]));
    let elsewhere = error(&baseline, &other, &allowed(&["server.versio", "plan"]));
    assert_eq!(elsewhere.to_string().lines().count(), 3, "{elsewhere}");
}

#[test]
fn what_follows_from_the_factor_may_differ_with_it() {
    let faster: Vec<_> = same()
        .into_iter()
        .map(|mut run| {
            run.plan.load.rate = "800".parse().unwrap();
            run.plan.load.max_in_flight = 8_000;
            run.plan.starter.connections = 16;
            run.plan.thresholds.min_throughput = 760.0;
            run
        })
        .collect();
    fine(&base(), &faster, &factors(&["plan.load.rate"]));
    let unnamed = error(&base(), &faster, &Options::default()).to_string();
    for key in ["plan.load.rate", "plan.load.maxInFlight", "plan.starter.connections"] {
        assert!(unnamed.contains(&format!("--factor {key}")), "{unnamed}");
    }
    assert!(!unnamed.contains("thresholds"), "{unnamed}");
    // What varies within a side is no purpose, and can be allowed.
    let mut mixed = same();
    mixed.extend(faster.into_iter().map(|mut run| {
        run.run.id += "-fast";
        run
    }));
    assert!(matches!(
        error(&base(), &mixed, &factors(&["plan.load.rate"])),
        CompareError::Refused(_)
    ));
    fine(&base(), &mixed, &allowed(&["plan.load.rate"]));
}

#[test]
fn what_is_drawn_anew_for_each_run_does_not_matter() {
    let mut other = same();
    for run in &mut other {
        run.environment.server.address = "127.0.0.1:50000".into();
        run.environment.host.hostname.value = Some("another".into());
        run.environment.server.pollers.value = Some(9);
        run.environment.server.namespace.value.as_mut().unwrap().id = "1".into();
        run.environment.host.memory_bytes.value =
            run.environment.host.memory_bytes.value.map(|bytes| bytes + 4_000_000);
    }
    fine(&base(), &other, &Options::default());
    for run in &mut other {
        run.reconciliation.source = CompletionSource::Visibility;
    }
    let refused = error(&base(), &other, &Options::default()).to_string();
    assert!(
        refused.contains("measurement.source is stamps against visibility"),
        "{refused}"
    );
}

#[test]
fn seeds_are_equal_or_vary_within_both_sides() {
    let seeded = |mut runs: Vec<Results>, seeds: &[u64]| {
        for (run, seed) in runs.iter_mut().zip(seeds.iter().cycle()) {
            run.plan.load.seed = *seed;
        }
        runs
    };
    let plain = Options::default();
    fine(&seeded(base(), &[7]), &seeded(same(), &[7]), &plain);
    fine(&seeded(base(), &[1, 2, 3, 4, 5]), &seeded(same(), &[1, 2]), &plain);
    fine(&seeded(base(), &[1, 2]), &seeded(same(), &[8, 9]), &plain);
    for (first, second) in [(&[1][..], &[77][..]), (&[1, 2], &[2]), (&[1], &[1, 2])] {
        let (first, second) = (seeded(base(), first), seeded(same(), second));
        let refused = error(&first, &second, &plain).to_string();
        assert!(
            refused.lines().count() == 2 && refused.contains("a seed fixes all that is drawn"),
            "{refused}"
        );
        fine(&first, &second, &allowed(&["plan.load.seed"]));
    }
}

#[test]
fn overloaded_runs_of_one_load_are_compared() {
    let mut other = same();
    other[0].verdict = testing::verdict(VerdictValue::Overloaded);
    fine(&base(), &other, &Options::default());
}
