//! Fleet of a run: workers and generators that work together, led by one.
//!
//! The [`leader`] waits until everybody is there, gives the word to begin, and puts what the members tell into the account
//! ([`intake`]). A further generator [`follow`]s a leader: the same threads send its part of the starts,
//! and what they report goes into messages ([`relay`]) instead of into an account.

pub mod follow;
pub mod intake;
pub mod join;
pub mod leader;
pub mod reach;
pub mod relay;
#[cfg(test)]
mod tests;
pub mod wording;

pub use intake::Intake;
pub use leader::FleetLeader;
