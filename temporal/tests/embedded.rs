//! The embedded server: had, started, stopped, started again.

// The parts that run in a process of their own print for the test that started them.
#![allow(clippy::print_stdout)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use benchmark_temporal::{
    ConnectOptions, cleanup, connect,
    embedded::{EmbeddedError, EmbeddedOptions, EmbeddedServer, ProvideError, presets, progress, provide},
    namespace, task_queue, testing, visibility,
};
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowType, taskqueue::v1::TaskQueue, workflowservice::v1::StartWorkflowExecutionRequest,
};

/// Whether the process is there. One that has ended and that nobody has asked about yet is not.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

/// Waits until the process is gone.
fn until_gone(pid: u32) {
    let end = Instant::now() + Duration::from_secs(20);
    while runs(pid) {
        assert!(Instant::now() < end, "process {pid} is still there");
        std::thread::yield_now();
    }
}

/// This test program once more, to run one of the ignored tests below in a process of its own.
fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The rest of the first line that holds `key=`. Whoever calls keeps the pipe: a program that cannot print fails.
fn value_of(key: &str, output: impl Read) -> String {
    let key = format!("{key}=");
    let mut lines = BufReader::new(output).lines().map(Result::unwrap);
    let line = lines.find_map(|line| line.split_once(&key).map(|(_, value)| value.to_owned()));
    line.unwrap_or_else(|| panic!("the other process said no {key}"))
}

fn get(url: &str) -> String {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap_or((&url[7..], ""));
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn it_starts_and_stops_and_leaves_nothing() {
    let mut options = EmbeddedOptions::new(testing::binary());
    options.namespace = "mine".to_owned();
    options.ui = true;
    let server = EmbeddedServer::start(&options).await.unwrap();
    let (pid, port) = (server.pid(), server.port());
    assert!(runs(pid));
    assert_eq!(server.log_file(), None);
    let connection = connect(&ConnectOptions::new(server.address(), "mine")).await.unwrap();
    assert_eq!(namespace::ensure(&connection, None).await.unwrap().name, "mine");
    assert!(get(&server.metrics_address()).contains("service_requests"));
    assert!(get(&server.ui_address().unwrap()).starts_with("HTTP/1."));
    server.stop(Duration::from_secs(10));
    assert!(!runs(pid), "the process is still there");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn a_panic_stops_it() {
    let options = EmbeddedOptions::new(testing::binary());
    let (tell, told) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let server = EmbeddedServer::start(&options).await.unwrap();
        tell.send(server.pid()).unwrap();
        panic!("on purpose");
    });
    let pid = told.await.unwrap();
    assert!(task.await.unwrap_err().is_panic());
    assert!(!runs(pid));
}

#[tokio::test]
async fn it_goes_on_where_it_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = EmbeddedOptions::new(testing::binary());
    options.db_file = Some(folder.path().join("state.db"));
    let first = EmbeddedServer::start(&options).await.unwrap();
    options.port = Some(first.port());
    let connect_options = {
        let mut options = ConnectOptions::new(first.address(), testing::unique("kept"));
        options.connect_timeout = Duration::from_secs(5);
        options
    };
    let server = connect(&connect_options).await.unwrap();
    assert!(
        namespace::ensure(&server, Some(Duration::from_secs(86_400)))
            .await
            .unwrap()
            .created
    );
    let pid = first.pid();
    first.crash();
    assert!(!runs(pid));
    assert!(connect(&connect_options).await.is_err());

    let second = EmbeddedServer::start(&options).await.unwrap();
    assert_eq!(second.port(), options.port.unwrap());
    let server = connect(&connect_options).await.unwrap();
    assert!(!namespace::ensure(&server, None).await.unwrap().created);
}

#[tokio::test]
async fn settings_are_applied() {
    let mut options = EmbeddedOptions::new(testing::binary());
    options.dynamic_config = presets::cluster();
    options
        .dynamic_config
        .insert("matching.numTaskqueueReadPartitions".to_owned(), "3".to_owned());
    options
        .dynamic_config
        .insert("matching.numTaskqueueWritePartitions".to_owned(), "3".to_owned());
    let server = EmbeddedServer::start(&options).await.unwrap();
    let connection = connect(&ConnectOptions::new(server.address(), "default"))
        .await
        .unwrap();
    let partitions = task_queue::partitions(&connection, "queue").await.unwrap();
    assert_eq!((partitions.workflow.len(), partitions.activity.len()), (3, 3));
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_its_last_words() {
    let mut options = EmbeddedOptions::new(testing::binary());
    options.db_file = Some("/no/such/folder/state.db".into());
    let begun = Instant::now();
    let error = EmbeddedServer::start(&options).await.err().unwrap();
    assert!(matches!(error, EmbeddedError::Ended { .. }), "{error}");
    assert!(
        error.to_string().contains("unable to open database") || error.to_string().contains("no such"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_binary_that_is_none_is_named() {
    for (path, problem) in [
        ("/no/such/temporal", "no such file"),
        ("/bin/true", "not the Temporal CLI"),
        ("/etc", "cannot be run"),
    ] {
        let error = provide(Some(Path::new(path)), &testing::environment(), progress::silent())
            .await
            .unwrap_err();
        assert!(matches!(error, ProvideError::Explicit { .. }));
        let text = error.to_string();
        assert!(
            text.contains("--server-binary") && text.contains(path) && text.contains(problem),
            "{text}"
        );
    }
    let binary = testing::binary();
    let given = provide(Some(&binary.path), &testing::environment(), progress::silent())
        .await
        .unwrap();
    assert_eq!((given.path, given.how.as_str()), (binary.path, "--server-binary"));
}

#[test]
#[ignore = "a part of `it_dies_with_the_program`, run in a process of its own"]
fn part_start_and_wait() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime
        .block_on(EmbeddedServer::start(&EmbeddedOptions::new(testing::binary())))
        .unwrap();
    println!("pid={}", server.pid());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn it_dies_with_the_program() {
    testing::binary();
    let mut program = again("part_start_and_wait").spawn().unwrap();
    let pid = value_of("pid", program.stdout.as_mut().unwrap()).parse().unwrap();
    assert!(runs(pid));
    program.kill().unwrap();
    program.wait().unwrap();
    until_gone(pid);
}

#[test]
#[ignore = "a part of `it_is_kept`, run in a process of its own"]
#[expect(clippy::disallowed_methods, reason = "the test that starts this one names the file")]
fn part_start_and_keep() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut options = EmbeddedOptions::new(testing::binary());
    options.may_outlive = true;
    options.log_file = Some(std::env::var_os("TEST_LOG").unwrap().into());
    let server = runtime.block_on(EmbeddedServer::start(&options)).unwrap();
    println!("server={} {}", server.pid(), server.address());
    server.keep();
}

#[test]
fn it_is_kept() {
    testing::binary();
    let folder = tempfile::tempdir().unwrap();
    let mut program = again("part_start_and_keep")
        .env("TEST_LOG", folder.path().join("log"))
        .spawn()
        .unwrap();
    let said = value_of("server", program.stdout.as_mut().unwrap());
    assert!(program.wait().unwrap().success());
    let (pid, address) = said.split_once(' ').unwrap();
    let pid: u32 = pid.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let connected = runtime.block_on(connect(&ConnectOptions::new(address, "default")));
    // It must go before anything is asserted, or a failure would leave it behind.
    assert!(Command::new("kill").arg(pid.to_string()).status().unwrap().success());
    until_gone(pid);
    connected.unwrap();
}

#[test]
#[ignore = "a part of `what_was_tried_is_listed`, run in a process of its own"]
fn part_provide() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime
        .block_on(provide(None, &testing::environment(), progress::silent()))
        .unwrap_err();
    println!("error={}", error.to_string().replace('\n', " "));
}

#[test]
fn what_was_tried_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let mut program = again("part_provide")
        .env("XDG_CACHE_HOME", folder.path())
        .env("PATH", folder.path())
        // Nothing listens there, so that the download fails wherever the test runs.
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .spawn()
        .unwrap();
    let text = value_of("error", program.stdout.as_mut().unwrap());
    assert!(program.wait().unwrap().success());
    for part in [
        "tried temporal on PATH: there is none",
        "run-benchmark/temporal-v",
        "there is no such file",
        "tried a download of the Temporal CLI: ",
        "tried go install of the Temporal CLI: there is no go on PATH",
        "--server-binary PATH",
        "--address HOST:PORT",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    let left: Vec<_> = std::fs::read_dir(folder.path().join("run-benchmark"))
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert!(
        left.iter().all(|name| name.to_string_lossy().ends_with(".lock")),
        "{left:?}"
    );
}

#[tokio::test]
async fn clean_up_goes_one_by_one_where_there_is_no_batch() {
    let mut options = EmbeddedOptions::new(testing::binary());
    options
        .dynamic_config
        .insert("frontend.enableBatcher".to_owned(), "false".to_owned());
    let embedded = EmbeddedServer::start(&options).await.unwrap();
    let server = connect(&ConnectOptions::new(embedded.address(), "default"))
        .await
        .unwrap();
    for n in 0..3 {
        let request = StartWorkflowExecutionRequest {
            namespace: "default".to_owned(),
            workflow_id: format!("run/{n}"),
            workflow_type: Some(WorkflowType {
                name: "type".to_owned(),
            }),
            task_queue: Some(TaskQueue {
                name: "nobody-polls-this".to_owned(),
                ..Default::default()
            }),
            request_id: n.to_string(),
            ..Default::default()
        };
        server
            .sdk_connection()
            .workflow_service()
            .start_workflow_execution(tonic::Request::new(request))
            .await
            .unwrap();
    }
    let counted = async { while visibility::count_open(&server, "run").await.unwrap() < 3 {} };
    tokio::time::timeout(Duration::from_secs(30), counted)
        .await
        .expect("the count was not reached");
    let cleaned = cleanup::terminate_open(&server, "run", Duration::from_secs(30), cleanup::KnownOpen::default()).await;
    assert!(
        cleaned.note.as_deref().is_some_and(|note| note.contains("one by one")),
        "{cleaned:?}"
    );
    assert_eq!(cleaned.problem, None);
    assert_eq!((cleaned.open_before, cleaned.open_after), (Some(3), Some(0)));
}
