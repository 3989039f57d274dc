//! The command line.
//!
//! `clap` takes it apart and prints the help; what the texts mean is resolved in `benchmark-scenarios`.

mod examples;
mod files;
mod join;
mod options;
mod secrets;
mod series;

use std::{ffi::OsString, net::SocketAddr, time::Duration};

use benchmark_command_line::Manual;
use benchmark_scenarios::Rate;
use clap::{Args, Parser, Subcommand, error::ErrorKind};

pub use files::{
    CompareArgs, CompareFormat, DiagnoseArgs, ExportArgs, HistoryArgs, HistoryFormat, JudgingArgs, Paired, ReportArgs,
    ReportFormat, ShowArgs,
};
pub use join::JoinArgs;
pub use options::{OutputArgs, RunArgs};
pub use secrets::redacted_command;
pub use series::{AbArgs, NoiseArgs, SeriesArgs, judging_flags};

/// Asks a Temporal cluster what it carries: starts workflows at a fixed rate and says what came of it. Without --address a
/// Temporal dev server is started, used and stopped, with workers in this process.
#[derive(Parser, Debug)]
#[command(name = "run-benchmark", version, args_conflicts_with_subcommands = true, after_help = examples::EXAMPLES)]
#[command(
    subcommand_help_heading = "Other commands",
    disable_help_subcommand = true,
    next_line_help = true
)]
pub struct Cli {
    /// Something else than a run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of a run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What there is to do besides a run.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Print what would run, with the source of each value, and run nothing
    Plan(Box<RunArgs>),
    /// Join the run of another generator and send a part of its starts
    Join(Box<JoinArgs>),
    /// Find the highest rate that this machine can send, against a frontend that does nothing
    Calibrate(CalibrateArgs),
    /// Compare runs: how much better or worse, how sure, and whether it is a difference at all
    Compare(Box<CompareArgs>),
    /// Run two variants in turn against one server and compare them
    Ab(Box<AbArgs>),
    /// Repeat one plan to learn how much runs differ by themselves
    Noise(Box<NoiseArgs>),
    /// Render runs as a page for a browser, as pictures, or as Markdown
    Report(ReportArgs),
    /// List all runs below a folder, with their trend and its change points
    History(HistoryArgs),
    /// Print a run's summary again
    Show(ShowArgs),
    /// Print what kept a run from being faster, and the server's figures that tell so
    Diagnose(DiagnoseArgs),
    /// Write a run as CSV, HdrHistogram interval log or OpenMetrics
    Export(ExportArgs),
    /// Completions, the manual page.
    #[command(flatten)]
    Manual(Manual),
    /// Serve a frontend that takes starts and does nothing
    #[command(hide = true)]
    NullFrontend(NullFrontendArgs),
}

/// How this machine's ceiling is looked for.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct CalibrateArgs {
    /// Try only this rate, in starts a second, and store nothing; may be repeated [default: rising rates until the
    /// generator does not keep up]
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "max_rate")]
    pub rate: Vec<Rate>,
    /// Seconds that each rate is tried for, ramp-up and warm-up included, 3 to 300
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(3..=300))]
    pub seconds: u32,
    /// Part of --seconds in which the rate rises, as 2s; 0 for none [default: a tenth of --seconds]
    #[arg(long, value_name = "TIME", value_parser = benchmark_scenarios::units::parse)]
    pub ramp_up: Option<Duration>,
    /// Highest rate to try
    #[arg(long, value_name = "PER_SECOND", default_value_t = Rate::MAX)]
    pub max_rate: Rate,
    /// HTTP/2 connections, 1 to 1000 [default: as a run at the same rate]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub connections: Option<u32>,
    /// Threads that send starts, 1 to 64 [default: as a run at the same rate]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub threads: Option<u32>,
    /// Print the result as JSON on stdout
    #[arg(long)]
    pub json: bool,
}

/// Where the null frontend is served.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct NullFrontendArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
}

/// Takes the command line apart.
///
/// # Errors
/// As [`benchmark_command_line::parse`].
pub fn parse(argv: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Cli, clap::Error> {
    benchmark_command_line::parse(argv, refuse_secret_variants)
}

/// The command line's definition, for help, completions and manual pages.
pub fn command() -> clap::Command {
    benchmark_command_line::definition::<Cli>()
}

/// A secret among the options of a variant, which stand in results.
fn refuse_secret_variants(command: &mut clap::Command, argv: &[OsString]) -> Result<(), clap::Error> {
    let texts: Vec<&str> = argv.iter().filter_map(|argument| argument.to_str()).collect();
    let after_flag = texts.windows(2).filter(|pair| matches!(pair[0], "--a" | "--b"));
    let joined = texts
        .iter()
        .filter_map(|text| text.strip_prefix("--a=").or(text.strip_prefix("--b=")));
    match after_flag
        .map(|pair| pair[1])
        .chain(joined)
        .find_map(secrets::in_variant)
    {
        None => Ok(()),
        Some(problem) => {
            let report = problem.report();
            let line = report.trim_start_matches("error: ");
            Err(command.error(ErrorKind::InvalidValue, line))
        }
    }
}
