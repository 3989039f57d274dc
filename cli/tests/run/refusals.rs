//! What ends before any load: with exit code 2, one line that says what to do, and nothing left behind.

use std::{
    fs,
    net::TcpListener,
    time::{Duration, Instant},
};

use crate::{
    bench::{Bench, Finished},
    server::{self, counts},
};

/// The line that says what is wrong, where it is the only one.
pub fn refused(finished: &Finished) -> &str {
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    let lines: Vec<&str> = finished
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    let [line] = lines.as_slice() else {
        panic!("one line says what is wrong: {finished:?}");
    };
    line
}

/// A program that leaves a trace if it is ever run.
pub fn tripwire(bench: &Bench) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = bench.path("tripwire");
    fs::write(&path, "#!/bin/sh\n: > \"$0.run\"\necho temporal version 0\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn results_are_never_overwritten() {
    let bench = Bench::new();
    let server = tripwire(&bench);
    fs::write(bench.path("old.json"), "precious").unwrap();
    let mut command = bench.command(&["--output", "old.json"]);
    command.arg("--server-binary").arg(server);
    let finished = bench.run(command);
    let line = refused(&finished);
    assert!(line.contains("--output old.json exists already"), "{line}");
    assert_eq!(fs::read_to_string(bench.path("old.json")).unwrap(), "precious");
    assert_eq!(
        bench.left_behind().len(),
        2,
        "no server was started: {:?}",
        bench.left_behind()
    );
}

#[test]
fn a_path_that_cannot_be_written_is_found_out_before_anything_is_started() {
    let bench = Bench::new();
    let server = tripwire(&bench);
    fs::write(bench.path("file"), "").unwrap();
    for output in ["file/results.json", "/proc/results.json"] {
        let mut command = bench.command(&["--output", output]);
        command.arg("--server-binary").arg(&server);
        let finished = bench.run(command);
        let line = refused(&finished);
        assert!(line.contains(&format!("--output {output} cannot be written")), "{line}");
    }
    assert_eq!(
        bench.left_behind().len(),
        2,
        "no server was started: {:?}",
        bench.left_behind()
    );
}

#[test]
fn a_dead_or_silent_address_fails_in_time_with_a_hint() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [closed, silent.local_addr().unwrap().to_string()] {
        let bench = Bench::new();
        let begun = Instant::now();
        let finished = bench.run(bench.against(&address, "--connect-timeout 2s"));
        // The rest is for starting a process on a busy machine.
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        let line = refused(&finished);
        assert!(line.contains(&address), "{line}");
        assert!(finished.stderr.lines().count() > 1, "what to do about it: {finished:?}");
        assert_eq!(bench.left_behind(), Vec::<String>::new());
    }
}

#[test]
fn a_server_binary_that_is_none_is_named() {
    let bench = Bench::new();
    let finished = bench.run(bench.command(&["--server-binary", "/no/such/temporal"]));
    let line = refused(&finished);
    assert!(line.contains("--server-binary /no/such/temporal"), "{line}");
    assert_eq!(bench.left_behind(), Vec::<String>::new());
}

#[test]
fn a_tls_file_that_is_missing_is_named_before_the_server_is_asked() {
    let bench = Bench::new();
    let server = server::start(&server::options());
    let finished = bench.run(bench.against(&server.address(), "--tls-ca missing.pem"));
    let line = refused(&finished);
    assert!(line.contains("missing.pem"), "{line}");
    assert_eq!(bench.left_behind(), Vec::<String>::new());
    assert_eq!(counts(&server.address(), "WorkflowId STARTS_WITH ''").len(), 0);
}
