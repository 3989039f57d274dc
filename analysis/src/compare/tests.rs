//! What a comparison says, and that it is true as often as it claims.

mod accepted;
mod evidence;
mod guards;
mod json;
mod noise;
mod refused;
mod rendered;
mod runs;
mod simulations;
mod verdicts;
