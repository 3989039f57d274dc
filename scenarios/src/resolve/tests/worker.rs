//! What a worker process's options come to.

use super::*;
use crate::{TlsSaid, WorkerProcess, WorkerProfile};

fn worker(options: &[(Key, &str)]) -> WorkerProcess {
    resolve_worker(&asked(options))
        .unwrap_or_else(|problem| panic!("{}", problem.report()))
        .options
}

fn worker_problem(options: &[(Key, &str)]) -> String {
    resolve_worker(&asked(options))
        .expect_err("it should be refused")
        .report()
}

const ADDRESS: (Key, &str) = (Key::Address, "temporal:7233");
const JOIN: (Key, &str) = (Key::Join, "leader:7400");

#[test]
fn a_worker_on_its_own_polls_where_the_replaced_one_did() {
    let worker = worker(&[ADDRESS]);
    assert_eq!(worker.access.address.as_deref(), Some("temporal:7233"));
    assert_eq!(worker.access.tls, TlsSaid::Off);
    assert_eq!(worker.namespace.as_deref(), Some("benchmark"));
    assert_eq!((worker.task_queues.len(), worker.workers_per_process), (0, 1));
    assert_eq!(worker.tuning, WorkerProfile::Default.tuning());
    assert_eq!(worker.connect_timeout, Duration::from_secs(300));
    assert_eq!(worker.metrics_listen, Some("127.0.0.1:9090".parse().unwrap()));
    assert!(worker.metrics_by_default);
    assert!(worker.joining.is_none() && !worker.stay);
}

#[test]
fn a_worker_that_joins_takes_the_leaders_word() {
    let joined = worker(&[JOIN, (Key::Stay, "true"), (Key::MetricsListen, "off")]);
    let joining = joined.joining.unwrap();
    assert_eq!(joining.leader, "leader:7400");
    assert_eq!(joining.leader_timeout, Duration::from_secs(60));
    assert_eq!((joined.namespace, joined.access.address), (None, None));
    assert_eq!((joined.stay, joined.metrics_listen), (true, None));
    assert!(!joined.metrics_by_default);
    let own = worker(&[JOIN, ADDRESS, (Key::Namespace, "other")]);
    assert_eq!(own.namespace.as_deref(), Some("other"));
    assert_eq!(own.access.address.as_deref(), Some("temporal:7233"));
}

#[test]
fn task_queues_are_one_several_or_a_range() {
    let queues = |text: &str| worker(&[ADDRESS, (Key::TaskQueue, text)]).task_queues;
    assert_eq!(queues("one"), ["one"]);
    assert_eq!(queues("one, two"), ["one", "two"]);
    assert_eq!(queues("q-{0..2}"), ["q-0", "q-1", "q-2"]);
    assert_eq!(queues("q-{9..10}-x,last"), ["q-9-x", "q-10-x", "last"]);
    assert_eq!(queues("q{0..99}").len(), 100);
    for text in [
        "",
        "a,",
        "a b",
        "q-{",
        "q-{1}",
        "q-{2..1}",
        "q-{0..100}",
        "q-{-1..1}",
        "q-{0..1}{0..1}",
        "q}",
        "{0..60},x{0..60}",
    ] {
        let report = worker_problem(&[ADDRESS, (Key::TaskQueue, text)]);
        assert!(
            report.contains("is not allowed: give a name, several"),
            "{text}: {report}"
        );
    }
    assert!(worker_problem(&[ADDRESS, (Key::TaskQueue, "a,a")]).contains("--task-queue a,a names a twice"));
}

#[test]
fn one_process_has_room_for_a_hundred_workers() {
    let many = [ADDRESS, (Key::TaskQueue, "q{0..9}"), (Key::WorkersPerProcess, "10")];
    assert_eq!(worker(&many).workers_per_process, 10);
    let report = worker_problem(&[ADDRESS, (Key::TaskQueue, "q{0..9}"), (Key::WorkersPerProcess, "11")]);
    assert!(
        report.contains(
            "--workers-per-process 11 for each of 10 task queues makes 110 workers in one process\n  at most 100 fit"
        ) && report.contains("--workers-per-process 10"),
        "{report}"
    );
}

#[test]
fn what_makes_no_worker_is_refused_in_words() {
    let cases: [(&[(Key, &str)], &str); 8] = [
        (
            &[],
            "no server is given\n  a worker polls the server of --address, or of the run that it joins",
        ),
        (
            &[ADDRESS, (Key::Profile, "huge")],
            "--profile huge is not allowed: give one of default, small, autoscale",
        ),
        (
            &[ADDRESS, (Key::WorkersPerProcess, "0")],
            "--workers-per-process 0 is not allowed",
        ),
        (
            &[ADDRESS, (Key::Stay, "true")],
            "--stay does not apply: no run is joined\n  try  --join HOST:PORT",
        ),
        (
            &[(Key::Address, "embedded")],
            "--address embedded is not allowed: give HOST:PORT",
        ),
        (
            &[(Key::Join, "leader")],
            "--join leader is not allowed: give HOST:PORT of the leading generator's",
        ),
        (
            &[ADDRESS, (Key::MetricsListen, "9090")],
            "--metrics-listen 9090 is not allowed: give off or IP:PORT",
        ),
        (
            &[ADDRESS, (Key::WorkflowPollers, "auto:9-8")],
            "its minimum of 9 is above its maximum of 8",
        ),
    ];
    for (options, expected) in cases {
        let report = worker_problem(options);
        assert!(report.contains(expected), "{report}\nshould say\n{expected}");
    }
}

#[test]
fn settings_say_where_each_value_comes_from() {
    let mut asked = asked(&[JOIN]);
    let variable = |name: &str| match name {
        "BENCHMARK_WORKER_PROFILE" => Some("small".to_owned()),
        "BENCHMARK_WORKFLOW_SLOTS" => Some("30".to_owned()),
        _ => None,
    };
    asked.gather(
        Program::Worker,
        &[&|key| crate::variables::given(Program::Worker, key, &variable)],
    );
    let resolved = resolve_worker(&asked).unwrap();
    let source = |key| {
        let setting = resolved.settings.iter().find(|setting| setting.key == key).unwrap();
        (setting.value.clone(), setting.source.to_string())
    };
    let said = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(
        source(Key::Profile),
        said("small", "environment BENCHMARK_WORKER_PROFILE")
    );
    assert_eq!(
        source(Key::WorkflowSlots),
        said("30", "environment BENCHMARK_WORKFLOW_SLOTS")
    );
    assert_eq!(source(Key::ActivitySlots), said("20", "default: profile small"));
}
