//! Refusals, why runs are not compared: one line each, with what to do.

use benchmark_results::histogram::DecodeError;

use super::metric::UnknownMetric;

/// Runs of both sides together that are compared at most: thousands of workflows a second for an hour each are gigabytes.
pub const MOST_RUNS: usize = 200;

/// A reason not to compare.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file was written while the run went on, or by a run that was killed.
    #[error("{file} is not complete: its run was going on, or was killed; take a run that has ended")]
    Incomplete {
        /// The file.
        file: String,
    },
    /// The run was ended early.
    #[error("{file} was interrupted by {cause} and measured less than its plan says; run it again")]
    Interrupted {
        /// The file.
        file: String,
        /// By what.
        cause: String,
    },
    /// The run says itself that it is no measurement.
    #[error(
        "{file} is INVALID ({headline}); its figures describe the generator or the fleet: run it again as it advises"
    )]
    Invalid {
        /// The file.
        file: String,
        /// Why it is.
        headline: String,
    },
    /// Something differs that nobody named.
    #[error(
        "{key} is {baseline} against {other}: name it with --factor {key} if that is what you compare, or accept it with --allow {key}"
    )]
    Differs {
        /// The key.
        key: String,
        /// Its value in the baseline.
        baseline: String,
        /// Its value on the other side.
        other: String,
    },
    /// The runs of one side differ among themselves.
    #[error("{key} differs within {side} ({values}): compare runs that are alike, or accept it with --allow {key}")]
    Mixed {
        /// Which side.
        side: &'static str,
        /// The key.
        key: String,
        /// Its values.
        values: String,
    },
    /// Each side has a draw of its own, which is in all of its runs or in some of them.
    #[error(
        "plan.load.seed is {baseline} against {other}, and a seed fixes all that is drawn: give both sides one seed, or each several, as ab does, or accept it with --allow plan.load.seed"
    )]
    Seeds {
        /// The seeds of the baseline.
        baseline: String,
        /// The seeds of the other side.
        other: String,
    },
    /// What was to differ on purpose does not.
    #[error(
        "nothing under {factor} differs between the sides, though --factor {factor} says so: was the change in effect?"
    )]
    FactorIsTheSame {
        /// The factor.
        factor: String,
    },
    /// An overloaded run beside one with another load.
    #[error(
        "{file} is OVERLOADED, so it can only be compared at an equal load, and {baseline} is asked against {other}: compare runs of one --rate, --duration and --arrivals"
    )]
    OverloadedAtAnotherLoad {
        /// The overloaded file.
        file: String,
        /// The load of the baseline.
        baseline: String,
        /// The load of the other side.
        other: String,
    },
    /// One run twice.
    #[error("{first} and {second} are the same run ({run}): give each run once")]
    SameRun {
        /// A file.
        first: String,
        /// The other.
        second: String,
        /// The run's id.
        run: String,
    },
    /// A histogram cannot be read.
    #[error("{file} is damaged: {source}")]
    Damaged {
        /// The file.
        file: String,
        /// How.
        source: DecodeError,
    },
    /// A noise profile of something else.
    #[error(transparent)]
    ForeignProfile(#[from] ForeignProfile),
}

/// A profile was measured under something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the noise profile of {measured_at} is of other runs: {key} was {profile} there and is {run} here; measure it anew with run-benchmark noise"
)]
pub struct ForeignProfile {
    /// When the profile was measured.
    pub measured_at: String,
    /// The first key that differs.
    pub key: String,
    /// Its value in the profile.
    pub profile: String,
    /// Its value in the run.
    pub run: String,
}

/// A question that cannot be asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum UsageError {
    /// A side has no runs.
    #[error("{side} has no runs: give at least one results file a side")]
    NoRuns {
        /// Which.
        side: String,
    },
    /// More runs than are compared.
    #[error(
        "{given} runs are too many to compare: give at most {} (or the last of them: history tells the rest)",
        MOST_RUNS
    )]
    TooMany {
        /// How many.
        given: usize,
    },
    /// The limit of the gate is none.
    #[error("--at-most-worse {given} is not allowed: give a share above 0 and up to 50 %, as 10%")]
    AtMostWorse {
        /// As given.
        given: String,
    },
    /// Nothing was to decide.
    #[error("there is no primary metric: name at least one with --primary")]
    NoPrimary,
    /// No such metric.
    #[error(transparent)]
    Metric(#[from] UnknownMetric),
    /// Pairs were asked for, and the sides have unlike numbers of runs, or only one.
    #[error(
        "pairs need as many runs on either side, at least 2, and there are {baseline} and {other}: add runs, or --paired no"
    )]
    Unpairable {
        /// Runs of the baseline.
        baseline: usize,
        /// Runs of the other side.
        other: usize,
    },
}

/// Why there is no comparison.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// The question is wrong.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The runs must not be compared.
    #[error("{}", lines(.0))]
    Refused(Vec<Refusal>),
}

impl CompareError {
    /// The exit code of a process that ends with it: 2 or 3.
    pub fn exit_code(&self) -> u8 {
        match self {
            CompareError::Usage(_) => 2,
            CompareError::Refused(_) => 3,
        }
    }
}

fn lines(refusals: &[Refusal]) -> String {
    let lines: Vec<_> = refusals.iter().map(|refusal| format!("  {refusal}")).collect();
    format!("these runs are not compared\n{}", lines.join("\n"))
}
