//! Tells the program the git revision that it is built from.

#[path = "../worker/build/revision.rs"]
mod revision;

fn main() {
    let own = ["generator/Cargo.toml", "generator/build.rs", "generator/src"];
    let sources: Vec<&str> = revision::SHARED.iter().copied().chain(own).collect();
    revision::tell("generator", &sources);
}
