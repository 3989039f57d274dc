//! The command line.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use benchmark_command_line::Manual;
use benchmark_scenarios::units;
use clap::{Args, Parser, Subcommand, ValueEnum, builder::Styles};

/// `benchmark-cluster`.
#[derive(Debug, Parser)]
#[command(name = "benchmark-cluster", version, about, styles = Styles::plain(), subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// For all commands.
    #[command(flatten)]
    pub common: Common,
}

/// Options of all commands.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Folder of the environment's Terraform, whose output `facts` is read [env: BENCHMARK_TERRAFORM; default: terraform]
    #[arg(long, global = true, value_name = "DIR")]
    pub terraform: Option<PathBuf>,
    /// The facts in a file: terraform output -json facts > FILE [env: BENCHMARK_FACTS]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "terraform")]
    pub facts: Option<PathBuf>,
    /// Print the calls that would change something, and make none of them
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// One JSON object a line in place of sentences
    #[arg(long, global = true)]
    pub json: bool,
    /// Yes to every question
    #[arg(long, short, global = true)]
    pub yes: bool,
}

/// Where the facts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// The output of Terraform in this folder.
    Terraform(PathBuf),
}

impl Common {
    /// Where the facts come from: what is typed goes before variables, and a file before a folder.
    pub fn origin(&self, variable: impl Fn(&str) -> Option<OsString>) -> Origin {
        let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        match (&self.facts, &self.terraform) {
            (Some(file), _) => Origin::File(file.clone()),
            (None, Some(folder)) => Origin::Terraform(folder.clone()),
            (None, None) => match set("BENCHMARK_FACTS") {
                Some(file) => Origin::File(file),
                None => Origin::Terraform(set("BENCHMARK_TERRAFORM").unwrap_or_else(|| "terraform".into())),
            },
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Is everything there that the other commands need?
    Doctor(DoctorArgs),
    /// Make schema, index and database role, once
    Setup(SetupArgs),
    /// Bring the services up, in order, and wait until all are steady
    Up(UpArgs),
    /// Bring them down, end the workers and their instances, and say what still costs
    Down(DownArgs),
    /// What is there: instances, services, the run in progress, dollars an hour
    Status(StatusArgs),
    /// Set the number of workers, and when they end
    Workers(WorkersArgs),
    /// Run the benchmark once: capacity, load, result on this disk, nothing left running
    Run(RunArgs),
    /// Attach to the run in progress
    Follow(FollowArgs),
    /// End the run in progress in order
    Stop(StopArgs),
    /// Results in the bucket
    #[command(subcommand)]
    Results(ResultsCommand),
    /// Down, clear the membership of servers that are gone, up
    Recover(DownArgs),
    /// Forward a port of this machine to a service
    Connect(ConnectArgs),
    /// A shell, or a command, in a task of a service
    Exec(ExecArgs),
    /// Completions, the manual page.
    #[command(flatten)]
    Manual(Manual),
    /// Beside the generator, in its task
    #[command(hide = true)]
    Attend(AttendArgs),
    /// The server's configuration from the environment, then the server
    #[command(hide = true)]
    Temporal,
    /// Exit code 0 when something answers within 2 s
    #[command(hide = true)]
    Probe {
        /// http://HOST:PORT/PATH or tcp://HOST:PORT
        url: String,
    },
    /// What needs a login to the database
    #[command(hide = true, subcommand)]
    Database(DatabaseCommand),
}

/// `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Is there room for this preset?
    #[arg(long, value_name = "N")]
    pub preset: Option<u32>,
}

/// `setup`.
#[derive(Args, Debug)]
pub struct SetupArgs {
    /// Drop what is there and make it anew; asks for the cluster's name
    #[arg(long)]
    pub overwrite: bool,
}

/// `up`.
#[derive(Args, Debug)]
pub struct UpArgs {
    /// Counts for so many workflow starts a second: 50, 100, 200, 400; without it those of Terraform
    #[arg(long, value_name = "N")]
    pub preset: Option<u32>,
    /// Only these: loki, history, matching, frontend, worker, ui, grafana
    #[arg(long, value_name = "SERVICE,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// How long one service may take
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = units::parse)]
    pub timeout: Duration,
}

/// `down` and `recover`.
#[derive(Args, Debug)]
pub struct DownArgs {
    /// How long one service may take
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = units::parse)]
    pub timeout: Duration,
}

/// `status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Again every 5 s, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}

/// `workers`.
#[derive(Args, Debug)]
pub struct WorkersArgs {
    /// How many; 0 ends them
    pub count: u32,
    /// When they end by themselves
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = units::parse)]
    pub ttl: Duration,
    /// How long they may take
    #[arg(long, value_name = "TIME", default_value = "20m", value_parser = units::parse)]
    pub timeout: Duration,
}

/// `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Workers; without it those that are there
    #[arg(long, value_name = "N")]
    pub workers: Option<u32>,
    /// Generators: one leads, the others join it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub generators: u32,
    /// When all of it ends whatever happens
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = units::parse)]
    pub ttl: Duration,
    /// Files that the arguments name, such as a scenario; in the task they lie in /runs/inputs
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub input: Vec<PathBuf>,
    /// Leave the workers as they are at the end
    #[arg(long)]
    pub keep_workers: bool,
    /// Return as soon as the run goes on
    #[arg(long)]
    pub detach: bool,
    /// Folder in which runs/RUN-ID is put
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub to: PathBuf,
    /// Arguments of run-benchmark
    #[arg(last = true, required = true, value_name = "ARGUMENT")]
    pub arguments: Vec<String>,
}

/// `follow`.
#[derive(Args, Debug)]
pub struct FollowArgs {
    /// Folder in which runs/RUN-ID is put
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub to: PathBuf,
    /// Leave the workers as they are at the end
    #[arg(long)]
    pub keep_workers: bool,
}

/// `stop`.
#[derive(Args, Debug)]
pub struct StopArgs {
    /// How long it may take to end
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = units::parse)]
    pub timeout: Duration,
}

/// `results`.
#[derive(Debug, Subcommand)]
pub enum ResultsCommand {
    /// Runs in the bucket, newest first
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Bring a run's folder to this disk
    Get {
        /// The run; without it the newest
        run: Option<String>,
        /// Folder in which runs/RUN-ID is put
        #[arg(long, value_name = "DIR", default_value = ".")]
        to: PathBuf,
    },
}

/// What `connect` reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// Temporal's UI
    Ui,
    /// Grafana
    Grafana,
    /// Loki
    Loki,
    /// Temporal's frontend
    Frontend,
}

/// `connect`.
#[derive(Args, Debug)]
pub struct ConnectArgs {
    /// The service
    pub target: Target,
    /// Port of this machine; without it the service's own
    #[arg(long)]
    pub port: Option<u16>,
}

/// `exec`.
#[derive(Args, Debug)]
pub struct ExecArgs {
    /// The service
    pub service: String,
    /// The command; without it a shell
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// `attend`. Its variables are the container's, which Terraform sets.
#[derive(Args, Debug)]
pub struct AttendArgs {
    /// Exit code 0 when the attendant is ready for the load
    #[arg(long)]
    pub ready: bool,
    /// Bucket of results
    #[arg(long, env = "ATTEND_BUCKET", default_value = "")]
    pub bucket: String,
    /// Cloud Map service of the leader's name
    #[arg(long, env = "ATTEND_LEADER_SERVICE", default_value = "")]
    pub leader_service: String,
    /// The workers: CLUSTER/SERVICE
    #[arg(long, env = "ATTEND_WORKERS", default_value = "")]
    pub workers: String,
    /// How long the task may live
    #[arg(long, env = "ATTEND_TTL", default_value = "2h", value_parser = units::parse)]
    pub ttl: Duration,
    /// Token of the inputs: inputs/TOKEN/ in the bucket
    #[arg(long, env = "ATTEND_INPUTS", default_value = "")]
    pub inputs: String,
    /// Leave the workers as they are at the end
    #[arg(long, env = "ATTEND_KEEP_WORKERS")]
    pub keep_workers: bool,
    /// Folder of the runs
    #[arg(long, env = "ATTEND_RUNS", default_value = "/runs")]
    pub runs: PathBuf,
}

/// `database`.
#[derive(Debug, Subcommand)]
pub enum DatabaseCommand {
    /// Servers that say that they are there
    Membership,
    /// Delete rows of servers that are gone; refused while one was heard of in the last 30 s
    CleanMembership,
    /// The role that the servers log in as
    GrantRole,
}

/// Takes the command line apart.
///
/// # Errors
/// As [`benchmark_command_line::parse`].
pub fn parse(argv: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Cli, clap::Error> {
    benchmark_command_line::parse(argv, |_, _| Ok(()))
}

/// The command line's definition, for help, completions and manual pages.
pub fn command() -> clap::Command {
    benchmark_command_line::definition::<Cli>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_goes_before_variables() {
        let origin = |typed: &[&str], set: &[(&str, &str)]| {
            let words = ["benchmark-cluster", "status"].iter().chain(typed);
            let common = parse(words).expect("a command line").common;
            common.origin(|name| set.iter().find(|one| one.0 == name).map(|one| one.1.into()))
        };
        let both = [("BENCHMARK_FACTS", "f"), ("BENCHMARK_TERRAFORM", "t")];
        assert_eq!(origin(&[], &[]), Origin::Terraform("terraform".into()));
        assert_eq!(origin(&[], &both), Origin::File("f".into()));
        assert_eq!(origin(&[], &both[1..]), Origin::Terraform("t".into()));
        assert_eq!(origin(&["--terraform", "x"], &both), Origin::Terraform("x".into()));
        assert_eq!(origin(&["--facts", "x"], &both), Origin::File("x".into()));
        assert_eq!(
            origin(&[], &[("BENCHMARK_FACTS", "")]),
            Origin::Terraform("terraform".into())
        );
        parse(["benchmark-cluster", "status", "--facts", "x", "--terraform", "y"]).expect_err("two origins");
    }
}
