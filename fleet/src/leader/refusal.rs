//! Why a leader does not do what it was asked, in words that say what to do.

use tonic::{Code, Status};

/// A call that was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// What kind of refusal it is.
    pub kind: RefusalKind,
    /// Why, for people, and what to do.
    pub reason: String,
    /// The leader's run, where the caller is not a member of it.
    pub run_id: Option<String>,
}

/// Kinds of refusals, by what the caller can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The token is missing or wrong.
    Unauthenticated,
    /// Another protocol, version or plan, or no place.
    Precondition,
    /// The message is malformed.
    Malformed,
    /// The caller has not joined this leader.
    Unknown,
    /// There is too much of something.
    TooMuch,
}

/// Metadata of a refusal that tells the leader's run.
const RUN_ID: &str = "fleet-run-id";

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, reason: impl Into<String>) -> Refusal {
        Refusal {
            kind,
            reason: reason.into(),
            run_id: None,
        }
    }

    pub(crate) fn malformed(reason: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Malformed, reason)
    }

    pub(crate) fn precondition(reason: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Precondition, reason)
    }

    /// What a status of gRPC says, when it is one that a leader gives.
    pub(crate) fn from_status(status: &Status) -> Option<Refusal> {
        let kind = match status.code() {
            Code::Unauthenticated => RefusalKind::Unauthenticated,
            Code::FailedPrecondition => RefusalKind::Precondition,
            Code::InvalidArgument => RefusalKind::Malformed,
            Code::NotFound => RefusalKind::Unknown,
            Code::OutOfRange => RefusalKind::TooMuch,
            _ => return None,
        };
        let run_id = status.metadata().get(RUN_ID).and_then(|value| value.to_str().ok());
        Some(Refusal {
            kind,
            reason: status.message().to_owned(),
            run_id: run_id.map(str::to_owned),
        })
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Status {
        let code = match refusal.kind {
            RefusalKind::Unauthenticated => Code::Unauthenticated,
            RefusalKind::Precondition => Code::FailedPrecondition,
            RefusalKind::Malformed => Code::InvalidArgument,
            RefusalKind::Unknown => Code::NotFound,
            RefusalKind::TooMuch => Code::OutOfRange,
        };
        let mut status = Status::new(code, refusal.reason);
        if let Some(run_id) = refusal.run_id.and_then(|run_id| run_id.parse().ok()) {
            status.metadata_mut().insert(RUN_ID, run_id);
        }
        status
    }
}
