//! `run-benchmark join`: a further generator of a run that another one leads.

use std::path::PathBuf;

use crate::logging::LogArgs;
use benchmark_scenarios::{Asked, GeneratorJoin, Given, Key, Problem, Source, resolve_join};
use benchmark_temporal::small_file;
use clap::Args;

use super::{
    conversion::add_flags,
    environment::{self, Surroundings},
    options::HiddenText,
    secrets::{self, Secrets},
};

/// Whom to join, and what this machine needs to say itself. What is run is the leader's to say.
#[derive(Args, Clone, Debug, Default)]
pub struct JoinArgs {
    /// The leader's --fleet-listen, as other machines reach it; https:// in front for TLS
    #[arg(value_name = "HOST:PORT")]
    pub leader: String,
    /// The leader's secret; other users of this machine can see it in the process list, so better BENCHMARK_FLEET_TOKEN
    /// or --fleet-token-file [default: none]
    #[arg(long, value_name = "TEXT", conflicts_with = "fleet_token_file")]
    pub fleet_token: Option<HiddenText>,
    /// File with that secret [default: none]
    #[arg(long, value_name = "FILE")]
    pub fleet_token_file: Option<PathBuf>,
    /// PEM file with the authority that signed the leader's certificate [default: the system's authorities]
    #[arg(long, value_name = "FILE")]
    pub fleet_tls_ca: Option<String>,
    /// Name that the leader's certificate must carry [default: the leader's host]
    #[arg(long, value_name = "NAME")]
    pub fleet_tls_server_name: Option<String>,
    /// Join no run but the one with this plan: 6 or more digits of the hash that `plan` prints [default: any plan]
    #[arg(long, value_name = "HASH")]
    pub expect_plan: Option<String>,
    /// How long joining may take, 1s to 24h [default: 5m]
    #[arg(long, value_name = "TIME")]
    pub join_timeout: Option<String>,
    /// How long the leader may be out of reach before this generator ends, 1s to 24h [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub leader_timeout: Option<String>,
    /// Frontend of the cluster as this machine reaches it, needed for an API key or headers unless the leader is joined
    /// with TLS; `leader` for the leader's whatever the environment says
    /// [default: leader]
    #[arg(long, value_name = "HOST:PORT", help_heading = "Connection")]
    pub address: Option<String>,
    /// TLS; --tls=false turns it off [default: as the leader]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          help_heading = "Connection")]
    pub tls: Option<String>,
    /// PEM file with the authority that signed the server's certificate [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub tls_ca: Option<String>,
    /// PEM file with the client's certificate, for mTLS [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub tls_cert: Option<String>,
    /// PEM file with the client's key, for mTLS [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub tls_key: Option<String>,
    /// Name that the server's certificate must carry [default: as the leader]
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    pub tls_server_name: Option<String>,
    /// API key; other users of this machine can see it in the process list, so better TEMPORAL_API_KEY or
    /// --api-key-file [default: none]
    #[arg(
        long,
        value_name = "KEY",
        conflicts_with = "api_key_file",
        help_heading = "Connection"
    )]
    pub api_key: Option<HiddenText>,
    /// File with the API key [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub api_key_file: Option<PathBuf>,
    /// Serve this process's metrics at http://IP:PORT/metrics; port 0 takes a free one [default: off]
    #[arg(long, value_name = "IP:PORT")]
    pub metrics_listen: Option<String>,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// What `run-benchmark join` does.
#[derive(Clone, Debug)]
pub struct JoinOptions {
    /// Whom it joins, and how it reaches the server.
    pub join: GeneratorJoin,
    /// What must not be shown.
    pub secrets: Secrets,
    /// Things to know that are no errors.
    pub notes: Vec<String>,
    /// What is logged.
    pub log: LogArgs,
}

impl JoinArgs {
    /// Puts flags, environment and profile together, and says what they come to.
    ///
    /// # Errors
    /// When a secret cannot be had, or an option is not allowed.
    pub fn convert(&self, surroundings: &Surroundings) -> Result<JoinOptions, Problem> {
        let mut asked = Asked::new();
        // No flag sets it: in messages it stands as it was typed.
        let leader = Given {
            text: self.leader.clone(),
            source: Source::Flag(format!("join {:.60}", self.leader.escape_debug().to_string()).into()),
        };
        asked.add(Key::Join, leader);
        add_flags(
            &mut asked,
            [
                (Key::FleetTlsCa, &self.fleet_tls_ca),
                (Key::FleetTlsServerName, &self.fleet_tls_server_name),
                (Key::ExpectPlan, &self.expect_plan),
                (Key::JoinTimeout, &self.join_timeout),
                (Key::LeaderTimeout, &self.leader_timeout),
                (Key::Address, &self.address),
                (Key::Tls, &self.tls),
                (Key::TlsCa, &self.tls_ca),
                (Key::TlsCert, &self.tls_cert),
                (Key::TlsKey, &self.tls_key),
                (Key::TlsServerName, &self.tls_server_name),
                (Key::MetricsListen, &self.metrics_listen),
            ],
        );
        let (secrets, secret_notes) = secrets::read(
            secrets::api_key(&self.api_key, &self.api_key_file),
            secrets::fleet_token(&self.fleet_token, &self.fleet_token_file),
            surroundings,
            &mut asked,
        )?;
        environment::add_joining(&mut asked, surroundings);
        environment::add_profile(&mut asked, surroundings);
        let mut resolved = resolve_join(&asked)?;
        resolved.notes.extend(secret_notes);
        if let Some(key) = &self.tls_key {
            resolved
                .notes
                .extend(small_file::exposed(Key::TlsKey.flag(), key.as_ref()));
        }
        Ok(JoinOptions {
            join: resolved.options,
            secrets,
            notes: resolved.notes,
            log: self.log,
        })
    }
}
