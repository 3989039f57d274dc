//! The server under test and how starts reach it.

use std::{borrow::Cow, fmt, path::PathBuf, time::Duration};

use serde::Serialize as _;

use super::reader::Reader;
use crate::{
    Cluster, EmbeddedPlan, Load, ServerPreset, StarterPlan, Target, TlsFiles,
    asked::Source,
    form::{Address, EMBEDDED},
    options::{Group, Key, MAX_CONNECTIONS, MAX_THREADS, opt},
    plan::Scheduling,
    problem::{Problem, quotable},
};

/// Starts that one thread can send a second with room to spare; the bare client does about twice that on a core.
const STARTS_PER_THREAD: u64 = 25_000;
/// For Little's law: a start that takes longer than this on average belongs to a cluster that is past its best.
const PRESUMED_START_LATENCY: Duration = Duration::from_millis(50);
/// Unanswered starts on one connection. Servers and balancers allow 100 to 128 streams; a start beyond that would wait
/// inside the client, where nobody sees it.
const STREAMS_PER_CONNECTION: u64 = 80;
/// A balancer that spreads connections and not requests would otherwise have one frontend carry a whole cluster's load.
const MIN_CONNECTIONS_TO_CLUSTER: u32 = 4;
pub(crate) const TLS_FILES: [Key; 4] = [Key::TlsCa, Key::TlsCert, Key::TlsKey, Key::TlsServerName];
const CLUSTER_ONLY: [Key; 6] = [
    Key::Tls,
    Key::TlsCa,
    Key::TlsCert,
    Key::TlsKey,
    Key::TlsServerName,
    Key::ApiKey,
];

/// The server under test.
pub(crate) fn target(reader: &mut Reader) -> Result<Target, Problem> {
    let address = reader.read(opt::Address)?;
    match address {
        Address::Embedded => Ok(Target::Embedded(embedded(reader)?)),
        Address::Cluster(cluster) => {
            let why = format!(
                "it is for the embedded server, and {} is given",
                reader.quote(Key::Address)
            );
            reader.refuse(Group::Server.options(), &why, |problem| {
                problem.remedy(format!("--address {EMBEDDED}"))
            })?;
            let api_key = reader.read_given(opt::ApiKey)?;
            Ok(Target::Cluster(Cluster {
                address: cluster.host_port,
                tls: tls(reader, cluster.https)?,
                api_key: api_key.is_some(),
            }))
        }
    }
}

fn embedded(reader: &mut Reader) -> Result<EmbeddedPlan, Problem> {
    let why = "it is for a cluster, and no address is given";
    reader.refuse(CLUSTER_ONLY, why, |problem| problem.remedy("--address HOST:PORT"))?;
    Ok(EmbeddedPlan {
        binary: reader.read_given(opt::ServerBinary)?.map(PathBuf::from),
        preset: reader.read(opt::ServerPreset)?,
        config: server_config(reader)?,
        keep: reader.read_or(opt::KeepServer, || (false, "".into()))?,
    })
}

fn server_config(reader: &mut Reader) -> Result<std::collections::BTreeMap<String, String>, Problem> {
    let mut config = std::collections::BTreeMap::new();
    for (given, pair) in reader.read_all(opt::ServerConfig)? {
        let (key, value) = pair.split_once('=').unwrap_or((&pair, ""));
        let (key, value) = (key.trim(), value.trim());
        let key_is_plain = key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if !key_is_plain || value.chars().any(char::is_control) {
            return Err(Problem::new(format!(
                "{} is not allowed: {} is not the name of a dynamic configuration value",
                given.quote(Key::ServerConfig),
                quotable(key)
            )));
        }
        if let Err(error) = serde_json::from_str::<serde_json::Value>(value) {
            return Err(Problem::new(format!(
                "{} is not allowed: its value is no JSON ({error})",
                given.quote(Key::ServerConfig)
            ))
            .explain("durations and other texts stand in double quotes of their own, inside those of the shell")
            .remedy(format!("--server-config '{key}=\"{}\"'", value.trim_matches('"'))));
        }
        // The strongest giver comes first.
        if !config.contains_key(key) {
            config.insert(key.to_owned(), value.to_owned());
            reader.record(Key::ServerConfig, format!("{key}={value}"), given.source.clone());
        }
    }
    Ok(config)
}

/// TLS is on when asked for, when any of its files is, with an `https` address, and with an API key, as in Temporal's
/// own tools; `--tls=false` turns it off.
pub(crate) fn tls(reader: &mut Reader, https: bool) -> Result<Option<TlsFiles>, Problem> {
    let asked = reader.peek(opt::Tls)?;
    let implied_by = TLS_FILES.into_iter().find(|key| reader.given(*key).is_some());
    let (on, source) = match (asked, reader.given(Key::Tls), implied_by) {
        (Some(on), Some(given), _) => (on, given.source.clone()),
        (_, _, Some(key)) => (true, Source::Default(format!("{} is given", key.flag()).into())),
        _ if https => (true, Source::Default("the address begins with https".into())),
        _ if reader.given(Key::ApiKey).is_some() => (true, Source::Default("an API key is given".into())),
        _ => (false, Source::Default("".into())),
    };
    reader.record(Key::Tls, on.to_string(), source);
    if !on {
        let why = format!("TLS is off by {}", reader.quote(Key::Tls));
        reader.refuse(TLS_FILES, &why, |problem| problem.remedy("--tls"))?;
        if reader.given(Key::ApiKey).is_some() {
            reader.note(format!("the API key is sent in the clear: {why}"));
        }
        return Ok(None);
    }
    let why = "a client's certificate and its key only work together";
    reader.together([Key::TlsCert, Key::TlsKey], "FILE", why)?;
    Ok(Some(TlsFiles {
        ca: reader.read_given(opt::TlsCa)?.map(PathBuf::from),
        cert: reader.read_given(opt::TlsCert)?.map(PathBuf::from),
        key: reader.read_given(opt::TlsKey)?.map(PathBuf::from),
        server_name: reader.read_given(opt::TlsServerName)?,
    }))
}

/// How starts are sent.
pub(crate) fn starter(reader: &mut Reader, load: &Load, target: &Target, cores: u32) -> Result<StarterPlan, Problem> {
    let asked_connections = reader.peek(opt::Connections)?;
    let threads = reader.read_or(opt::Threads, || {
        let needed = load.rate.thousandths().div_ceil(STARTS_PER_THREAD * 1000);
        let most = cores.min(asked_connections.unwrap_or(MAX_THREADS)).min(MAX_THREADS);
        let threads = u32::try_from(needed).unwrap_or(u32::MAX).clamp(1, most);
        (threads, "one for each 25000 starts a second, at most the cores".into())
    })?;
    let connections = reader.read_or(opt::Connections, || default_connections(load, target, threads))?;
    if connections < threads {
        return Err(Problem::new(format!(
            "{} is fewer than {}",
            reader.quote(Key::Connections),
            reader.quote(Key::Threads)
        ))
        .explain("each thread sends on connections of its own")
        .remedy(format!("--threads {connections}"))
        .remedy(format!("--connections {threads}")));
    }
    Ok(StarterPlan {
        connections,
        each_address: asked_connections.is_none() && matches!(target, Target::Cluster(_)),
        threads,
        start_timeout: reader.read(opt::StartTimeout)?,
        connect_timeout: reader.read(opt::ConnectTimeout)?,
        scheduling: reader.read(opt::Scheduling)?,
        retries: 0,
        compression: "none".to_owned(),
    })
}

/// Little's law: the starts unanswered at one time are the rate times the latency of a start.
fn default_connections(load: &Load, target: &Target, threads: u32) -> (u32, Cow<'static, str>) {
    let millis = u64::try_from(PRESUMED_START_LATENCY.as_millis()).unwrap_or(u64::MAX);
    let in_flight = load.rate.thousandths().saturating_mul(millis).div_ceil(1_000_000);
    let by_law = u32::try_from(in_flight.div_ceil(STREAMS_PER_CONNECTION)).unwrap_or(MAX_CONNECTIONS);
    let (least, reason) = match target {
        Target::Embedded(_) => (1, "rate x 50ms / 80 starts on each (Little's law)"),
        Target::Cluster(_) => (
            MIN_CONNECTIONS_TO_CLUSTER,
            "rate x 50ms / 80 starts on each, at least 4 so that balancers can spread them",
        ),
    };
    (by_law.max(least).max(threads).min(MAX_CONNECTIONS), reason.into())
}

/// As a plan has it.
impl fmt::Display for ServerPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// As a plan has it.
impl fmt::Display for Scheduling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
