//! Carries out a row: starts the program, does what the steps say, waits for its end.

use std::{
    path::Path,
    sync::{LazyLock, Mutex},
    time::{Duration, Instant},
};

use benchmark_results::{Results, file};
use benchmark_temporal::embedded::{EmbeddedOptions, EmbeddedServer};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    bench::{Bench, Finished, Going},
    proxy::{Proxy, script::START},
    row::{Do, LOAD, On, Row, Step, When},
    server,
};

/// The server that the rows share. It ends with this process.
static SHARED: LazyLock<EmbeddedServer> = LazyLock::new(|| server::start(&server::options()));

/// The servers of the rows that have their own, until they have ended.
static OWN: Mutex<()> = Mutex::new(());

/// A run that has ended.
pub struct Ran {
    /// The program.
    pub finished: Finished,
    /// What it wrote, where it could be read.
    pub results: Option<Results>,
    /// From the signal until its end.
    pub after_signal: Option<(Signal, Duration)>,
    /// From its beginning until its end.
    pub took: Duration,
    /// What was between it and its server.
    pub proxy: Option<Proxy>,
    /// Where the server is, for who asks it directly; none when it is gone.
    pub server: Option<String>,
    /// The program's folder.
    pub bench: Bench,
    /// A server of its own.
    _own: Option<EmbeddedServer>,
}

impl Ran {
    /// The results of a run that must have some.
    pub fn results(&self) -> &Results {
        self.results
            .as_ref()
            .unwrap_or_else(|| panic!("there are no results: {:?}", self.finished))
    }

    /// What the proxy saw.
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("this row has a proxy")
    }
}

/// Plays a row to its end.
pub fn play(row: &Row) -> Ran {
    let bench = Bench::new();
    let mut own = Own::of(row, &bench);
    let shared = (row.on == On::Shared).then(shared);
    let address = shared.or_else(|| own.server.as_ref().map(EmbeddedServer::address));
    let proxy = address.as_deref().map(Proxy::to);

    let _workers = row
        .without_stamps
        .then(|| worker_elsewhere(address.as_deref().expect("a server"), &queue(row)));
    let line = line(row);
    let command = match &proxy {
        Some(proxy) => bench.against(&proxy.address(), &line),
        None => bench.embedded(&line),
    };
    let begun = Instant::now();
    let mut going = bench.begin(command);
    let mut signalled = None;
    let mut last = Instant::now();
    for Step(when, act) in &row.steps {
        wait(&mut going, when, proxy.as_ref(), last);
        last = Instant::now();
        match act {
            Do::Note => {}
            Do::Play(script) => proxy.as_ref().expect("a proxy").play(script.clone()),
            Do::Strike(strike) => proxy.as_ref().expect("a proxy").strike(*strike),
            Do::Signal(signal) => {
                going.signal(*signal);
                signalled = Some((*signal, last));
            }
            Do::KillServer => own.kill(),
            Do::StartServer => own.start(),
            Do::SignalServer(signal) => {
                let pid = own
                    .server
                    .as_ref()
                    .map_or_else(|| going.child_process(), |server| server.pid().cast_signed());
                kill_process(Pid::from_raw(pid).expect("a process"), *signal).unwrap();
            }
        }
    }
    let finished = going.finish();
    let ended = Instant::now();
    let results = finished.results_file().and_then(|path| read(&path));
    Ran {
        results,
        after_signal: signalled.map(|(signal, at)| (signal, ended - at)),
        took: ended - begun,
        server: match row.on {
            On::Shared => address,
            On::Own => own.server.as_ref().map(EmbeddedServer::address),
            On::Embedded => None,
        },
        proxy,
        finished,
        bench,
        _own: own.server,
    }
}

/// The arguments of a row. Options that are given twice are an error, so that a row's own take the place of the usual ones;
/// each row has a task queue of its own, or its workers would do another's work.
fn line(row: &Row) -> String {
    let mut words: Vec<&str> = LOAD.split_whitespace().collect();
    let own: Vec<&str> = row.arguments.split_whitespace().collect();
    for option in own.iter().filter(|word| word.starts_with("--")) {
        if let Some(at) = words.iter().position(|word| word == option) {
            words.drain(at..at + 2);
        }
    }
    if own.contains(&"--generator-only") {
        let at = words.iter().position(|word| *word == "--workers").expect("in the load");
        words.drain(at..at + 2);
    }
    format!("{} {} --task-queue {}", words.join(" "), row.arguments, queue(row))
}

fn queue(row: &Row) -> String {
    row.name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

/// A worker that joins nobody, and its folder. It ends when it is let go.
pub fn worker_elsewhere(address: &str, queue: &str) -> (Bench, Going) {
    let program = assert_cmd::cargo::cargo_bin!("benchmark-worker");
    let bench = Bench::new();
    let line = format!("--address {address} --task-queue {queue} --metrics-listen 127.0.0.1:0 --profile small");
    let going = bench.begin(bench.program(program, &line.split_whitespace().collect::<Vec<_>>()));
    (bench, going)
}

fn wait(going: &mut Going, when: &When, proxy: Option<&Proxy>, last: Instant) {
    let what = format!("{when:?}");
    going.until(&what, |going| {
        let holds = match when {
            When::Now => true,
            When::Answered(starts) => proxy.expect("a proxy").tally(START).answered >= *starts,
            When::Past(time) => last.elapsed() >= *time,
            When::In(phase) => going.said().contains(&format!("\n{phase} ")),
            When::Written => going.results_so_far().is_some(),
        };
        holds.then_some(())
    });
}

/// Where the server that the rows share is.
pub fn shared() -> String {
    SHARED.address()
}

fn read(path: &Path) -> Option<Results> {
    file::read(path).ok()
}

/// A server of a row's own.
struct Own {
    options: EmbeddedOptions,
    server: Option<EmbeddedServer>,
}

impl Own {
    fn of(row: &Row, bench: &Bench) -> Self {
        let mut own = Own {
            options: server::options(),
            server: None,
        };
        if row.on == On::Own {
            // Beside the program's folder, where what it leaves behind is looked for.
            own.options.db_file = Some(bench.path("../server.db"));
            own.start();
        }
        own
    }

    fn start(&mut self) {
        // One at a time: starting is what costs most.
        let _alone = OWN.lock();
        let server = server::start(&self.options);
        self.options.port = Some(server.port());
        self.server = Some(server);
    }

    fn kill(&mut self) {
        self.server.take().expect("a server of its own").crash();
    }
}
