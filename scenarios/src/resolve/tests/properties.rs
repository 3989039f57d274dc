//! Whatever is asked for, resolution ends in a plan that keeps the rules or in one line.

use proptest::prelude::*;

use super::*;

/// Texts that are values, nearly values, or nothing at all.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u64..100_000).prop_map(|n| n.to_string()),
        (
            0u64..10_000,
            prop_oneof![Just("ms"), Just("s"), Just("m"), Just("h"), Just("%"), Just("KiB")]
        )
            .prop_map(|(n, unit)| format!("{n}{unit}")),
        (0.0f64..60_000.0).prop_map(|n| format!("{n:.3}")),
        (0u64..900, 0u64..900).prop_map(|(a, b)| format!("{a}ms..{b}ms")),
        prop_oneof![
            Just("true"),
            Just("false"),
            Just("auto"),
            Just("poisson"),
            Just("drop"),
            Just("timer"),
            Just("multi-activity"),
            Just("child-workflow"),
            Just("stock"),
            Just("host:7233"),
            Just("a.b=1"),
        ]
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn anything_asked() -> impl Strategy<Value = Asked> {
    let option = (proptest::sample::select(Key::ALL), text(), 0..3);
    proptest::collection::vec(option, 0..6).prop_map(|options| {
        let mut asked = Asked::new();
        for (key, text, giver) in options {
            let given = match giver {
                0 => Given::by_flag(key.flag(), text),
                1 => Given::by_environment("VARIABLE", text),
                _ => Given::by_file("some.toml", text),
            };
            asked.add(key, given);
        }
        asked
    })
}

/// Options that are each within their limits, so that most plans come to be.
fn plausible() -> impl Strategy<Value = Asked> {
    (
        1u64..50_000_000,
        1_000u64..86_400_000,
        0u64..40_000,
        0u64..40_000,
        any::<bool>(),
    )
        .prop_map(|(rate, duration, ramp_up, warm_up, cluster)| {
            let rate = Rate::from_thousandths(rate.max(100)).unwrap().to_string();
            let mut options = vec![(Key::Rate, rate), (Key::Duration, format!("{duration}ms"))];
            // Half of the time the defaults have to fit.
            if ramp_up % 2 == 0 {
                options.push((Key::RampUp, format!("{ramp_up}ms")));
            }
            if warm_up % 2 == 0 {
                options.push((Key::WarmUp, format!("{warm_up}ms")));
            }
            if cluster {
                options.push((Key::Address, "h:1".to_owned()));
            }
            let mut asked = Asked::new();
            for (key, text) in options {
                asked.add(key, Given::by_flag(key.flag(), text));
            }
            asked
        })
}

fn holds(plan: &Plan) {
    let Load {
        duration,
        ramp_up,
        warm_up,
        ..
    } = plan.load;
    assert!(ramp_up + warm_up < duration, "something is measured");
    assert!(duration >= Duration::from_secs(1) && duration <= Duration::from_secs(86_400));
    let due = plan.load.rate.per_second() * plan.measure_duration().as_secs_f64();
    assert!(due > 0.999_999, "something is due in the measured phase: {due}");
    assert!((Rate::MIN..=Rate::MAX).contains(&plan.load.rate));
    assert!(plan.load.max_in_flight >= 1 && plan.load.max_lag > Duration::ZERO);
    assert!(plan.starter.threads >= 1 && plan.starter.connections >= plan.starter.threads);
    assert!(plan.thresholds.min_throughput <= plan.load.rate.per_second());
    assert!((0.0..=1.0).contains(&plan.observation.sample_ratio));
    assert!((0.0..=1.0).contains(&plan.workload.failure_ratio));
    assert!((1..=100).contains(&plan.iterations));
    if let WorkloadKind::MultiActivity {
        activity_count,
        parallel_activities,
        ..
    } = plan.workload.kind
    {
        assert!((1..=100).contains(&activity_count) && parallel_activities <= activity_count);
    }
    assert!(matches!(
        plan.load.when_full,
        WhenFull::Queue | WhenFull::Drop | WhenFull::Abort
    ));
    let json = serde_json::to_string(plan).unwrap();
    assert_eq!(
        &serde_json::from_str::<Plan>(&json).unwrap(),
        plan,
        "a plan survives its JSON"
    );
}

proptest! {
    #[test]
    fn resolution_never_panics_and_its_plans_keep_the_rules(asked in anything_asked(), cores in 0u32..300) {
        match resolve(&asked, &facts(cores)) {
            Ok(resolved) => holds(&resolved.plan),
            Err(problem) => {
                prop_assert_eq!(problem.headline().lines().count(), 1);
                prop_assert!(problem.headline().len() < 600);
            }
        }
    }

    #[test]
    fn whatever_is_within_limits_keeps_the_rules(asked in plausible(), cores in 1u32..300) {
        match resolve(&asked, &facts(cores)) {
            Ok(resolved) => holds(&resolved.plan),
            Err(problem) => {
                let two_wrong = asked.get(Key::RampUp).is_some() || asked.get(Key::WarmUp).is_some();
                let too_slow = problem.headline().contains("asks for no start");
                prop_assert!(two_wrong || too_slow, "defaults must not make a plan fail: {}", problem);
            }
        }
    }

    #[test]
    fn settings_typed_again_come_to_the_same_plan(asked in plausible(), cores in 1u32..300) {
        if let Ok(resolved) = resolve(&asked, &facts(cores)) {
            let mut again = Asked::new();
            for setting in &resolved.settings {
                again.add(setting.key, Given::by_flag(setting.key.flag(), setting.value.clone()));
            }
            let cluster = matches!(resolved.plan.target, Target::Cluster(_));
            prop_assert_eq!(cluster, again.get(Key::Address).is_some_and(|given| given.text != EMBEDDED));
            prop_assert_eq!(resolve(&again, &facts(1)).unwrap().plan, resolved.plan);
        }
    }
}
