//! Addresses, where something is: `HOST:PORT`, with or without a scheme in front, or a word.

use super::Form;

/// Typed after `--address`, it stands for the embedded server, whatever the environment says.
pub const EMBEDDED: &str = "embedded";
/// Typed after `--address` of a process that joins, it stands for the address that the leader uses, whatever the
/// environment says.
pub(crate) const LEADERS: &str = "leader";

/// The server under test as typed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Address {
    /// A dev server of the run's own.
    Embedded,
    /// Another one.
    Cluster(HostPort),
}

/// A host and its port, and whether `https` stood before it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostPort {
    /// Both with a colon between them.
    pub host_port: String,
    /// Whether the scheme was `https`.
    pub https: bool,
}

impl Form<Address> {
    /// The server of a run.
    pub fn address() -> Self {
        Form::new(
            "HOST:PORT, as in temporal.internal:7233, or embedded",
            |text| match text.trim() {
                EMBEDDED => Some(Address::Embedded),
                text => parse_host_port(text).map(Address::Cluster),
            },
            |address| match address {
                Address::Embedded => EMBEDDED.to_owned(),
                Address::Cluster(cluster) => cluster.host_port.clone(),
            },
        )
    }
}

impl Form<Option<HostPort>> {
    /// The server of a process that joins; `None` is the leader's.
    pub fn address_or_leaders() -> Self {
        Form::new(
            format!("HOST:PORT, as in temporal.internal:7233, or {LEADERS}"),
            |text| match text.trim() {
                LEADERS => Some(None),
                text => parse_host_port(text).map(Some),
            },
            |address| {
                let host_port = address.as_ref().map(|address| address.host_port.as_str());
                host_port.unwrap_or(LEADERS).to_owned()
            },
        )
    }
}

impl Form<HostPort> {
    /// The leading generator.
    pub fn leader() -> Self {
        Form::new(
            "HOST:PORT of the leading generator's --fleet-listen, as in 10.0.0.5:7400",
            parse_host_port,
            |leader| leader.host_port.clone(),
        )
    }
}

fn parse_host_port(text: &str) -> Option<HostPort> {
    let text = text.trim();
    let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => (false, text),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = rest.rsplit_once(':')?;
    let name = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        }
    };
    let port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let host_port = rest.to_owned();
    (name && port).then_some(HostPort { host_port, https })
}
