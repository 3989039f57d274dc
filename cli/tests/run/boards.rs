//! Every query of every board and every alert, run over real runs: a panel that is empty fails here, and not in front of a
//! person.
//!
//! Two Prometheus scrape the server, a leader, a further generator and two workers each second: one takes native and classic
//! histograms, one classic ones only, and both must have an answer; the first run's leader writes to a third one, and all
//! three answer alike. The first run is a good one, but for a share of workflows that is told to fail and for what is done
//! beside it; the second provokes what a good run does not have: refusals by limits of requests and of the database, drops, a
//! worker that is full and one that is killed, connections that break, activities that go eager, and a shard that is closed. What
//! no run of these tests has is named in [`NOT_HERE`], and asked of recorded pages.

use std::{
    collections::BTreeSet,
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use benchmark_dashboards::{
    Known, boards, folder,
    series::OTHER_NAMES,
    testing::{Asked, SERVERS, asked, without_limit},
};
use benchmark_generator::view::page::{GENERATOR_SERIES, RUN_SERIES};
use benchmark_metrics::FamilyKind;
use benchmark_prometheus::{Config, Ingestion, Prometheus, Target, Tool};
use benchmark_temporal::embedded::EmbeddedServer;
use benchmark_worker::page::WORKER_SERIES;

use self::cast::{Cast, scrape};
use crate::{bench::LIMIT, relay::Relay, server};

mod by_hand;
mod bystander;
mod cast;
mod pages;
mod recorded;
mod relay;
mod ways;

/// What `$__rate_interval` is when pages are scraped each second: four of them.
const RATE_INTERVAL: &str = "4s";

/// What no run of these tests has for sure, and so is asked of pages of a full server that were recorded, or written by hand
/// where that could not be: board, panel or alert, the letters of its queries, and what it would take.
const NOT_HERE: &[(&str, &str, &str, &str)] = &[
    (
        "temporal-benchmark",
        "Waiting for CPU",
        "B",
        "a control group with a quota",
    ),
    (
        "temporal-benchmark",
        "Connection pool by replica",
        "ABC",
        "a server with SQL pools",
    ),
    ("temporal-workers", "Tasks", "C", "local activities"),
    ("temporal-workers", "Execution p95", "C", "local activities"),
    ("temporal-workers", "Failed tasks", "C", "local activities"),
    (
        "temporal-server-health",
        "Shards that move",
        "C",
        "a second history host that takes a shard",
    ),
    (
        "temporal-server-health",
        "SQL pool by replica",
        "ABC",
        "a server with SQL pools",
    ),
    ("dsql-persistence", "Reservoir", "AB", "the plug-in for DSQL"),
    ("dsql-persistence", "Reservoir empty", "A", "the plug-in for DSQL"),
    ("dsql-persistence", "Refills and discards", "AB", "the plug-in for DSQL"),
    ("dsql-persistence", "Checkout p95", "A", "the plug-in for DSQL"),
    ("dsql-persistence", "Pool by replica", "ABC", "the plug-in for DSQL"),
    ("dsql-persistence", "Pool, connections", "AB", "the plug-in for DSQL"),
    (
        "dsql-persistence",
        "Waiting for a connection",
        "AB",
        "the plug-in for DSQL",
    ),
    ("dsql-persistence", "Conflicts", "A", "the plug-in for DSQL"),
    (
        "dsql-persistence",
        "Retries and exhausted",
        "AB",
        "the plug-in for DSQL",
    ),
    ("alert", "PoolNearlyFull", "", "a server with SQL pools"),
    ("alert", "DsqlConflicts", "", "the plug-in for DSQL"),
];

/// Whether a query is one of [`NOT_HERE`].
fn is_not_here(asked: &Asked) -> bool {
    let is = |(board, place, letters, _): &(&str, &str, &str, &str)| {
        asked.board == *board
            && asked.place == *place
            && (asked.letter.is_empty() || letters.contains(asked.letter.as_str()))
    };
    NOT_HERE.iter().any(is)
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

/// All that boards and alerts ask, with the variables' values. An alert asks for what it compares with its limit.
fn everything(prometheus: &Prometheus, runs: &str, interval: &str, range: f64) -> Vec<Asked> {
    let mut all = of_boards(runs, interval, range);
    for rule in prometheus.rules() {
        assert_eq!((rule.health.as_str(), rule.error.as_str()), ("ok", ""), "{}", rule.name);
        all.push(Asked {
            board: "alert".to_owned(),
            place: rule.name,
            letter: String::new(),
            query: without_limit(&rule.query).unwrap(),
        });
    }
    all
}

/// All that boards ask of runs, with rates over an interval and the time shown in seconds.
fn of_boards(runs: &str, interval: &str, range: f64) -> Vec<Asked> {
    let value = |name: &str| {
        Some(match name {
            "__rate_interval" => interval.to_owned(),
            "__range" => format!("{}s", range.ceil()),
            "run_id" => runs.to_owned(),
            "namespace" => server::NAMESPACE.to_owned(),
            "task_queue" => "benchmark-task-queue".to_owned(),
            _ => return None,
        })
    };
    boards().iter().flat_map(|board| asked(board, value).unwrap()).collect()
}

/// Those without an answer in the time given. Errors and warnings fail.
fn unanswered<'a>(
    prometheus: &Prometheus,
    asked: impl Iterator<Item = &'a Asked>,
    begin: f64,
    end: f64,
) -> BTreeSet<(String, String, String)> {
    let mut unanswered = BTreeSet::new();
    for Asked {
        board,
        place,
        letter,
        query,
    } in asked
    {
        let answer = prometheus
            .query_range(query, begin, end, 1.0)
            .unwrap_or_else(|error| panic!("{board}, {place} {letter}: {error}"));
        assert!(
            answer.warnings.is_empty(),
            "{board}, {place} {letter}: {:?}",
            answer.warnings
        );
        // A share of nothing is no number.
        let number = |series: &benchmark_prometheus::Series| series.points.iter().any(|(_, value)| !value.is_nan());
        if !answer.series.iter().any(number) {
            unanswered.insert((board.clone(), place.clone(), letter.clone()));
        }
    }
    unanswered
}

fn listed(all: &BTreeSet<(String, String, String)>) -> String {
    all.iter()
        .map(|(board, place, letter)| format!("\n  {board}: {place} {letter}"))
        .collect()
}

/// A Prometheus with the alert rules.
fn prometheus(ingestion: Ingestion) -> Prometheus {
    Prometheus::start(Config {
        ingestion,
        rules: ["benchmark.yaml", "temporal.yaml"]
            .map(|file| folder().join("rules").join(file))
            .to_vec(),
        ..Config::default()
    })
}

#[test]
fn no_panel_is_empty() {
    let mut prometheus = [prometheus(Ingestion::NativeAndClassic), prometheus(Ingestion::Classic)];
    let written = Prometheus::start(Config::default());
    let begin = now();

    let good = server::start(&server::options());
    scrape(&mut prometheus, "server", host_of(&good));
    let load = format!(
        "--workflow-type multi-activity --activity-count 3 --activity-duration 5ms --rate 10 --ramp-up 1s --warm-up 2s \
         --duration 14s --failure-ratio 20% --metrics-grace 3m --remote-write {}",
        written.remote_write_url()
    );
    let mut first = Cast::start(&good, &mut prometheus, &load, ["", ""]);
    let workers = first.workers();
    std::thread::scope(|scope| {
        scope.spawn(|| bystander::provoke(&good.address(), &host_of(&good)));
        scope.spawn(|| by_hand::work(&good.address(), &workers));
        first.in_the_middle();
        judged_by_promtool(&pages::of(&workers[0]), &[]);
    });
    // The server's names are its own.
    judged_by_promtool(&pages::of(&host_of(&good)), &["--lint=none", "--extended"]);
    all_ways_agree(&mut first, &prometheus, &written, begin);
    judged_by_promtool(&first.page(), &[]);
    first.seen();
    let first = first.finish();

    let mut options = server::options();
    for (key, value) in [
        ("frontend.namespaceRPS", "40"),
        ("matching.persistenceNamespaceMaxQPS", "20"),
        ("system.enableActivityEagerExecution", "true"),
    ] {
        options.dynamic_config.insert(key.to_owned(), value.to_owned());
    }
    let troubled = server::start(&options);
    scrape(&mut prometheus, "server", host_of(&troubled));
    // More than the limit lets through, also where the machine is slow; few unanswered starts at a time, so that some are
    // dropped; caches that are too small; few slots for activities that take a while, and in the other worker, until it is killed,
    // some to spare, which eager ones need.
    let load = "--workflow-type state-transitions --rate 120 --ramp-up 1s --warm-up 1s --duration 14s \
                --max-in-flight 2 --when-full drop --drain 20s";
    let wire = Relay::to(&troubled.address());
    let full = format!("--activity-slots 5 --cache-size 2 --address {}", wire.address());
    let mut second = Cast::start(&troubled, &mut prometheus, load, [&full, "--cache-size 2"]);
    second.in_the_middle();
    let workers = second.workers();
    wire.cut();
    second.until("polls that break", || {
        pages::of(&workers[0]).contains("\ntemporal_long_request_failure_total{")
    });
    wire.restore();
    by_hand::trouble(&troubled.address(), &host_of(&troubled));
    // The worker that has them may be scraped seconds after it began.
    let eager = format!("sum(rate(temporal_activity_task_received_total{{eager=\"true\"}}[{RATE_INTERVAL}])) > 0");
    second.until("activities that go eager, in each Prometheus", || {
        let is_there = |prometheus: &Prometheus| !prometheus.query(&eager, None).unwrap().series.is_empty();
        prometheus.iter().all(is_there)
    });
    second.kill_a_worker();
    let second = second.finish();
    let end = now();

    let asked = everything(&prometheus[0], &format!("{first}|{second}"), RATE_INTERVAL, end - begin);
    for (prometheus, what) in prometheus.iter().zip(["native and classic", "classic"]) {
        let missing = unanswered(prometheus, asked.iter().filter(|asked| !is_not_here(asked)), begin, end);
        assert!(missing.is_empty(), "nothing answers, {what}:{}", listed(&missing));
    }
    recorded::check(&prometheus[1], end - begin);
}

/// Whatever way a run's series come, they say the same. The leader waits meanwhile until it is told that it was seen.
fn all_ways_agree(leader: &mut Cast, scraped: &[Prometheus; 2], written: &Prometheus, begin: f64) {
    let run = leader.run();
    let mut ways = Vec::new();
    for prometheus in scraped.iter().chain([written]) {
        let mut way = None;
        leader.until("the verdict, in each way", || {
            way = ways::Way::of(prometheus, &run);
            way.is_some()
        });
        ways.extend(way);
    }
    let (written, scraped) = ways.split_last().unwrap();
    let range = now() - begin;
    // Of a slope it matters where it begins.
    let first = ways.iter().map(|way| way.first).fold(f64::MIN, f64::max);
    let last = ways.iter().map(|way| way.last).fold(f64::MAX, f64::min);
    let common = (last - first).floor();
    let asked = |seconds: f64| of_boards(&run, &format!("{seconds}s"), range);
    let mut compared = 0;
    for (whole, of_common) in asked(range.ceil()).iter().zip(&asked(common)) {
        if !ways::is_of_the_run(whole) {
            continue;
        }
        let answers = |way: &ways::Way| match ways::is_slope(whole) {
            true => way.answers(of_common, last),
            false => way.answers(whole, way.last),
        };
        let by_writing = answers(written);
        assert!(
            !by_writing.is_empty(),
            "{}, {} {}: {}",
            whole.board,
            whole.place,
            whole.letter,
            whole.query
        );
        for (way, is_native) in scraped.iter().zip([true, false]) {
            let alike = if ways::is_slope(whole) {
                ways::slopes(way.peak().max(written.peak()), common)
            } else if whole.query.contains("histogram_quantile(") && !is_native {
                ways::Alike::Bucket
            } else {
                ways::Alike::Same
            };
            ways::compare(whole, &answers(way), &by_writing, alike);
        }
        compared += 1;
    }
    assert!(compared > 30, "only {compared} queries are of the run");
}

/// Prometheus' own judgement of a page.
fn judged_by_promtool(page: &str, options: &[&str]) {
    let mut promtool = Command::new(Tool::Promtool.path())
        .args(["check", "metrics"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever does not read it says why.
    let _ = promtool.stdin.take().unwrap().write_all(page.as_bytes());
    let judged = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&judged.stdout) + String::from_utf8_lossy(&judged.stderr);
    assert!(judged.status.success(), "{said}\n{page}");
}

/// Scrapes some pages of `dashboards/series` until there are rates.
fn scraped(prometheus: &mut Prometheus, pages: &[&str]) {
    let page = pages::serve(pages);
    prometheus.scrape(Target::new("recorded", page));
    let enough = format!("count_over_time(up{{instance=\"{page}\"}}[1m]) >= 8");
    let begun = Instant::now();
    while prometheus.query(&enough, None).unwrap().series.is_empty() {
        assert!(begun.elapsed() < LIMIT, "{}", prometheus.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn what_no_run_has_is_asked_of_recorded_pages() {
    let mut prometheus = prometheus(Ingestion::NativeAndClassic);
    let begin = now();
    let [tally, _] = SERVERS;
    let by_hand = ["run-by-hand.prom", "worker-by-hand.prom", "server-by-hand.prom"];
    // Exporters name the plug-in's series in two ways.
    for plug_in in ["dsql.prom", "dsql-plain.prom"] {
        let pages = [&["run.prom", "worker.prom", tally, plug_in][..], &by_hand].concat();
        scraped(&mut prometheus, &pages);
    }
    let all = everything(&prometheus, ".+", RATE_INTERVAL, 60.0);
    let asked: Vec<&Asked> = all.iter().filter(|asked| is_not_here(asked)).collect();
    let letters: usize = NOT_HERE.iter().map(|(_, _, letters, _)| letters.len().max(1)).sum();
    assert_eq!(asked.len(), letters, "a board, panel or letter that does not exist");
    let empty = unanswered(&prometheus, asked.into_iter(), begin, now());
    assert!(empty.is_empty(), "nothing answers:{}", listed(&empty));
}

/// The first panel of the server's board: 1 where the names are those that the boards ask for, 2 where something is to be set.
#[test]
fn the_board_says_which_names_a_server_exports() {
    let names = of_boards(".+", RATE_INTERVAL, 60.0)
        .into_iter()
        .find(|asked| asked.place == "Names that the server exports")
        .unwrap();
    for (page, expected) in [(SERVERS[0], 1.0), (SERVERS[1], 1.0), (OTHER_NAMES, 2.0)] {
        let mut prometheus = Prometheus::start(Config::default());
        scraped(&mut prometheus, &[page]);
        assert_eq!(
            prometheus.query(&names.query, None).unwrap().value(),
            Some(expected),
            "{page}"
        );
    }
}

/// The list that queries are checked against is what the programs have.
#[test]
fn the_boards_know_the_series_of_the_programs() {
    let known = Known::all();
    for series in RUN_SERIES.iter().chain(GENERATOR_SERIES).chain(WORKER_SERIES) {
        let unit = if series.unit.is_empty() {
            String::new()
        } else {
            format!("_{}", series.unit)
        };
        let total = if matches!(series.kind, FamilyKind::Counter) {
            "_total"
        } else {
            ""
        };
        let name = format!("{}{unit}{total}", series.name);
        let family = known
            .get(&name)
            .unwrap_or_else(|| panic!("{name} is not in dashboards/series"));
        let labels: BTreeSet<&str> = family.labels.keys().map(String::as_str).collect();
        assert_eq!(labels, series.labels.iter().copied().collect(), "{name}");
    }
}

/// Host and port of a server's page.
fn host_of(server: &EmbeddedServer) -> String {
    let address = server.metrics_address();
    address
        .trim_start_matches("http://")
        .trim_end_matches("/metrics")
        .to_owned()
}
