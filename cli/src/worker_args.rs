//! The command line of `benchmark-worker`.
//!
//! `clap` takes it apart and prints the help; what the texts mean is resolved in `benchmark-scenarios`, in the same words
//! as for `run-benchmark`.

use std::{ffi::OsString, path::PathBuf};

use benchmark_fleet::{ClientTls, RemoteLeader, Token};
use benchmark_scenarios::{Asked, Joining, JoiningTls, Key, Problem, ResolvedWorker, resolve_worker};
use benchmark_temporal::{environment::Profile, small_file};
use benchmark_worker::{
    AskedPollers,
    process::{JoinOptions, Request},
};
use clap::{CommandFactory, FromArgMatches, Parser};

use crate::{
    command_line::{HELP_WIDTH, Manual, lenient, require_values},
    flags::{Flags, OfWorker},
    given,
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
    /// What it does.
    #[command(flatten)]
    pub flags: Flags<OfWorker>,
    /// What is logged.
    #[command(flatten, next_help_heading = "Process")]
    pub log: LogArgs,
}

/// What surrounds a command line.
pub struct Surroundings<'a> {
    /// Reads an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Temporal's own client configuration, and the file that it is in.
    pub profile: Option<(Profile, PathBuf)>,
    /// The task queue when nobody names one.
    pub task_queue: &'a str,
    /// This machine's name.
    pub hostname: String,
}

/// What the command line comes to.
#[derive(Debug)]
pub struct Converted {
    /// What the process is to do.
    pub request: Request,
    /// Things to know that are no errors.
    pub notes: Vec<String>,
}

impl Cli {
    /// Puts flags, environment and Temporal's configuration together: flag > environment > file > default.
    ///
    /// # Errors
    /// The first thing that is wrong, in words that name it.
    pub fn convert(&self, surroundings: Surroundings) -> Result<Converted, Problem> {
        let profile = surroundings.profile.as_ref();
        let given = given::Surroundings {
            variable: surroundings.variable,
            profile: profile.map(|(profile, path)| (profile, path.clone())),
        };
        let gathered = self.flags.gather(Asked::new(), &given)?;
        let ResolvedWorker { options, mut notes, .. } = resolve_worker(&gathered.asked)?;
        notes.extend(gathered.notes);
        let token = gathered.secrets.fleet_token;
        let joining = options.joining.as_ref();
        let join = joining.map(|joining| join(joining, token, options.stay)).transpose()?;
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
                profile: surroundings.profile.map(|(profile, _)| profile),
                default_task_queue: surroundings.task_queue.to_owned(),
                name: format!("{}@{}", std::process::id(), surroundings.hostname),
            },
            notes,
        })
    }
}

fn join(joining: &Joining, token: Option<Token>, stay: bool) -> Result<JoinOptions, Problem> {
    Ok(JoinOptions {
        leader: RemoteLeader {
            address: joining.leader.clone(),
            token,
            tls: joining.tls.as_ref().map(tls).transpose()?,
        },
        expect_plan: joining.expect_plan.clone(),
        join_timeout: joining.join_timeout,
        leader_timeout: joining.leader_timeout,
        stay,
    })
}

fn tls(tls: &JoiningTls) -> Result<ClientTls, Problem> {
    let read = |path: &PathBuf| {
        small_file::read(path)
            .map_err(|error| Problem::new(format!("--fleet-tls-ca {} cannot be read: {error}", path.display())))
    };
    Ok(ClientTls {
        ca: tls.ca.as_ref().map(read).transpose()?,
        server_name: tls.server_name.clone(),
    })
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
