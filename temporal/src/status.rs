//! How a workflow stands, in the words of the server's visibility.

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
    const ALL: [Status; 9] = [
        Status::Running,
        Status::Completed,
        Status::Failed,
        Status::Cancelled,
        Status::Terminated,
        Status::ContinuedAsNew,
        Status::TimedOut,
        Status::Paused,
        Status::Unknown,
    ];

    /// The server's word.
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "Running",
            Status::Completed => "Completed",
            Status::Failed => "Failed",
            Status::Cancelled => "Canceled",
            Status::Terminated => "Terminated",
            Status::ContinuedAsNew => "ContinuedAsNew",
            Status::TimedOut => "TimedOut",
            Status::Paused => "Paused",
            Status::Unknown => "Unknown",
        }
    }

    /// Whether the workflow has ended. A run that was continued has not: its successor runs.
    pub fn is_end(self) -> bool {
        matches!(
            self,
            Status::Completed | Status::Failed | Status::Cancelled | Status::Terminated | Status::TimedOut
        )
    }

    pub(crate) fn from_name(name: &str) -> Status {
        Status::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .unwrap_or(Status::Unknown)
    }

    pub(crate) fn from_proto(status: i32) -> Status {
        match WorkflowExecutionStatus::try_from(status) {
            Ok(WorkflowExecutionStatus::Running) => Status::Running,
            Ok(WorkflowExecutionStatus::Completed) => Status::Completed,
            Ok(WorkflowExecutionStatus::Failed) => Status::Failed,
            Ok(WorkflowExecutionStatus::Canceled) => Status::Cancelled,
            Ok(WorkflowExecutionStatus::Terminated) => Status::Terminated,
            Ok(WorkflowExecutionStatus::ContinuedAsNew) => Status::ContinuedAsNew,
            Ok(WorkflowExecutionStatus::TimedOut) => Status::TimedOut,
            Ok(WorkflowExecutionStatus::Paused) => Status::Paused,
            Ok(WorkflowExecutionStatus::Unspecified) | Err(_) => Status::Unknown,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
