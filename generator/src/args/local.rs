//! What a generator that is started on this machine is started with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use benchmark_fleet::Token;
use benchmark_scenarios::{
    FleetOptions, LEADERS,
    variables::{API_KEY, FLEET_TOKEN, JOINING},
};
use benchmark_temporal::ApiKey;

const FLEET_TLS_CA: &str = "BENCHMARK_FLEET_TLS_CA";
const FLEET_TLS_SERVER_NAME: &str = "BENCHMARK_FLEET_TLS_SERVER_NAME";

/// The secrets of this process that a generator beside it needs too.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalSecrets<'a> {
    /// What it needs to join.
    pub token: Option<&'a Token>,
    /// What it needs for the server.
    pub api_key: Option<&'a ApiKey>,
}

/// The arguments, after the program's name, of a generator on this machine that joins at the address that is served.
pub fn local_arguments(fleet: &FleetOptions, address: SocketAddr) -> Vec<String> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let scheme = if fleet.tls.is_some() { "https://" } else { "" };
    let leader = format!("{scheme}{}", SocketAddr::new(ip, address.port()));
    // Whatever the environment says of servers, it is the leader's that is asked for.
    ["join", &leader, "--address", LEADERS].map(str::to_owned).to_vec()
}

/// Its variables besides this process's own, which it inherits: secrets, which must not stand among arguments, and empty
/// ones for what is this process's alone. `variable` reads this process's.
pub fn local_environment(
    fleet: &FleetOptions,
    secrets: LocalSecrets<'_>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    // How the service's certificate is checked is the only thing that one process may say to the other in this way.
    let inherited = [FLEET_TLS_CA, FLEET_TLS_SERVER_NAME];
    let mut variables: Vec<(String, String)> = JOINING
        .iter()
        .filter(|(name, _)| !inherited.contains(name))
        .map(|(name, _)| ((*name).to_owned(), String::new()))
        .collect();
    let mut set = |name: &str, text: &str| variables.push((name.to_owned(), text.to_owned()));
    if let Some(tls) = &fleet.tls
        && variable(FLEET_TLS_CA).is_none_or(|text| text.trim().is_empty())
    {
        set(FLEET_TLS_CA, &tls.cert.to_string_lossy());
    }
    if let Some(token) = secrets.token {
        set(FLEET_TOKEN, token.reveal());
    }
    if let Some(key) = secrets.api_key {
        set(API_KEY, key.reveal());
    }
    variables
}
