//! Parts of the program that are no part of the library: what reads the environment and prints.

pub mod console;
pub mod prepared;
pub mod series;

/// Exit code of a measurement that cannot be believed.
pub const INVALID: u8 = 3;
