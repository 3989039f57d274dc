//! Tells the worker the git revision of what both programs are made of: the two of a fleet must be of the same.

#[path = "build/revision.rs"]
mod revision;

fn main() {
    revision::tell("worker", revision::SHARED);
}
