//! Status of a workflow, in the words of the server's visibility.

use std::fmt;

use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

/// How a workflow stands. `Display` gives the server's word, as in its visibility queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Not ended.
    Running,
    /// Ended with a result.
    Completed,
    /// Ended with a failure.
    Failed,
    /// Ended by a cancellation that it accepted.
    Cancelled,
    /// Ended from outside.
    Terminated,
    /// This run ended and another took over under the same id.
    ContinuedAsNew,
    /// Ended by a timeout.
    TimedOut,
    /// Not ended, and held.
    Paused,
    /// A status that this program does not know.
    Unknown,
}

impl Status {
    /// Each with its name in the protocol and the server's word.
    const NAMES: [(Status, WorkflowExecutionStatus, &str); 9] = [
        (Status::Running, WorkflowExecutionStatus::Running, "Running"),
        (Status::Completed, WorkflowExecutionStatus::Completed, "Completed"),
        (Status::Failed, WorkflowExecutionStatus::Failed, "Failed"),
        (Status::Cancelled, WorkflowExecutionStatus::Canceled, "Canceled"),
        (Status::Terminated, WorkflowExecutionStatus::Terminated, "Terminated"),
        (
            Status::ContinuedAsNew,
            WorkflowExecutionStatus::ContinuedAsNew,
            "ContinuedAsNew",
        ),
        (Status::TimedOut, WorkflowExecutionStatus::TimedOut, "TimedOut"),
        (Status::Paused, WorkflowExecutionStatus::Paused, "Paused"),
        (Status::Unknown, WorkflowExecutionStatus::Unspecified, "Unknown"),
    ];

    /// The server's word.
    pub fn name(self) -> &'static str {
        let mut names = Status::NAMES.into_iter();
        names
            .find(|(status, ..)| *status == self)
            .map_or("Unknown", |(.., name)| name)
    }

    /// Whether the workflow has ended. A run that was continued has not: its successor runs.
    pub fn is_end(self) -> bool {
        matches!(
            self,
            Status::Completed | Status::Failed | Status::Cancelled | Status::Terminated | Status::TimedOut
        )
    }

    pub(crate) fn from_name(word: &str) -> Status {
        let mut names = Status::NAMES.into_iter();
        names
            .find(|(.., name)| *name == word)
            .map_or(Status::Unknown, |(status, ..)| status)
    }

    pub(crate) fn from_proto(number: i32) -> Status {
        let mut names = Status::NAMES.into_iter();
        names
            .find(|(_, proto, _)| *proto as i32 == number)
            .map_or(Status::Unknown, |(status, ..)| status)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
