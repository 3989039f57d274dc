//! Results of a run.
//!
//! The results file of a run, the histograms and the ledger in it, the checks that decide whether it may be believed, and
//! the summary that is printed at its end. No clock, no socket, no Temporal.

pub mod accepted;
pub mod assemble;
pub mod checks;
pub mod diagnosis;
pub mod file;
pub mod format;
pub mod histogram;
mod json_schema;
pub mod ledger;
pub mod legacy;
pub mod limits;
pub mod member_figures;
pub mod merge;
pub mod schema;
pub mod summary;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod thresholds;

pub use assemble::{IterationParts, RunParts, assemble};
pub use checks::{JudgeInput, judge};
pub use histogram::Histogram;
pub use json_schema::{json_schema, json_schema_text};
pub use ledger::{Ledger, WorkflowEnd};
pub use schema::Results;
