//! Commands that make several runs, one after the other.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{files::JudgingArgs, options::RunArgs};

/// How runs are repeated.
#[derive(Args, Clone, Debug)]
pub struct SeriesArgs {
    /// How many runs, of each variant
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub runs: u32,
    /// Pause between two runs, after nothing of the one before is open any more
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = benchmark_scenarios::units::parse)]
    pub cool_down: Duration,
    /// Folder for the results; it must not be there yet [default: runs/SERIES-ID]
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

/// Two variants of a run.
#[derive(Args, Clone, Debug)]
pub struct AbArgs {
    /// An option of the first variant, as rate=200; may be repeated
    #[arg(long = "a", value_name = "KEY=VALUE")]
    pub first: Vec<String>,
    /// An option of the second variant; may be repeated
    #[arg(long = "b", value_name = "KEY=VALUE")]
    pub second: Vec<String>,
    /// How often.
    #[command(flatten)]
    pub series: SeriesArgs,
    /// How they are judged.
    #[command(flatten)]
    pub judging: JudgingArgs,
    /// What both have in common.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Repetitions of one run.
#[derive(Args, Clone, Debug)]
pub struct NoiseArgs {
    /// How often.
    #[command(flatten)]
    pub series: SeriesArgs,
    /// What is run.
    #[command(flatten)]
    pub run: RunArgs,
}
