//! Results of generators that ran apart, as the one result that they would have had under a leader.
//!
//! # What a file covers
//! The schedule of a plan is dealt out among `fleet.generators` stripes: arrivals n with n mod `generators` equal to the
//! stripe. A file covers the stripes of its generators, which stand in `fleet.members[].starts.stripe`; a run without such
//! members had no other generator and covers everything. A leader's file covers the stripes of generators that it lost, too:
//! it accounts for their arrivals.
//!
//! Files become one when they cover every stripe exactly once, have the same plan and server, and began their iterations at
//! the same time: loads that were not there together never were the load of the plan.
//!
//! # How
//! Counts are added, histograms are added, rates are added (the parts ran beside one another), lengths are the longest.
//! Windows and intervals of the same second become one. A quantile of a window cannot be added: where all parts have a
//! histogram of that second it is made from their sum, else it is null; of the lag, which has none, the largest stands, which
//! no quantile of the whole can exceed. Then each iteration is judged anew, as a whole: what was invalid in a part because it
//! was a part is so no more, and what was invalid in itself remains.

mod course;
mod members;
mod refusal;
#[cfg(test)]
mod tests;
mod whole;

pub use self::refusal::{CombineError, covers};
use crate::schema::Results;

/// One result from those of generators that ran apart. Each part has the name by which messages speak of it, such as its
/// path. The first part is the one whose machine and command stand for the run.
///
/// # Errors
/// When the parts are not those of one run, each once; when a histogram of one cannot be read.
pub fn combine(parts: &[(String, Results)]) -> Result<Results, CombineError> {
    refusal::check(parts)?;
    let results: Vec<&Results> = parts.iter().map(|(_, results)| results).collect();
    Ok(whole::of(&results)?)
}
