//! `run-benchmark`: asks a Temporal cluster what it carries.

fn main() {}
