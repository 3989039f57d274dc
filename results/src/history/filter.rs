//! Which runs of a history are looked at.

use jiff::Timestamp;

use super::run::RunRow;
use crate::schema::VerdictValue;

/// What a run must be; a filter that asks for nothing takes all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Beginning of the plan's hash.
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
    /// Whether a run is one of them.
    pub fn takes(&self, run: &RunRow) -> bool {
        let plan = self.plan.as_ref();
        plan.is_none_or(|plan| run.plan_hash.starts_with(&plan.to_ascii_lowercase()))
            && self
                .version
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
