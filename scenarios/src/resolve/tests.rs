//! What people type and what comes of it.

use std::time::Duration;

use super::*;
use crate::{
    ActivityDuration, Given, Load, Rate, SleepRange, TlsFiles, WhenFull, WorkloadKind,
    workloads::{ChildWorkflow, MultiActivity, Simple, StateTransitions, Timer},
};

fn facts(cores: u32) -> HostDefaults {
    HostDefaults {
        cores,
        task_queue: "queue".to_owned(),
    }
}

/// Flags as typed, `rate 400` for `--rate 400`.
fn asked(options: &[(Key, &str)]) -> Asked {
    let mut asked = Asked::new();
    for (key, text) in options {
        asked.add(*key, Given::by_flag(key.flag(), *text));
    }
    asked
}

fn resolved(options: &[(Key, &str)]) -> Resolved {
    resolve(&asked(options), &facts(2)).unwrap_or_else(|problem| panic!("{}", problem.report()))
}

fn load(options: &[(Key, &str)]) -> Load {
    resolved(options).plan.load
}

fn problem(options: &[(Key, &str)]) -> String {
    resolve(&asked(options), &facts(2))
        .expect_err("it should be refused")
        .report()
}

#[test]
fn nothing_asked_for_is_the_replaced_runners_load_on_an_embedded_server() {
    let Resolved {
        plan, settings, notes, ..
    } = resolved(&[]);
    assert_eq!(plan.load.rate.per_second(), 100.0);
    assert_eq!(plan.load.duration, Duration::from_secs(300));
    assert_eq!(plan.load.ramp_up, Duration::from_secs(30));
    assert_eq!(plan.load.warm_up, Duration::from_secs(30));
    assert_eq!(plan.load.drain, Duration::from_secs(300));
    assert_eq!(plan.load.max_in_flight, 1000);
    assert_eq!(plan.namespace, "benchmark");
    assert_eq!(plan.workers.count, 2);
    assert_eq!(plan.thresholds.min_throughput, 95.0);
    assert_eq!(plan.thresholds.max_error_ratio, 0.001);
    assert_eq!(plan.observation.sample_ratio, 0.02);
    assert!(matches!(plan.target, Target::Embedded(_)));
    assert!(plan.cleanup && notes.is_empty());
    assert!(
        settings
            .iter()
            .all(|setting| matches!(setting.source, Source::Default(_)))
    );
    assert!(settings.is_sorted_by_key(|setting| setting.key));
}

#[test]
fn lead_in_defaults_leave_room() {
    let short = load(&[(Key::Duration, "10s")]);
    assert_eq!(
        (short.ramp_up, short.warm_up),
        (Duration::from_secs(1), Duration::from_secs(1))
    );
    let steep = load(&[(Key::Duration, "10s"), (Key::RampUp, "9800ms")]);
    assert_eq!(steep.warm_up, Duration::from_millis(100));
    let warm = load(&[(Key::Duration, "10s"), (Key::WarmUp, "9800ms")]);
    assert_eq!(warm.ramp_up, Duration::from_millis(100));
    assert_eq!(load(&[(Key::Duration, "24h")]).ramp_up, Duration::from_secs(30));
}

#[test]
fn drain_follows_the_duration_within_bounds() {
    for (duration, drain) in [("10s", 60), ("5m", 300), ("1h", 600)] {
        assert_eq!(
            load(&[(Key::Duration, duration)]).drain,
            Duration::from_secs(drain),
            "{duration}"
        );
    }
    assert_eq!(load(&[(Key::Drain, "0")]).drain, Duration::ZERO);
    assert_eq!(load(&[(Key::Drain, "auto")]).drain, Duration::from_secs(300));
}

#[test]
fn caps_and_pools_follow_the_rate() {
    for (rate, cap, threads, connections) in [
        ("1", 100, 1, 1),
        ("40", 400, 1, 1),
        ("400", 4000, 1, 1),
        ("2000", 5000, 1, 2),
        ("20000", 5000, 1, 13),
        ("50000", 5000, 2, 32),
    ] {
        let plan = resolved(&[(Key::Rate, rate)]).plan;
        assert_eq!(plan.load.max_in_flight, cap, "{rate}");
        assert_eq!(
            (plan.starter.threads, plan.starter.connections),
            (threads, connections),
            "{rate}"
        );
    }
    let one_core = resolve(&asked(&[(Key::Rate, "50000")]), &facts(1)).unwrap().plan;
    assert_eq!(one_core.starter.threads, 1);
    assert_eq!(
        resolved(&[(Key::Rate, "50000"), (Key::Connections, "1")])
            .plan
            .starter
            .threads,
        1
    );
}

#[test]
fn the_cap_holds_a_stall_that_is_as_long_as_a_start_may_take() {
    for (rate, timeout, cap) in [
        ("40", "30s", 1200),
        ("400", "500ms", 200),
        ("0.1", "10m", 100),
        ("33.3", "10s", 333),
    ] {
        let load = load(&[(Key::Rate, rate), (Key::StartTimeout, timeout)]);
        assert_eq!(load.max_in_flight, cap, "{rate} {timeout}");
    }
}

#[test]
fn an_address_moves_the_work_elsewhere() {
    let plan = resolved(&[(Key::Address, "temporal.internal:7233")]).plan;
    let Target::Cluster(cluster) = plan.target else {
        panic!("no cluster")
    };
    assert_eq!(cluster.address, "temporal.internal:7233");
    assert_eq!((cluster.tls, cluster.api_key), (None, false));
    assert_eq!((plan.workers.count, plan.starter.connections), (0, 4));
}

#[test]
fn tls_is_on_when_anything_implies_it() {
    let tls = |options: &[(Key, &str)]| {
        let options = [&[(Key::Address, "h:1")], options].concat();
        match resolved(&options).plan.target {
            Target::Cluster(cluster) => cluster.tls,
            Target::Embedded(_) => panic!("no cluster"),
        }
    };
    assert_eq!(tls(&[]), None);
    assert_eq!(tls(&[(Key::Tls, "true")]), Some(TlsFiles::default()));
    assert_eq!(tls(&[(Key::ApiKey, "***")]), Some(TlsFiles::default()));
    assert_eq!(tls(&[(Key::ApiKey, "***"), (Key::Tls, "false")]), None);
    assert_eq!(
        tls(&[(Key::TlsCa, "ca.pem")]).unwrap().ca.unwrap().to_str(),
        Some("ca.pem")
    );
    let https = resolved(&[(Key::Address, "https://h:1/")]).plan.target;
    assert!(matches!(https, Target::Cluster(cluster) if cluster.address == "h:1" && cluster.tls.is_some()));
}

#[test]
fn workloads_take_their_options() {
    let kind = |options: &[(Key, &str)]| resolved(options).plan.workload.kind;
    let sleep = SleepRange {
        min: Duration::from_millis(100),
        max: Duration::from_millis(600),
    };
    let multi = |activity_count, parallel_activities, activity_duration| {
        WorkloadKind::from(MultiActivity {
            activity_count,
            parallel_activities,
            activity_duration: ActivityDuration::Uniform(activity_duration),
        })
    };
    let multi_activity = (Key::WorkflowType, "multi-activity");
    assert_eq!(kind(&[multi_activity]), multi(10, 4, sleep));
    let instant = SleepRange {
        min: Duration::ZERO,
        max: Duration::ZERO,
    };
    let two_instant = [multi_activity, (Key::ActivityCount, "2"), (Key::ActivityDuration, "0")];
    assert_eq!(kind(&two_instant), multi(2, 2, instant));
    assert_eq!(
        kind(&[(Key::WorkflowType, "timer"), (Key::TimerDuration, "1.5s")]),
        WorkloadKind::from(Timer {
            timer_duration: Duration::from_millis(1500)
        })
    );
    assert_eq!(
        kind(&[(Key::WorkflowType, "child-workflow")]),
        WorkloadKind::from(ChildWorkflow { child_count: 3 })
    );
    assert_eq!(
        kind(&[(Key::WorkflowType, "state-transitions")]),
        WorkloadKind::from(StateTransitions {})
    );
    assert_eq!(
        resolved(&[(Key::PayloadSize, "64KiB")]).plan.workload.payload_size,
        65_536
    );
}

#[test]
fn every_number_out_of_place_is_refused_in_one_line_that_names_it() {
    let numeric = [
        Key::Rate,
        Key::Duration,
        Key::RampUp,
        Key::WarmUp,
        Key::Drain,
        Key::Iterations,
        Key::Seed,
        Key::MaxInFlight,
        Key::MaxLag,
        Key::PayloadSize,
        Key::FailureRatio,
        Key::Connections,
        Key::Threads,
        Key::StartTimeout,
        Key::ConnectTimeout,
        Key::Workers,
        Key::Sample,
        Key::SampleCap,
        Key::MaxP99Latency,
        Key::MinThroughput,
        Key::MaxErrorRatio,
    ];
    for key in numeric {
        for text in [
            "-1",
            "NaN",
            "inf",
            "-inf",
            "1e12",
            "",
            " ",
            "+1",
            "0x10",
            "1\n2",
            "99999999999999999999999",
        ] {
            let report = problem(&[(key, text)]);
            let expected = format!("error: {} ", key.flag());
            assert!(
                report.starts_with(&expected) && report.contains(" is not allowed: give "),
                "{report}"
            );
            assert_eq!(report.lines().count(), 1, "{report}");
        }
    }
    for (kind, key) in [
        ("multi-activity", Key::ActivityCount),
        ("multi-activity", Key::ParallelActivities),
        ("multi-activity", Key::ActivityDuration),
        ("timer", Key::TimerDuration),
        ("child-workflow", Key::ChildCount),
    ] {
        for text in ["-1", "NaN", "1e12", "", "101h", "101"] {
            let report = problem(&[(Key::WorkflowType, kind), (key, text)]);
            assert!(
                report.contains(key.flag()) && report.contains(" is not allowed: give "),
                "{report}"
            );
        }
    }
}

#[test]
fn bad_input_is_refused_in_words() {
    let cases: [(&[(Key, &str)], &str); 24] = [
        (
            &[(Key::Rate, "0")],
            "--rate 0 is not allowed: give a rate from 0.1 to 50000 starts a second",
        ),
        (&[(Key::Rate, "-1")], "--rate -1 is not allowed"),
        (
            &[(Key::Duration, "500ms")],
            "--duration 500ms is not allowed: give a duration from 1s to 24h",
        ),
        (&[(Key::Duration, "25h")], "--duration 25h is not allowed"),
        (
            &[(Key::Duration, "10s"), (Key::RampUp, "20s")],
            "--duration 10s is shorter than --ramp-up 20s\n  the ramp, the warm-up and the measured phase all lie within \
             --duration\n  try  --ramp-up 2s   or   --duration 1m",
        ),
        (
            &[(Key::Duration, "10s"), (Key::RampUp, "6s"), (Key::WarmUp, "5s")],
            "--duration 10s is not longer than --ramp-up 6s plus --warm-up 5s",
        ),
        (
            &[(Key::Duration, "10s"), (Key::RampUp, "10s")],
            "--duration 10s is not longer than --ramp-up 10s",
        ),
        (
            &[(Key::RampUp, "10m")],
            "--duration 5m (default) is shorter than --ramp-up 10m",
        ),
        (
            &[(Key::Rate, "0.1"), (Key::Duration, "5s")],
            "--rate 0.1 asks for no start in the 4s that --duration 5s measures",
        ),
        (
            &[(Key::WorkflowType, "complex")],
            "--workflow-type complex is not allowed: give one of simple, multi-activity, timer, child-workflow, \
             state-transitions, local-activity",
        ),
        (
            &[(Key::ActivityCount, "5")],
            "--activity-count 5 does not apply: simple has no such option, multi-activity has\n  try  --workflow-type \
             multi-activity",
        ),
        (
            &[
                (Key::WorkflowType, "multi-activity"),
                (Key::ActivityCount, "3"),
                (Key::ParallelActivities, "4"),
            ],
            "--parallel-activities 4 is not allowed: give a whole number of the 3 activities from 0 to 3",
        ),
        (
            &[(Key::WorkflowType, "timer"), (Key::TimerDuration, "0")],
            "--timer-duration 0 is not allowed",
        ),
        (
            &[
                (Key::WorkflowType, "multi-activity"),
                (Key::ActivityDuration, "600ms..100ms"),
            ],
            "--activity-duration 600ms..100ms is not allowed: give a duration, a range such as 100ms..600ms",
        ),
        (
            &[(Key::PayloadSize, "2MiB")],
            "--payload-size 2MiB is not allowed: give a size from 0 to 1MiB",
        ),
        (
            &[(Key::MinThroughput, "101")],
            "--min-throughput 101 can never be reached with --rate 100 (default)",
        ),
        (
            &[(Key::Threads, "8"), (Key::Connections, "4")],
            "--connections 4 is fewer than --threads 8",
        ),
        (
            &[(Key::TlsCa, "ca.pem")],
            "--tls-ca ca.pem does not apply: it is for a cluster, and no address is given",
        ),
        (
            &[(Key::Address, "h:1"), (Key::TlsCert, "c.pem")],
            "--tls-cert c.pem needs --tls-key FILE as well",
        ),
        (
            &[(Key::Address, "h:1"), (Key::KeepServer, "true")],
            "--keep-server does not apply: it is for the embedded server, and --address h:1 is given",
        ),
        (
            &[(Key::Address, "h:1"), (Key::Tls, "false"), (Key::TlsCa, "ca.pem")],
            "--tls-ca ca.pem does not apply: TLS is off by --tls=false",
        ),
        (
            &[(Key::ServerConfig, "frontend.rps")],
            "--server-config frontend.rps is not allowed: give KEY=VALUE",
        ),
        (
            &[(Key::ServerConfig, "history.timerProcessorMaxTimeShift=5ms")],
            "--server-config history.timerProcessorMaxTimeShift=5ms is not allowed: its value is no JSON",
        ),
        (
            &[(Key::ServerConfig, "history.timerProcessorMaxTimeShift=5ms")],
            "try  --server-config 'history.timerProcessorMaxTimeShift=\"5ms\"'",
        ),
    ];
    for (options, expected) in cases {
        let report = problem(options);
        assert!(report.contains(expected), "{report}\nshould say\n{expected}");
    }
    for address in [
        "",
        "host",
        "host:",
        ":7233",
        "host:0",
        "host:70000",
        "a b:1",
        "user@host:1",
        "host:1/path",
        "[::x]:1",
    ] {
        let report = problem(&[(Key::Address, address)]);
        assert!(report.contains("is not allowed: give HOST:PORT"), "{report}");
    }
    for namespace in ["", "a b", "a/b", "ä"] {
        assert!(
            problem(&[(Key::Namespace, namespace)]).contains("--namespace"),
            "{namespace}"
        );
    }
}

#[test]
fn a_bad_value_in_the_environment_names_the_variable() {
    let mut asked = Asked::new();
    asked.add(Key::Rate, Given::by_environment("BENCHMARK_TARGET_RATE", "fast"));
    let report = resolve(&asked, &facts(2)).unwrap_err().report();
    assert!(
        report.starts_with("error: BENCHMARK_TARGET_RATE=fast is not allowed: give a rate"),
        "{report}"
    );
}

#[test]
fn the_environment_may_say_more_than_applies() {
    let mut asked = asked(&[(Key::Address, "h:1")]);
    asked.add(
        Key::ActivityCount,
        Given::by_environment("BENCHMARK_ACTIVITY_COUNT", "5"),
    );
    asked.add(Key::KeepServer, Given::by_file("ci.toml", "true"));
    let resolved = resolve(&asked, &facts(2)).unwrap();
    assert_eq!(resolved.plan.workload.kind, WorkloadKind::from(Simple {}));
    assert!(resolved.setting(Key::ActivityCount).is_none());
    assert_eq!(
        resolved.notes,
        [
            "BENCHMARK_ACTIVITY_COUNT=5 is ignored: simple has no such option, multi-activity has",
            "keep-server = true in ci.toml is ignored: it is for the embedded server, and --address h:1 is given",
        ]
    );
}

#[test]
fn server_config_adds_up_and_the_strongest_giver_wins() {
    let mut asked = asked(&[(Key::ServerConfig, "a.b=1"), (Key::ServerConfig, "c = true")]);
    asked.add(Key::ServerConfig, Given::by_file("ci.toml", "a.b=2"));
    let Target::Embedded(server) = resolve(&asked, &facts(2)).unwrap().plan.target else {
        panic!("no server")
    };
    let config: Vec<_> = server
        .config
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(config, ["a.b=1", "c=true"]);
    for value in ["\"5ms\"", "[{\"value\": 3}]", "null", "-1.5"] {
        let pair = format!("a.b={value}");
        assert!(
            resolve(&self::asked(&[(Key::ServerConfig, &pair)]), &facts(2)).is_ok(),
            "{value}"
        );
    }
}

mod figures;
mod fleet;
mod properties;
mod tuning;
mod worker;
mod workload;
