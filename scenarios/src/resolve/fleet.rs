//! The other processes of a run: how many are waited for, and where they join.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use super::{connection, form::Form, reader::Reader};
use crate::{
    Fleet, Target,
    asked::{Key, Source},
    problem::Problem,
};

const MAX_EXPECTED: u32 = 10_000;
const MAX_GENERATORS: u32 = 1_000;
/// Each is a process with threads that keep to the clock; a machine has not that many cores to spare.
const MAX_LOCAL: u32 = 64;
const FLEET_TIMEOUT: Duration = Duration::from_secs(600);

/// What only a fleet service has a use for.
const SERVICE_ONLY: [Key; 4] = [Key::FleetTimeout, Key::FleetToken, Key::FleetTlsCert, Key::FleetTlsKey];

/// What has no meaning for a generator that runs by itself.
const WITH_OTHERS: [Key; 5] = [
    Key::LocalGenerators,
    Key::Generators,
    Key::ExpectWorkers,
    Key::FleetListen,
    Key::FleetTimeout,
];

/// How others join a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetOptions {
    /// Where the fleet service listens; nobody can join when absent. Port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// How long the others are waited for.
    pub timeout: Duration,
    /// Generators that this one starts on its own machine.
    pub local_generators: u32,
    /// The part of the schedule, from 0, that this generator sends while others send theirs without it; all of it, shared
    /// with those that join, when absent.
    pub shard: Option<u32>,
    /// When the load begins; as soon as everybody is ready when absent or past.
    pub start_at: Option<SystemTime>,
    /// The fleet service's certificate, when it has one.
    pub tls: Option<FleetTls>,
}

/// Where the fleet service's TLS material is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetTls {
    /// PEM file with the certificate.
    pub cert: PathBuf,
    /// PEM file with its key.
    pub key: PathBuf,
}

/// The fleet as asked for, defaults filled in.
pub(crate) fn resolve(reader: &mut Reader, target: &Target) -> Result<(Fleet, FleetOptions), Problem> {
    let local_generators = reader.read(Key::LocalGenerators, &Form::whole(0..=MAX_LOCAL, "generators"), || {
        (0, "".into())
    })?;
    let start_at = reader.read_given(Key::StartAt, &instant())?;
    if let Some((shard, of)) = reader.read_given(Key::Shard, &shard())? {
        let why = "a generator with --shard runs by itself; merge puts its result together with those of the others";
        reader.refuse(&WITH_OTHERS, why, |problem| problem)?;
        let fleet = Fleet {
            expect_workers: 0,
            generators: of,
        };
        let options = FleetOptions {
            shard: Some(shard - 1),
            start_at,
            ..FleetOptions::alone()
        };
        return Ok((fleet, options));
    }
    let form = Form::whole(1..=MAX_GENERATORS, "generators");
    let generators = reader.read(Key::Generators, &form, || match local_generators {
        0 => (1, "".into()),
        local => (local + 1, "this one and those of --local-generators".into()),
    })?;
    if local_generators >= generators {
        return Err(Problem::new(format!(
            "{} leaves no place for this one among {}",
            reader.quote(Key::LocalGenerators),
            reader.quote(Key::Generators)
        ))
        .explain("--generators counts all that share the starts, and this one is the first of them")
        .remedy(format!("--generators {}", local_generators + 1)));
    }
    let form = Form::whole(0..=MAX_EXPECTED, "worker processes");
    let expect_workers = reader.read(Key::ExpectWorkers, &form, || (0, "".into()))?;
    let fleet = Fleet {
        expect_workers,
        generators,
    };
    let listen = listen(reader, &fleet, local_generators)?;
    let Some(address) = listen else {
        let why = "nobody can join without --fleet-listen";
        reader.refuse(&SERVICE_ONLY, why, |problem| problem.remedy("--fleet-listen IP:PORT"))?;
        let options = FleetOptions {
            start_at,
            ..FleetOptions::alone()
        };
        return Ok((fleet, options));
    };
    let timeout = Form::span(Duration::from_secs(1)..=Duration::from_secs(24 * 3600));
    let options = FleetOptions {
        listen,
        timeout: reader.read(Key::FleetTimeout, &timeout, || (FLEET_TIMEOUT, "".into()))?,
        local_generators,
        shard: None,
        start_at,
        tls: tls(reader)?,
    };
    note_exposure(reader, address, &options);
    if expect_workers > 0 && !address.ip().is_loopback() && matches!(target, Target::Embedded(_)) {
        reader.note("the embedded server listens on 127.0.0.1: workers on other machines can join but not reach it");
    }
    Ok((fleet, options))
}

impl FleetOptions {
    /// Nobody joins.
    fn alone() -> Self {
        FleetOptions {
            listen: None,
            timeout: FLEET_TIMEOUT,
            local_generators: 0,
            shard: None,
            start_at: None,
            tls: None,
        }
    }
}

/// `2/4`: the second of four parts.
fn shard() -> Form<(u32, u32)> {
    Form::new(
        "I/N, the I-th of N parts, as in 2/4",
        |text| {
            let (index, of) = text.trim().split_once('/')?;
            let (index, of) = (index.parse().ok()?, of.parse().ok()?);
            (1..=of)
                .contains(&index)
                .then_some((index, of))
                .filter(|(_, of)| *of <= MAX_GENERATORS)
        },
        |(index, of)| format!("{index}/{of}"),
    )
}

fn instant() -> Form<SystemTime> {
    Form::new(
        "an instant in UTC, as in 2026-11-23T18:00:00Z",
        |text| humantime::parse_rfc3339(text.trim()).ok(),
        |instant| humantime::format_rfc3339_millis(*instant).to_string(),
    )
}

fn listen(reader: &mut Reader, fleet: &Fleet, local_generators: u32) -> Result<Option<SocketAddr>, Problem> {
    if fleet.expect_workers == 0 && fleet.generators == 1 {
        let why = "nobody is expected to join";
        reader.refuse(&[Key::FleetListen], why, |problem| {
            problem.remedy("--expect-workers N").remedy("--generators N")
        })?;
        return Ok(None);
    }
    if let Some(address) = reader.read_given(Key::FleetListen, &Form::listen())? {
        return Ok(Some(address));
    }
    if local_generators > 0 {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        reader.record(
            Key::FleetListen,
            address.to_string(),
            Source::Default("a free port for --local-generators".into()),
        );
        return Ok(Some(address));
    }
    let (key, who) = match fleet.expect_workers {
        0 => (
            Key::Generators,
            "the others join there, each with: run-benchmark join HOST:PORT",
        ),
        _ => (
            Key::ExpectWorkers,
            "they join there, each with: benchmark-worker --join HOST:PORT",
        ),
    };
    Err(
        Problem::new(format!("{} needs --fleet-listen IP:PORT as well", reader.quote(key)))
            .explain(who)
            .remedy("--fleet-listen 127.0.0.1:7400")
            .remedy("--fleet-listen 0.0.0.0:7400"),
    )
}

fn tls(reader: &mut Reader) -> Result<Option<FleetTls>, Problem> {
    let cert = connection::path(reader, Key::FleetTlsCert)?;
    let key = connection::path(reader, Key::FleetTlsKey)?;
    let (one, other) = match (cert, key) {
        (Some(cert), Some(key)) => return Ok(Some(FleetTls { cert, key })),
        (None, None) => return Ok(None),
        (Some(_), None) => (Key::FleetTlsCert, Key::FleetTlsKey),
        (None, Some(_)) => (Key::FleetTlsKey, Key::FleetTlsCert),
    };
    Err(
        Problem::new(format!("{} needs {} FILE as well", reader.quote(one), other.flag()))
            .explain("a certificate and its key only work together"),
    )
}

/// Says who else could join or listen in.
fn note_exposure(reader: &mut Reader, address: SocketAddr, options: &FleetOptions) {
    let token = reader.given(Key::FleetToken);
    if let Some(given) = token {
        reader.record(Key::FleetToken, given.text.clone(), given.source.clone());
    }
    if address.ip().is_loopback() {
        return;
    }
    if token.is_none() {
        reader.note(format!(
            "whoever reaches {address} can join the run: --fleet-token-file keeps strangers out"
        ));
    } else if options.tls.is_none() {
        reader.note(format!(
            "the fleet's token is sent to {address} in the clear: --fleet-tls-cert and --fleet-tls-key encrypt it"
        ));
    }
}
