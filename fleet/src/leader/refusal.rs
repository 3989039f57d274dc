//! Refusals: why a leader does not do what it was asked, in words that say what to do.

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
    /// The message is malformed, or an earlier one of the caller was.
    Malformed,
    /// The caller has not joined this leader.
    Unknown,
    /// There is too much of something.
    TooMuch,
    /// The run is over; the next one may begin at the same address.
    Over,
    /// No more members fit into this run.
    Full,
    /// A later exchange of the caller was taken already.
    Stale,
}

/// Metadata of a refusal that tells its kind: what lies between a leader and its members has the same codes.
pub(crate) const KIND: &str = "fleet-refusal";

/// Metadata of a refusal that tells the leader's run.
const RUN_ID: &str = "fleet-run-id";

/// Each kind with its code and its name in the metadata.
const KINDS: [(RefusalKind, Code, &str); 8] = [
    (RefusalKind::Unauthenticated, Code::Unauthenticated, "unauthenticated"),
    (RefusalKind::Precondition, Code::FailedPrecondition, "precondition"),
    (RefusalKind::Malformed, Code::InvalidArgument, "malformed"),
    (RefusalKind::Unknown, Code::NotFound, "unknown"),
    (RefusalKind::TooMuch, Code::OutOfRange, "too-much"),
    (RefusalKind::Over, Code::FailedPrecondition, "over"),
    (RefusalKind::Full, Code::ResourceExhausted, "full"),
    (RefusalKind::Stale, Code::Aborted, "stale"),
];

impl RefusalKind {
    /// The name of the kind in metadata.
    pub(crate) fn name(self) -> &'static str {
        self.entry().2
    }

    fn entry(self) -> (RefusalKind, Code, &'static str) {
        let entry = KINDS.into_iter().find(|(kind, ..)| *kind == self);
        entry.unwrap_or((self, Code::FailedPrecondition, "precondition"))
    }
}

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

    /// What a status of gRPC says, when a leader gave it. One without a mark comes from a proxy or the like, and says
    /// nothing of the leader; but for the code that leaders of an older protocol refuse others with.
    pub(crate) fn from_status(status: &Status) -> Option<Refusal> {
        let text = |key| status.metadata().get(key).and_then(|value| value.to_str().ok());
        let kind = match text(KIND) {
            Some(name) => KINDS.into_iter().find(|(_, _, known)| *known == name)?.0,
            None if status.code() == Code::FailedPrecondition => RefusalKind::Precondition,
            None => return None,
        };
        Some(Refusal {
            kind,
            reason: status.message().to_owned(),
            run_id: text(RUN_ID).map(str::to_owned),
        })
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Status {
        let (_, code, name) = refusal.kind.entry();
        let mut status = Status::new(code, refusal.reason);
        let metadata = status.metadata_mut();
        metadata.insert(KIND, tonic::metadata::MetadataValue::from_static(name));
        if let Some(run_id) = refusal.run_id.and_then(|run_id| run_id.parse().ok()) {
            metadata.insert(RUN_ID, run_id);
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_way_and_a_proxys_words_are_not_the_leaders() {
        for (kind, ..) in KINDS {
            let refusal = Refusal {
                run_id: Some("run-1".to_owned()),
                ..Refusal::new(kind, "no")
            };
            let status = Status::from(refusal.clone());
            assert_eq!(Refusal::from_status(&status), Some(refusal));
        }
        for code in 1..=16 {
            let status = Status::new(Code::from_i32(code), "upstream");
            let believed = Refusal::from_status(&status).is_some();
            assert_eq!(believed, status.code() == Code::FailedPrecondition, "{code}");
        }
    }
}
