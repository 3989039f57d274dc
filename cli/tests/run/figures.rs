//! The server's figures in the result, and what they tell: from real servers, and from strangers.

mod twice;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use benchmark_figures::{QueryWindow, promql};
use benchmark_prometheus::{Config, Prometheus, Series, Target};
use benchmark_results::{
    Results,
    diagnosis::{Diagnosis, Finding, diagnose, names},
    schema::{FigureMethod, FigureUnit, ServerFigure, ServerFigures, VerdictValue},
};
use benchmark_temporal::testing;

use crate::{
    bench::{Bench, Finished, LIMIT},
    refusals::{refused, tripwire},
};

fn figures(results: &Results) -> &ServerFigures {
    let [figures] = &results.server_figures[..] else {
        panic!("{:?}", results.server_figures);
    };
    figures
}

/// What is found of the cluster, whatever the machine of the tests was busy with.
fn findings(results: &Results) -> Vec<Finding> {
    let mut results = results.clone();
    results.verdict.value = VerdictValue::Valid;
    match diagnose(&results) {
        Diagnosis::Found(findings) => findings,
        Diagnosis::Nothing => Vec::new(),
        other => panic!("{other:?}: {:?}", results.server_figures),
    }
}

fn rules(results: &Results) -> Vec<&'static str> {
    findings(results).iter().map(|finding| finding.rule).collect()
}

/// Status and body for the request of this number with this text; none closes the connection.
type Answers = dyn Fn(usize, &str) -> Option<(u16, Vec<u8>)>;

/// An HTTP server that answers each request by its number and what was asked for, with status and body.
fn stranger(answer: impl Fn(usize, &str) -> Option<(u16, Vec<u8>)> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, number) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    // It ends with the process of the tests.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, number) = (Arc::clone(&answer), Arc::clone(&number));
            thread::spawn(move || serve(stream, &*answer, &number));
        }
    });
    address
}

fn serve(mut stream: TcpStream, answer: &Answers, number: &AtomicUsize) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    let text = loop {
        let Ok(read @ 1..) = stream.read(&mut piece) else {
            return;
        };
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .to_lowercase()
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| {
                rest.split("\r\n").next().unwrap().parse::<usize>().unwrap()
            });
        if body.len() >= length {
            break text.into_owned();
        }
    };
    let Some((status, body)) = answer(number.fetch_add(1, Ordering::Relaxed), &text) else {
        return;
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn value(figures: &ServerFigures, name: &str) -> f64 {
    let told: Vec<&ServerFigure> = figures.figures.iter().filter(|figure| figure.name == name).collect();
    figures.value(name).unwrap_or_else(|| panic!("{name}: {told:?}"))
}

#[test]
fn the_embedded_servers_own_page_is_read_without_asking() {
    let bench = Bench::new();
    let finished = bench.run(bench.embedded("--rate 20 --duration 12s --ramp-up 1s --warm-up 1s --workers 1"));
    let results = finished.results();
    let figures = figures(&results);
    assert_eq!(figures.method, FigureMethod::Pages);
    assert_eq!(figures.problems, Vec::<String>::new());
    // The looks are where the measured phase begins and ends, as far as a busy machine lets them be.
    assert!((9.5..20.0).contains(&figures.seconds), "{}", figures.seconds);
    // A simple workflow has three transactions: started, its task begun, completed.
    assert!(
        (2.0..5.0).contains(&value(figures, names::TRANSITIONS_PER_WORKFLOW)),
        "{figures:?}"
    );
    assert!(
        (10.0..30.0).contains(&value(figures, names::WORKFLOW_ENDS)),
        "{figures:?}"
    );
    let start = value(figures, names::FRONTEND_START_P95);
    assert!(
        start > 0.0 && start >= value(figures, names::FRONTEND_START_P50),
        "{figures:?}"
    );
    for name in [
        names::REQUESTS,
        names::WORKFLOW_WAIT_P95,
        names::START_WRITE_P95,
        names::PERSISTENCE_PER_WORKFLOW,
        names::SHARD_LOCK_P95,
        names::WORKFLOW_LOCK_P95,
    ] {
        assert!(value(figures, name) > 0.0, "{name}");
    }
    let workflows = |name: &str| {
        figures
            .of(name)
            .any(|(labels, _)| labels.values().any(|label| label == "Workflow"))
    };
    assert!(
        workflows(names::SYNC_MATCH) && workflows(names::POLL_SUCCESS),
        "{figures:?}"
    );
    assert!(figures.of(names::FREE_SLOTS).count() > 0, "{figures:?}");
    assert!(figures.of(names::OPEN_POLLS).count() > 0, "{figures:?}");
    assert!(figures.of(names::PERSISTENCE_P95).count() > 3, "{figures:?}");
    assert!(figures.of(names::HISTORY_TASKS_P95).count() > 0, "{figures:?}");
    assert_eq!(value(figures, names::EXHAUSTED_REQUESTS), 0.0);
    // SQLite has one connection and no pool.
    let pool = figures
        .figures
        .iter()
        .find(|figure| figure.name == names::SQL_POOL)
        .unwrap();
    assert!(pool.value.is_none() && pool.reason.is_some(), "{pool:?}");
    assert!(
        finished.stdout.contains("bottleneck") || finished.code() == 3,
        "{finished:?}"
    );
}

#[test]
fn a_link_to_the_run_is_printed_stored_and_not_called() {
    let bench = Bench::new();
    // Nobody listens there.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let grafana = format!("http://{nobody}/grafana");
    let mut command =
        bench.embedded("--rate 5 --duration 3s --ramp-up 0s --warm-up 1s --workers 1 --output results.json");
    command.args(["--namespace", "load-test", "--grafana-url", &format!("{grafana}/")]);
    let finished = bench.run(command);
    let results = finished.results();
    let link = results.run.dashboard_url.as_deref().unwrap();
    let board = format!("{grafana}/d/temporal-benchmark?var-run_id={}&", results.run.id);
    assert!(link.starts_with(&board) && !link.ends_with("to=now"), "{link}");
    assert!(
        finished.stdout.contains(&format!("  dashboard    {link}\n")),
        "{finished:?}"
    );
    // Before the load, and up to now.
    let live = finished
        .stderr
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("dashboard  "));
    assert!(
        live.is_some_and(|live| live.starts_with(&board) && live.ends_with("to=now")),
        "{finished:?}"
    );

    let other = bench.run(bench.command(&["show", "results.json", "--grafana-url", "https://example.com"]));
    let moved = link.replace(&grafana, "https://example.com");
    assert!(other.stdout.contains(&format!("  dashboard    {moved}\n")), "{other:?}");
    let line = bench.run(bench.command(&["show", "results.json", "--grafana-url", "https://me:hush@example.com"]));
    assert!(
        refused(&line).contains("--grafana-url has credentials in its URL"),
        "{line:?}"
    );
    assert!(!line.stderr.contains("hush"), "{line:?}");
}

#[test]
fn a_low_limit_is_named_with_its_key() {
    let bench = Bench::new();
    let mut command = bench.embedded("--rate 60 --duration 8s --ramp-up 0s --warm-up 1s --workers 1 --drain 10s");
    command.args(["--server-config", "frontend.namespaceRPS=60"]);
    command.args(["--server-config", "frontend.namespaceBurstRatio=1.0"]);
    let results = bench.run(command).results();
    let found = findings(&results);
    assert_eq!(found.first().map(|first| first.rule), Some("exhausted"), "{found:?}");
    assert!(found[0].headline.contains("frontend.namespaceRPS"), "{found:?}");
}

#[test]
fn an_overload_of_one_shard_names_its_lock() {
    let bench = Bench::new();
    // More than one shard can write, on whatever machine: a hundred wait for it at a time, and each waits long. Nobody executes,
    // so that nothing else is scarce; what is left open goes with the server.
    let command = bench.embedded(
        "--rate 3000 --duration 6s --ramp-up 0s --warm-up 1s --workers 0 --drain 0s --no-cleanup --sample 0 \
         --max-in-flight 100 --start-timeout 1m",
    );
    let results = bench.run(command).results();
    let found = findings(&results);
    assert_eq!(
        found.first().map(|first| first.rule),
        Some("shard-lock"),
        "{found:?}: {:?}",
        results.server_figures
    );
    assert!(
        found[0].evidence.iter().any(|line| line == "1 history shard"),
        "{found:?}"
    );
}

#[test]
fn a_quiet_run_names_nothing() {
    let bench = Bench::new();
    let results = bench
        .run(bench.embedded("--rate 5 --duration 12s --ramp-up 0s --warm-up 2s --workers 1"))
        .results();
    let found = rules(&results);
    for used_up in [
        "exhausted",
        "pool",
        "pool-of-one",
        "workflow-slots",
        "activity-slots",
        "sticky-cache",
    ] {
        assert!(!found.contains(&used_up), "{found:?}");
    }
    // On a machine that is busy with other things something is slow.
    if results.verdict.value == VerdictValue::Valid {
        assert_eq!(diagnose(&results), Diagnosis::Nothing, "{:?}", results.server_figures);
    }
}

#[test]
fn too_few_slots_are_named() {
    let bench = Bench::new();
    let finished = bench.run(bench.embedded(
        "--workflow-type multi-activity --activity-count 2 --parallel-activities 2 --activity-duration 3s..4s --rate 12 \
         --duration 10s --ramp-up 0s --warm-up 2s --workers 1 --activity-slots 5 --drain 5s",
    ));
    let results = finished.results();
    let found = rules(&results);
    assert_eq!(found.first(), Some(&"activity-slots"), "{found:?}");
    let figures = figures(&results);
    assert!(value(figures, names::ACTIVITY_WAIT_P95) > 150.0, "{figures:?}");
    let free = figures
        .of(names::FREE_SLOTS)
        .find(|(labels, _)| labels["worker_type"] == "ActivityWorker");
    assert_eq!(free.unwrap().1, 0.0);
}

#[test]
fn what_cannot_be_read_is_said_before_the_load() {
    let bench = Bench::new();
    std::fs::write(bench.path("headers"), "Authorization: Bearer hush\nhush\n").unwrap();
    let html = stranger(|_, _| Some((200, b"<html>".to_vec())));
    let denied = stranger(|_, _| Some((401, Vec::new())));
    let bottomless = stranger(|_, _| Some((200, format!("# {}\n", "a".repeat(1_000)).repeat(17 << 10).into_bytes())));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (options, words) in [
        (
            vec!["--prometheus".to_owned(), "prometheus".to_owned()],
            "--prometheus prometheus is not allowed: give a URL",
        ),
        (
            vec!["--prometheus".to_owned(), "http://me:hush@localhost".to_owned()],
            "--prometheus has credentials in its URL",
        ),
        (
            vec!["--grafana-url".to_owned(), "http://localhost/d/x?orgId=1".to_owned()],
            "is not allowed: give a URL, as in http://127.0.0.1:3000, without ? and #",
        ),
        (
            vec!["--grafana-url".to_owned(), "http://me:hush@localhost".to_owned()],
            "--grafana-url has credentials in its URL",
        ),
        (
            vec!["--prometheus".to_owned(), format!("http://{nobody}")],
            "Connection refused",
        ),
        (
            vec!["--prometheus".to_owned(), format!("http://{denied}")],
            "answered 401",
        ),
        (
            vec!["--prometheus".to_owned(), format!("http://{html}")],
            "the answer is none of a Prometheus",
        ),
        (
            vec![
                "--prometheus".to_owned(),
                format!("http://{html}"),
                "--prometheus-match".to_owned(),
                "bench".to_owned(),
            ],
            "--prometheus-match bench is no list of matchers",
        ),
        (
            vec![
                "--prometheus".to_owned(),
                format!("http://{html}"),
                "--prometheus-headers".to_owned(),
                "headers".to_owned(),
            ],
            "--prometheus-headers headers: line 2 has no colon",
        ),
        (
            vec!["--server-metrics".to_owned(), format!("http://{html}/metrics")],
            "is no metrics page: line 1 is no sample",
        ),
        (
            vec!["--server-metrics".to_owned(), format!("http://{denied}/metrics")],
            "answered 401",
        ),
        (
            vec!["--server-metrics".to_owned(), format!("http://{nobody}/metrics")],
            "Connection refused",
        ),
        (
            vec!["--server-metrics".to_owned(), format!("http://{bottomless}/metrics")],
            "has more than 16 MiB",
        ),
    ] {
        let mut command = bench.command(&options);
        command.arg("--server-binary").arg(tripwire(&bench));
        let finished = bench.run(command);
        let line = refused(&finished);
        assert!(line.contains(words) && line.contains(&options[0]), "{words}: {line}");
        assert!(!finished.stderr.contains("hush"), "{finished:?}");
        assert!(
            !bench.path("tripwire.run").exists(),
            "a server was started: {options:?}"
        );
    }
}

#[test]
fn a_prometheus_that_dies_leaves_the_run_as_it_is() {
    let known = br#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    // It answers before the load and never again.
    let address = stranger(move |number, _| (number == 0).then(|| (200, known.to_vec())));
    let reasons = without_figures(&format!("http://{address}"), "figures");
    assert!(reasons.iter().all(|reason| !reason.is_empty()), "{reasons:?}");
}

#[test]
fn a_prometheus_of_another_cluster_leaves_the_run_as_it_is() {
    let other = testing::server();
    let page = other.metrics_address();
    let page = page.trim_start_matches("http://").trim_end_matches("/metrics");
    let prometheus = Prometheus::start(Config {
        targets: vec![Target::new("temporal", page)],
        ..Config::default()
    });
    let namespace = testing::unique("elsewhere");
    let reasons = without_figures(&prometheus.url(), &namespace);
    let words = format!("knows no requests for namespace {namespace} in the measured phase");
    assert!(reasons.iter().any(|reason| reason.contains(&words)), "{reasons:?}");
}

/// A run whose Prometheus has nothing to tell: it stands, no figure has a value, and one line of the summary says why. What
/// the result says of it.
fn without_figures(prometheus: &str, namespace: &str) -> Vec<String> {
    let bench = Bench::new();
    let mut command = bench.embedded("--rate 5 --duration 4s --ramp-up 0s --warm-up 1s --workers 1");
    command.args(["--prometheus", prometheus, "--namespace", namespace]);
    let finished = bench.run(command);
    let results = finished.results();
    assert!(results.complete, "{finished:?}");
    let figures = figures(&results);
    for figure in &figures.figures {
        assert!(figure.value.is_none() && figure.reason.is_some(), "{figure:?}");
    }
    if finished.code() != 3 {
        let lines = finished.stdout.lines().filter(|line| line.contains("bottleneck"));
        let lines: Vec<&str> = lines.collect();
        let [line] = lines[..] else { panic!("{finished:?}") };
        assert!(line.starts_with("  bottleneck   not known: "), "{finished:?}");
    }
    figures.problems.clone()
}

#[test]
fn a_stored_result_without_figures_says_what_to_give() {
    let bench = Bench::new();
    let nothing = stranger(|_, _| Some((200, b"up 1\n".to_vec())));
    let run = |arguments: &[&str]| -> Finished { bench.run(bench.command(arguments)) };
    let line = run(&["diagnose", "nowhere"]);
    assert_eq!(line.code(), 2, "{line:?}");
    let flag = run(&["diagnose", "nowhere", "--prometheus-match", "a=\"b\""]);
    assert!(
        refused(&flag).contains("--prometheus-match a=\"b\" does not apply"),
        "{flag:?}"
    );
    // A page that is none of Temporal's is read, and tells nothing.
    let mut command = bench.embedded("--rate 5 --duration 4s --ramp-up 0s --warm-up 1s --workers 0 --drain 1s");
    command.args(["--server-metrics", &format!("http://{nothing}/metrics")]);
    let results = bench.run(command).results();
    let figures = figures(&results);
    assert!(
        figures.figures.iter().all(|figure| figure.value.is_none()),
        "{figures:?}"
    );
}

#[test]
fn a_page_that_is_written_arrives_whole_and_ends() {
    let bench = Bench::new();
    let prometheus = Prometheus::start(Config::default());
    let mut command = bench.embedded("--rate 10 --duration 8s --ramp-up 0s --warm-up 1s --workers 1");
    command.args(["--remote-write", &prometheus.remote_write_url()]);
    let results = bench.run(command).results();
    let written = results.remote_write.as_ref().unwrap();
    assert_eq!((written.lost, &written.problem), (0, &None), "{}", prometheus.log());
    assert!(written.taken >= 8, "{written:?}");
    let labels = "job=\"run-benchmark\",instance!=\"\"";
    let value = |query: String| prometheus.query(&query, None).unwrap().value();
    // Classic and native histograms of the same.
    let tasks = "temporal_workflow_task_schedule_to_start_latency_seconds";
    let classic = value(format!("max(max_over_time({tasks}_count{{{labels}}}[5m]))")).unwrap();
    let native = value(format!("max(histogram_count(last_over_time({tasks}{{{labels}}}[5m])))")).unwrap();
    assert!(classic > 50.0 && classic == native, "{classic} {native}");
    assert!(
        value(format!(
            "max(count_over_time(process_start_time_seconds{{{labels}}}[5m]))"
        ))
        .unwrap()
            >= 8.0
    );
    // Every series has ended: without the mark it would stand for five minutes.
    assert_eq!(value(format!("count({{{labels}}})")), None);
    assert!(!prometheus.log().contains("Out of order"), "{}", prometheus.log());
}

#[test]
fn a_receiver_that_refuses_costs_seconds_and_nothing_else() {
    let bench = Bench::new();
    let picky = stranger(|_, request| {
        let head = request.to_lowercase();
        assert!(
            head.contains("content-encoding: snappy") && head.contains("x-scope-orgid: bench"),
            "{head}"
        );
        assert!(head.contains("x-prometheus-remote-write-version: 0.1.0"), "{head}");
        Some((400, b"out of bounds\nmore".to_vec()))
    });
    std::fs::write(bench.path("headers"), "X-Scope-OrgID: bench\n").unwrap();
    let mut command = bench.embedded("--rate 10 --duration 5s --ramp-up 0s --warm-up 1s --workers 1");
    command.args([
        "--remote-write",
        &format!("http://{picky}/write"),
        "--remote-write-headers",
        "headers",
    ]);
    let finished = bench.run(command);
    let results = finished.results();
    let written = results.remote_write.as_ref().unwrap();
    assert_eq!(written.taken, 0);
    assert!(written.lost >= 5, "{written:?}");
    assert!(
        finished
            .stdout
            .contains("seconds were lost: answered 400 Bad Request: out of bounds"),
        "{finished:?}"
    );
    assert_eq!(finished.stderr.matches("remote write: ").count(), 1, "{finished:?}");
    assert_eq!(results.ledger.accepted, results.ledger.arrivals);
}
