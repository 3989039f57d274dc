//! Preparation of a command, what it needs before it touches anything: a plan, secrets, places on disk, threads.

use std::{env, path::PathBuf, thread, time::Duration};

use benchmark_analysis::compare::noise::NoiseKey;
use benchmark_generator::{
    machine::ceiling,
    run::lifecycle::RunRequest,
    view::{page::Page, watcher::Watcher},
};
use benchmark_scenarios::{Context, HostDefaults, Problem, Resolved};
use benchmark_temporal::{ProcessEnvironment, environment::Profile};

use crate::{
    args::{self, OutputArgs, RunArgs},
    given::{OwnSurroundings, Secrets},
};

/// A run before anything was touched.
pub struct Prepared {
    /// The plan, and where its values come from.
    pub resolved: Resolved,
    /// What is written and printed.
    pub output: OutputArgs,
    /// What must not be shown.
    pub secrets: Secrets,
    /// Temporal's own client configuration.
    pub profile: Option<Profile>,
    /// What a run takes from the environment besides its plan.
    pub environment: ProcessEnvironment,
}

impl Prepared {
    /// A run of a plan whose results go to a file, and which is watched so; the rest is as it was asked for.
    pub fn request(
        &self,
        resolved: Resolved,
        output: Option<PathBuf>,
        watcher: Box<dyn Watcher>,
        page: &Page,
    ) -> RunRequest {
        RunRequest {
            resolved,
            output,
            watcher,
            standing: None,
            fleet_token: self.secrets.fleet_token.clone(),
            api_key: self.secrets.api_key.clone(),
            profile: self.profile.clone(),
            environment: self.environment.clone(),
            command: args::redacted_command(env::args_os()),
            calibration: calibration(),
            page: page.clone(),
        }
    }
}

/// Flags, environment, Temporal's client configuration and the host come to a plan.
pub fn prepare(options: &RunArgs) -> Result<Prepared, Problem> {
    prepare_with(options, &[])
}

/// The same with options of a variant, `key=value` each, before all others.
pub fn prepare_with(options: &RunArgs, variant: &[String]) -> Result<Prepared, Problem> {
    let own = OwnSurroundings::read()?;
    let gathered = options.convert_variant(variant, &own.of_command_line())?;
    let facts = HostDefaults {
        cores: thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        task_queue: benchmark_workflows::TASK_QUEUE.to_owned(),
    };
    let mut resolved = benchmark_scenarios::resolve(&gathered.asked, &facts)?;
    resolved.notes.extend(own.notes);
    resolved.notes.extend(gathered.notes);
    Ok(Prepared {
        resolved,
        output: options.output.clone(),
        secrets: gathered.secrets,
        profile: own.profile,
        environment: own.environment,
    })
}

/// Where this host's calibration is kept.
pub fn calibration() -> Option<PathBuf> {
    ceiling::file(env::var_os("XDG_DATA_HOME").as_deref(), env::var_os("HOME").as_deref())
}

/// Where noise profiles are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoiseFolder(pub Option<PathBuf>);

impl NoiseFolder {
    /// The file of the profile that fits a run; `None` when no folder is known.
    pub fn file(&self, key: &NoiseKey) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join(format!("{key}.json")))
    }
}

/// The folder of this host.
pub fn noise_folder() -> NoiseFolder {
    NoiseFolder(calibration().and_then(|file| Some(file.parent()?.join("noise"))))
}

/// Opens this process's page, which is served when that was asked for.
pub async fn open_page(resolved: &Resolved) -> Result<Page, Problem> {
    let page = Page::open(resolved.metrics_listen).await;
    page.map_err(Problem::from)
}

/// How long what goes on beside a command may take to end after it. A look-up of a name that nobody answers does not end,
/// and everything that matters is done by then.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// Carries a command out on threads for the control plane, long polls and workers' activities; starts have threads of their
/// own.
pub fn block_on<T>(command: impl Future<Output = T>) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("control")
        .enable_all()
        .build()
        .context("no threads can be had")?;
    let done = runtime.block_on(command);
    runtime.shutdown_timeout(AFTERWARDS);
    Ok(done)
}
