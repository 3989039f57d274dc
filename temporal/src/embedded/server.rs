//! A running dev server.

use std::{
    collections::BTreeMap,
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
    embedded::{
        binary::ServerBinary,
        log::Log,
        ports::{self, Listener},
        process::Process,
    },
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
    /// Where its log goes; when absent, a file in the temporary folder that is gone with the server.
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
    /// How long it may take to end when it is asked to.
    grace: Duration,
}

impl EmbeddedServer {
    /// Starts the server and returns once its namespace answers.
    ///
    /// # Errors
    /// With the end of its log when it does not start, or does not answer in time. Nothing is left running.
    pub fn start(options: &EmbeddedOptions) -> BoxFuture<'static, Result<EmbeddedServer, EmbeddedError>> {
        let options = options.clone();
        async move {
            let mut starts = 0;
            loop {
                starts += 1;
                match launch(&options).await {
                    Err(EmbeddedError::Ended { port_taken: true, .. }) if starts < STARTS => {
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

    /// Where its log is, if it has a name: one that ends with this program has none unless it was given.
    pub fn log_file(&self) -> Option<&Path> {
        self.log.path()
    }

    /// How it ended, if it has ended by itself.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// Stops it: asks first, and makes it after this long, 10 s at most. Blocks until it is gone.
    pub fn stop(mut self, grace: Duration) {
        self.grace = grace.min(STOP_GRACE);
        drop(self);
    }

    /// Kills it without asking, as a crash would. For tests of what happens to a run whose server goes away.
    pub fn crash(self) {
        self.process.kill();
    }

    /// Lets it run on when this program ends. It must have been started with
    /// [`may_outlive`](EmbeddedOptions::may_outlive); else it is only not stopped here, and dies with the program.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        if self.kept {
            self.log.keep();
        } else {
            self.process.stop(self.grace);
        }
    }
}

async fn launch(options: &EmbeddedOptions) -> Result<EmbeddedServer, EmbeddedError> {
    if let Some(seal) = &options.binary.seal {
        seal.holds().map_err(|source| EmbeddedError::Spawn {
            path: options.binary.path.clone(),
            source,
        })?;
    }
    let [free_port, ui_port, metrics_port] = ports::free().map_err(EmbeddedError::Ports)?;
    let port = options.port.unwrap_or(free_port);
    let ui_port = options.ui.then_some(ui_port);
    let temporary = &options.binary.environment.temporary;
    let log = match &options.log_file {
        Some(path) => Log::at(path),
        None => Log::temporary(temporary, options.may_outlive),
    };
    let opened = log.and_then(|log| Ok((log.writer()?, log)));
    let (writer, log) = opened.map_err(|source| EmbeddedError::Log {
        path: options.log_file.as_ref().unwrap_or(temporary).clone(),
        source,
    })?;
    let arguments = arguments(options, port, ui_port, metrics_port);
    let process = Process::start(&options.binary, &arguments, writer, options.may_outlive).map_err(|source| {
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
        grace: STOP_GRACE,
    };
    match until_it_answers(&server, &options.namespace).await {
        Ok(()) => Ok(server),
        Err(mut error) => {
            // A log that a message points to stays.
            if let EmbeddedError::Silent { log_file, .. } = &mut error {
                *log_file = server.log.keep().map(Path::to_owned);
            }
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
                port_taken: is_port_conflict(&server.log.text()),
                log: server.log.tail(),
            });
        }
        // Another run may have taken the port first, and answers as well as ours would.
        let problem = match ports::listener(server.port, server.process.pid()) {
            Listener::Nobody => "nothing listens on its port".to_owned(),
            Listener::Another => "another process listens on its port".to_owned(),
            Listener::Ours | Listener::Unknown => match connect(&options).await {
                Ok(connection) => match namespace::ensure(&connection, None).await {
                    Ok(_) if server.ended().is_none() => return Ok(()),
                    Ok(_) => continue,
                    Err(error) => error.to_string(),
                },
                Err(error) => error.to_string(),
            },
        };
        if Instant::now() >= end {
            return Err(EmbeddedError::Silent {
                limit: START_LIMIT,
                problem,
                log_file: None,
                log: server.log.tail(),
            });
        }
        sleep(POLL).await;
    }
}

/// Whether a log says that a port was taken, at its check of the ports or between that and their use. Then the server panics
/// some steps later, of something else, so that all of the log counts and not its last words alone.
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
        /// Whether somebody else had taken a port of its.
        port_taken: bool,
        /// The end of its log.
        log: String,
    },
    /// It runs and does not answer. It was stopped.
    #[error("the embedded server did not answer within {limit:?} ({problem}); {}its last words:\n{}", place(log_file.as_deref()), indent(log))]
    Silent {
        /// How long was waited.
        limit: Duration,
        /// The last failure.
        problem: String,
        /// The whole log, where it could be kept.
        log_file: Option<PathBuf>,
        /// The end of its log.
        log: String,
    },
}

fn place(log_file: Option<&Path>) -> String {
    log_file.map_or_else(String::new, |path| format!("its log is {}; ", path.display()))
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
    fn a_port_that_is_taken_is_known_by_the_servers_words() {
        assert!(is_port_conflict(
            "panic: failed assigning ephemeral port: address already in use"
        ));
        assert!(is_port_conflict(
            "level=ERROR msg=\"Failed to start gRPC listener\" error=\"listen tcp 127.0.0.1:58255: bind: address already in use\"\n\
             panic: runtime error: invalid memory address or nil pointer dereference"
        ));
        assert!(!is_port_conflict("unable to open database"));
    }
}
