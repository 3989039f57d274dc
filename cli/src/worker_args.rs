//! The command line of `benchmark-worker`.
//!
//! `clap` takes it apart and prints the help; what the texts mean is resolved in `benchmark-scenarios`, in the same words
//! as for `run-benchmark`.

use std::ffi::OsString;

use benchmark_command_line::Manual;
use benchmark_scenarios::{Asked, Joining, Key, Problem, ResolvedWorker, resolve_worker};
use benchmark_worker::{
    AskedPollers,
    process::{JoinOptions, Request},
    remote_leader,
};
use clap::Parser;

use crate::{
    flags::{Flags, OfWorker},
    given::Surroundings,
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
pub struct WorkerCli {
    /// Something else than to work.
    #[command(subcommand)]
    pub command: Option<Manual>,
    /// What it does.
    #[command(flatten)]
    pub flags: Flags<OfWorker>,
    /// What is logged.
    #[command(flatten, next_help_heading = "Process")]
    pub log: LogArgs,
}

/// What the command line comes to.
#[derive(Debug)]
pub struct Converted {
    /// What the process is to do.
    pub request: Request,
    /// Things to know that are no errors.
    pub notes: Vec<String>,
}

impl WorkerCli {
    /// Puts flags, environment and Temporal's configuration together: flag > environment > file > default. The task queue is
    /// for when nobody names one, and `hostname` is this machine's.
    ///
    /// # Errors
    /// The first thing that is wrong, in words that name it.
    pub fn convert(
        &self,
        surroundings: &Surroundings,
        default_task_queue: &str,
        hostname: &str,
    ) -> Result<Converted, Problem> {
        let gathered = self.flags.gather(Asked::new(), surroundings)?;
        let ResolvedWorker { options, mut notes, .. } = resolve_worker(&gathered.asked)?;
        notes.extend(gathered.notes);
        let token = gathered.secrets.fleet_token;
        let join = |joining: &Joining| {
            Ok::<_, Problem>(JoinOptions {
                leader: remote_leader(joining, token)?,
                expect_plan: joining.expect_plan.clone(),
                join_timeout: joining.join_timeout,
                leader_timeout: joining.leader_timeout,
                stay: options.stay,
            })
        };
        let join = options.joining.as_ref().map(join).transpose()?;
        let is_asked = |key| gathered.asked.get(key).is_some();
        Ok(Converted {
            request: Request {
                asked: AskedPollers {
                    workflow: is_asked(Key::WorkflowPollers),
                    activity: is_asked(Key::ActivityPollers),
                },
                worker: options,
                join,
                api_key: gathered.secrets.api_key,
                profile: surroundings.profile.as_ref().map(|(profile, _)| (*profile).clone()),
                default_task_queue: default_task_queue.to_owned(),
                name: format!("{}@{hostname}", std::process::id()),
            },
            notes,
        })
    }
}

/// Takes the command line apart.
///
/// # Errors
/// As [`benchmark_command_line::parse`].
pub fn parse(argv: impl IntoIterator<Item = impl Into<OsString>>) -> Result<WorkerCli, clap::Error> {
    benchmark_command_line::parse(argv, |_, _| Ok(()))
}

/// The command line's definition, for help, completions and manual pages.
pub fn command() -> clap::Command {
    benchmark_command_line::definition::<WorkerCli>()
}
