//! Joining: how a process joins a run that another one leads, and what it says itself about the server.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{Setting, connection, connection::TLS_FILES, reader::Reader};
use crate::{
    Cluster, Target, TlsFiles,
    asked::{Asked, Source},
    form::Form,
    options::{Key, Program, opt},
    problem::{Problem, quotable},
};

/// How a leading generator is joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// `host:port` of its fleet service.
    pub leader: String,
    /// TLS, when on.
    pub tls: Option<JoiningTls>,
    /// The first digits of the hash of the plan that is insisted on; any plan when absent.
    pub expect_plan: Option<String>,
    /// How long joining may take.
    pub join_timeout: Duration,
    /// How long the leader may be out of reach before this process ends.
    pub leader_timeout: Duration,
}

/// How the fleet service's certificate is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoiningTls {
    /// PEM file with the authority that signed it; the system's authorities when absent.
    pub ca: Option<PathBuf>,
    /// The name that it must carry, when it is not the address's host.
    pub server_name: Option<String>,
}

/// What a process that joins says itself about the Temporal server; what it does not say is the leader's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerAccess {
    /// `host:port` of the frontend.
    pub address: Option<String>,
    /// Whether and how TLS is used.
    pub tls: TlsSaid,
    /// Whether an API key is at hand.
    pub api_key: bool,
    /// Whether the leader proves who it is: it is joined with TLS.
    pub is_leader_known: bool,
}

/// Whether and how TLS is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TlsSaid {
    /// As the leader does.
    #[default]
    AsLeader,
    /// Not at all.
    Off,
    /// With these files.
    On(TlsFiles),
}

/// What Temporal's own client configuration holds here that is not among the options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtHand {
    /// Headers of every call.
    pub headers: bool,
    /// TLS material.
    pub tls: bool,
}

/// The server as a process that joins reaches it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// Where and how.
    pub cluster: Cluster,
    /// Whether the headers of Temporal's own client configuration are sent there.
    pub headers: bool,
}

impl ServerAccess {
    /// The server as this process reaches it: what it said itself, and the leader's plan for the rest. `server_address`
    /// is `host:port` of the server as the leader reaches it.
    ///
    /// Secrets go to an address that was typed, or on the word of a leader that proves who it is. No file is read because a
    /// leader names it.
    ///
    /// # Errors
    /// When the leader contradicts itself, when a secret would go where nobody here sent it, and when the run needs one that
    /// is not at hand.
    pub fn over(&self, leader: &Target, server_address: &str, at_hand: AtHand) -> Result<Reached, Problem> {
        let told = quotable(server_address);
        let may_go = self.address.is_some() || self.is_leader_known;
        let (tls, api_key) = match leader {
            Target::Embedded(_) => {
                if !is_loopback(server_address) {
                    return Err(Problem::new(format!(
                        "the leader has an embedded server, which listens on 127.0.0.1, and says that it is at {told}"
                    )));
                }
                (None, false)
            }
            Target::Cluster(cluster) if cluster.address != server_address => {
                return Err(Problem::new(format!(
                    "the leader's plan is for the server at {}, and the leader says that it is at {told}",
                    quotable(&cluster.address)
                )));
            }
            Target::Cluster(cluster) => (cluster.tls.as_ref(), cluster.api_key),
        };
        if api_key && !self.api_key {
            return Err(
                Problem::new("the run's server takes an API key, and none is given here")
                    .explain("the leader hands out no secrets")
                    .remedy("--api-key-file FILE")
                    .remedy("TEMPORAL_API_KEY=…"),
            );
        }
        let unsent = match leader {
            Target::Cluster(_) if !may_go && api_key => Some("the API key is"),
            Target::Cluster(_) if !may_go && at_hand.headers => Some("headers of Temporal's client configuration are"),
            _ => None,
        };
        if let Some(secret) = unsent {
            return Err(Problem::new(format!(
                "{secret} not sent to {told}: only the leader names that server, and nothing proves who the leader is"
            ))
            .explain("secrets go to a server that is named here, or by a leader that is joined with TLS")
            .remedy("--address HOST:PORT")
            .remedy("https:// in front of the leader's address"));
        }
        Ok(Reached {
            cluster: Cluster {
                address: self.address.clone().unwrap_or_else(|| server_address.to_owned()),
                tls: match &self.tls {
                    TlsSaid::AsLeader => tls.map(|files| as_leader(files, at_hand)).transpose()?,
                    TlsSaid::Off => None,
                    TlsSaid::On(files) => Some(files.clone()),
                },
                // A key that no server asked for is not sent to it.
                api_key: self.api_key && may_go && (api_key || self.address.is_some()),
            },
            headers: match leader {
                Target::Cluster(_) => may_go,
                Target::Embedded(_) => self.address.is_some(),
            },
        })
    }
}

/// TLS as the leader has it, without its files: on this machine their names are nothing but its word.
fn as_leader(files: &TlsFiles, at_hand: AtHand) -> Result<TlsFiles, Problem> {
    let named = [
        (Key::TlsCa, &files.ca),
        (Key::TlsCert, &files.cert),
        (Key::TlsKey, &files.key),
    ];
    let named: Vec<&str> = named
        .into_iter()
        .filter_map(|(key, file)| file.as_ref().map(|_| key.flag()))
        .collect();
    if !named.is_empty() && !at_hand.tls {
        let own = named
            .iter()
            .map(|flag| format!("{flag} FILE"))
            .collect::<Vec<_>>()
            .join(" ");
        return Err(Problem::new(format!(
            "the leader reaches the run's server with {}, and nothing of it is given here",
            named.join(", ")
        ))
        .explain("no file is read here because a leader names it; --tls alone takes the system's authorities")
        .remedy(own)
        .remedy("--tls"));
    }
    Ok(TlsFiles {
        server_name: files.server_name.clone(),
        ..TlsFiles::default()
    })
}

/// Whether an address names this machine.
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let ip = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<std::net::IpAddr>();
    ip.map_or(host == "localhost", |ip| ip.is_loopback())
}

/// What `run-benchmark join` comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedJoin {
    /// What it does.
    pub options: GeneratorJoin,
    /// Each option with its effective value and source.
    pub settings: Vec<Setting>,
    /// Things to know that are no errors.
    pub notes: Vec<String>,
}

/// A generator that joins a run and sends its part of the starts.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorJoin {
    /// Whom it joins.
    pub joining: Joining,
    /// How it reaches the server.
    pub access: ServerAccess,
    /// Where its metrics are served, when they are.
    pub metrics_listen: Option<SocketAddr>,
}

/// Resolves what was asked of `run-benchmark join`.
///
/// # Errors
/// The first thing that is wrong, in words that name it.
pub fn resolve_join(asked: &Asked) -> Result<ResolvedJoin, Problem> {
    let mut reader = Reader::new(Program::Join, asked);
    let joining = joining(&mut reader)?
        .ok_or_else(|| Problem::new("the leader's address is missing").remedy("run-benchmark join HOST:PORT"))?;
    let access = access(&mut reader, Some(&joining))?;
    let options = GeneratorJoin {
        joining,
        access,
        metrics_listen: reader.read_given(opt::MetricsListen)?,
    };
    let (settings, notes) = reader.finish();
    Ok(ResolvedJoin {
        options,
        settings,
        notes,
    })
}

/// The leader that is to be joined, when one is.
pub(crate) fn joining(reader: &mut Reader) -> Result<Option<Joining>, Problem> {
    let Some(leader) = reader.read_given(opt::Join)? else {
        return Ok(None);
    };
    reader.read_given(opt::FleetToken)?;
    let tls = JoiningTls {
        ca: reader.read_given(opt::FleetTlsCa)?.map(PathBuf::from),
        server_name: reader.read_given(opt::FleetTlsServerName)?,
    };
    let tls_on = leader.https || tls != JoiningTls::default();
    Ok(Some(Joining {
        leader: leader.host_port,
        tls: tls_on.then_some(tls),
        expect_plan: reader.read_given(opt::ExpectPlan)?,
        join_timeout: reader.read(opt::JoinTimeout)?,
        leader_timeout: reader.read(opt::LeaderTimeout)?,
    }))
}

/// What is said here about the server.
pub(crate) fn access(reader: &mut Reader, joining: Option<&Joining>) -> Result<ServerAccess, Problem> {
    let address = reader.read_given_as(Key::Address, &Form::address_or_leaders())?;
    let of_the_leader = matches!(address, Some(None));
    let address = address.flatten();
    let api_key = reader.read_given(opt::ApiKey)?;
    let said = [Key::Tls].iter().chain(&TLS_FILES).any(|key| {
        reader.given(*key).is_some_and(|given| match given.source {
            // Temporal's own configuration speaks of the server that it names, and not of the leader's.
            Source::File(_) => false,
            Source::Environment(_) => !of_the_leader,
            _ => true,
        })
    });
    let tls = match &address {
        None if !said => TlsSaid::AsLeader,
        _ => {
            let https = address.as_ref().is_some_and(|address| address.https);
            connection::tls(reader, https)?.map_or(TlsSaid::Off, TlsSaid::On)
        }
    };
    Ok(ServerAccess {
        address: address.map(|address| address.host_port),
        tls,
        api_key: api_key.is_some(),
        is_leader_known: joining.is_some_and(|joining| joining.tls.is_some()),
    })
}
