//! Where the program writes: stdout that cannot be written, files that are there already, names that a stranger's file has.

use std::{
    fs,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use assert_cmd::cargo::CommandCargoExt as _;
use benchmark_results::file;

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../results/tests/files/v1")
        .join(name)
}

fn run_benchmark(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("run-benchmark").unwrap();
    command
        .env_clear()
        .env("HOME", folder.join("home"))
        .current_dir(folder)
        .args(arguments);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with two runs.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(stored("short.json"), folder.path().join("a.json")).unwrap();
    fs::copy(stored("fleet.json"), folder.path().join("b.json")).unwrap();
    folder
}

#[test]
fn what_cannot_be_printed_is_an_error_and_a_closed_pipe_is_none() {
    let folder = place();
    let mut again = file::read(&stored("short.json")).unwrap();
    again.run.id += "-2";
    again.run.started_at = "2026-11-24T00:00:00Z".to_owned();
    fs::write(folder.path().join("c.json"), file::to_json(&again).unwrap()).unwrap();
    for arguments in [
        &["show", "a.json"][..],
        &["export", "a.json", "--format", "csv"],
        &["export", "a.json", "--format", "csv", "--output", "-"],
        &["compare", "a.json", "c.json", "--format", "json"],
        &["report", "a.json", "--output", "-"],
        &["history", "."],
        &["plan"],
        &["plan", "--json"],
        &["--help"],
        &["--version"],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = run_benchmark(folder.path(), arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(
            said(&output).contains("stdout cannot be written: No space left"),
            "{arguments:?}: {}",
            said(&output)
        );

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = run_benchmark(folder.path(), arguments).stdout(writer).output().unwrap();
        assert!(!said(&output).contains("stdout"), "{arguments:?}: {}", said(&output));
        let seen = run_benchmark(folder.path(), arguments)
            .stdout(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), seen.status.code(), "{arguments:?}");
    }
}

#[test]
fn a_run_that_is_called_as_a_path_is_refused() {
    let folder = place();
    let mut results = file::read(&stored("short.json")).unwrap();
    for id in ["../outside", "/srv/www", "a/../../b"] {
        results.run.id = id.to_owned();
        fs::create_dir_all(folder.path().join("theirs")).unwrap();
        fs::write(
            folder.path().join("theirs/results.json"),
            file::to_json(&results).unwrap(),
        )
        .unwrap();
        let output = run_benchmark(
            folder.path(),
            &["report", "theirs", "a.json", "--svg", "out/plots", "--output", "-"],
        )
        .output()
        .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(
            said(&output).contains("run.id is no name of a run"),
            "{}",
            said(&output)
        );
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn reports_and_exports_overwrite_no_results() {
    let folder = place();
    let before = fs::read(folder.path().join("b.json")).unwrap();
    fs::write(folder.path().join("notes.md"), "# Notes\n").unwrap();
    for arguments in [
        &["report", "a.json", "--output", "b.json"][..],
        &["report", "a.json", "--output", "notes.md"],
        &["report", "a.json", "--format", "markdown", "--output", "notes.md"],
        &["report", "a.json", "--format", "markdown", "--output", "b.json"],
        &["export", "a.json", "--format", "csv", "--output", "b.json"],
    ] {
        let output = run_benchmark(folder.path(), arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            said(&output).contains("is there already and is not overwritten"),
            "{}",
            said(&output)
        );
    }
    assert_eq!(fs::read(folder.path().join("b.json")).unwrap(), before);
    assert_eq!(fs::read_to_string(folder.path().join("notes.md")).unwrap(), "# Notes\n");
}

#[test]
fn a_hyphen_and_devices_are_no_files() {
    let folder = place();
    let plots = run_benchmark(folder.path(), &["report", "a.json", "--svg", "-"])
        .output()
        .unwrap();
    assert_eq!(plots.status.code(), Some(2));
    assert!(said(&plots).contains("--svg DIR"), "{}", said(&plots));
    let output = run_benchmark(folder.path(), &["--output", "-", "--rate", "10", "--duration", "10s"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--json"), "{}", said(&output));
    for arguments in [
        &["report", "a.json", "--output", "/dev/null"][..],
        &["export", "a.json", "--format", "csv", "--output", "/dev/null"],
    ] {
        let output = run_benchmark(folder.path(), arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["a.json", "b.json"]);
}

#[test]
fn too_few_open_files_are_told_before_the_load() {
    let folder = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin("run-benchmark");
    let mut command = Command::new("sh");
    command.current_dir(folder.path()).args([
        "-c",
        "ulimit -n 64 && exec \"$0\" --rate 10 --duration 10s --connections 200",
    ]);
    let output = command.arg(program).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("this system permits 64") && said(&output).contains("ulimit -n "),
        "{}",
        said(&output)
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
