//! The page while a run goes on, read by a real Prometheus and by the test: it closes in every scrape, nothing falls, and its
//! end is the result.

use std::{
    collections::BTreeSet,
    io::Write as _,
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use benchmark_dashboards::{boards, testing::logql::LogQuery};
use benchmark_prometheus::{Config, Ingestion, Prometheus, Target, Tool};
use benchmark_results::{Ledger, schema::Latency};

use crate::{
    bench::Bench,
    fleet::Cast,
    scrape::{self, Page, page_of, parse, sum, text},
    server,
};

/// Prometheus' own judgement of a page.
fn check_with_promtool(text: &str) {
    let mut promtool = Command::new(Tool::Promtool.path())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let judged = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&judged.stdout) + String::from_utf8_lossy(&judged.stderr);
    assert!(judged.status.success() && said.is_empty(), "{said}\n{text}");
}

fn leader(bench: &Bench, arguments: &str) -> Command {
    bench.embedded(&format!(
        "--drain 60s --min-throughput 0 --max-error-ratio 1 --max-p99-latency 10m --output results.json \
         --metrics-listen 127.0.0.1:0 {arguments}"
    ))
}

fn prometheus(address: SocketAddr, interval: Duration) -> Prometheus {
    Prometheus::start(Config {
        interval,
        ingestion: Ingestion::NativeAndClassic,
        targets: vec![Target::new("run-benchmark", address)],
        ..Config::default()
    })
}

/// The last value that a selector had: after the end of a process its series are stale.
fn last(prometheus: &Prometheus, expression: &str) -> f64 {
    let answer = prometheus.query(expression, None).unwrap();
    assert_eq!(
        (&answer.warnings, &answer.infos),
        (&Vec::new(), &Vec::new()),
        "{expression}"
    );
    answer.value().unwrap_or_else(|| panic!("{expression} has no value"))
}

#[test]
fn every_scrape_closes_and_the_last_one_is_the_result() {
    let bench = Bench::new();
    // A cap that drops, and a limit of the server that refuses.
    let arguments =
        "--rate 120 --duration 10s --ramp-up 1s --warm-up 1s --workflow-type simple --max-in-flight 8 --when-full drop";
    let mut command = leader(&bench, arguments);
    command.args(["--server-config", "frontend.namespaceRPS=90"]);
    let mut going = bench.begin(command);
    let address = page_of(&mut going);
    let prometheus = prometheus(address, Duration::from_secs(1));
    let mut scrapes = 0;
    scrape::watch(address, |text, _| {
        scrapes += 1;
        if scrapes == 30 {
            check_with_promtool(text);
        }
    });
    let finished = going.finish();
    assert!(scrapes > 30, "{scrapes} scrapes: {finished:?}");
    let results = finished.results();
    let measure = &results.phases.measure;
    let Ledger {
        arrivals,
        dispatched,
        dropped_lag,
        dropped_cap,
        rejected,
        accepted,
        completed,
        failed,
        ..
    } = measure.ledger;
    assert!(
        dropped_cap > 0 || rejected > 0,
        "nothing went wrong: {:?}",
        measure.ledger
    );
    let of = |series: &str| last(&prometheus, &format!("sum(last_over_time({series}[10m]))"));
    for (series, count) in [
        ("benchmark_arrivals_total{phase=\"measure\"}", arrivals),
        ("benchmark_starts_dispatched_total{phase=\"measure\"}", dispatched),
        (
            "benchmark_starts_dropped_total{phase=\"measure\",reason=\"lag\"}",
            dropped_lag,
        ),
        (
            "benchmark_starts_dropped_total{phase=\"measure\",reason=\"cap\"}",
            dropped_cap,
        ),
        ("benchmark_starts_rejected_total{phase=\"measure\"}", rejected),
        ("benchmark_workflows_started_total{phase=\"measure\"}", accepted),
        ("benchmark_workflows_completed_total{phase=\"measure\"}", completed),
        (
            "benchmark_workflows_total{phase=\"measure\",outcome=\"completed\"}",
            completed,
        ),
        (
            "benchmark_workflows_total{phase=\"measure\",outcome=\"failed\"}",
            failed,
        ),
        ("benchmark_phase{phase=\"done\"}", 1),
        ("benchmark_run_verdict", 1),
    ] {
        assert_eq!(of(series), count as f64, "{series}");
    }
    let latencies = &measure.latencies;
    for (name, latency) in [
        ("benchmark_start_lag", &latencies.lag),
        ("benchmark_start_latency", &latencies.start_response.accepted),
        ("benchmark_start_service_latency", &latencies.start_service.accepted),
        ("benchmark_workflow_latency", &latencies.e2e_response.completed),
        ("benchmark_workflow_service_latency", &latencies.e2e_service.completed),
    ] {
        check_quantiles(&prometheus, name, latency);
    }
}

fn check_quantiles(prometheus: &Prometheus, name: &str, latency: &Latency) {
    let selector = |suffix: &str| format!("last_over_time({name}_seconds{suffix}{{phase=\"measure\"}}[10m])");
    assert_eq!(last(prometheus, &selector("_count")), latency.count as f64, "{name}");
    for (quantile, ms) in [(0.5, latency.p50), (0.95, latency.p95), (0.99, latency.p99)] {
        let Some(ms) = ms else { continue };
        let seconds = ms / 1e3;
        let native = last(prometheus, &format!("histogram_quantile({quantile}, {})", selector("")));
        assert!(
            (native / seconds).ln().abs() <= 1.0906_f64.ln() + 0.002,
            "{name} p{quantile}: native {native}, result {seconds}"
        );
        let buckets = format!("histogram_quantile({quantile}, sum by (le) ({}))", selector("_bucket"));
        let classic = last(prometheus, &buckets);
        // The result is exact to 0.1 %, so that near an edge either side is right.
        let edges = benchmark_metrics::LATENCY_EDGES;
        let at = |seconds: f64| edges.partition_point(|edge| *edge < seconds);
        let low = at(seconds * 0.998).checked_sub(1).map_or(0.0, |below| edges[below]);
        let high = edges.get(at(seconds * 1.002)).copied().unwrap_or(f64::INFINITY);
        assert!(
            classic >= low && classic <= high,
            "{name} p{quantile}: classic {classic}, result {seconds}"
        );
    }
}

#[test]
fn a_run_shorter_than_the_interval_ends_with_its_last_figures_seen() {
    let bench = Bench::new();
    let mut going = bench.begin(leader(
        &bench,
        "--rate 20 --duration 5s --ramp-up 0s --warm-up 1s --workflow-type simple --metrics-grace 1m",
    ));
    let address = page_of(&mut going);
    let prometheus = prometheus(address, Duration::from_secs(10));
    let finished = going.finish();
    assert_ne!(finished.code(), 2, "{finished:?}");
    assert!(
        finished.stderr.contains("waiting for the last figures to be scraped"),
        "{finished:?}"
    );
    let completed = finished.results().phases.measure.ledger.completed;
    let shown = "sum(last_over_time(benchmark_workflows_completed_total{phase=\"measure\"}[10m]))";
    assert_eq!(last(&prometheus, shown), completed as f64);
    assert_eq!(
        last(&prometheus, "sum(last_over_time(benchmark_phase{phase=\"done\"}[10m]))"),
        1.0
    );
}

#[test]
fn nobody_who_scrapes_is_waited_for_and_a_signal_ends_the_wait() {
    let load = "--rate 20 --duration 2s --ramp-up 0s --warm-up 0s --workflow-type simple";
    let bench = Bench::new();
    let finished = bench.run(leader(&bench, load));
    assert!(
        !finished.stderr.contains("waiting for the last figures"),
        "{finished:?}"
    );

    let bench = Bench::new();
    let mut going = bench.begin(leader(&bench, &format!("{load} --metrics-grace 10m")));
    going.until("the wait", |going| {
        going
            .said()
            .contains("waiting for the last figures to be scraped, 10m at most")
            .then_some(())
    });
    going.signal(rustix::process::Signal::INT);
    let ended = going.finish();
    let code = i32::from(ended.results().outcome.exit_code);
    assert_eq!(ended.code(), code, "the exit code is the run's: {ended:?}");
}

#[test]
fn the_leader_shows_the_run_and_everybody_else_only_itself() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(
        &server.address(),
        "--duration 12s --expect-workers 1 --generators 2 --metrics-listen 127.0.0.1:0",
    );
    cast.worker("");
    cast.generator("--metrics-listen 127.0.0.1:0");
    let leader = page_of(&mut cast.leader);
    let [worker, generator] = [0, 1].map(|at| page_of(&mut cast.members[at].1));
    cast.in_the_middle();
    // Whoever joins shows what it looked at in a whole second; the leader has heard of everybody.
    let [leader, worker, generator] = [leader, worker, generator].map(|address| {
        let begun = std::time::Instant::now();
        loop {
            let page = parse(&text(address).expect("it listens"));
            let own = sum(&page, "benchmark_generator_connections", "") + sum(&page, "benchmark_worker_ends_total", "");
            if own > 0.0 {
                return page;
            }
            assert!(begun.elapsed() < crate::bench::LIMIT, "{page:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let (results, _, _) = cast.finish();
    let id = format!("run_id=\"{}\"", results.run.id);
    assert!(sum(&leader, "benchmark_arrivals_total", &id) > 0.0, "{leader:#?}");
    assert_eq!(sum(&leader, "benchmark_run_info", &id), 1.0);
    for (who, count) in [
        ("role=\"leader\"", 1.0),
        ("role=\"generator\"", 1.0),
        ("role=\"worker\"", 1.0),
    ] {
        assert_eq!(
            sum(&leader, "benchmark_fleet_members", who),
            count,
            "{who}: {leader:#?}"
        );
    }
    assert!(
        sum(&leader, "benchmark_events_total", "kind=\"member-joined\"") >= 2.0,
        "{leader:#?}"
    );
    let names = |page: &Page| -> Vec<String> {
        let names = page.keys().map(|series| series.split('{').next().unwrap().to_owned());
        names.filter(|name| name.starts_with("benchmark_")).collect()
    };
    for (page, prefix) in [(&generator, "benchmark_generator_"), (&worker, "benchmark_worker_")] {
        let others: Vec<String> = names(page)
            .into_iter()
            .filter(|name| !name.starts_with(prefix))
            .collect();
        assert_eq!(others, ["benchmark_build_info"]);
    }
    for series in [
        "cpu_capacity_cores",
        "busiest_thread_ratio",
        "lag_max_seconds",
        "starts_in_flight",
        "connections",
    ] {
        let series = format!("benchmark_generator_{series}{{{id}}}");
        assert!(
            leader.contains_key(&series) && generator.contains_key(&series),
            "{series}: {generator:#?}"
        );
    }
    assert_eq!(worker["benchmark_worker_ready"], 1.0);
    assert_eq!(worker["benchmark_worker_leader_connected"], 1.0);
    assert!(worker.contains_key("benchmark_worker_windows_pending"), "{worker:#?}");
    assert!(
        sum(&worker, "benchmark_worker_ends_total", "outcome=\"completed\"") > 0.0,
        "{worker:#?}"
    );
    assert_eq!(
        worker["benchmark_worker_ends_lost_total"] + worker["benchmark_worker_windows_dropped_total"],
        0.0
    );
}

#[test]
fn in_json_every_line_on_stderr_is_an_object_with_the_servers_keys() {
    let bench = Bench::new();
    let load = "--rate 20 --duration 2s --ramp-up 0s --warm-up 0s --workflow-type simple --log-format json -v";
    let finished = bench.run(leader(&bench, load));
    assert!(finished.results_file().is_some(), "{finished:?}");
    let lines: Vec<serde_json::Value> = finished
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{finished:?}")))
        .collect();
    for line in &lines {
        for key in ["ts", "level", "msg", "target"] {
            assert!(line[key].is_string(), "no {key}: {line}");
        }
        let level = line["level"].as_str().unwrap();
        assert!(["error", "warn", "info"].contains(&level), "{line}");
    }
    // And those that the board of logs asks for.
    let logs = boards()
        .into_iter()
        .find(|board| board.uid() == "temporal-server-logs-console")
        .unwrap();
    let queries = logs
        .panels
        .iter()
        .flat_map(|panel| &panel.targets)
        .filter_map(|target| target.query.as_deref());
    let keys: BTreeSet<String> = queries
        .flat_map(|query| LogQuery::parse(query).unwrap().keys.into_values())
        .collect();
    assert_eq!(keys, BTreeSet::from(["level".to_owned(), "msg".to_owned()]));
    let says = |text: &str| lines.iter().any(|line| line["msg"].as_str().unwrap().contains(text));
    assert!(
        says("embedded dev server") && says("metrics  http://127.0.0.1:"),
        "{finished:?}"
    );
}
