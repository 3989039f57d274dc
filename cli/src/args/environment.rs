//! Environment variables that stand in for flags.
//!
//! The `BENCHMARK_*` names are those of the runner that this one replaces, so that existing task definitions keep working;
//! `TEMPORAL_*` and `temporal.toml` are Temporal's own. An empty variable counts as absent, as it does in both.

use std::path::PathBuf;

use benchmark_scenarios::{Asked, Given, Key, Problem, Program, Source, variables};
use benchmark_temporal::environment::Profile;

/// What surrounds a command line.
pub struct Surroundings<'a> {
    /// Reads an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Temporal's own client configuration, and the file that it is in.
    pub profile: Option<(&'a Profile, PathBuf)>,
}

impl Surroundings<'_> {
    /// A variable that is set to something.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|text| !text.trim().is_empty())
    }
}

const GENERATOR_ONLY: &str = "BENCHMARK_GENERATOR_ONLY";
const WORKER_ONLY: &str = "BENCHMARK_WORKER_ONLY";
const WORKER_COUNT: &str = "BENCHMARK_WORKER_COUNT";
const COMPLETION_TIMEOUT: &str = "BENCHMARK_COMPLETION_TIMEOUT";

/// Adds what the environment says, below what was typed.
pub(super) fn add(asked: &mut Asked, surroundings: &Surroundings) -> Result<(), Problem> {
    let variable = |key| variables::given(Program::Run, key, surroundings.variable);
    asked.gather(Program::Run, &[&variable]);
    if switch(surroundings, WORKER_ONLY)? {
        return Err(Problem::new(format!(
            "{WORKER_ONLY}=true asks for a worker, and this program starts the load"
        ))
        .explain("a worker process is benchmark-worker; here --workers N runs N of them beside the load")
        .remedy("benchmark-worker")
        .remedy(format!("{WORKER_ONLY}=false")));
    }
    // Before the count: the replaced runner started no worker then, whatever the count was.
    if switch(surroundings, GENERATOR_ONLY)? {
        asked.add(Key::Workers, Given::by_environment(GENERATOR_ONLY, "0"));
    }
    if let Some(text) = surroundings.get(WORKER_COUNT) {
        asked.add(Key::Workers, Given::by_environment(WORKER_COUNT, text));
    }
    if let Some(text) = surroundings.get(COMPLETION_TIMEOUT) {
        // Nothing to wait for is what nobody meant by it.
        let auto = benchmark_scenarios::units::parse(&text).is_ok_and(|timeout| timeout.is_zero());
        asked.add(
            Key::Drain,
            Given::by_environment(COMPLETION_TIMEOUT, if auto { "auto".to_owned() } else { text }),
        );
    }
    Ok(())
}

/// Adds what the environment says to a generator that joins a run, below what was typed.
pub(super) fn add_joining(asked: &mut Asked, surroundings: &Surroundings) {
    let variable = |key| variables::given(Program::Join, key, surroundings.variable);
    asked.gather(Program::Join, &[&variable]);
}

/// Adds what Temporal's client configuration says, below everything else.
pub(super) fn add_profile(asked: &mut Asked, surroundings: &Surroundings) {
    let Some((profile, path)) = &surroundings.profile else {
        return;
    };
    for (key, value) in [(Key::Address, &profile.address), (Key::Namespace, &profile.namespace)] {
        if let Some(text) = value {
            asked.add(key, Given::by_file(path, text));
        }
    }
    if profile.api_key.is_some() {
        asked.add(Key::ApiKey, Given::hidden(Source::File(path.clone())));
    }
    // A key without TLS means that the profile turns TLS off.
    if profile.tls.is_some() || profile.api_key.is_some() {
        asked.add(Key::Tls, Given::by_file(path, profile.tls.is_some().to_string()));
    }
}

fn switch(surroundings: &Surroundings, name: &str) -> Result<bool, Problem> {
    let Some(text) = surroundings.get(name) else {
        return Ok(false);
    };
    benchmark_scenarios::parse_switch(&text)
        .ok_or_else(|| Problem::new(format!("{name}={text:?} is not allowed: give true or false")))
}
