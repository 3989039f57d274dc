//! Names of runs and of workflows.
//!
//! A workflow's id is `run/phase/number`. The phase stands in it so that the server can be asked for exactly the workflows
//! of a phase: the headline's counts are checked against the server's for the same workflows, not for all of the run.

use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use benchmark_results::schema::Phase;
use benchmark_workflows::{RunClock, draw};

/// Crockford's base 32: no letters that look like digits, and the order of the digits is the order of the numbers.
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

const ADJECTIVES: [&str; 32] = [
    "able", "amber", "bold", "brisk", "calm", "clear", "crisp", "deft", "eager", "fair", "fleet", "fond", "frank",
    "gentle", "glad", "grand", "keen", "kind", "lively", "lucid", "mellow", "neat", "noble", "plain", "prime", "quick",
    "quiet", "ready", "steady", "swift", "vivid", "warm",
];

const ANIMALS: [&str; 32] = [
    "badger", "bear", "bison", "crane", "crow", "deer", "dove", "eagle", "falcon", "finch", "fox", "hare", "heron",
    "ibex", "jay", "lark", "lynx", "marten", "mole", "moose", "otter", "owl", "panda", "plover", "raven", "robin",
    "seal", "stork", "swan", "tern", "vole", "wren",
];

/// A new run's id, as `1nqk3x7-brisk-otter`: the second it was made in, so that ids sort by time, and two words for people.
pub fn new_run_id() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The words tell apart what began in the same second, on this machine or another.
    let noise = draw::derive(u64::from(since_epoch.subsec_nanos()), u64::from(std::process::id()));
    run_id(since_epoch.as_secs(), noise)
}

fn run_id(seconds: u64, noise: u64) -> String {
    let digits: String = (0..7)
        .rev()
        .map(|place| char::from(BASE32[(seconds >> (5 * place)) as usize % BASE32.len()]))
        .collect();
    let adjective = ADJECTIVES[noise as usize % ADJECTIVES.len()];
    let animal = ANIMALS[(noise >> 32) as usize % ANIMALS.len()];
    format!("{digits}-{adjective}-{animal}")
}

/// Prefix of the workflow ids of an iteration: the run's id, with the iteration's number when there are several.
pub fn iteration_prefix(run_id: &str, iteration: u32, iterations: u32) -> String {
    if iterations == 1 {
        run_id.to_owned()
    } else {
        format!("{run_id}.{iteration}")
    }
}

/// Prefix of the workflow ids of one phase.
pub fn phase_prefix(prefix: &str, phase: Phase) -> String {
    format!("{prefix}/{}", phase_name(phase))
}

/// Writes a workflow's id.
pub fn write(id: &mut String, prefix: &str, phase: Phase, n: u64) {
    // Writing to a string does not fail.
    let _ = write!(id, "{prefix}/{}/{n}", phase_name(phase));
}

/// A workflow's id.
pub fn workflow_id(prefix: &str, phase: Phase, n: u64) -> String {
    let mut id = String::new();
    write(&mut id, prefix, phase, n);
    id
}

/// The phase as it stands in an id.
pub fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Ramp => "ramp",
        Phase::WarmUp => "warm-up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
    }
}

/// The process's name to the server: who, where.
pub fn identity(hostname: Option<&str>) -> String {
    // The clock is anchored with the process's first identity, before anything is measured on it.
    let _ = RunClock::get();
    format!(
        "run-benchmark@{}:{}",
        hostname.unwrap_or("unknown-host"),
        std::process::id()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let (early, late) = (run_id(1_763_900_000, u64::MAX), run_id(1_763_900_001, 0));
        assert!(early < late, "{early} {late}");
        assert_eq!(run_id(1_763_900_000, 3 | 20 << 32), "1mj5yk0-brisk-otter");
    }

    #[test]
    fn workflow_ids_name_run_phase_and_number() {
        assert_eq!(workflow_id("r", Phase::WarmUp, 7), "r/warm-up/7");
        assert_eq!(iteration_prefix("r", 2, 3), "r.2");
        assert_eq!(iteration_prefix("r", 1, 1), "r");
        assert_eq!(phase_prefix("r", Phase::Measure), "r/measure");
    }
}
