//! What came out.
//!
//! The results file of a run, the histograms and the ledger in it, the checks that decide whether it may be believed,
//! and their rendering for people. No clock, no socket, no Temporal: everything here works from a file, years later.

pub mod ledger;
pub mod schema;

pub use ledger::Ledger;
pub use schema::Results;
