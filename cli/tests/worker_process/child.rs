//! One process and what it says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here should take.
pub const LIMIT: Duration = Duration::from_secs(90);

/// A worker process; killed when the test is done with it.
pub struct Worker {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

/// How a process ended and what it had said.
#[derive(Debug)]
pub struct Finished {
    status: ExitStatus,
    pub lines: Vec<String>,
}

/// A command without the environment of whoever runs the tests.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_benchmark-worker"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let foreign = name
            .to_str()
            .is_some_and(|name| name.starts_with("BENCHMARK_") || name.starts_with("TEMPORAL_"));
        if foreign {
            command.env_remove(name);
        }
    }
    command.env("TEMPORAL_CONFIG_FILE", "/nonexistent/temporal.toml");
    command
}

impl Worker {
    /// Starts a worker with its metrics page on a free port.
    pub fn start(arguments: &[&str]) -> Worker {
        let mut command = command(arguments);
        command.args(["--metrics-listen", "127.0.0.1:0"]);
        Worker::spawn(command)
    }

    /// Starts a command.
    pub fn spawn(mut command: Command) -> Worker {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = lines.clone();
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        Worker {
            child,
            lines,
            reader: Some(reader),
        }
    }

    /// Waits until it says something that contains this, and returns the line.
    pub fn until_says(&mut self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let ended = self.child.try_wait().unwrap();
            let found = self
                .lines
                .lock()
                .unwrap()
                .iter()
                .find(|line| line.contains(text))
                .cloned();
            if let Some(line) = found {
                return line;
            }
            let lines = self.lines.lock().unwrap().join("\n");
            assert!(ended.is_none(), "it ended without saying {text:?}:\n{lines}");
            assert!(begun.elapsed() < LIMIT, "it did not say {text:?}:\n{lines}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            let lines = self.lines.lock().unwrap().join("\n");
            assert!(begun.elapsed() < LIMIT, "it does not end:\n{lines}");
            thread::sleep(Duration::from_millis(10));
        };
        self.reader.take().unwrap().join().unwrap();
        Finished {
            status,
            lines: self.lines.lock().unwrap().clone(),
        }
    }

    /// Where its metrics page is.
    pub fn page(&mut self) -> String {
        let line = self.until_says("metrics at http://");
        let rest = line.split_once("http://").unwrap().1;
        rest.split_once('/').unwrap().0.to_owned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// The exit code.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("killed: {self:?}"))
    }

    /// Whether a line contains this.
    pub fn says(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }
}

/// Waits until the condition holds.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < LIMIT, "in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Asks a page; status code and body.
pub fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    (code, body)
}
