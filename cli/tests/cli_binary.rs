//! The program itself: exit codes, what goes where, and that a refused command line leaves nothing behind.

use assert_cmd::Command;

/// The program in an empty folder and an empty environment.
fn run_benchmark(folder: &tempfile::TempDir) -> Command {
    let mut command = Command::cargo_bin("run-benchmark").unwrap();
    command
        .env_clear()
        .current_dir(folder.path())
        .env("HOME", folder.path());
    command
}

/// Runs it with bad input and returns what it said.
fn refused(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = run_benchmark(&folder)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed on stdout");
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        0,
        "{arguments:?} left something behind"
    );
    assert!(said.starts_with("error: "), "{said}");
    said
}

#[test]
fn bad_input_ends_at_once_with_one_clear_line() {
    let cases: [(&[&str], &str); 9] = [
        (
            &["--rate", "0"],
            "error: --rate 0 is not allowed: give a rate from 0.1 to 50000 starts a second",
        ),
        (
            &["--rate", "-5"],
            "error: --rate -5 is not allowed: give a rate from 0.1 to 50000",
        ),
        (&["--rate=NaN"], "error: --rate NaN is not allowed"),
        (&["--rate", "1e12"], "error: --rate 1e12 is not allowed"),
        (
            &["--duration", "-1s"],
            "error: --duration -1s is not allowed: give a duration from 1s to 24h",
        ),
        (
            &["--duration", "10s", "--ramp-up", "20s"],
            "error: --duration 10s is shorter than --ramp-up 20s",
        ),
        (
            &["--workflow-type", "complex"],
            "error: --workflow-type complex is not allowed: give one of simple, multi-",
        ),
        (
            &["--failure-ratio", "-inf"],
            "error: --failure-ratio -inf is not allowed: give a share",
        ),
        (&["plan", "--rate", "0"], "error: --rate 0 is not allowed"),
    ];
    for (arguments, expected) in cases {
        let said = refused(arguments, &[]);
        assert!(said.starts_with(expected), "{said}");
    }
    let said = refused(&[], &[("BENCHMARK_DURATION", "soon")]);
    assert!(
        said.starts_with("error: BENCHMARK_DURATION=soon is not allowed"),
        "{said}"
    );
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    assert!(
        refused(&["--rat", "5"], &[]).contains("--rate"),
        "it should say what was meant"
    );
    refused(&["--workers", "2", "--generator-only"], &[]);
}

#[test]
fn help_and_version_go_to_stdout() {
    let folder = tempfile::tempdir().unwrap();
    for (flag, expected) in [
        ("--help", "Thresholds:"),
        ("-h", "Load:"),
        ("--version", "run-benchmark "),
    ] {
        let output = run_benchmark(&folder).arg(flag).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8(output.stdout).unwrap().contains(expected), "{flag}");
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn plan_prints_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = run_benchmark(&folder)
        .args(["plan", "--rate", "400"])
        .env("BENCHMARK_DURATION", "10m")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text.contains("flag --rate") && text.contains("environment BENCHMARK_DURATION"),
        "{text}"
    );
    let output = run_benchmark(&folder).args(["plan", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["plan"]["load"]["rate"], 100.0);
    assert_eq!(json["plan"]["taskQueue"], "benchmark-task-queue");
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        0,
        "plan left something behind"
    );
}

#[test]
fn facts_of_a_cluster_that_cannot_be_read_end_before_the_load() {
    let said = refused(&["--cluster-facts", "missing.json"], &[]);
    assert!(
        said.starts_with("error: --cluster-facts missing.json cannot be read: "),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("facts.json");
    std::fs::write(&file, r#"{"replicas": {"history": 16}}"#).unwrap();
    let said = refused(&["--cluster-facts", file.to_str().unwrap()], &[]);
    assert!(said.contains("replicas is neither a text nor a number"), "{said}");
}

#[test]
fn the_program_writes_its_completions_and_its_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let written = |arguments: &[&str]| {
        let output = run_benchmark(&folder).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for (shell, words) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef run-benchmark"),
        ("fish", "complete -c run-benchmark"),
    ] {
        let text = written(&["completions", shell]);
        assert!(
            text.contains(words) && text.contains("cluster-facts"),
            "{shell}: {text}"
        );
    }
    assert!(written(&["man"]).contains(".TH run-benchmark 1"));
    assert_eq!(written(&["man", "manual/man1"]), "");
    for (page, words) in [("run-benchmark.1", "rate"), ("run-benchmark-compare.1", "margin")] {
        let text = std::fs::read_to_string(folder.path().join("manual/man1").join(page)).unwrap();
        assert!(text.contains(words), "{page}: {text}");
    }
    assert!(!folder.path().join("manual/man1/run-benchmark-null-frontend.1").exists());
    std::fs::write(folder.path().join("file"), "").unwrap();
    let said = run_benchmark(&folder).args(["man", "file"]).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&said.stderr).starts_with("error: file cannot be written: "),
        "{said:?}"
    );
    let said = refused(&["completions", "tcsh"], &[]);
    assert!(said.contains("bash, elvish, fish, powershell, zsh"), "{said}");
}
