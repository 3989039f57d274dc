//! Analysis of results files: statistics, comparison, history, the report, exports.
//!
//! Everything here works from stored files, years later: no clock, no socket, no Temporal, and nothing that a run needs while
//! it goes on.

pub mod compare;
pub mod export;
pub mod history;
#[cfg(test)]
mod hostile_texts;
pub mod limits;
mod markdown;
#[cfg(test)]
mod mutated_files;
pub mod report;
pub mod stats;
