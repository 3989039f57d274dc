//! Options of a run.

use std::path::PathBuf;

use benchmark_scenarios::{Asked, Key, Problem};
use clap::Args;

use super::secrets;
use crate::{
    flags::{Flags, OfRun},
    given::{Gathered, Surroundings},
    logging::LogArgs,
};

/// Everything that can be asked of a run.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// What the plan follows from, and who takes part.
    #[command(flatten)]
    pub flags: Flags<OfRun>,
    /// What is written and printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What is written and printed; no part of the plan, since it changes nothing that is measured.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Where the result is written; an existing file is never overwritten [default: runs/RUN-ID/results.json]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print the verdict in one line and nothing else, errors apart
    #[arg(long, short)]
    pub quiet: bool,
    /// Print the result as JSON on stdout, everything else on stderr
    #[arg(long)]
    pub json: bool,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

impl RunArgs {
    /// Puts flags, environment and profile together: flag > environment > file > default.
    ///
    /// # Errors
    /// When the API key cannot be had, or the environment asks for something that this program does not do.
    pub fn convert(&self, surroundings: &Surroundings) -> Result<Gathered, Problem> {
        self.convert_variant(&[], surroundings)
    }

    /// The same with options of a variant, `key=value` each, which go before all others.
    ///
    /// # Errors
    /// As [`RunArgs::convert`], and when an option is none.
    pub fn convert_variant(&self, variant: &[String], surroundings: &Surroundings) -> Result<Gathered, Problem> {
        let given = variant.iter().map(|option| variant_option(option));
        let given = given.collect::<Result<Vec<_>, _>>()?.into_iter();
        self.flags
            .gather(Asked::typed(given.map(|(key, value)| (key, Some(value)))), surroundings)
    }
}

/// Takes `rate=200` apart; dashes in front are welcome.
fn variant_option(option: &str) -> Result<(Key, &str), Problem> {
    if let Some(problem) = secrets::in_variant(option) {
        return Err(problem);
    }
    let given = option.split_once('=');
    // Whatever stands behind the name is not repeated: it might be a secret all the same.
    let name = given.map_or(option, |(name, _)| name).trim_start_matches('-');
    let wrong = |why: &str| {
        Problem::new(format!("{name:.60?} is no option of a variant: {why}"))
            .explain("give the name of a flag without its dashes, =, and the value")
            .remedy("--a rate=200 --b rate=400")
    };
    let (_, value) = given.ok_or_else(|| wrong("it has no ="))?;
    let key = Key::by_name(name).ok_or_else(|| wrong("there is no such flag"))?;
    if !key.varies() {
        return Err(wrong("it changes nothing of what runs"));
    }
    Ok((key, value))
}
