//! The boards against Grafana's own types and LogQL's own grammar, by Node.
//!
//! npm installs them from a lock file into the folder for tests' files, once.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use benchmark_dashboards::{files, folder};

const FILES: [&str; 3] = ["package.json", "package-lock.json", "check.mjs"];

/// Where the tools are installed, as the lock file says.
fn tools() -> PathBuf {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grafana");
    let source = folder().join("grafana");
    let same = |file: &&str| fs::read(source.join(file)).unwrap() == fs::read(tools.join(file)).unwrap_or_default();
    // The lock file is written last: it says that what it names is there.
    let lock = tools.join("package-lock.json");
    if !FILES.iter().all(same) {
        let _ = fs::remove_file(&lock);
        fs::create_dir_all(&tools).unwrap();
        for file in FILES {
            fs::copy(source.join(file), tools.join(file)).unwrap();
        }
        let installed = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&tools)
            .output()
            .unwrap_or_else(|error| panic!("npm cannot be run, and the boards are checked with it: {error}"));
        if !installed.status.success() {
            let _ = fs::remove_file(&lock);
            panic!("npm ci failed: {}", String::from_utf8_lossy(&installed.stderr));
        }
    }
    tools
}

/// What Node says of boards.
fn check(boards: &[PathBuf]) -> Result<(), String> {
    let checked = Command::new("node")
        .arg("check.mjs")
        .args(boards)
        .current_dir(tools())
        .output()
        .unwrap_or_else(|error| panic!("node cannot be run, and the boards are checked with it: {error}"));
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&checked.stdout),
        String::from_utf8_lossy(&checked.stderr)
    );
    if checked.status.success() { Ok(()) } else { Err(said) }
}

/// One test: the tools are installed once.
#[test]
fn boards_have_grafanas_types_and_what_has_not_is_found() {
    check(&files()).unwrap();
    let copy = tempfile::tempdir().unwrap();
    for (board, from, to, problem) in [
        (
            "bench.json",
            "\"graphMode\": \"none\"",
            "\"graphMode\": \"nothing\"",
            "options of Phase and verdict",
        ),
        (
            "bench.json",
            "\"mode\": \"dashed\"",
            "\"mode\": \"dotted\"",
            "custom field configuration of Start:",
        ),
        (
            "server.json",
            "\"sort\": \"desc\"",
            "\"sorting\": \"desc\"",
            "options of",
        ),
        ("workers.json", "\"refresh\": 2", "\"refresh\": \"often\"", "the board"),
        ("logs.json", "| json level", "| jsn level", "no LogQL"),
        ("logs.json", "count_over_time(", "count_over_time((", "no LogQL"),
    ] {
        let text = fs::read_to_string(folder().join(board)).unwrap();
        assert!(text.contains(from), "{from}");
        let wrong = copy.path().join(board);
        fs::write(&wrong, text.replacen(from, to, 1)).unwrap();
        let said = check(&[wrong]).expect_err(to);
        assert!(said.contains(problem), "{to}: {said}");
    }
}
