//! How others join a run: what was resolved, the secret that keeps strangers out, and what generators on this machine are
//! started with.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use benchmark_scenarios::{
    FleetTls, LEADERS,
    variables::{API_KEY, FLEET_TOKEN, JOINING, Variable},
};

use super::{environment::Surroundings, options::HiddenText, secrets::Secrets};

const FLEET_TLS_CA: &str = "BENCHMARK_FLEET_TLS_CA";
const FLEET_TLS_SERVER_NAME: &str = "BENCHMARK_FLEET_TLS_SERVER_NAME";

/// How others join a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetOptions {
    /// Where the fleet service listens; nobody can join when absent. Port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// How long the others are waited for.
    pub timeout: Duration,
    /// Generators that are started on this machine.
    pub local_generators: u32,
    /// What others need to join.
    pub token: Option<HiddenText>,
    /// PEM files with the fleet service's certificate and its key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Variables of the generators on this machine.
    local_environment: Vec<(&'static str, HiddenText)>,
}

impl FleetOptions {
    /// The resolved options with the secrets that they need.
    pub fn new(
        resolved: &benchmark_scenarios::FleetOptions,
        secrets: &Secrets,
        surroundings: &Surroundings,
    ) -> FleetOptions {
        FleetOptions {
            listen: resolved.listen,
            timeout: resolved.timeout,
            local_generators: resolved.local_generators,
            // Without a place to join nobody needs it.
            token: resolved.listen.and(secrets.fleet_token.clone()),
            tls: resolved.tls.clone().map(|FleetTls { cert, key }| (cert, key)),
            local_environment: local_environment(resolved, secrets, surroundings),
        }
    }

    /// The arguments, after the program's name, of a generator on this machine that joins at an address.
    pub fn local_arguments(&self, address: SocketAddr) -> Vec<String> {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let scheme = if self.tls.is_some() { "https://" } else { "" };
        let leader = format!("{scheme}{}", SocketAddr::new(ip, address.port()));
        // Whatever the environment says of servers, it is the leader's that is asked for.
        ["join", &leader, "--address", LEADERS].map(str::to_owned).to_vec()
    }

    /// The variables of such a generator, besides this process's own: secrets, which must not stand among arguments, and
    /// empty ones for what is this process's alone.
    pub fn local_environment(&self) -> Vec<(String, String)> {
        self.local_environment
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.reveal().to_owned()))
            .collect()
    }
}

fn local_environment(
    resolved: &benchmark_scenarios::FleetOptions,
    secrets: &Secrets,
    surroundings: &Surroundings,
) -> Vec<(&'static str, HiddenText)> {
    let mut variables: Vec<(&'static str, HiddenText)> = JOINING
        .iter()
        .map(|(name, _): &Variable| *name)
        // How the service's certificate is checked is the only thing that one process may say to the other in this way.
        .filter(|name| ![FLEET_TLS_CA, FLEET_TLS_SERVER_NAME].contains(name))
        .map(|name| (name, HiddenText::default()))
        .collect();
    if let Some(tls) = &resolved.tls
        && surroundings.get(FLEET_TLS_CA).is_none()
    {
        variables.push((FLEET_TLS_CA, HiddenText(tls.cert.display().to_string())));
    }
    if let Some(token) = &secrets.fleet_token {
        variables.push((FLEET_TOKEN, token.clone()));
    }
    if let Some(key) = &secrets.api_key {
        variables.push((API_KEY, HiddenText(key.reveal().to_owned())));
    }
    variables
}
