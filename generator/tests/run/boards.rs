//! Every query of every board and every alert, run over real runs: a panel that is empty fails here, and not in front of a
//! person.
//!
//! Two Prometheus scrape the server, a leader, a further generator and two workers each second: one takes native and classic
//! histograms, one classic ones only, and both must have an answer. The first run is a good one, but for a share of workflows that
//! is told to fail; the second provokes what a good run does not have: refusals, drops, a worker that is full and one that is
//! killed. What no run of these tests has is asked of pages written by hand, and named in [`BY_HAND`].

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant, SystemTime},
};

use benchmark_dashboards::{Asked, BOARDS, Board, Known, asked, folder, promql};
use benchmark_generator::page::{GENERATOR_SERIES, RUN_SERIES};
use benchmark_metrics::Kind;
use benchmark_prometheus::{Config, Ingestion, Prometheus, Target};
use benchmark_temporal::embedded::EmbeddedServer;
use benchmark_worker::page::WORKER_SERIES;
use rustix::process::Signal;

use crate::{
    bench::{Bench, Going, LIMIT},
    server,
};

mod pages;

/// What `$__rate_interval` is when pages are scraped each second: four of them.
const RATE_INTERVAL: &str = "4s";

const TOKEN: &str = "a-token-for-boards";

/// What no run of these tests has for sure, and so is asked of pages written by hand: board, panel or alert, the letters of its
/// queries, and what it would take.
const BY_HAND: &[(&str, &str, &str, &str)] = &[
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
    ("temporal-workers", "Poll success, activities", "B", "eager activities"),
    ("temporal-workers", "Tasks", "C", "local activities"),
    ("temporal-workers", "Execution p95", "C", "local activities"),
    ("temporal-workers", "Failed requests", "AB", "connections that break"),
    ("temporal-workers", "Failed tasks", "ABC", "a workload whose tasks fail"),
    (
        "temporal-server-health",
        "Exhausted by cause",
        "B",
        "a limit of the database",
    ),
    (
        "temporal-server-health",
        "Workflow outcomes",
        "CEF",
        "workflows that time out, are cancelled, continue as new",
    ),
    (
        "temporal-server-health",
        "Activity outcomes",
        "BCDEF",
        "activities that fail",
    ),
    (
        "temporal-server-health",
        "History task errors",
        "AB",
        "history tasks that fail",
    ),
    (
        "temporal-server-health",
        "Shards that move",
        "BC",
        "several history hosts",
    ),
    (
        "temporal-server-health",
        "Async match p95",
        "B",
        "a task queue without pollers",
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

/// Whether a query is one of [`BY_HAND`].
fn is_by_hand(asked: &Asked) -> bool {
    let is = |(board, place, letters, _): &(&str, &str, &str, &str)| {
        asked.board == *board
            && asked.place == *place
            && (asked.letter.is_empty() || letters.contains(asked.letter.as_str()))
    };
    BY_HAND.iter().any(is)
}

/// The processes of a run, each scraped.
struct Cast {
    leader: Going,
    members: Vec<Going>,
    benches: Vec<Bench>,
}

impl Cast {
    /// A leader, a further generator and two workers.
    fn start(server: &EmbeddedServer, prometheus: &mut [Prometheus], load: &str, worker: &str) -> Cast {
        let bench = Bench::new();
        let line = format!(
            "--fleet-listen 127.0.0.1:0 --expect-workers 2 --generators 2 --metrics-listen 127.0.0.1:0 \
             --min-throughput 0 --max-error-ratio 1 --max-p99-latency 10m --output results.json --fleet-timeout 100s {load}"
        );
        let mut command = bench.against(&server.address(), &line);
        command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
        let mut leader = bench.begin(command);
        let address = leader.until("the fleet's address", |going| after(&going.said(), "--join "));
        scrape(prometheus, "leader", page_of(&mut leader));
        let mut cast = Cast {
            leader,
            members: Vec::new(),
            benches: vec![bench],
        };
        cast.member(prometheus, "generator", &format!("join {address}"));
        let worker = format!("--join {address} --profile small {worker}");
        cast.member(prometheus, "worker", &worker);
        cast.member(prometheus, "worker", &worker);
        cast
    }

    fn member(&mut self, prometheus: &mut [Prometheus], job: &str, line: &str) {
        let bench = Bench::new();
        let line = format!("{line} --metrics-listen 127.0.0.1:0");
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = match job {
            "worker" => bench.program(&crate::fleet::worker_program(), &arguments),
            _ => bench.command(&arguments),
        };
        command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
        let mut member = bench.begin(command);
        scrape(prometheus, job, page_of(&mut member));
        self.members.push(member);
        self.benches.push(bench);
    }

    fn in_the_middle(&mut self) {
        self.leader.until("the measured phase", |going| {
            going.said().contains("\nmeasure 00:").then_some(())
        });
    }

    /// The run's id, once all have ended.
    fn finish(self) -> String {
        let leader = self.leader.finish();
        let run = leader.results().run.id;
        for member in self.members {
            member.finish();
        }
        run
    }
}

/// The word that follows a text, when the line is whole.
fn after(said: &str, text: &str) -> Option<String> {
    let (_, after) = said.split_once(text)?;
    let (word, _) = after.split_once([' ', '\n'])?;
    Some(word.to_owned())
}

/// Host and port of a process's page, as it says it.
fn page_of(going: &mut Going) -> String {
    going.until("its metrics page", |going| {
        let said = going.said();
        let at = said.find("/metrics")?;
        let (_, address) = said[..at].rsplit_once("http://")?;
        Some(address.to_owned())
    })
}

fn scrape(prometheus: &mut [Prometheus], job: &str, address: String) {
    for prometheus in prometheus {
        prometheus.scrape(Target::new(job, &address));
    }
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

fn boards() -> Vec<Board> {
    let read = |board: &&str| Board::read(&fs::read_to_string(folder().join(board)).unwrap()).unwrap();
    BOARDS.iter().map(read).collect()
}

/// All that boards and alerts ask, with the variables' values. An alert asks for what it compares with its limit.
fn everything(prometheus: &Prometheus, runs: &str, range: f64) -> Vec<Asked> {
    let value = |name: &str| {
        Some(match name {
            "__rate_interval" => RATE_INTERVAL.to_owned(),
            "__range" => format!("{}s", range.ceil()),
            "run_id" => runs.to_owned(),
            "namespace" => server::NAMESPACE.to_owned(),
            "task_queue" => "benchmark-task-queue".to_owned(),
            _ => return None,
        })
    };
    let mut all: Vec<Asked> = boards().iter().flat_map(|board| asked(board, value).unwrap()).collect();
    for rule in prometheus.rules() {
        assert_eq!((rule.health.as_str(), rule.error.as_str()), ("ok", ""), "{}", rule.name);
        all.push(Asked {
            board: "alert".to_owned(),
            place: rule.name,
            letter: String::new(),
            query: promql::without_limit(&rule.query).unwrap(),
        });
    }
    all
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
    let begin = now();

    let good = server::start(&server::options());
    scrape(&mut prometheus, "server", host_of(&good));
    let load = "--workflow-type multi-activity --activity-count 3 --activity-duration 5ms --rate 10 --ramp-up 1s --warm-up 2s --duration 14s --failure-ratio 20%";
    let first = Cast::start(&good, &mut prometheus, load, "").finish();

    let mut options = server::options();
    options
        .dynamic_config
        .insert("frontend.namespaceRPS".to_owned(), "80".to_owned());
    let troubled = server::start(&options);
    scrape(&mut prometheus, "server", host_of(&troubled));
    // More than the limit lets through; few unanswered starts at a time, so that some are dropped; few slots for activities that
    // take a while, and a cache that is too small.
    let load = "--workflow-type state-transitions --rate 120 --ramp-up 1s --warm-up 1s --duration 14s \
                --max-in-flight 2 --when-full drop --drain 20s";
    let mut second = Cast::start(&troubled, &mut prometheus, load, "--activity-slots 5 --cache-size 2");
    second.in_the_middle();
    second.members[2].signal(Signal::KILL);
    let second = second.finish();
    let end = now();

    let asked = everything(&prometheus[0], &format!("{first}|{second}"), end - begin);
    // The leader waits until somebody has seen its last figures: one of the two.
    let verdict = (
        "temporal-benchmark".to_owned(),
        "Phase and verdict".to_owned(),
        "B".to_owned(),
    );
    let mut seen = false;
    for (prometheus, what) in prometheus.iter().zip(["native and classic", "classic"]) {
        let mut missing = unanswered(prometheus, asked.iter().filter(|asked| !is_by_hand(asked)), begin, end);
        seen |= !missing.remove(&verdict);
        assert!(missing.is_empty(), "nothing answers, {what}:{}", listed(&missing));
    }
    assert!(seen, "nobody has seen the verdict");
}

#[test]
fn what_no_run_has_is_asked_of_pages_written_by_hand() {
    let mut prometheus = prometheus(Ingestion::NativeAndClassic);
    let begin = now();
    // Exporters name the plug-in's series in two ways.
    for plug_in in ["dsql.prom", "dsql-plain.prom"] {
        prometheus.scrape(Target::new(
            "by-hand",
            pages::serve(&["run.prom", "worker.prom", "server-full.prom", plug_in]),
        ));
    }
    let begun = Instant::now();
    // Some rates' worth of scrapes.
    while prometheus
        .query("count_over_time(up[1m])", None)
        .unwrap()
        .series
        .iter()
        .filter(|up| up.points[0].1 >= 8.0)
        .count()
        < 1
    {
        assert!(begun.elapsed() < LIMIT, "{}", prometheus.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    let all = everything(&prometheus, "1ngeyaz-mellow-hare", 60.0);
    let asked: Vec<&Asked> = all.iter().filter(|asked| is_by_hand(asked)).collect();
    let letters: usize = BY_HAND.iter().map(|(_, _, letters, _)| letters.len().max(1)).sum();
    assert_eq!(asked.len(), letters, "a board, panel or letter that does not exist");
    let empty = unanswered(&prometheus, asked.into_iter(), begin, now());
    assert!(empty.is_empty(), "nothing answers:{}", listed(&empty));
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
        let total = if matches!(series.kind, Kind::Counter) {
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
