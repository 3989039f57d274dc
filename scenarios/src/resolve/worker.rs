//! What a worker process does: which queues it polls, how its workers are tuned, whom it joins.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::{
    MAX_WORKERS, Setting,
    connection::{self, is_task_queue},
    form::Form,
    join::{self, Joining, ServerAccess},
    reader::Reader,
    tuning,
};
use crate::{
    WorkerProfile, WorkerTuning,
    asked::{Asked, Key},
    problem::Problem,
};

const LEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// A cluster that is set up together with its workers takes a few minutes; the replaced worker gave up after one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(300);
/// Where the replaced fleet's metrics were.
const METRICS_PORT: u16 = 9090;

/// What only a process that joins has a use for.
const JOIN_ONLY: [Key; 7] = [
    Key::ExpectPlan,
    Key::Stay,
    Key::JoinTimeout,
    Key::LeaderTimeout,
    Key::FleetToken,
    Key::FleetTlsCa,
    Key::FleetTlsServerName,
];

/// What a worker process's options come to.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedWorker {
    /// What it does.
    pub options: WorkerProcess,
    /// Each option with its effective value and source.
    pub settings: Vec<Setting>,
    /// Things to know that are no errors.
    pub notes: Vec<String>,
}

/// A process that executes workflows until it is told to stop.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerProcess {
    /// The server. Without [`WorkerProcess::joining`] the address is always there and TLS never the leader's.
    pub access: ServerAccess,
    /// The namespace; the leader's when absent, which it is only with [`WorkerProcess::joining`].
    pub namespace: Option<String>,
    /// The task queues that are polled, each once; when empty the leader's, or the default one.
    pub task_queues: Vec<String>,
    /// SDK workers for each task queue, each with its own connection and thread.
    pub workers_per_process: u32,
    /// How each of them is tuned.
    pub tuning: WorkerTuning,
    /// How long the server and the namespace are waited for.
    pub connect_timeout: Duration,
    /// Who the workers say they are, before their number; host and process when absent.
    pub identity: Option<String>,
    /// The run that is joined; none for a worker on its own.
    pub joining: Option<Joining>,
    /// Whether it goes on after the run's end and joins the next.
    pub stay: bool,
    /// Where its metrics are served, unless they are off.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether that is the default place, in which nobody has a claim to find them.
    pub metrics_by_default: bool,
}

/// Resolves what was asked of a worker process.
///
/// # Errors
/// The first thing that is wrong, in words that name it.
pub fn resolve_worker(asked: &Asked) -> Result<ResolvedWorker, Problem> {
    let mut reader = Reader::new(asked);
    let joining = join::joining(&mut reader, LEADER_TIMEOUT)?;
    let access = join::access(&mut reader, joining.as_ref())?;
    let (namespace, stay) = match &joining {
        Some(_) => (
            connection::given_namespace(&mut reader)?,
            reader.read(Key::Stay, &Form::switch(), || (false, "".into()))?,
        ),
        None => {
            let why = "no run is joined";
            reader.refuse(&JOIN_ONLY, why, |problem| problem.remedy("--join HOST:PORT"))?;
            if access.address.is_none() {
                return Err(Problem::new("no server is given")
                    .explain("a worker polls the server of --address, or of the run that it joins")
                    .remedy("--address HOST:PORT")
                    .remedy("--join HOST:PORT"));
            }
            (Some(connection::namespace(&mut reader)?), false)
        }
    };
    let task_queues = task_queues(&mut reader)?;
    let form = Form::whole(1..=MAX_WORKERS, "workers");
    let workers_per_process = reader.read(Key::WorkersPerProcess, &form, || (1, "".into()))?;
    check_total(&reader, &task_queues, workers_per_process)?;
    let identity = Form::text("a name of 1 to 255 characters", |text| {
        (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
    });
    let connect_timeout = Form::span(Duration::from_millis(1)..=Duration::from_secs(24 * 3600));
    let options = WorkerProcess {
        tuning: tuning::resolve(&mut reader, Key::Profile, WorkerProfile::Default)?,
        connect_timeout: reader.read(Key::ConnectTimeout, &connect_timeout, || (CONNECT_TIMEOUT, "".into()))?,
        identity: reader.read_given(Key::Identity, &identity)?,
        metrics_by_default: reader.given(Key::MetricsListen).is_none(),
        metrics_listen: metrics_listen(&mut reader)?,
        access,
        namespace,
        task_queues,
        workers_per_process,
        joining,
        stay,
    };
    let (settings, notes) = reader.finish();
    Ok(ResolvedWorker {
        options,
        settings,
        notes,
    })
}

fn metrics_listen(reader: &mut Reader) -> Result<Option<SocketAddr>, Problem> {
    let listen = Form::listen();
    let parse = listen.parse;
    let form = Form::new(
        format!("off or {}", listen.allowed),
        move |text: &str| match text.trim() {
            "off" => Some(None),
            text => parse(text).map(Some),
        },
        |listen: &Option<SocketAddr>| listen.map_or_else(|| "off".to_owned(), |address| address.to_string()),
    );
    reader.read(Key::MetricsListen, &form, || {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), METRICS_PORT);
        (Some(address), "".into())
    })
}

fn task_queues(reader: &mut Reader) -> Result<Vec<String>, Problem> {
    let allowed = format!(
        "a name, several with commas between them, or a numbered range such as NAME-{{0..7}}; at most {MAX_WORKERS} in all, \
         each of 1 to 255 characters without blanks"
    );
    let form = Form::new(allowed, parse_task_queues, |queues: &Vec<String>| queues.join(","));
    let queues = reader.read_given(Key::TaskQueue, &form)?.unwrap_or_default();
    let mut seen = BTreeSet::new();
    if let Some(twice) = queues.iter().find(|queue| !seen.insert(queue.as_str())) {
        return Err(
            Problem::new(format!("{} names {twice} twice", reader.quote(Key::TaskQueue)))
                .explain("--workers-per-process N has N workers poll each of them"),
        );
    }
    Ok(queues)
}

fn parse_task_queues(text: &str) -> Option<Vec<String>> {
    let mut queues = Vec::new();
    for part in text.split(',') {
        queues.extend(parse_range(part.trim())?);
        if queues.len() > MAX_WORKERS as usize {
            return None;
        }
    }
    queues.iter().all(|queue| is_task_queue(queue)).then_some(queues)
}

/// `NAME`, or `NAME-{0..7}` with the numbers anywhere in the name.
fn parse_range(text: &str) -> Option<Vec<String>> {
    let Some((before, rest)) = text.split_once('{') else {
        return Some(vec![text.to_owned()]);
    };
    let (range, after) = rest.split_once('}')?;
    let (first, last) = range.split_once("..")?;
    let number = |text: &str| {
        let whole = Form::whole(0..=1_000_000, "queues");
        (whole.parse)(text)
    };
    let (first, last) = (number(first)?, number(last)?);
    let fits = first <= last && last - first < MAX_WORKERS;
    fits.then(|| (first..=last).map(|n| format!("{before}{n}{after}")).collect())
}

fn check_total(reader: &Reader, task_queues: &[String], workers_per_process: u32) -> Result<(), Problem> {
    let queues = u32::try_from(task_queues.len().max(1)).unwrap_or(u32::MAX);
    let total = queues.saturating_mul(workers_per_process);
    if total <= MAX_WORKERS {
        return Ok(());
    }
    Err(Problem::new(format!(
        "{} for each of {queues} task queues makes {total} workers in one process",
        reader.quote(Key::WorkersPerProcess)
    ))
    .explain(format!(
        "at most {MAX_WORKERS} fit: each has a connection and a thread of its own"
    ))
    .remedy(format!("--workers-per-process {}", MAX_WORKERS / queues)))
}
