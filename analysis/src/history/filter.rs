//! Filters of a history: which of its runs are looked at.

use std::collections::BTreeSet;

use benchmark_results::schema::VerdictValue;
use jiff::Timestamp;

use super::run::RunRow;

/// What a run must be; a filter that asks for nothing takes all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Beginning of a plan's hash: of that in a file, or of what its series has in common. All runs that may be compared with
    /// such a one are taken, whatever hash an older program gave to their plans.
    pub plan: Option<String>,
    /// The program's version, or its beginning up to a point: `0.2` takes `0.2.1` and not `0.21.0`.
    pub version: Option<String>,
    /// The verdict.
    pub verdict: Option<VerdictValue>,
    /// Not begun before this.
    pub since: Option<Timestamp>,
    /// The workload, as typed after `--workflow-type`.
    pub workload: Option<String>,
}

impl Filter {
    /// Those of the runs that are asked for.
    pub fn taken(&self, runs: Vec<RunRow>) -> Vec<RunRow> {
        let plans: Option<BTreeSet<String>> = self.plan.as_ref().map(|plan| {
            let plan = plan.to_ascii_lowercase();
            let of_plan = |run: &&RunRow| run.plan_hash.starts_with(&plan) || run.plan_key.starts_with(&plan);
            runs.iter().filter(of_plan).map(|run| run.plan_key.clone()).collect()
        });
        let is_of_plan = |run: &RunRow| plans.as_ref().is_none_or(|plans| plans.contains(&run.plan_key));
        runs.into_iter()
            .filter(|run| is_of_plan(run) && self.takes(run))
            .collect()
    }

    /// Whether a run is one of them, whatever its plan.
    fn takes(&self, run: &RunRow) -> bool {
        self.version
            .as_ref()
            .is_none_or(|version| is_version(&run.version, version))
            && self.verdict.is_none_or(|verdict| run.verdict == verdict)
            && self.since.is_none_or(|since| run.started_at >= since)
            && self.workload.as_ref().is_none_or(|workload| run.workload == *workload)
    }
}

fn is_version(version: &str, asked: &str) -> bool {
    let rest = version.strip_prefix(asked.trim_end_matches('.'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
}

/// A text that is no instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no instant: write a day, as in 2026-11-20, or 2026-11-20T10:00:00Z")]
pub struct NoInstant(String);

/// Reads a day, which begins at midnight in UTC, or an instant in RFC 3339.
///
/// # Errors
/// When it is neither.
pub fn parse_since(text: &str) -> Result<Timestamp, NoInstant> {
    let text = text.trim();
    text.parse()
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .map_err(|_| NoInstant(text.to_owned()))
}

/// A text that is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no verdict: valid, overloaded or invalid")]
pub struct NoVerdict(String);

/// Reads a verdict, in small or capital letters.
///
/// # Errors
/// When there is no such verdict.
pub fn parse_verdict(text: &str) -> Result<VerdictValue, NoVerdict> {
    match text.trim().to_ascii_lowercase().as_str() {
        "valid" => Ok(VerdictValue::Valid),
        "overloaded" => Ok(VerdictValue::Overloaded),
        "invalid" => Ok(VerdictValue::Invalid),
        _ => Err(NoVerdict(text.to_owned())),
    }
}
