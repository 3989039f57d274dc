//! A running dev server.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use tokio::time::{Instant, sleep};

use crate::{
    connection::connect,
    embedded::{binary::ServerBinary, ports, process::Process},
    namespace,
    options::ConnectOptions,
};

/// How long the server may take until its namespace answers: half a second is usual, a loaded machine takes longer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to stop before it is made to.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Starts with other ports after somebody was faster in taking one. The server takes further ports for itself in
/// the same way, so that a conflict is not ours alone to avoid.
const STARTS: u32 = 4;

const LOG_LINES: usize = 12;
const POLL: Duration = Duration::from_millis(25);

/// How a dev server is run.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// The Temporal CLI.
    pub binary: ServerBinary,
    /// Made at the start, besides `default`.
    pub namespace: String,
    /// Dynamic configuration: key to JSON value. See [`crate::embedded::presets`].
    pub dynamic_config: BTreeMap<String, String>,
    /// Whether the Web UI is served too.
    pub ui: bool,
    /// Where its log goes; a file of its own in the temporary folder, gone with the server, when absent.
    pub log_file: Option<PathBuf>,
    /// Whether it may outlive this program: it is then not tied to it, and still stopped unless it is
    /// [kept](EmbeddedServer::keep).
    pub may_outlive: bool,
    /// The frontend's port; a free one when absent.
    pub port: Option<u16>,
    /// The SQLite file that holds its state; in memory when absent. With it and `port` a server that was killed can be
    /// started again where it was.
    pub db_file: Option<PathBuf>,
}

impl EmbeddedOptions {
    /// A server without Web UI, in memory, on free ports, with the settings as they come.
    pub fn new(binary: ServerBinary) -> Self {
        EmbeddedOptions {
            binary,
            namespace: "default".to_owned(),
            dynamic_config: BTreeMap::new(),
            ui: false,
            log_file: None,
            may_outlive: false,
            port: None,
            db_file: None,
        }
    }
}

/// A dev server that runs. Dropping it stops it, also while a panic unwinds.
pub struct EmbeddedServer {
    process: Process,
    port: u16,
    ui_port: Option<u16>,
    metrics_port: u16,
    log: Log,
    kept: bool,
}

impl EmbeddedServer {
    /// Starts the server and returns once its namespace answers.
    ///
    /// # Errors
    /// With the end of its log when it does not start, or does not answer in time. Nothing is left running.
    pub fn start(options: &EmbeddedOptions) -> BoxFuture<'static, Result<EmbeddedServer, EmbeddedError>> {
        let options = options.clone();
        async move {
            check_config(&options.dynamic_config)?;
            let mut starts = 0;
            loop {
                starts += 1;
                match launch(&options).await {
                    Err(EmbeddedError::Ended { log, .. }) if starts < STARTS && is_port_conflict(&log) => {
                        tracing::debug!(starts, "the dev server found a port taken; starting it again");
                    }
                    outcome => return outcome,
                }
            }
        }
        .boxed()
    }

    /// `host:port` of the frontend.
    pub fn address(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// The frontend's port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// URL of the Web UI, where it is served.
    pub fn ui_address(&self) -> Option<String> {
        self.ui_port
            .map(|port| format!("http://{}:{port}", Ipv4Addr::LOCALHOST))
    }

    /// URL of the server's own Prometheus metrics.
    pub fn metrics_address(&self) -> String {
        format!("http://{}:{}/metrics", Ipv4Addr::LOCALHOST, self.metrics_port)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where its log is.
    pub fn log_file(&self) -> &Path {
        &self.log.path
    }

    /// How it ended, if it has ended by itself.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// Stops it: asks first, and makes it after 10 s. Blocks until it is gone.
    pub fn stop(self) {
        drop(self);
    }

    /// Kills it without asking, as a crash would. For tests of what happens to a run whose server goes away.
    pub fn crash(self) {
        self.process.kill();
    }

    /// Lets it run on when this program ends. It must have been started with
    /// [`may_outlive`](EmbeddedOptions::may_outlive); else it is only not stopped here, and dies with the program.
    pub fn keep(mut self) {
        self.process.hold_to_the_end();
        self.kept = true;
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        if self.kept {
            self.log.temporary = false;
        } else {
            self.process.stop(STOP_GRACE);
        }
    }
}

/// The server's log, removed with it unless the user named it.
struct Log {
    path: PathBuf,
    temporary: bool,
}

impl Log {
    fn tail(&self) -> String {
        let text = fs::read(&self.path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        last_words(&text)
    }
}

/// The end of a log; where the server panicked, from the line that says why, since the stack is longer than the end.
fn last_words(log: &str) -> String {
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let panicked = lines
        .iter()
        .position(|line| line.starts_with("panic: ") || line.starts_with("fatal error: "));
    let begin = panicked.unwrap_or(lines.len().saturating_sub(LOG_LINES));
    lines[begin..]
        .iter()
        .take(LOG_LINES)
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_file(&self.path);
        }
    }
}

async fn launch(options: &EmbeddedOptions) -> Result<EmbeddedServer, EmbeddedError> {
    let [free_port, ui_port, metrics_port] = ports::free().map_err(EmbeddedError::Ports)?;
    let port = options.port.unwrap_or(free_port);
    let ui_port = options.ui.then_some(ui_port);
    let log = match &options.log_file {
        Some(path) => Log {
            path: path.clone(),
            temporary: false,
        },
        None => {
            let name = format!("run-benchmark-server-{}-{port}.log", std::process::id());
            Log {
                path: std::env::temp_dir().join(name),
                temporary: true,
            }
        }
    };
    let file = File::options().create(true).append(true).open(&log.path);
    let file = file.map_err(|source| EmbeddedError::Log {
        path: log.path.clone(),
        source,
    })?;
    let arguments = arguments(options, port, ui_port, metrics_port);
    let process = Process::start(&options.binary.path, &arguments, file, options.may_outlive).map_err(|source| {
        EmbeddedError::Spawn {
            path: options.binary.path.clone(),
            source,
        }
    })?;
    let mut server = EmbeddedServer {
        process,
        port,
        ui_port,
        metrics_port,
        log,
        kept: false,
    };
    match until_it_answers(&server, &options.namespace).await {
        Ok(()) => Ok(server),
        Err(error) => {
            // A log that a message points to stays.
            server.log.temporary &= matches!(error, EmbeddedError::Ended { .. });
            Err(error)
        }
    }
}

fn arguments(options: &EmbeddedOptions, port: u16, ui_port: Option<u16>, metrics_port: u16) -> Vec<String> {
    let mut arguments: Vec<String> = ["server", "start-dev", "--ip", "127.0.0.1", "--log-level", "error"]
        .map(str::to_owned)
        .into();
    let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    add("--port", port.to_string());
    add("--metrics-port", metrics_port.to_string());
    add("--namespace", options.namespace.clone());
    if let Some(port) = ui_port {
        add("--ui-port", port.to_string());
    }
    if let Some(file) = &options.db_file {
        add("--db-filename", file.to_string_lossy().into_owned());
    }
    for (key, value) in &options.dynamic_config {
        add("--dynamic-config-value", format!("{key}={value}"));
    }
    if ui_port.is_none() {
        arguments.push("--headless".to_owned());
    }
    arguments
}

async fn until_it_answers(server: &EmbeddedServer, namespace: &str) -> Result<(), EmbeddedError> {
    let end = Instant::now() + START_LIMIT;
    let mut options = ConnectOptions::new(server.address(), namespace);
    options.connect_timeout = Duration::from_secs(2);
    loop {
        if let Some(status) = server.ended() {
            return Err(EmbeddedError::Ended {
                status,
                log: server.log.tail(),
            });
        }
        // A port that accepts costs little to ask for; the rest is only tried when there is one.
        let listens = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, server.port))
            .await
            .is_ok();
        let problem = match listens {
            false => "nothing listens on its port".to_owned(),
            true => match connect(&options).await {
                Ok(connection) => match namespace::ensure(&connection, false).await {
                    Ok(_) => return Ok(()),
                    Err(error) => error.to_string(),
                },
                Err(error) => error.to_string(),
            },
        };
        if Instant::now() >= end {
            return Err(EmbeddedError::Silent {
                limit: START_LIMIT,
                problem,
                log_file: server.log.path.clone(),
                log: server.log.tail(),
            });
        }
        sleep(POLL).await;
    }
}

/// Checks what the server would refuse with a message that names no flag.
fn check_config(config: &BTreeMap<String, String>) -> Result<(), EmbeddedError> {
    for (key, value) in config {
        let problem = if key.is_empty() || key.contains(['=', ' ']) {
            "the key is none".to_owned()
        } else if let Err(error) = serde_json::from_str::<serde_json::Value>(value) {
            format!("the value is not JSON: {error}; text needs quotes: '\"text\"'")
        } else {
            continue;
        };
        return Err(EmbeddedError::Config {
            key: key.clone(),
            value: value.clone(),
            problem,
        });
    }
    Ok(())
}

fn is_port_conflict(log: &str) -> bool {
    [
        "address already in use",
        "can't set frontend port",
        "can't set metrics port",
        "can't set UI port",
        "failed assigning ephemeral port",
    ]
    .iter()
    .any(|sign| log.contains(sign))
}

/// A dev server that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A setting that cannot be one.
    #[error("--server-config {key}={value}: {problem}")]
    Config {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
        /// What is wrong.
        problem: String,
    },
    /// No free port.
    #[error("no free port for the embedded server: {0}")]
    Ports(#[source] io::Error),
    /// Its log cannot be written.
    #[error("the embedded server's log {} cannot be written: {source}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be run.
    #[error("the embedded server {} cannot be started: {source}", path.display())]
    Spawn {
        /// The binary.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It ended by itself.
    #[error(
        "the embedded server ended at its start ({status}); its last words:\n{}",
        indent(log)
    )]
    Ended {
        /// How.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// It runs and does not answer. It was stopped.
    #[error("the embedded server did not answer within {limit:?} ({problem}); its log is {}; its last words:\n{}", log_file.display(), indent(log))]
    Silent {
        /// How long was waited.
        limit: Duration,
        /// The last failure.
        problem: String,
        /// The whole log.
        log_file: PathBuf,
        /// The end of its log.
        log: String,
    },
}

fn indent(log: &str) -> String {
    match log.is_empty() {
        true => "  (it said nothing)".to_owned(),
        false => log
            .lines()
            .map(|line| format!("  {line}"))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_panic_is_kept_though_its_stack_is_long() {
        let stack: String = (0..60)
            .map(|frame| format!("main.f{frame}()\n\t/f.go:{frame}\n"))
            .collect();
        let log = format!("a warning\npanic: failed assigning ephemeral port: address already in use\n\n{stack}");
        let words = last_words(&log);
        assert!(words.starts_with("panic: failed assigning ephemeral port"), "{words}");
        assert_eq!(words.lines().count(), LOG_LINES);
        assert!(is_port_conflict(&words));
    }

    #[test]
    fn otherwise_the_end_of_the_log_is_what_counts() {
        let log: String = (0..40).map(|line| format!("line {line}\n\n")).collect();
        let words = last_words(&log);
        assert!(words.starts_with("line 28\n") && words.ends_with("line 39"), "{words}");
        assert_eq!(last_words(""), "");
    }
}
