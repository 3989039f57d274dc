//! Commands that make several runs, one after the other.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{command, files::JudgingArgs, options::RunArgs};

/// How runs are repeated.
#[derive(Args, Clone, Debug)]
pub struct SeriesArgs {
    /// How many runs, of each variant, 3 to 100; an even number has each variant come first as often [default: 6, of noise
    /// 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: Option<u32>,
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
    /// Runs that are there already: results files, folders with one, or run ids below runs/; best of several days [default:
    /// runs are made]
    #[arg(long, value_name = "RUN", num_args = 1.., exclusive = true)]
    pub from: Vec<PathBuf>,
    /// How often.
    #[command(flatten)]
    pub series: SeriesArgs,
    /// What is run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The flags of an `ab` that `compare` has, too, with their values, as they were typed.
pub fn judging_flags(argv: &[String]) -> Vec<String> {
    let command = command();
    let known: Vec<(String, bool)> = command
        .find_subcommand("compare")
        .into_iter()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|arg| Some((format!("--{}", arg.get_long()?), arg.get_action().takes_values())))
        .collect();
    let mut flags = Vec::new();
    let mut words = argv.iter();
    while let Some(word) = words.next() {
        let name = word.split('=').next().unwrap_or_default();
        let Some((_, takes_value)) = known.iter().find(|(known, _)| known == name) else {
            continue;
        };
        flags.push(word.clone());
        if *takes_value && name == word {
            flags.extend(words.next().cloned());
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_is_judged_again_as_the_series_was() {
        let typed = "run-benchmark ab --a rate=1 --margin 5% --rate 20 --primary=e2e-response-p50 --strict --b rate=2";
        let argv: Vec<String> = typed.split(' ').map(str::to_owned).collect();
        assert_eq!(
            judging_flags(&argv),
            ["--margin", "5%", "--primary=e2e-response-p50", "--strict"]
        );
    }
}
