//! What `run-benchmark plan` prints.

use std::{collections::HashMap, path::PathBuf};

use benchmark_cli::{args, given::Surroundings};
use benchmark_generator::view::plan;
use benchmark_scenarios::{HostDefaults, Resolved, resolve};
use benchmark_temporal::environment::Profile;

fn resolved(flags: &str, variables: &[(&str, &str)], profile: Option<&Profile>) -> Resolved {
    let cli = args::parse(std::iter::once("run-benchmark").chain(flags.split_whitespace())).unwrap();
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    let surroundings = Surroundings {
        variable: &|name| variables.get(name).map(|text| (*text).to_owned()),
        profile: profile.map(|profile| (profile, PathBuf::from("temporal.toml"))),
    };
    let facts = HostDefaults {
        cores: 2,
        task_queue: "benchmark-task-queue".to_owned(),
    };
    resolve(&cli.run.convert(&surroundings).unwrap().asked, &facts).unwrap()
}

fn shown(resolved: &Resolved) -> String {
    let text = plan::text(resolved);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "wider than 80: {line}");
        assert_eq!(line, line.trim_end(), "blanks at the end");
    }
    text
}

#[test]
fn the_defaults() {
    insta::assert_snapshot!(shown(&resolved("", &[], None)));
}

#[test]
fn a_cluster_from_everywhere() {
    let profile = Profile {
        namespace: Some("from-profile".to_owned()),
        ..Profile::default()
    };
    let variables = [
        ("TEMPORAL_ADDRESS", "a-rather-long-host-name.temporal.internal:7233"),
        ("BENCHMARK_ACTIVITY_COUNT", "5"),
        ("BENCHMARK_CHILD_COUNT", "3"),
        ("BENCHMARK_COMPLETION_TIMEOUT", "0"),
    ];
    let flags = "--workflow-type multi-activity --rate 20000 --duration 1h30m --iterations 3 \
                 --tls-ca authority.pem --no-cleanup --generator-only --failure-ratio 1%";
    insta::assert_snapshot!(shown(&resolved(flags, &variables, Some(&profile))));
}

#[test]
fn the_smallest_load() {
    insta::assert_snapshot!(shown(&resolved(
        "--rate 0.1 --duration 24h --ramp-up 0 --warm-up 0 --drain 0 --server-config a.b=1 --server-config c=true",
        &[],
        None
    )));
}

#[test]
fn a_fleet_and_a_workload_that_keeps_it_busy() {
    let flags = "--address h:7233 --rate 20000 --expect-workers 12 --generators 4 --fleet-listen \
                 0.0.0.0:7400 --fleet-token s3cret-of-a-fleet --workflow-type multi-activity --activity-duration lognormal:80ms,0.6 \
                 --activity-cpu 2ms --result-size 4KiB --task-queue bench-queue";
    let variables = [("BENCHMARK_CACHE_SIZE", "5000"), ("BENCHMARK_FLEET_TIMEOUT", "20m")];
    let text = shown(&resolved(flags, &variables, None));
    assert!(!text.contains("s3cret"));
    insta::assert_snapshot!(text);
}

#[test]
fn json_holds_the_plan_its_hash_and_the_sources() {
    let resolved = resolved("--rate 400 --duration 10s", &[("BENCHMARK_RAMP_UP", "1s")], None);
    let json = plan::json(&resolved).unwrap();
    insta::assert_snapshot!(json);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["planHash"], resolved.plan.hash().to_string());
    assert_eq!(
        serde_json::from_value::<benchmark_scenarios::Plan>(value["plan"].clone()).unwrap(),
        resolved.plan
    );
}

#[test]
fn the_headline_says_what_is_asked_for() {
    let headline = |flags| plan::headline(&resolved(flags, &[], None).plan);
    assert_eq!(headline(""), "simple · 100/s · 5m");
    assert_eq!(
        headline("--workflow-type timer --arrivals poisson --rate 2.5"),
        "timer · 2.5/s poisson · 5m"
    );
}

#[test]
fn phases_hold_every_arrival_once() {
    for flags in [
        "",
        "--rate 333.3 --duration 17s",
        "--arrivals poisson --seed 7",
        "--rate 0.1 --duration 2m --ramp-up 0",
    ] {
        let load = resolved(flags, &[], None).plan.load;
        let phases = plan::phases(&load);
        let total: u64 = phases.iter().map(|phase| phase.arrivals).sum();
        assert_eq!(
            total,
            benchmark_generator::load::schedule::Schedule::new(&load).total(),
            "{flags}"
        );
        assert_eq!(phases.last().unwrap().arrivals, 0, "nothing is due in the drain");
    }
}
