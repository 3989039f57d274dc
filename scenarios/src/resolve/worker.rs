//! A worker process: which queues it polls, how its workers are tuned, whom it joins.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use super::{
    Setting,
    join::{self, Joining, ServerAccess},
    reader::Reader,
    tuning,
};
use crate::{
    WorkerTuning,
    asked::Asked,
    form::Form,
    options::{Group, Key, MAX_WORKERS, Program, opt},
    problem::Problem,
};

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
    let mut reader = Reader::new(Program::Worker, asked);
    let joining = join::joining(&mut reader)?;
    let access = join::access(&mut reader, joining.as_ref())?;
    let (namespace, stay) = match &joining {
        Some(_) => (
            reader.read_given(opt::Namespace)?,
            reader.read_or(opt::Stay, || (false, "".into()))?,
        ),
        None => {
            let why = "no run is joined";
            let joining = Group::Joining.options().chain([Key::FleetToken]);
            reader.refuse(joining, why, |problem| problem.remedy("--join HOST:PORT"))?;
            if access.address.is_none() {
                return Err(Problem::new("no server is given")
                    .explain("a worker polls the server of --address, or of the run that it joins")
                    .remedy("--address HOST:PORT")
                    .remedy("--join HOST:PORT"));
            }
            let benchmark = || ("benchmark".to_owned(), "where workers of a fleet look for work".into());
            (Some(reader.read_or(opt::Namespace, benchmark)?), false)
        }
    };
    let task_queues = task_queues(&mut reader)?;
    let workers_per_process = reader.read(opt::WorkersPerProcess)?;
    check_total(&reader, &task_queues, workers_per_process)?;
    let options = WorkerProcess {
        tuning: tuning::resolve(&mut reader, opt::Profile)?,
        connect_timeout: reader.read_as(Key::ConnectTimeout, &Form::connect_timeout_of_workers())?,
        identity: reader.read_given(opt::Identity)?,
        metrics_by_default: reader.given(Key::MetricsListen).is_none(),
        metrics_listen: reader.read_as(Key::MetricsListen, &Form::listen().or_word("off"))?,
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

fn task_queues(reader: &mut Reader) -> Result<Vec<String>, Problem> {
    let form = Form::task_queues(MAX_WORKERS);
    let queues = reader.read_given_as(Key::TaskQueue, &form)?.unwrap_or_default();
    let mut seen = BTreeSet::new();
    if let Some(twice) = queues.iter().find(|queue| !seen.insert(queue.as_str())) {
        return Err(
            Problem::new(format!("{} names {twice} twice", reader.quote(Key::TaskQueue)))
                .explain("--workers-per-process N has N workers poll each of them"),
        );
    }
    Ok(queues)
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
