//! The server under test and how starts reach it.

use std::{borrow::Cow, fmt, path::PathBuf, time::Duration};

use super::{form::Form, reader::Reader};
use crate::{
    Cluster, EmbeddedServer, Load, ServerPreset, Starter, Target, TlsFiles,
    asked::{Key, Source},
    plan::Scheduling,
    problem::{Problem, quotable},
};

/// Typed after `--address`, it stands for the embedded server, whatever the environment says.
pub const EMBEDDED: &str = "embedded";

/// Starts that one thread can send a second with room to spare; the bare client does about twice that on a core.
const STARTS_PER_THREAD: u64 = 25_000;
const MAX_THREADS: u32 = 64;
/// For Little's law: a start that takes longer than this on average belongs to a cluster that is past its best.
const PRESUMED_START_LATENCY: Duration = Duration::from_millis(50);
/// Unanswered starts on one connection. Servers and balancers allow 100 to 128 streams; a start beyond that would wait
/// inside the client, where nobody sees it.
const STREAMS_PER_CONNECTION: u64 = 80;
/// A balancer that spreads connections and not requests would otherwise have one frontend carry a whole cluster's load.
const MIN_CONNECTIONS_TO_CLUSTER: u32 = 4;
const MAX_CONNECTIONS: u32 = 1_000;
/// Where the fleet of the replaced system works; workers elsewhere have to know it before the run begins, so it is a
/// fixed name and not a new one each run. Runs are told apart by their workflow ids.
const DEFAULT_NAMESPACE: &str = "benchmark";

const EMBEDDED_ONLY: [Key; 4] = [Key::ServerBinary, Key::ServerPreset, Key::ServerConfig, Key::KeepServer];
pub(crate) const TLS_FILES: [Key; 4] = [Key::TlsCa, Key::TlsCert, Key::TlsKey, Key::TlsServerName];
const CLUSTER_ONLY: [Key; 6] = [
    Key::Tls,
    Key::TlsCa,
    Key::TlsCert,
    Key::TlsKey,
    Key::TlsServerName,
    Key::ApiKey,
];

/// An address as typed.
#[derive(Clone, Debug, PartialEq)]
enum Address {
    Embedded,
    Cluster { host_port: String, https: bool },
}

/// The server under test.
pub(crate) fn target(reader: &mut Reader) -> Result<Target, Problem> {
    let form = Form::new(
        "HOST:PORT, as in temporal.internal:7233, or embedded",
        parse_address,
        |address| match address {
            Address::Embedded => EMBEDDED.to_owned(),
            Address::Cluster { host_port, .. } => host_port.clone(),
        },
    );
    let address = reader.read(Key::Address, &form, || {
        (
            Address::Embedded,
            "no address: a dev server is started and stopped".into(),
        )
    })?;
    match address {
        Address::Embedded => Ok(Target::Embedded(embedded(reader)?)),
        Address::Cluster { host_port, https } => {
            let why = format!(
                "it is for the embedded server, and {} is given",
                reader.quote(Key::Address)
            );
            reader.refuse(&EMBEDDED_ONLY, &why, |problem| {
                problem.remedy(format!("--address {EMBEDDED}"))
            })?;
            let api_key = reader.given(Key::ApiKey);
            if let Some(given) = api_key {
                reader.record(Key::ApiKey, given.text.clone(), given.source.clone());
            }
            Ok(Target::Cluster(Cluster {
                address: host_port,
                tls: tls(reader, https)?,
                api_key: api_key.is_some(),
            }))
        }
    }
}

fn parse_address(text: &str) -> Option<Address> {
    let text = text.trim();
    if text == EMBEDDED {
        return Some(Address::Embedded);
    }
    let (host_port, https) = parse_host_port(text)?;
    Some(Address::Cluster { host_port, https })
}

/// `HOST:PORT`, with or without a scheme in front; and whether that is `https`.
pub(crate) fn parse_host_port(text: &str) -> Option<(String, bool)> {
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
    (name && port).then(|| (rest.to_owned(), https))
}

fn embedded(reader: &mut Reader) -> Result<EmbeddedServer, Problem> {
    let why = "it is for a cluster, and no address is given";
    reader.refuse(&CLUSTER_ONLY, why, |problem| problem.remedy("--address HOST:PORT"))?;
    Ok(EmbeddedServer {
        binary: path(reader, Key::ServerBinary)?,
        preset: reader.read(
            Key::ServerPreset,
            &Form::choice(&[ServerPreset::Cluster, ServerPreset::Stock]),
            || (ServerPreset::Cluster, "dispatches as a cluster would".into()),
        )?,
        config: server_config(reader)?,
        keep: reader.read(Key::KeepServer, &Form::switch(), || (false, "".into()))?,
    })
}

fn server_config(reader: &mut Reader) -> Result<std::collections::BTreeMap<String, String>, Problem> {
    let mut config = std::collections::BTreeMap::new();
    for given in reader.server_config() {
        let pair = given
            .text
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()));
        let Some((key, value)) = pair.filter(|(key, value)| !key.is_empty() && !value.is_empty()) else {
            return Err(Problem::new(format!(
                "{} is not allowed: give KEY=VALUE, as in frontend.rps=5000",
                given.quote(Key::ServerConfig)
            )));
        };
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
    let asked = reader.peek(Key::Tls, &Form::switch())?;
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
        reader.refuse(&TLS_FILES, &why, |problem| problem.remedy("--tls"))?;
        if reader.given(Key::ApiKey).is_some() {
            reader.note(format!("the API key is sent in the clear: {why}"));
        }
        return Ok(None);
    }
    for (one, other) in [(Key::TlsCert, Key::TlsKey), (Key::TlsKey, Key::TlsCert)] {
        if reader.given(one).is_some() && reader.given(other).is_none() {
            return Err(
                Problem::new(format!("{} needs {} FILE as well", reader.quote(one), other.flag()))
                    .explain("a client's certificate and its key only work together"),
            );
        }
    }
    let name = server_name_form();
    Ok(Some(TlsFiles {
        ca: path(reader, Key::TlsCa)?,
        cert: path(reader, Key::TlsCert)?,
        key: path(reader, Key::TlsKey)?,
        server_name: reader.read_given(Key::TlsServerName, &name)?,
    }))
}

/// The name that a certificate must carry.
pub(crate) fn server_name_form() -> Form<String> {
    Form::text("the name in the server's certificate", |text| {
        !text.is_empty() && is_plain(text)
    })
}

/// How long a start may wait for its answer, unless asked otherwise.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn start_timeout_form() -> Form<Duration> {
    Form::span(Duration::from_millis(1)..=Duration::from_secs(600))
}

/// How starts are sent.
pub(crate) fn starter(reader: &mut Reader, load: &Load, target: &Target, cores: u32) -> Result<Starter, Problem> {
    let connections_form = Form::whole(1..=MAX_CONNECTIONS, "connections");
    let asked_connections = reader.peek(Key::Connections, &connections_form)?;
    let threads = reader.read(Key::Threads, &Form::whole(1..=MAX_THREADS, "threads"), || {
        let needed = load.rate.thousandths().div_ceil(STARTS_PER_THREAD * 1000);
        let most = cores.min(asked_connections.unwrap_or(MAX_THREADS)).min(MAX_THREADS);
        let threads = u32::try_from(needed).unwrap_or(u32::MAX).clamp(1, most);
        (threads, "one for each 25000 starts a second, at most the cores".into())
    })?;
    let connections = reader.read(Key::Connections, &connections_form, || {
        default_connections(load, target, threads)
    })?;
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
    let timeout = start_timeout_form();
    let ten_seconds = || (START_TIMEOUT, Cow::Borrowed(""));
    Ok(Starter {
        connections,
        each_address: asked_connections.is_none() && matches!(target, Target::Cluster(_)),
        threads,
        start_timeout: reader.read(Key::StartTimeout, &timeout, ten_seconds)?,
        connect_timeout: reader.read(Key::ConnectTimeout, &timeout, ten_seconds)?,
        scheduling: reader.read(
            Key::Scheduling,
            &Form::choice(&[Scheduling::Auto, Scheduling::Ordinary]),
            || (Scheduling::Auto, "".into()),
        )?,
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

/// The task queue of a run.
pub(crate) fn task_queue(reader: &mut Reader, default: &str) -> Result<String, Problem> {
    let form = Form::text(
        "a name of 1 to 255 characters without blanks, commas or braces",
        is_task_queue,
    );
    reader.read(Key::TaskQueue, &form, || {
        (default.to_owned(), "where workers of a fleet look for work".into())
    })
}

/// Whether a text can name a task queue: commas and braces are how a worker process is told of several.
pub(crate) fn is_task_queue(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && !text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || matches!(c, ',' | '{' | '}'))
}

/// The namespace, when one was asked for.
pub(crate) fn given_namespace(reader: &mut Reader) -> Result<Option<String>, Problem> {
    reader.read_given(Key::Namespace, &namespace_form())
}

/// The namespace.
pub(crate) fn namespace(reader: &mut Reader) -> Result<String, Problem> {
    reader.read(Key::Namespace, &namespace_form(), || {
        (
            DEFAULT_NAMESPACE.to_owned(),
            "where workers of a fleet look for work".into(),
        )
    })
}

fn namespace_form() -> Form<String> {
    let plain = |text: &str| {
        (1..=255).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    Form::text("1 to 255 letters, digits, dots, dashes or underscores", plain)
}

pub(crate) fn path(reader: &mut Reader, key: Key) -> Result<Option<PathBuf>, Problem> {
    let form = Form::text("the path of a file", |text| !text.is_empty() && is_plain(text));
    Ok(reader.read_given(key, &form)?.map(PathBuf::from))
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

impl fmt::Display for ServerPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServerPreset::Cluster => "cluster",
            ServerPreset::Stock => "stock",
        })
    }
}

impl fmt::Display for Scheduling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheduling::Auto => "auto",
            Scheduling::Ordinary => "ordinary",
        })
    }
}
