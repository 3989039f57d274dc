//! Names of runs and of workflows.
//!
//! A workflow's id is `run/phase/number`. The phase stands in it so that the server can be asked for exactly the workflows
//! of a phase: the headline's counts are checked against the server's for the same workflows, not for all of the run.

use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use benchmark_results::schema::Phase;
use benchmark_scenarios::Problem;
use benchmark_workflows::RunClock;

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

/// A new run's id, as `1nqk3x7-brisk-otter-5k8w2m9c1tz`: the second it was made in, so that ids sort by time, two words for
/// people, and letters. Words and letters are 64 random bits: counts and clean-up go by the id, so that two runs must not
/// share one, however many begin in the same second and wherever they do.
///
/// # Errors
/// When the system gives no random numbers.
pub fn new_run_id() -> Result<String, Problem> {
    let mut noise = [0; 8];
    getrandom::fill(&mut noise).map_err(|error| {
        Problem::new(format!(
            "the run gets no id, since the system gives no random numbers: {error}"
        ))
    })?;
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(run_id(since_epoch.as_secs(), u64::from_le_bytes(noise)))
}

/// No two pairs have the same id, as long as the seconds have 35 bits.
fn run_id(seconds: u64, noise: u64) -> String {
    let words = (noise % 1024) as usize;
    let adjective = ADJECTIVES[words % ADJECTIVES.len()];
    let animal = ANIMALS[words / ADJECTIVES.len()];
    format!(
        "{}-{adjective}-{animal}-{}",
        base32(seconds, 7),
        base32(noise >> 10, 11)
    )
}

/// The lowest bits of a number, five a digit.
fn base32(number: u64, digits: u32) -> String {
    (0..digits)
        .rev()
        .map(|place| char::from(BASE32[(number >> (5 * place)) as usize % BASE32.len()]))
        .collect()
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
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let (early, late) = (run_id(1_763_900_000, u64::MAX), run_id(1_763_900_001, 0));
        assert!(early < late, "{early} {late}");
        assert_eq!(
            run_id(1_763_900_000, 3 | 20 << 5 | 31 << 10),
            "1mj5yk0-brisk-otter-0000000000z"
        );
    }

    #[test]
    fn each_bit_of_the_noise_makes_another_id() {
        let of = |noise| run_id(1_763_900_000, noise);
        let flipped: HashSet<String> = (0..64).map(|bit| of(1 << bit)).chain([of(0), of(u64::MAX)]).collect();
        assert_eq!(flipped.len(), 66);
        // In one second, as a matrix of jobs begins.
        let new: HashSet<String> = (0..1_000).map(|_| new_run_id().unwrap()).collect();
        assert_eq!(new.len(), 1_000);
        // The random part itself, whatever the second.
        let random: HashSet<&str> = new.iter().map(|id| id.split_once('-').unwrap().1).collect();
        assert_eq!(random.len(), 1_000);
    }

    #[test]
    fn workflow_ids_name_run_phase_and_number() {
        assert_eq!(workflow_id("r", Phase::WarmUp, 7), "r/warm-up/7");
        assert_eq!(iteration_prefix("r", 2, 3), "r.2");
        assert_eq!(iteration_prefix("r", 1, 1), "r");
        assert_eq!(phase_prefix("r", Phase::Measure), "r/measure");
    }
}
