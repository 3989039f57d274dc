//! The alert rules: a real promtool takes them and runs their tests, what they ask for exists, and each says what to do.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use benchmark_dashboards::{Known, boards, check::of_an_alert, folder};
use benchmark_prometheus::Tool;
use serde::Deserialize;

const FILES: [&str; 2] = ["benchmark.yaml", "temporal.yaml"];

#[derive(Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alert {
    alert: String,
    expr: String,
    #[serde(rename = "for")]
    _for: Option<String>,
    labels: Labels,
    annotations: Annotations,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    severity: String,
}

/// All of them have to be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotations {
    summary: String,
    meaning: String,
    action: String,
    dashboard: String,
}

fn rules() -> PathBuf {
    folder().join("rules")
}

fn alerts() -> Vec<Alert> {
    let read = |file: &&str| {
        let text = fs::read_to_string(rules().join(file)).unwrap();
        let file: File = serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        file.groups.into_iter().flat_map(|group| group.rules)
    };
    FILES.iter().flat_map(read).collect()
}

fn promtool(arguments: &[&str], files: &[PathBuf]) -> Output {
    Command::new(Tool::Promtool.path())
        .args(arguments)
        .args(files)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn tests(folder: &Path) -> Vec<PathBuf> {
    FILES.map(|file| folder.join("tests").join(file)).to_vec()
}

#[test]
fn promtool_takes_the_rules_and_their_tests_pass() {
    let checked = promtool(
        &["check", "rules", "--lint=all", "--lint-fatal"],
        &FILES.map(|file| rules().join(file)),
    );
    assert!(checked.status.success(), "{}", said(&checked));
    let tested = promtool(&["test", "rules"], &tests(&rules()));
    assert!(tested.status.success(), "{}", said(&tested));
}

/// A limit that is a little lower or higher is found by the tests: each lies one step beside it.
#[test]
fn another_limit_fails_the_tests() {
    for (from, to) in [
        (") > 0.01\n", ") > 0.013\n"),
        ("> 0.7\n", "> 0.69\n"),
        (
            "> 0.01\n        for: 30s\n        labels: { severity: critical }\n        annotations:\n          summary: \"Run {{ $labels.run_id }}: the server",
            "> 0.009\n        for: 30s\n        labels: { severity: critical }\n        annotations:\n          summary: \"Run {{ $labels.run_id }}: the server",
        ),
        ("> 0.02 *", "> 0.019 *"),
        (") > 0.15\n", ") > 0.14\n"),
        (
            "== 0\n        for: 30s\n        labels: { severity: warning }\n        annotations:\n          summary: \"{{ $labels.task_queue }}: a worker",
            "== 1\n        for: 30s\n        labels: { severity: warning }\n        annotations:\n          summary: \"{{ $labels.task_queue }}: a worker",
        ),
        (") > 0.005\n", ") > 0.006\n"),
        (") > 0.8\n", ") > 0.79\n"),
        ("> 0.05\n", "> 0.049\n"),
    ] {
        let copy = tempfile::tempdir().unwrap();
        fs::create_dir(copy.path().join("tests")).unwrap();
        let mut changed = false;
        for file in FILES {
            let text = fs::read_to_string(rules().join(file)).unwrap();
            changed |= text.contains(from);
            fs::write(copy.path().join(file), text.replacen(from, to, 1)).unwrap();
            fs::copy(rules().join("tests").join(file), copy.path().join("tests").join(file)).unwrap();
        }
        assert!(changed, "{from}");
        let tested = promtool(&["test", "rules"], &tests(copy.path()));
        assert!(!tested.status.success(), "{to}: {}", said(&tested));
    }
}

#[test]
fn each_alert_fires_and_is_silent_in_a_test() {
    let tests: String = tests(&rules())
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    for Alert { alert, .. } in alerts() {
        for state in ["fires", "is silent"] {
            assert!(
                tests.contains(&format!("name: \"{alert} {state}: ")),
                "{alert} {state} in no test"
            );
        }
    }
}

#[test]
fn each_alert_asks_for_what_exists_and_says_what_to_do() {
    let known = Known::all();
    let boards: BTreeSet<String> = boards().iter().map(|board| board.uid().to_owned()).collect();
    let mut names = BTreeSet::new();
    for Alert {
        alert,
        expr,
        labels,
        annotations,
        ..
    } in alerts()
    {
        let problems = of_an_alert(&expr, &known);
        assert!(problems.is_empty(), "{alert}: {problems:?}");
        assert!(names.insert(alert.clone()), "twice: {alert}");
        assert!(
            matches!(labels.severity.as_str(), "warning" | "critical"),
            "{alert}: {}",
            labels.severity
        );
        for text in [&annotations.summary, &annotations.meaning, &annotations.action] {
            assert!(text.len() > 20, "{alert}: {text:?}");
        }
        let uid = annotations
            .dashboard
            .strip_prefix("/d/")
            .and_then(|path| path.split('?').next());
        assert!(
            uid.is_some_and(|uid| boards.contains(uid)),
            "{alert}: {}",
            annotations.dashboard
        );
    }
    assert_eq!(names.len(), 15);
}

#[test]
fn an_alert_on_what_does_not_exist_is_found() {
    let problems = of_an_alert(
        "sum by (reason) (rate(benchmark_starts_droped_total[1m])) > 0",
        &Known::all(),
    );
    assert!(
        problems[0].contains("benchmark_starts_dropped_total is"),
        "{problems:?}"
    );
    let problems = of_an_alert("benchmark_backlog{reason=\"lag\"} > 0", &Known::all());
    assert!(problems[0].contains("has no label reason"), "{problems:?}");
}
