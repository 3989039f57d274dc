//! The account of a run: what became of every start, whoever tells it: starters here and elsewhere, workers, the server.

pub mod accountant;
pub mod accounts;
pub mod room;
pub mod sampler;
pub mod starts;
