//! From the command line and what surrounds it to what the process is to do.

use std::path::PathBuf;

use benchmark_fleet::{ClientTls, RemoteLeader, Token};
use benchmark_scenarios::{
    Asked, Given, Joining, JoiningTls, Key, Problem, Program, ResolvedWorker, Source, parse_switch, resolve_worker,
    variables,
};
use benchmark_temporal::{ApiKey, environment::Profile, small_file};
use benchmark_worker::{
    AskedPollers,
    process::{JoinOptions, Request},
};

use super::Cli;
use crate::secret::{Found, Secret};

/// Of the replaced runner: this program is a worker whether it is set or not, and nothing else.
const GENERATOR_ONLY: &str = "BENCHMARK_GENERATOR_ONLY";

/// What surrounds a command line.
pub struct Surroundings<'a> {
    /// Reads an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Temporal's own client configuration, and the file that it is in.
    pub profile: Option<(Profile, PathBuf)>,
    /// The task queue when nobody names one.
    pub task_queue: &'a str,
    /// This machine's name.
    pub hostname: String,
}

impl Surroundings<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|text| !text.trim().is_empty())
    }
}

/// What the command line comes to.
#[derive(Debug)]
pub struct Converted {
    /// What the process is to do.
    pub request: Request,
    /// Things to know that are no errors.
    pub notes: Vec<String>,
}

impl Cli {
    /// Puts flags, environment and Temporal's configuration together: flag > environment > file > default.
    ///
    /// # Errors
    /// The first thing that is wrong, in words that name it.
    pub fn convert(&self, surroundings: Surroundings) -> Result<Converted, Problem> {
        if surroundings
            .get(GENERATOR_ONLY)
            .and_then(|text| parse_switch(&text))
            .unwrap_or(false)
        {
            return Err(Problem::new(format!(
                "{GENERATOR_ONLY}=true asks for load, and this program is a worker"
            ))
            .remedy("run-benchmark --generator-only"));
        }
        let mut asked = self.asked();
        let variable = |key| variables::given(Program::Worker, key, surroundings.variable);
        asked.gather(Program::Worker, &[&variable]);
        let mut secret_notes = Vec::new();
        let mut take = |found: Option<Found>| {
            let Found {
                text,
                place,
                given,
                note,
            } = found?;
            secret_notes.extend(note);
            Some((text, place, given))
        };
        let api_key = match take(self.api_key().find(surroundings.variable)?) {
            Some((text, place, given)) => {
                asked.add(Key::ApiKey, given);
                let key = ApiKey::new(text.reveal()).map_err(|error| Problem::new(format!("{place}: {error}")))?;
                Some(key)
            }
            None => surroundings
                .profile
                .as_ref()
                .and_then(|(profile, _)| profile.api_key.clone()),
        };
        let token = match self.token(&surroundings).map(|token| token.find(surroundings.variable)) {
            Some(found) => match take(found?) {
                Some((text, place, given)) => {
                    asked.add(Key::FleetToken, given);
                    let token = Token::new(text.reveal()).map_err(|error| Problem::new(format!("{place}: {error}")))?;
                    Some(token)
                }
                None => None,
            },
            None => None,
        };
        add_profile(&mut asked, &surroundings);
        let ResolvedWorker { options, mut notes, .. } = resolve_worker(&asked)?;
        notes.extend(secret_notes);
        if let Some(key) = &self.server.tls_key {
            notes.extend(small_file::exposed(Key::TlsKey.flag(), key.as_ref()));
        }
        let join = options
            .joining
            .as_ref()
            .map(|joining| join(joining, token, options.stay))
            .transpose()?;
        let is_asked = |key| asked.get(key).is_some();
        Ok(Converted {
            request: Request {
                asked: AskedPollers {
                    workflow: is_asked(Key::WorkflowPollers),
                    activity: is_asked(Key::ActivityPollers),
                },
                worker: options,
                join,
                api_key,
                profile: surroundings.profile.map(|(profile, _)| profile),
                default_task_queue: surroundings.task_queue.to_owned(),
                name: format!("{}@{}", std::process::id(), surroundings.hostname),
            },
            notes,
        })
    }

    /// What was typed.
    fn asked(&self) -> Asked {
        let Cli {
            // Done before.
            command: _,
            server,
            tuning,
            joining,
            process,
        } = self;
        let mut asked = Asked::new();
        let values = [
            (Key::Address, &server.address),
            (Key::Namespace, &server.namespace),
            (Key::TaskQueue, &server.task_queue),
            (Key::Tls, &server.tls),
            (Key::TlsCa, &server.tls_ca),
            (Key::TlsCert, &server.tls_cert),
            (Key::TlsKey, &server.tls_key),
            (Key::TlsServerName, &server.tls_server_name),
            (Key::ConnectTimeout, &server.connect_timeout),
            (Key::Profile, &tuning.profile),
            (Key::WorkersPerProcess, &tuning.workers_per_process),
            (Key::Slots, &tuning.slots),
            (Key::WorkflowSlots, &tuning.workflow_slots),
            (Key::ActivitySlots, &tuning.activity_slots),
            (Key::LocalActivitySlots, &tuning.local_activity_slots),
            (Key::TargetCpu, &tuning.target_cpu),
            (Key::TargetMemory, &tuning.target_memory),
            (Key::WorkflowPollers, &tuning.workflow_pollers),
            (Key::ActivityPollers, &tuning.activity_pollers),
            (Key::CacheSize, &tuning.cache_size),
            (Key::StickyTimeout, &tuning.sticky_timeout),
            (Key::EagerActivities, &tuning.eager_activities),
            (Key::ActivitiesPerSecond, &tuning.activities_per_second),
            (Key::Deployment, &tuning.deployment),
            (Key::BuildId, &tuning.build_id),
            (Key::GracefulShutdown, &tuning.graceful_shutdown),
            (Key::Join, &joining.join),
            (Key::ExpectPlan, &joining.expect_plan),
            (Key::JoinTimeout, &joining.join_timeout),
            (Key::LeaderTimeout, &joining.leader_timeout),
            (Key::FleetTlsCa, &joining.fleet_tls_ca),
            (Key::FleetTlsServerName, &joining.fleet_tls_server_name),
            (Key::Identity, &process.identity),
            (Key::MetricsListen, &process.metrics_listen),
        ];
        for (key, value) in values {
            if let Some(text) = value {
                asked.add(key, Given::by_flag(key.flag(), text));
            }
        }
        if joining.stay {
            asked.add(Key::Stay, Given::by_flag(Key::Stay.flag(), "true"));
        }
        asked
    }

    fn api_key(&self) -> Secret<'_> {
        Secret {
            key: Key::ApiKey,
            text: self.server.api_key.as_ref(),
            file: self.server.api_key_file.as_deref(),
        }
    }

    /// The token, where this process has a use for one.
    fn token(&self, surroundings: &Surroundings) -> Option<Secret<'_>> {
        let token = Secret {
            key: Key::FleetToken,
            text: self.joining.fleet_token.as_ref(),
            file: self.joining.fleet_token_file.as_deref(),
        };
        // One that stands in the environment for another process is no reason to refuse this one.
        let joins = self.joining.join.is_some() || surroundings.get("BENCHMARK_JOIN").is_some();
        (joins || token.text.is_some() || token.file.is_some()).then_some(token)
    }
}

/// Adds what Temporal's client configuration says, below everything else.
fn add_profile(asked: &mut Asked, surroundings: &Surroundings) {
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

fn join(joining: &Joining, token: Option<Token>, stay: bool) -> Result<JoinOptions, Problem> {
    Ok(JoinOptions {
        leader: RemoteLeader {
            address: joining.leader.clone(),
            token,
            tls: joining.tls.as_ref().map(tls).transpose()?,
        },
        expect_plan: joining.expect_plan.clone(),
        join_timeout: joining.join_timeout,
        leader_timeout: joining.leader_timeout,
        stay,
    })
}

fn tls(tls: &JoiningTls) -> Result<ClientTls, Problem> {
    let read = |path: &PathBuf| {
        small_file::read(path)
            .map_err(|error| Problem::new(format!("--fleet-tls-ca {} cannot be read: {error}", path.display())))
    };
    Ok(ClientTls {
        ca: tls.ca.as_ref().map(read).transpose()?,
        server_name: tls.server_name.clone(),
    })
}
