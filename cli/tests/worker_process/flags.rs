//! What is wrong with a command line is told in one clear line, with code 2, and no secret in it.

use std::net::TcpListener;

use crate::child::{Finished, Worker, command};

fn run(arguments: &str) -> Finished {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    Worker::spawn(command(&arguments)).finish()
}

#[test]
fn each_wrong_flag_is_one_clear_line() {
    for (arguments, says) in [
        ("", "no server is given"),
        ("--address", "--address <HOST:PORT>"),
        ("--address nowhere", "--address nowhere is not allowed"),
        ("--address 127.0.0.1:1 --profile big", "--profile big is not allowed"),
        (
            "--address 127.0.0.1:1 --workflow-slots -1",
            "--workflow-slots -1 is not allowed",
        ),
        (
            "--address 127.0.0.1:1 --activity-slots 0",
            "--activity-slots 0 is not allowed",
        ),
        (
            "--address 127.0.0.1:1 --workflow-pollers auto:9-3",
            "--workflow-pollers auto:9-3",
        ),
        ("--address 127.0.0.1:1 --target-cpu 0.5", "--target-cpu 0.5"),
        (
            "--address 127.0.0.1:1 --workers-per-process 0",
            "--workers-per-process 0 is not allowed",
        ),
        (
            "--address 127.0.0.1:1 --task-queue a,a",
            "--task-queue a,a names a twice",
        ),
        (
            "--address 127.0.0.1:1 --deployment blue",
            "--deployment blue needs --build-id",
        ),
        ("--address 127.0.0.1:1 --stay", "--stay"),
        (
            "--address 127.0.0.1:1 --metrics-listen here",
            "--metrics-listen here is not allowed",
        ),
        ("--join leader", "--join leader is not allowed"),
        (
            "--join 127.0.0.1:1 --fleet-tls-ca /nonexistent",
            "--fleet-tls-ca /nonexistent",
        ),
        (
            "--join 127.0.0.1:1 --expect-plan xyz",
            "--expect-plan xyz is not allowed",
        ),
        ("--address 127.0.0.1:1 --nonsense", "--nonsense"),
    ] {
        let finished = run(arguments);
        assert_eq!(finished.code(), 2, "{arguments}: {finished:?}");
        let first = finished.lines.first().unwrap();
        assert!(first.starts_with("error: "), "{arguments}: {finished:?}");
        assert!(first.contains(says), "{arguments}: {finished:?}");
    }
}

#[test]
fn secrets_are_not_repeated() {
    for arguments in [
        "--join 127.0.0.1:1 --join-timeout 1s --fleet-token hush-hush-hush-hush --metrics-listen off",
        "--join 127.0.0.1:1 --fleet-token --hush-hush",
        "--address 127.0.0.1:1 --api-key hush-hush --connect-timeout 1s --metrics-listen off -vv",
        "--address 127.0.0.1:1 --api-key hush-hush --slots",
    ] {
        let finished = run(arguments);
        assert_eq!(finished.code(), 2, "{finished:?}");
        assert!(!finished.says("hush"), "{finished:?}");
    }
}

#[test]
fn a_port_in_use_is_an_error_before_anything_else() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let finished = run(&format!("--address 127.0.0.1:1 --metrics-listen {address}"));
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(finished.says(&address.to_string()), "{finished:?}");
    assert!(finished.says("in use"), "{finished:?}");
    assert!(!finished.says("waiting for the server"), "{finished:?}");
}

#[test]
fn a_default_port_in_use_is_passed_over() {
    // Whoever has it, this test or another program.
    let _taken = TcpListener::bind("127.0.0.1:9090");
    let finished = run("--address 127.0.0.1:1 --connect-timeout 1s");
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(finished.says("127.0.0.1:9090 is in use"), "{finished:?}");
    assert!(finished.says("metrics at http://127.0.0.1:"), "{finished:?}");
    assert!(finished.says("gave up after --connect-timeout 1s"), "{finished:?}");
}

#[test]
fn a_server_that_does_not_come_is_given_up() {
    let finished = run("--address 127.0.0.1:1 --connect-timeout 1s --metrics-listen off");
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(finished.says("waiting for the server at 127.0.0.1:1"), "{finished:?}");
    assert!(finished.says("gave up after --connect-timeout 1s"), "{finished:?}");
}

#[test]
fn the_environment_stands_in_for_flags() {
    let mut command = command(&["--address", "127.0.0.1:1"]);
    command.env("BENCHMARK_WORKER_PROFILE", "tiny");
    let finished = Worker::spawn(command).finish();
    assert_eq!(finished.code(), 2);
    assert!(
        finished.lines[0].contains("BENCHMARK_WORKER_PROFILE=tiny"),
        "{finished:?}"
    );
}
