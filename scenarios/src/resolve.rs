//! Resolution of options, from what was asked for to what will run: every default filled in, every rule checked.
//!
//! One pass in reading order. Each value is read, checked against its own limits and noted together with its source;
//! then the rules that bind several values are checked. The first thing that is wrong ends it, with one line that names
//! the option, the value and what is allowed.

mod connection;
mod figures;
mod fleet;
mod join;
mod load;
pub(crate) mod reader;
mod thresholds;
mod tuning;
mod validate;
mod worker;
mod workload;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::Serialize;

use crate::{
    FleetSize, Observation, Plan, Target, Workers,
    asked::{Asked, Source},
    options::{Key, Program, opt},
    problem::Problem,
};
pub use figures::{FigureSources, PrometheusSource, RemoteWriteTarget, resolve_grafana, resolve_prometheus};
pub use fleet::{FleetOptions, FleetTls};
pub use join::{
    AtHand, GeneratorJoin, Joining, JoiningTls, Reached, ResolvedJoin, ServerAccess, TlsSaid, resolve_join,
};
use reader::Reader;
pub use worker::{ResolvedWorker, WorkerProcess, resolve_worker};

/// Where the options are resolved: what defaults follow from besides other options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostDefaults {
    /// Cores that this process may use: affinity and the control group's quota considered; at least 1.
    pub cores: u32,
    /// The task queue that the workloads' workers poll unless another one is asked for.
    pub task_queue: String,
}

/// What the options come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// What will run.
    pub plan: Plan,
    /// How others join it; no part of the plan, since it changes nothing that is measured.
    pub fleet: FleetOptions,
    /// Where this process's metrics are served, when they are; no part of the plan either.
    pub metrics_listen: Option<SocketAddr>,
    /// How long a last scrape of them is waited for, when that was asked for.
    pub metrics_grace: Option<Duration>,
    /// Where the server's figures are read from.
    pub figures: FigureSources,
    /// Where this process's page is written, when it is.
    pub remote_write: Option<RemoteWriteTarget>,
    /// File with what is known of the cluster, for the result.
    pub cluster_facts: Option<PathBuf>,
    /// The Grafana to whose board the result links, without a slash at its end.
    pub grafana: Option<String>,
    /// Each option that the plan follows from, in reading order, with its effective value and source. Options of other
    /// workloads and other targets are left out.
    pub settings: Vec<Setting>,
    /// Things to know that are no errors, such as environment variables that do not apply.
    pub notes: Vec<String>,
}

impl Resolved {
    /// The setting of an option, when the plan follows from it.
    pub fn setting(&self, key: Key) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.key == key)
    }
}

/// The effective value of one option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The option.
    pub key: Key,
    /// Its value, as it could be typed.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}

/// Resolves what was asked for into a plan.
///
/// # Errors
/// The first thing that is wrong, in words that name it.
pub fn resolve(asked: &Asked, facts: &HostDefaults) -> Result<Resolved, Problem> {
    let cores = facts.cores.max(1);
    let mut reader = Reader::new(Program::Run, asked);
    let workload = workload::resolve(&mut reader)?;
    let load = load::resolve(&mut reader)?;
    let target = connection::target(&mut reader)?;
    let starter = connection::starter(&mut reader, &load, &target, cores)?;
    let (fleet, fleet_options) = fleet::resolve(&mut reader, &target)?;
    let plan = Plan {
        namespace: reader.read(opt::Namespace)?,
        workers: workers(&mut reader, &target, &fleet, cores)?,
        observation: observation(&mut reader)?,
        thresholds: thresholds::resolve(&mut reader, &load, &workload)?,
        iterations: reader.read(opt::Iterations)?,
        cleanup: reader.read_or(opt::Cleanup, || (true, "".into()))?,
        task_queue: reader.read_or(opt::TaskQueue, || {
            (
                facts.task_queue.clone(),
                "where workers of a fleet look for work".into(),
            )
        })?,
        fleet,
        target,
        workload,
        load,
        starter,
    };
    let metrics_listen = reader.read_given(opt::MetricsListen)?;
    let metrics_grace = if metrics_listen.is_some() {
        reader.read_given(opt::MetricsGrace)?
    } else {
        let why = "nothing is scraped without --metrics-listen";
        reader.refuse([Key::MetricsGrace], why, |problem| {
            problem.remedy("--metrics-listen IP:PORT")
        })?;
        None
    };
    let remote_write = figures::remote_write(&mut reader)?;
    let figures = figures::resolve(&mut reader)?;
    let cluster_facts = reader.read_given(opt::ClusterFacts)?.map(PathBuf::from);
    let grafana = figures::grafana(&mut reader)?;
    load::note_ends(&mut reader, &plan);
    let (settings, notes) = reader.finish();
    Ok(Resolved {
        plan,
        fleet: fleet_options,
        metrics_listen,
        metrics_grace,
        figures,
        remote_write,
        cluster_facts,
        grafana,
        settings,
        notes,
    })
}

fn workers(reader: &mut Reader, target: &Target, fleet: &FleetSize, cores: u32) -> Result<Workers, Problem> {
    let count = reader.read_or(opt::Workers, || match target {
        _ if fleet.expect_workers > 0 => (0, "workers are expected to join".into()),
        Target::Embedded(_) => (cores.min(4), "the cores, at most 4".into()),
        Target::Cluster(_) => (0, "with an address, the workers are elsewhere".into()),
    })?;
    if count == 0 && fleet.expect_workers == 0 && matches!(target, Target::Embedded(_)) {
        reader.note("no workers and an embedded server: nothing completes unless a worker elsewhere connects to it");
    }
    if count == 0 {
        let why = "no workers run in this process";
        tuning::refuse(reader, why, "--workers N")?;
        return Ok(Workers { count, tuning: None });
    }
    let tuning = tuning::resolve(reader, opt::WorkerProfile)?;
    Ok(Workers {
        count,
        tuning: Some(tuning),
    })
}

fn observation(reader: &mut Reader) -> Result<Observation, Problem> {
    Ok(Observation {
        sample_ratio: reader.read(opt::Sample)?,
        sample_cap: reader.read(opt::SampleCap)?,
    })
}

#[cfg(test)]
mod tests;
