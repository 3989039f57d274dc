//! The command line of `benchmark-worker`.
//!
//! `clap` takes it apart and prints the help; what the texts mean is resolved in `benchmark-scenarios`, in the same words
//! as for `run-benchmark`.

mod convert;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser, error::ErrorKind};

pub use convert::{Converted, Surroundings};

pub use crate::command_line::HiddenText;
use crate::{
    command_line::{HELP_WIDTH, Manual, lenient, missing_value},
    logging::LogArgs,
};

const EXAMPLES: &str = "\
Examples:
  benchmark-worker --address 127.0.0.1:7233
      A plain worker: executes the benchmark's workflows, whoever starts them
  benchmark-worker --join 10.0.0.5:7400
      Joins a run; server, namespace and task queue are those of the leader
  benchmark-worker --address temporal.internal:7233 --task-queue load-{0..7} --profile small
      Eight task queues, one small worker for each

Exit codes: 0 ended in order and everything was delivered; 2 usage, environment, or the leader was lost; 130, 131
and 143 ended at once, by a second signal or SIGQUIT.";

/// Executes the workflows of a benchmark until it is told to stop. SIGTERM drains: no new tasks, what is held is finished,
/// what was seen is delivered. A second signal ends at once.
#[derive(Parser, Clone, Debug)]
#[command(name = "benchmark-worker", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
#[command(
    subcommand_help_heading = "Other commands",
    disable_help_subcommand = true,
    next_line_help = true
)]
pub struct Cli {
    /// Something else than to work.
    #[command(subcommand)]
    pub command: Option<Manual>,
    /// The Temporal server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// How the workers are tuned.
    #[command(flatten)]
    pub tuning: TuningArgs,
    /// The run that is joined.
    #[command(flatten)]
    pub joining: JoiningArgs,
    /// The process.
    #[command(flatten)]
    pub process: ProcessArgs,
}

/// The Temporal server and what is polled there.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// Frontend of the cluster; `leader` for the run's own whatever the environment says [default: with --join the run's]
    #[arg(long, value_name = "HOST:PORT")]
    pub address: Option<String>,
    /// Namespace; it is waited for, and not created [default: with --join the run's, otherwise benchmark]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Task queue; several with commas between them, or a numbered range as NAME-{0..7} [default: with --join the run's,
    /// otherwise benchmark-task-queue]
    #[arg(long, value_name = "NAME")]
    pub task_queue: Option<String>,
    /// TLS; --tls=false turns it off [default: on with any --tls-… option, an API key or https://; with --join as the
    /// run's]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub tls: Option<String>,
    /// PEM file with the authority that signed the server's certificate [default: the system's authorities]
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<String>,
    /// PEM file with the client's certificate, for mTLS [default: none]
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// PEM file with the client's key, for mTLS [default: none]
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Name that the server's certificate must carry [default: the address's host]
    #[arg(long, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// API key; other users of this machine can see it in the process list, so better TEMPORAL_API_KEY or
    /// --api-key-file [default: none]
    #[arg(long, value_name = "KEY", conflicts_with = "api_key_file")]
    pub api_key: Option<HiddenText>,
    /// File with the API key [default: none]
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// How long server and namespace are waited for, 1ms to 24h [default: 5m]
    #[arg(long, value_name = "TIME")]
    pub connect_timeout: Option<String>,
}

/// How the workers are tuned.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Tuning")]
pub struct TuningArgs {
    /// Where the values come from that are not given one by one: default (200 slots, 32 pollers), small (20 slots, 8 to
    /// 20 pollers) or autoscale (200 slots, 8 to 100 pollers) [default: default]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// SDK workers for each task queue, each with its own connection and thread [default: 1]
    #[arg(long, value_name = "N")]
    pub workers_per_process: Option<String>,
    /// fixed, or resource: as many as --target-cpu and --target-memory leave room for [default: fixed]
    #[arg(long, value_name = "KIND")]
    pub slots: Option<String>,
    /// Workflow tasks that one worker executes at the same time [default: the profile's]
    #[arg(long, value_name = "N")]
    pub workflow_slots: Option<String>,
    /// Activities that one worker executes at the same time [default: the profile's]
    #[arg(long, value_name = "N")]
    pub activity_slots: Option<String>,
    /// Local activities that one worker executes at the same time [default: the profile's]
    #[arg(long, value_name = "N")]
    pub local_activity_slots: Option<String>,
    /// Share of the machine's CPU up to which slots are given out [default: 90%]
    #[arg(long, value_name = "SHARE")]
    pub target_cpu: Option<String>,
    /// Share of the machine's memory up to which slots are given out [default: 80%]
    #[arg(long, value_name = "SHARE")]
    pub target_memory: Option<String>,
    /// Polls for workflow tasks of one worker: a number (a fifth of it polls the task queue, the rest the worker's own
    /// sticky queue), auto (which is auto:8-100), auto:MIN-MAX or auto:MIN-MAX:INITIAL [default: the profile's]
    #[arg(long, value_name = "POLLERS")]
    pub workflow_pollers: Option<String>,
    /// Polls for activities of one worker, in the same way [default: the profile's]
    #[arg(long, value_name = "POLLERS")]
    pub activity_pollers: Option<String>,
    /// Workflows that one worker keeps in memory; with 0 every task replays [default: the profile's]
    #[arg(long, value_name = "N")]
    pub cache_size: Option<String>,
    /// How long a task may wait for the worker that has its workflow in memory, 100ms to 1h [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub sticky_timeout: Option<String>,
    /// Activities taken with the answer to a workflow task, where the server hands them out so: on or off [default: on]
    #[arg(long, value_name = "on|off")]
    pub eager_activities: Option<String>,
    /// Activities a second of one worker, at the most; turns eager activities off [default: no limit]
    #[arg(long, value_name = "PER_SECOND")]
    pub activities_per_second: Option<String>,
    /// Worker deployment, with --build-id: the workers are versioned, and get tasks once this version is the
    /// deployment's current one [default: none]
    #[arg(long, value_name = "NAME")]
    pub deployment: Option<String>,
    /// Build that the workers are, with --deployment [default: none]
    #[arg(long, value_name = "NAME")]
    pub build_id: Option<String>,
    /// How long activities may go on after the workers are told to stop, up to 1h [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub graceful_shutdown: Option<String>,
}

/// The run that is joined.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Joining a run")]
pub struct JoiningArgs {
    /// Leading generator that is joined: its --fleet-listen [default: none]
    #[arg(long, value_name = "HOST:PORT")]
    pub join: Option<String>,
    /// Refuse any other plan: the first 6 or more digits of its hash, as `run-benchmark plan` prints it [default: any]
    #[arg(long, value_name = "HASH")]
    pub expect_plan: Option<String>,
    /// Go on after the run and join the next
    #[arg(long)]
    pub stay: bool,
    /// How long joining may take, 1s to 24h [default: 5m]
    #[arg(long, value_name = "TIME")]
    pub join_timeout: Option<String>,
    /// How long the leader may be out of reach before the process drains and ends, 1s to 24h [default: 1m]
    #[arg(long, value_name = "TIME")]
    pub leader_timeout: Option<String>,
    /// Secret that the leader wants to see; other users of this machine can see it in the process list, so better
    /// BENCHMARK_FLEET_TOKEN or --fleet-token-file [default: none]
    #[arg(long, value_name = "TEXT", conflicts_with = "fleet_token_file")]
    pub fleet_token: Option<HiddenText>,
    /// File with that secret [default: none]
    #[arg(long, value_name = "FILE")]
    pub fleet_token_file: Option<PathBuf>,
    /// PEM file with the authority that signed the leader's certificate; turns TLS on [default: the system's authorities]
    #[arg(long, value_name = "FILE")]
    pub fleet_tls_ca: Option<String>,
    /// Name that the leader's certificate must carry; turns TLS on [default: the address's host]
    #[arg(long, value_name = "NAME")]
    pub fleet_tls_server_name: Option<String>,
}

/// The process.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Process")]
pub struct ProcessArgs {
    /// Who the workers say they are, before their number [default: PID@HOST]
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Serve /metrics, /healthz and /readyz there; port 0 takes a free one and says which, `off` serves nothing
    /// [default: 127.0.0.1:9090]
    #[arg(long, value_name = "IP:PORT")]
    pub metrics_listen: Option<String>,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Takes the command line apart.
///
/// # Errors
/// When it makes no sense, and when help or version is asked for: `clap::Error::exit_code` tells 2 from 0.
pub fn parse<I, T>(argv: I) -> Result<Cli, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let argv: Vec<OsString> = argv.into_iter().map(Into::into).collect();
    let mut command = command();
    require_values(&mut command, &argv)?;
    let matches = command.try_get_matches_from_mut(argv)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The command line's definition, for help, completions and manual pages.
pub fn command() -> clap::Command {
    lenient(Cli::command().term_width(HELP_WIDTH))
}

fn require_values(command: &mut clap::Command, argv: &[OsString]) -> Result<(), clap::Error> {
    match missing_value(command, argv) {
        None => Ok(()),
        // What follows might be a secret that begins with dashes, so it is not repeated.
        Some((option, _)) => {
            let line = format!("{} needs a value", option.to_string_lossy());
            Err(command.error(ErrorKind::InvalidValue, line))
        }
    }
}
