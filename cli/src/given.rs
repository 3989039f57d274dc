//! Precedence of values, from what was typed and what surrounds it to what was asked for: flag > variable > file >
//! default, for every program.

use std::{env, path::PathBuf};

use benchmark_fleet::Token;
use benchmark_scenarios::{Asked, Given, Key, Problem, Program, Source, parse_switch, variables};
use benchmark_temporal::{
    ApiKey, ProcessEnvironment,
    environment::{self, Profile},
    small_file,
};

use crate::{
    flags::{Flags, Takes},
    secret::FoundSecret,
};

/// What surrounds a command line.
pub struct Surroundings<'a> {
    /// Reads an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Temporal's own client configuration, and the file that it is in.
    pub profile: Option<(&'a Profile, PathBuf)>,
}

/// What surrounds this process, read once and before anything else.
#[derive(Debug)]
pub struct OwnSurroundings {
    /// Temporal's own client configuration.
    pub profile: Option<Profile>,
    /// What a run takes from the environment besides its plan.
    pub environment: ProcessEnvironment,
    /// Things to know that are no errors.
    pub notes: Vec<String>,
}

impl OwnSurroundings {
    /// Looks at the environment and reads Temporal's configuration.
    ///
    /// # Errors
    /// When a variable is no text, or the configuration cannot be read.
    pub fn read() -> Result<Self, Problem> {
        let notes = variables::check(env::vars_os())?;
        let profile = environment::profile(env::vars_os())?;
        Ok(OwnSurroundings {
            profile,
            environment: process_environment(),
            notes,
        })
    }

    /// What surrounds a command line that was typed here.
    pub fn of_command_line(&self) -> Surroundings<'_> {
        Surroundings {
            variable: &|name| env::var(name).ok(),
            profile: self
                .profile
                .as_ref()
                .map(|profile| (profile, environment::source(&|name| env::var_os(name)))),
        }
    }
}

/// What a run takes from the environment besides its plan.
pub fn process_environment() -> ProcessEnvironment {
    ProcessEnvironment::of(env::vars_os(), env::temp_dir())
}

/// What must not be part of a plan or a result.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The API key. Whether it is sent is for the plan to say: an embedded server takes none.
    pub api_key: Option<ApiKey>,
    /// What others need to join the run, or this process to join another's.
    pub fleet_token: Option<Token>,
}

/// What was asked for, all places considered.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The options.
    pub asked: Asked,
    /// What must not be shown.
    pub secrets: Secrets,
    /// Things to know that are no errors.
    pub notes: Vec<String>,
}

impl Surroundings<'_> {
    /// A variable that is set to something.
    fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|text| !text.trim().is_empty())
    }

    fn switch(&self, name: &str) -> Result<bool, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(false);
        };
        parse_switch(&text).ok_or_else(|| Problem::new(format!("{name}={text:?} is not allowed: give true or false")))
    }

    /// What Temporal's client configuration says of an option.
    fn profile(&self, key: Key) -> Option<Given> {
        let (profile, path) = self.profile.as_ref()?;
        let by_file = |text: String| Given::by_file(path, text);
        match key {
            Key::Address => profile.address.clone().map(by_file),
            Key::Namespace => profile.namespace.clone().map(by_file),
            // A key without TLS means that the profile turns TLS off.
            Key::Tls if profile.tls.is_some() || profile.api_key.is_some() => {
                Some(by_file(profile.tls.is_some().to_string()))
            }
            _ => None,
        }
    }
}

impl<P: Takes> Flags<P> {
    /// Puts everything together below what is asked for already.
    ///
    /// # Errors
    /// When a secret cannot be had, or the environment asks for what this program does not do.
    pub(crate) fn gather(&self, mut asked: Asked, surroundings: &Surroundings) -> Result<Gathered, Problem> {
        let program = P::PROGRAM;
        let replaced = replaced(program, surroundings)?;
        let of_key = |key: Key| replaced.iter().filter(move |(of, _)| *of == key);
        asked.gather(
            program,
            &[
                &|key| self.given(key),
                &|key| variables::given(program, key, surroundings.variable),
                &|key| of_key(key).map(|(_, given)| given.clone()).collect(),
                &|key| surroundings.profile(key).into_iter().collect(),
            ],
        );
        let mut notes = Vec::new();
        let mut take = |key: Key| -> Result<Option<FoundSecret>, Problem> {
            let found = self.secret(key).find(surroundings.variable)?;
            if let Some(found) = &found {
                notes.extend(found.note.clone());
            }
            Ok(found)
        };
        let mut secrets = Secrets::default();
        if let Some(found) = take(Key::ApiKey)? {
            secrets.api_key = Some(ApiKey::new(found.text.reveal()).map_err(|error| found.wrong(error))?);
            asked.add(Key::ApiKey, found.given);
        } else if let Some((profile, path)) = &surroundings.profile
            && let Some(api_key) = &profile.api_key
        {
            secrets.api_key = Some(api_key.clone());
            asked.add(Key::ApiKey, Given::hidden(Source::File(path.clone())));
        }
        // One that stands in the environment for another process is no reason to refuse a worker that joins nobody.
        let has_use = program != Program::Worker || asked.get(Key::Join).is_some();
        if (has_use || self.secret(Key::FleetToken).is_typed())
            && let Some(found) = take(Key::FleetToken)?
        {
            secrets.fleet_token = Some(Token::new(found.text.reveal()).map_err(|error| found.wrong(error))?);
            asked.add(Key::FleetToken, found.given);
        }
        for key in [Key::TlsKey, Key::FleetTlsKey] {
            let path = self.given(key).into_iter().next();
            notes.extend(path.and_then(|path| small_file::exposed(key.flag(), path.text.as_ref())));
        }
        Ok(Gathered { asked, secrets, notes })
    }
}

const GENERATOR_ONLY: &str = "BENCHMARK_GENERATOR_ONLY";
const WORKER_ONLY: &str = "BENCHMARK_WORKER_ONLY";
const WORKER_COUNT: &str = "BENCHMARK_WORKER_COUNT";
const COMPLETION_TIMEOUT: &str = "BENCHMARK_COMPLETION_TIMEOUT";

/// What variables of the replaced runner say that stand for no single option, or in other words.
fn replaced(program: Program, surroundings: &Surroundings) -> Result<Vec<(Key, Given)>, Problem> {
    let mut said = Vec::new();
    match program {
        Program::Join => {}
        Program::Worker => {
            let asked = surroundings.get(GENERATOR_ONLY);
            if asked.and_then(|text| parse_switch(&text)).unwrap_or(false) {
                return Err(Problem::new(format!(
                    "{GENERATOR_ONLY}=true asks for load, and this program is a worker"
                ))
                .remedy("run-benchmark --generator-only"));
            }
        }
        Program::Run => {
            if surroundings.switch(WORKER_ONLY)? {
                return Err(Problem::new(format!(
                    "{WORKER_ONLY}=true asks for a worker, and this program starts the load"
                ))
                .explain("a worker process is benchmark-worker; here --workers N runs N of them beside the load")
                .remedy("benchmark-worker")
                .remedy(format!("{WORKER_ONLY}=false")));
            }
            // Before the count: the replaced runner started no worker then, whatever the count was.
            if surroundings.switch(GENERATOR_ONLY)? {
                said.push((Key::Workers, Given::by_environment(GENERATOR_ONLY, "0")));
            }
            if let Some(text) = surroundings.get(WORKER_COUNT) {
                said.push((Key::Workers, Given::by_environment(WORKER_COUNT, text)));
            }
            if let Some(text) = surroundings.get(COMPLETION_TIMEOUT) {
                // Nothing to wait for is what nobody meant by it.
                let auto = benchmark_scenarios::units::parse(&text).is_ok_and(|timeout| timeout.is_zero());
                let text = if auto { "auto".to_owned() } else { text };
                said.push((Key::Drain, Given::by_environment(COMPLETION_TIMEOUT, text)));
            }
        }
    }
    Ok(said)
}
