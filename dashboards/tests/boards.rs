//! The boards are tidy and sound, and what is wrong with one is found: each fault is put into a real board.

use std::fs;

use benchmark_dashboards::{
    Board, Finding, Known, boards, check, files, folder, series::OTHER_NAMES, testing::SERVERS, tidy::tidy,
};
use serde_json::{Value, json};

fn text(board: &str) -> String {
    let path = folder().join(board);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_boards_are_as_tidy_leaves_them() {
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        let tidied = tidy(&text).unwrap();
        assert!(
            tidied == text,
            "{}: cargo run -p benchmark-dashboards -- tidy",
            file.display()
        );
    }
}

#[test]
fn nothing_is_wrong_with_the_boards() {
    let known = Known::all();
    let findings = boards().iter().flat_map(|board| check(board, &known)).collect();
    assert_eq!(told(findings), "");
}

/// Tally and OpenTelemetry name what they record by rules of their own, and differ in what they record at all.
#[test]
fn each_recorded_server_has_what_the_boards_ask_for() {
    for server in SERVERS {
        let known = Known::with_server(server);
        let findings = boards().iter().flat_map(|board| check(board, &known)).collect();
        assert_eq!(told(findings), "", "{server}");
    }
}

/// OpenTelemetry that is left to its own names: none of the boards' series are there, but the one that tells.
#[test]
fn a_server_of_other_names_is_recognised_and_nothing_else_of_it_is_found() {
    let known = Known::with_server(OTHER_NAMES);
    assert!(known.get("service_requests_total").is_some());
    for absent in ["service_requests", "service_latency_bucket"] {
        assert!(known.get(absent).is_none(), "{absent}");
    }
    let server = boards()
        .into_iter()
        .find(|board| board.uid() == "temporal-server-health")
        .unwrap();
    let findings = check(&server, &known);
    let of = |title: &str| findings.iter().any(|finding| finding.place == title);
    assert!(
        of("Requests by service") && of("Latency p95 by operation"),
        "{findings:?}"
    );
}

fn told(findings: Vec<Finding>) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// What is found on the board "Benchmark" after something was done to one of its panels.
fn after(panel: &str, change: impl FnOnce(&mut Value)) -> Vec<Finding> {
    let mut board: Value = serde_json::from_str(&text("bench.json")).unwrap();
    let panels = board["panels"].as_array_mut().unwrap();
    let found = panels.iter_mut().find(|found| found["title"] == panel);
    change(found.unwrap_or_else(|| panic!("there is no panel {panel}")));
    check(&Board::of(board), &Known::all())
}

/// That there is one finding, and that it names board, panel and reason.
fn only(findings: &[Finding], panel: &str, reason: &str) {
    let [finding] = findings else { panic!("{findings:#?}") };
    assert_eq!(
        (finding.board.as_str(), finding.place.as_str()),
        ("temporal-benchmark", panel)
    );
    assert!(finding.reason.contains(reason), "{}", finding.reason);
    let told = finding.to_string();
    assert!(told.contains("temporal-benchmark") && told.contains(panel), "{told}");
}

/// That one of the findings gives a reason.
fn some(findings: &[Finding], reason: &str) {
    assert!(
        findings.iter().any(|found| found.reason.contains(reason)),
        "{findings:#?}"
    );
}

/// The panel's first query with one word replaced by another.
fn with_query(panel: &str, from: &str, to: &str) -> Vec<Finding> {
    after(panel, |panel| {
        let query = panel["targets"][0]["expr"].as_str().unwrap();
        assert!(query.contains(from), "{query}");
        panel["targets"][0]["expr"] = json!(query.replace(from, to));
    })
}

#[test]
fn a_name_that_is_misspelt() {
    let found = with_query(
        "Started",
        "benchmark_starts_dispatched_total",
        "benchmark_starts_dispached_total",
    );
    only(
        &found,
        "Started",
        "no series is called benchmark_starts_dispached_total; benchmark_starts_dispatched_total is",
    );
}

#[test]
fn a_label_that_does_not_exist() {
    let found = with_query("Started", "{", "{kind=\"lag\", ");
    only(&found, "Started", "has no label kind; it has phase, run_id, workload");
    some(&with_query("Events", "by (kind)", "by (reason)"), "groups by reason");
    let found = after("Events", |panel| {
        panel["targets"][0]["legendFormat"] = json!("{{reason}}")
    });
    only(&found, "Events", "its legend names reason");
    let found = with_query("Least free slots", "{", "{worker_type=\"Activities\", ");
    only(
        &found,
        "Least free slots",
        "it has ActivityWorker, LocalActivityWorker, WorkflowWorker",
    );
}

#[test]
fn a_window_that_does_not_follow_the_scrapes() {
    only(&with_query("Started", "$__rate_interval", "1m"), "Started", "[60s]");
    only(
        &with_query("Started", "$__rate_interval", "$__range"),
        "Started",
        "$__range",
    );
    only(&with_query("Started", "rate(", "increase("), "Started", "increase");
}

#[test]
fn a_counter_without_a_rate_and_a_rate_of_no_counter() {
    some(
        &with_query("State transitions", "rate(", "max_over_time("),
        "only its rate",
    );
    let found = after("Backlog", |panel| {
        panel["targets"][0]["expr"] = json!("sum(rate(benchmark_backlog{run_id=~\"$run_id\"}[$__rate_interval]))");
    });
    only(&found, "Backlog", "is no counter");
}

#[test]
fn a_panel_without_unit_or_description() {
    let without_unit = |panel: &mut Value| {
        panel["fieldConfig"]["defaults"].as_object_mut().unwrap().remove("unit");
    };
    only(&after("Lag", without_unit), "Lag", "no unit");
    let found = after("Lag", |panel| panel["description"] = Value::Null);
    only(&found, "Lag", "no description");
    let found = after("Lag", |panel| {
        panel["description"] = json!("How late. **Good:** below 10 ms.")
    });
    only(&found, "Lag", "lacks **Otherwise:**");
    let found = after("Lag", |panel| panel["type"] = json!("graph"));
    some(&found, "is a \"graph\"");
}

#[test]
fn panels_that_overlap_or_lie_outside() {
    let found = after("Outcomes", |panel| panel["gridPos"]["x"] = json!(7));
    only(&found, "Outcomes", "lies on \"Starts that became no workflow\"");
    let last = "Why the highest, and not the mean";
    let found = after(last, |panel| panel["gridPos"]["w"] = json!(30));
    some(&found, "does not fit");
}

#[test]
fn a_data_source_of_one_grafana() {
    let found = after("Lag", |panel| panel["datasource"]["uid"] = json!("PBFA97CFB590B2093"));
    only(&found, "Lag", "PBFA97CFB590B2093");
}

#[test]
fn what_does_not_follow_the_choice() {
    let found = with_query("Started", "run_id=~\"$run_id\"", "workload=\"multi-activity\"");
    some(&found, "not filtered by run_id");
    only(
        &with_query("Started", "$run_id", "$run"),
        "Started",
        "no variable is called run",
    );
    let found = after("Lag", |panel| {
        panel["links"] = json!([{ "title": "Workers", "url": "/d/temporal-worker?x" }])
    });
    some(&found, "no board has the uid \"temporal-worker\"");
    some(&found, "${__all_variables}");
}

#[test]
fn a_board_whose_links_drop_the_choice() {
    let mut board: Value = serde_json::from_str(&text("bench.json")).unwrap();
    board["links"][0]["keepTime"] = json!(false);
    board["schemaVersion"] = json!(42);
    let found = check(&Board::of(board), &Known::all());
    assert_eq!(found.len(), 2, "{found:?}");
    some(&found, "schemaVersion is 42");
    some(&found, "keepTime");
}
