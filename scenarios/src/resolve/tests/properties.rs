//! Whatever is asked for, resolution ends in a plan that keeps the rules or in one line.

use proptest::prelude::*;

use super::*;
use crate::{EMBEDDED, Pollers, Slots, WorkerTuning};

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
            Just("resource"),
            Just("small"),
            Just("off"),
            Just("127.0.0.1:7400"),
            Just("normal:200ms,50ms"),
            Just("lognormal:1s,0.5"),
            Just("q-{0..7},r"),
        ]
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn anything_asked() -> impl Strategy<Value = Asked> {
    let option = (proptest::sample::select(Key::all().collect::<Vec<_>>()), text(), 0..3);
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

/// Options of workers that are each nearly within their limits, so that the rules between them decide.
fn nearly_tuned() -> impl Strategy<Value = Vec<(Key, String)>> {
    let number = || (0u32..5).prop_map(|n| n.to_string());
    let pollers = || {
        prop_oneof![
            (0u32..5).prop_map(|n| n.to_string()),
            Just("auto".to_owned()),
            (0u32..5, 0u32..5).prop_map(|(min, max)| format!("auto:{min}-{max}")),
            (0u32..5, 0u32..5, 0u32..5).prop_map(|(min, max, initial)| format!("auto:{min}-{max}:{initial}")),
        ]
    };
    let one = |key: Key, text: BoxedStrategy<String>| text.prop_map(move |text| (key, text)).boxed();
    let names = |texts: &'static [&'static str]| proptest::sample::select(texts).prop_map(str::to_owned).boxed();
    let option = prop_oneof![
        one(Key::WorkerProfile, names(&["default", "small", "autoscale", "none"])),
        one(Key::Slots, names(&["fixed", "resource"])),
        one(Key::WorkflowSlots, number().boxed()),
        one(Key::ActivitySlots, number().boxed()),
        one(Key::TargetCpu, names(&["0", "1%", "1", "1.1"])),
        one(Key::WorkflowPollers, pollers().boxed()),
        one(Key::ActivityPollers, pollers().boxed()),
        one(Key::CacheSize, number().boxed()),
        one(Key::Deployment, names(&["a", "a b"])),
        one(Key::BuildId, names(&["1"])),
        one(Key::Workers, number().boxed()),
        one(Key::ExpectWorkers, number().boxed()),
        one(Key::Generators, number().boxed()),
        one(Key::FleetListen, names(&["127.0.0.1:0", "[::]:7400"])),
        one(Key::FleetOpen, names(&["true", "false"])),
    ];
    proptest::collection::vec(option, 0..5)
}

fn can_run(tuning: &WorkerTuning) {
    let in_order = |pollers: Pollers, least| match pollers {
        Pollers::Fixed { count } => count >= least,
        Pollers::Autoscaling {
            initial,
            minimum,
            maximum,
        } => 1 <= minimum && minimum <= initial && initial <= maximum,
    };
    assert!(
        in_order(tuning.workflow_pollers, 2) && in_order(tuning.activity_pollers, 1),
        "{tuning:?}"
    );
    match tuning.slots {
        Slots::Fixed {
            workflow,
            activity,
            local_activity,
        } => {
            assert!(workflow.min(activity).min(local_activity) >= 1, "{tuning:?}");
            assert!(workflow >= 2 || tuning.max_cached_workflows == 0, "{tuning:?}");
        }
        Slots::Resource { cpu, memory } => {
            assert!(cpu > 0.0 && cpu <= 1.0 && memory > 0.0 && memory <= 1.0, "{tuning:?}");
        }
    }
    assert_eq!(tuning.deployment.is_some(), tuning.build_id.is_some());
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
    if let WorkloadKind::MultiActivity(MultiActivity {
        activity_count,
        parallel_activities,
        ..
    }) = plan.workload.kind
    {
        assert!((1..=100).contains(&activity_count) && parallel_activities <= activity_count);
    }
    assert!(matches!(
        plan.load.when_full,
        WhenFull::Queue | WhenFull::Drop | WhenFull::Abort
    ));
    assert_eq!(plan.workers.tuning.is_some(), plan.workers.count > 0);
    plan.workers.tuning.iter().for_each(can_run);
    assert!(plan.fleet.generators >= 1);
    plan.check().unwrap_or_else(|problem| panic!("{}", problem.report()));
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
    fn processes_that_join_never_panic_either(asked in anything_asked()) {
        let worker = resolve_worker(&asked).map(|resolved| can_run(&resolved.options.tuning));
        let generator = resolve_join(&asked).map(|_| ());
        for problem in [worker, generator].into_iter().filter_map(Result::err) {
            prop_assert_eq!(problem.headline().lines().count(), 1);
            prop_assert!(problem.headline().len() < 600);
        }
    }

    #[test]
    fn workers_and_fleets_come_to_what_can_run_or_to_one_line(options in nearly_tuned()) {
        let mut asked = Asked::new();
        for (key, text) in options {
            asked.add(key, Given::by_flag(key.flag(), text));
        }
        match resolve(&asked, &facts(2)) {
            Ok(resolved) => {
                holds(&resolved.plan);
                let alone = resolved.plan.fleet == FleetSize::default();
                prop_assert_eq!(resolved.fleet.listen.is_none(), alone);
            }
            Err(problem) => prop_assert_eq!(problem.headline().lines().count(), 1),
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
            let mut plan = resolve(&again, &facts(1)).unwrap().plan;
            // Connections that were typed are those and no more.
            plan.starter.each_address = resolved.plan.starter.each_address;
            prop_assert_eq!(plan, resolved.plan);
        }
    }
}
