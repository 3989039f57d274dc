//! What came out.
//!
//! The results file of a run, the histograms and the ledger in it, the checks that decide whether it may be believed,
//! and their rendering for people. No clock, no socket, no Temporal: everything here works from a file, years later.

pub mod accepted;
pub mod assemble;
pub mod checks;
pub mod compare;
pub mod diagnosis;
pub mod export;
pub mod file;
#[cfg(test)]
mod fixtures;
pub mod fleet;
pub mod format;
pub mod histogram;
pub mod history;
mod json_schema;
pub mod latencies;
pub mod ledger;
pub mod legacy;
pub mod limits;
mod markdown;
pub mod merge;
pub mod report;
pub mod schema;
pub mod stats;
pub mod summary;
pub mod text;
pub mod thresholds;

pub use assemble::{IterationParts, RunParts, assemble};
pub use checks::{JudgeInput, judge};
pub use histogram::Histogram;
pub use json_schema::{json_schema, json_schema_text};
pub use latencies::LatencyHistograms;
pub use ledger::Ledger;
pub use schema::Results;
