//! What `run-benchmark` does, a file a command. Those on results files work from them alone: no server, no network, years
//! later.

mod against_history;
pub mod calibrate;
mod comparing;
mod diagnosing;
mod found;
pub mod join;
mod noise;
mod output;
pub mod plan;
mod reporting;
pub mod run;
pub mod series;
mod showing;
pub mod work;

pub use comparing::{CompareRequest, Compared, NoiseFolder, check_judging, compare, compare_sides};
pub use diagnosing::diagnose;
pub use found::{Found, find};
pub use noise::{noise_from, store_noise, told_before};
pub use reporting::{export, report};
pub use showing::{history, show};

/// What a command prints, and its exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// For stdout.
    pub text: String,
    /// For stderr: where something was written.
    pub note: Option<String>,
    /// The exit code of the process.
    pub exit_code: u8,
}

impl Printed {
    /// A text, and success.
    pub fn text(text: impl Into<String>) -> Self {
        Printed {
            text: text.into(),
            ..Printed::default()
        }
    }

    /// The same with notes, a line each, before the one that is there.
    fn noted(mut self, mut notes: Vec<String>) -> Self {
        notes.extend(self.note.take());
        self.note = (!notes.is_empty()).then(|| notes.join("\n"));
        self
    }

    /// A note, and success.
    pub fn note(note: impl Into<String>) -> Self {
        Printed {
            note: Some(note.into()),
            ..Printed::default()
        }
    }
}
