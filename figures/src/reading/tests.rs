use std::time::Duration;

use benchmark_results::schema::ServerFigure;

use super::*;
use crate::PageReader;

fn asked() -> QueryWindow {
    QueryWindow {
        namespace: "n".to_owned(),
        matchers: None,
        window: Duration::from_secs(10),
    }
}

fn page(text: &str) -> Result<Snapshot, String> {
    let mut page = PageReader::new("n");
    page.feed(text.as_bytes()).map_err(|error| error.to_string())?;
    page.finish().map_err(|error| error.to_string())
}

/// The looks at one page, ten seconds from the first to the last.
fn looks(texts: &[&str]) -> Reading {
    let mut reading = Reading::new(["http://10.0.0.1:9090/metrics".to_owned()]);
    for (n, text) in texts.iter().enumerate() {
        let at = 10.0 * n as f64 / (texts.len() - 1) as f64;
        reading.take(at, vec![page(text)]);
    }
    reading
}

fn all(reading: &Reading) -> Vec<ServerFigure> {
    reading.figures(&asked()).0
}

fn one(reading: &Reading, name: &str) -> ServerFigure {
    let mut found: Vec<ServerFigure> = all(reading).into_iter().filter(|figure| figure.name == name).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn value(reading: &Reading, name: &str) -> f64 {
    let figure = one(reading, name);
    figure.value.unwrap_or_else(|| panic!("{figure:?}"))
}

#[test]
fn counters_grow_by_the_difference_of_two_looks() {
    let reading = looks(&[
        "service_requests{namespace=\"n\"} 100\nworkflow_success{namespace=\"n\"} 10\n\
         state_transition_count_count{namespace=\"n\"} 30\n",
        "service_requests{namespace=\"n\"} 300\nworkflow_success{namespace=\"n\"} 30\nworkflow_failed{namespace=\"n\"} 5\n\
         state_transition_count_count{namespace=\"n\"} 280\n",
    ]);
    assert_eq!(value(&reading, "requests"), 20.0);
    assert_eq!(value(&reading, "workflow-ends"), 2.5, "what came new counts from zero");
    assert_eq!(value(&reading, "state-transitions"), 25.0);
    assert_eq!(value(&reading, "state-transitions-per-workflow"), 10.0);
    assert_eq!(
        value(&reading, "exhausted-requests"),
        0.0,
        "a counter that never counted"
    );
    let figure = one(&reading, "requests");
    assert_eq!(figure.query, "sum(rate(service_requests{namespace=\"n\"}[10s]))");
    assert_eq!(figure.source, "http://10.0.0.1:9090/metrics");
    let pool = one(&reading, "sql-pool");
    assert_eq!(
        pool.reason.as_deref(),
        Some("there are no series of persistence_sql_in_use and persistence_sql_max_open_conn for namespace n")
    );
}

#[test]
fn shares_are_by_their_labels() {
    let at = |success: u32, sync: u32, timeouts: u32| {
        format!(
            "service_requests{{namespace=\"n\"}} 1\n\
             poll_success{{namespace=\"n\",task_type=\"Workflow\",partition=\"0\"}} {success}\n\
             poll_success{{namespace=\"n\",task_type=\"Activity\"}} {success}\n\
             poll_success_sync{{namespace=\"n\",task_type=\"Workflow\"}} {sync}\n\
             poll_timeouts{{namespace=\"n\",task_type=\"Workflow\"}} {timeouts}\n"
        )
    };
    let reading = looks(&[&at(0, 0, 0), &at(100, 95, 25)]);
    let of = |name: &str| -> Vec<(String, f64)> {
        all(&reading)
            .into_iter()
            .filter(|figure| figure.name == name)
            .map(|figure| (figure.labels["task_type"].clone(), figure.value.unwrap()))
            .collect()
    };
    assert_eq!(
        of("sync-match"),
        [("Activity".to_owned(), 0.0), ("Workflow".to_owned(), 0.95)]
    );
    assert_eq!(
        of("poll-success"),
        [("Activity".to_owned(), 1.0), ("Workflow".to_owned(), 0.8)]
    );
    let quiet = looks(&[&at(100, 95, 25), &at(100, 95, 25)]);
    assert_eq!(
        one(&quiet, "sync-match").reason.as_deref(),
        Some("nothing was counted in the window")
    );
}

fn histogram(counts: [u32; 3]) -> String {
    let [low, high, all] = counts;
    let bucket = |edge: &str, count: u32| {
        format!(
            "service_latency_bucket{{namespace=\"n\",service_name=\"frontend\",operation=\"StartWorkflowExecution\",\
             le=\"{edge}\"}} {count}\n"
        )
    };
    format!(
        "service_requests{{namespace=\"n\"}} 1\n{}{}{}",
        bucket("0.1", low),
        bucket("0.2", high),
        bucket("+Inf", all)
    )
}

#[test]
fn quantiles_are_of_what_came_in_the_window() {
    let reading = looks(&[&histogram([1000, 1000, 1000]), &histogram([1010, 1020, 1020])]);
    assert_eq!(value(&reading, "frontend-start-p50").round(), 100.0);
    assert_eq!(value(&reading, "frontend-start-p95").round(), 190.0);
    let none = looks(&[&histogram([1, 2, 3]), &histogram([1, 2, 3])]);
    assert_eq!(
        one(&none, "frontend-start-p50").reason.as_deref(),
        Some("nothing was timed in the window")
    );
    let falling = looks(&[&histogram([0, 0, 0]), &histogram([20, 10, 20])]);
    assert_eq!(
        one(&falling, "frontend-start-p95").reason.as_deref(),
        Some("the histogram service_latency has buckets that fall")
    );
}

#[test]
fn the_busiest_operations_are_kept() {
    let mut text = "service_requests{namespace=\"n\"} 1\n".to_owned();
    for n in 0..12 {
        let labels = format!("namespace=\"n\",operation=\"Op{n}\"");
        text += &format!("persistence_latency_bucket{{{labels},le=\"1\"}} {n}\n");
        text += &format!("persistence_latency_bucket{{{labels},le=\"+Inf\"}} {n}\n");
        text += &format!("persistence_latency_count{{{labels}}} {n}\n");
    }
    let reading = looks(&["up 1\n", &text]);
    let operations: Vec<String> = all(&reading)
        .into_iter()
        .filter(|figure| figure.name == "persistence-p95")
        .map(|figure| figure.labels["operation"].clone())
        .collect();
    assert_eq!(operations.len(), 8);
    assert!(operations.contains(&"Op11".to_owned()) && !operations.contains(&"Op3".to_owned()));
}

#[test]
fn gauges_are_followed_between_the_looks() {
    let at = |backlog: u32, free: u32, used: u32| {
        format!(
            "service_requests{{namespace=\"n\"}} 1\n\
             approximate_backlog_count{{namespace=\"n\",partition=\"0\"}} {backlog}\n\
             approximate_backlog_count{{namespace=\"n\",partition=\"1\"}} {backlog}\n\
             temporal_worker_task_slots_available{{namespace=\"n\",worker_type=\"ActivityWorker\"}} {free}\n\
             persistence_sql_in_use{{db_kind=\"main\"}} {used}\npersistence_sql_max_open_conn{{db_kind=\"main\"}} 20\n"
        )
    };
    let reading = looks(&[&at(0, 5, 20), &at(50, 0, 10), &at(20, 9, 0)]);
    assert_eq!(value(&reading, "task-backlog-peak"), 100.0);
    assert_eq!(value(&reading, "task-backlog-slope"), 4.0);
    assert_eq!(value(&reading, "free-slots"), 0.0);
    let pool = one(&reading, "sql-pool");
    assert_eq!(
        (pool.value, pool.labels["instance"].as_str()),
        (Some(0.5), "10.0.0.1:9090")
    );
    assert_eq!(pool.labels["db_kind"], "main");
    assert_eq!(value(&reading, "sql-pool-mean"), 0.5);
}

#[test]
fn pages_add_up_and_replicas_stay_apart() {
    let at = |requests: u32, used: u32| {
        page(&format!(
            "service_requests{{namespace=\"n\"}} {requests}\npersistence_sql_in_use{{db_kind=\"main\"}} {used}\n\
             persistence_sql_max_open_conn{{db_kind=\"main\"}} 20\n"
        ))
    };
    let mut reading = Reading::new(["http://a:1/metrics".to_owned(), "http://b:1/metrics".to_owned()]);
    reading.take(0.0, vec![at(0, 20), at(0, 0)]);
    // A look that misses a page is none: half of the sum would be a drop.
    reading.take(5.0, vec![at(1, 0), Err("timeout".to_owned())]);
    reading.take(10.0, vec![at(50, 20), at(150, 0)]);
    assert_eq!(value(&reading, "requests"), 20.0);
    let fill: Vec<(String, f64)> = all(&reading)
        .into_iter()
        .filter(|figure| figure.name == "sql-pool")
        .map(|figure| (figure.labels["instance"].clone(), figure.value.unwrap()))
        .collect();
    assert_eq!(fill, [("a:1".to_owned(), 1.0), ("b:1".to_owned(), 0.0)]);
    assert_eq!(value(&reading, "sql-pool-mean"), 0.5);
}

#[test]
fn what_cannot_be_told_says_why() {
    let known = "service_requests{namespace=\"n\"} 5\n";
    let reasons = |reading: &Reading| {
        let (figures, problems) = reading.figures(&asked());
        assert!(
            figures
                .iter()
                .filter(|figure| figure.name == "requests")
                .all(|figure| figure.value.is_none())
        );
        problems.join("; ")
    };
    let mut once = Reading::new(["http://a/metrics".to_owned()]);
    once.take(0.0, vec![page(known)]);
    assert!(reasons(&once).contains("read only once"));
    assert!(reasons(&Reading::new(["http://a/metrics".to_owned()])).contains("read only once"));
    let restarted = looks(&[known, "service_requests{namespace=\"n\"} 4\n"]);
    assert!(reasons(&restarted).contains("started again within the measured phase"));
    // Also when it has caught up in the meantime.
    let caught_up = looks(&[
        known,
        "service_requests{namespace=\"n\"} 4\n",
        "service_requests{namespace=\"n\"} 9\n",
    ]);
    assert!(reasons(&caught_up).contains("started again within the measured phase"));
    let mut gone = Reading::new(["http://a/metrics".to_owned()]);
    gone.take(0.0, vec![page(known)]);
    gone.take(9.0, vec![Err("connection refused".to_owned())]);
    assert!(
        reasons(&gone).contains("http://a/metrics could not be read when the measured phase ended: connection refused")
    );
    let named = looks(&[
        "service_requests_total{namespace=\"n\"} 1\n",
        "service_requests_total{namespace=\"n\"} 1\n",
    ]);
    assert!(reasons(&named).contains("withoutCounterSuffix"));
    let nan = looks(&[known, "service_requests{namespace=\"n\"} NaN\n"]);
    assert_eq!(one(&nan, "requests").reason.as_deref(), Some("service_requests is NaN"));
}

#[test]
fn every_figure_stands_in_every_reading() {
    let (figures, _) = looks(&["up 1\n", "up 1\n"]).figures(&asked());
    for figure in FIGURES {
        let found = figures.iter().find(|found| found.name == figure.name).unwrap();
        assert!(found.value.is_none() && found.reason.is_some());
    }
}
