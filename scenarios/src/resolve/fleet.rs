//! The fleet, the other processes of a run: how many are waited for, and where they join.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::reader::Reader;
use crate::{
    FleetSize, Target,
    options::{Key, Opt, opt},
    problem::Problem,
};

/// What only a fleet service has a use for.
const SERVICE_ONLY: [Key; 6] = [
    Key::FleetTimeout,
    Key::FleetToken,
    Key::FleetOpen,
    Key::AllowVersionSkew,
    Key::FleetTlsCert,
    Key::FleetTlsKey,
];

/// How others join a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetOptions {
    /// Where the fleet service listens; nobody can join when absent. Port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// How long the others are waited for.
    pub timeout: Duration,
    /// Whether members of other versions are let in.
    pub allow_version_skew: bool,
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
pub(crate) fn resolve(reader: &mut Reader, target: &Target) -> Result<(FleetSize, FleetOptions), Problem> {
    let generators = reader.read(opt::Generators)?;
    let expect_workers = reader.read(opt::ExpectWorkers)?;
    let fleet = FleetSize {
        expect_workers,
        generators,
    };
    let listen = listen(reader, &fleet)?;
    let Some(address) = listen else {
        let why = "nobody can join without --fleet-listen";
        reader.refuse(SERVICE_ONLY, why, |problem| problem.remedy("--fleet-listen IP:PORT"))?;
        return Ok((fleet, FleetOptions::alone()));
    };
    let options = FleetOptions {
        listen,
        timeout: reader.read(opt::FleetTimeout)?,
        allow_version_skew: given_switch(reader, opt::AllowVersionSkew)?,
        tls: tls(reader)?,
    };
    keep_strangers_out(reader, address, &options)?;
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
            timeout: Duration::ZERO,
            allow_version_skew: false,
            tls: None,
        }
    }
}

fn listen(reader: &mut Reader, fleet: &FleetSize) -> Result<Option<SocketAddr>, Problem> {
    if fleet.expect_workers == 0 && fleet.generators == 1 {
        let why = "nobody is expected to join";
        reader.refuse([Key::FleetListen], why, |problem| {
            problem.remedy("--expect-workers N").remedy("--generators N")
        })?;
        return Ok(None);
    }
    if let Some(address) = reader.read_given(opt::FleetListen)? {
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
            .remedy("--fleet-listen 0.0.0.0:7400 --fleet-token-file FILE"),
    )
}

/// A switch that is off unless it is given.
fn given_switch(reader: &mut Reader, option: impl Opt<Value = bool>) -> Result<bool, Problem> {
    Ok(reader.read_given(option)?.unwrap_or(false))
}

fn tls(reader: &mut Reader) -> Result<Option<FleetTls>, Problem> {
    let cert = reader.read_given(opt::FleetTlsCert)?.map(PathBuf::from);
    let key = reader.read_given(opt::FleetTlsKey)?.map(PathBuf::from);
    let why = "a certificate and its key only work together";
    reader.together([Key::FleetTlsCert, Key::FleetTlsKey], "FILE", why)?;
    Ok(cert.zip(key).map(|(cert, key)| FleetTls { cert, key }))
}

/// Refuses a fleet that whoever reaches this machine could join, unless that is asked for: a member can fake all figures.
/// Says who could listen in.
fn keep_strangers_out(reader: &mut Reader, address: SocketAddr, options: &FleetOptions) -> Result<(), Problem> {
    let token = reader.read_given(opt::FleetToken)?;
    if token.is_some() {
        let why = "there is a token, and so the fleet is not open";
        reader.refuse([Key::FleetOpen], why, |problem| problem)?;
    }
    let open = given_switch(reader, opt::FleetOpen)?;
    if address.ip().is_loopback() {
        return Ok(());
    }
    match token {
        None if open => reader.note(format!(
            "whoever reaches {address} can join the run, and fake its figures"
        )),
        None => {
            return Err(Problem::new(format!(
                "{} lets everybody join who reaches this machine",
                reader.quote(Key::FleetListen)
            ))
            .explain(
                "whoever joins can fake the figures; members show a token, 16 characters or more, that both are given",
            )
            .remedy("--fleet-token-file FILE")
            .remedy("--fleet-open"));
        }
        Some(_) if options.tls.is_none() => reader.note(format!(
            "the fleet's token is sent to {address} in the clear: --fleet-tls-cert and --fleet-tls-key encrypt it"
        )),
        Some(_) => {}
    }
    Ok(())
}
