//! Connecting within a limit, and finding out why it failed.
//!
//! The client library tells little of a failure, and of a silent peer nothing. So each try begins with a TCP
//! connection of our own, whose errors are plain, and a failed one ends with another on which we listen to what the
//! peer says to a plain HTTP/2 greeting: its first bytes tell a TLS server, a web server and a mute one apart.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use benchmark_fleet::probe::{self, Heard};
use benchmark_results::text::chain;
use temporalio_client::{Connection, ConnectionOptions, errors::ClientConnectError};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, sleep, timeout, timeout_at},
};
use tonic::Code;

use crate::{
    connection::failure::{Cause, ConnectError, Unreachable},
    options::Endpoint,
    tls::TlsMaterial,
};

const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);

/// The longest that listening to the peer may take. It is taken off the time for connecting.
const LISTEN: Duration = Duration::from_millis(500);

pub(super) async fn connect(
    endpoint: &Endpoint,
    limit: Duration,
    tls: Option<&TlsMaterial>,
    mut sdk: ConnectionOptions,
) -> Result<Connection, ConnectError> {
    let begun = Instant::now();
    let end = begun + limit;
    let listen = LISTEN.min(limit / 5);
    let mut resolved = Vec::new();
    let mut tries = 0;
    loop {
        tries += 1;
        let cause = match reach(endpoint, &mut resolved, end - listen).await {
            Err(cause) => cause,
            Ok(peer) => {
                let left = (end - listen).saturating_duration_since(Instant::now());
                sdk.connect_timeout = Some(left);
                match timeout(left, Connection::connect(sdk.clone())).await {
                    Ok(Ok(connection)) => return Ok(connection),
                    Ok(Err(error)) => understand(endpoint, peer, tls, Some(error), end).await?,
                    Err(_) => understand(endpoint, peer, tls, None, end).await?,
                }
            }
        };
        if !cause.may_pass() || tries == TRIES || Instant::now() + PAUSE >= end - listen {
            return Err(ConnectError::Unreachable(Box::new(Unreachable {
                address: endpoint.to_string(),
                cause,
                elapsed: begun.elapsed(),
                tries,
                tls: endpoint.tls,
                resolved,
            })));
        }
        sleep(PAUSE).await;
    }
}

/// Resolves the name and makes a TCP connection to the first address that accepts one.
async fn reach(endpoint: &Endpoint, resolved: &mut Vec<IpAddr>, end: Instant) -> Result<SocketAddr, Cause> {
    let addresses: Vec<SocketAddr> = match timeout_at(end, lookup_host((endpoint.host.as_str(), endpoint.port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(Cause::Name(error.to_string())),
        Err(_) => return Err(Cause::Name("the name server does not answer".to_owned())),
    };
    *resolved = addresses.iter().map(SocketAddr::ip).collect();
    let mut cause = Cause::Name("it stands for no address".to_owned());
    for (n, address) in addresses.iter().enumerate() {
        // Each gets its share of what is left, so that a dead one cannot use up the time of those behind it.
        let shares = u32::try_from(addresses.len() - n).unwrap_or(u32::MAX);
        let share = end.saturating_duration_since(Instant::now()) / shares;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(*address),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => cause = Cause::Refused,
            Ok(Err(error)) => cause = Cause::Network(error.to_string()),
            Err(_) => cause = Cause::NoAnswer,
        }
    }
    Err(cause)
}

/// Finds the cause of a connection that the client library did not bring about; `None` when it did not come to an end.
async fn understand(
    endpoint: &Endpoint,
    peer: SocketAddr,
    tls: Option<&TlsMaterial>,
    error: Option<ClientConnectError>,
    end: Instant,
) -> Result<Cause, ConnectError> {
    let words = match &error {
        Some(ClientConnectError::SystemInfoCallError(status)) => {
            let message = status.message().to_owned();
            match status.code() {
                Code::Unauthenticated | Code::PermissionDenied => return Ok(Cause::NotAllowed(message)),
                Code::Unimplemented => return Ok(Cause::NotTemporal(message)),
                _ => chain(status),
            }
        }
        Some(ClientConnectError::InvalidHeaders(error)) => return Err(ConnectError::Settings(error.to_string())),
        Some(ClientConnectError::InvalidConfig(reason)) => return Err(ConnectError::Settings(reason.clone())),
        Some(ClientConnectError::InvalidUri(error)) => return Err(ConnectError::Settings(error.to_string())),
        Some(ClientConnectError::TonicTransportError(error)) => chain(error),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    if endpoint.tls && words.contains("ertificate") {
        let reason = words
            .find("invalid peer certificate")
            .map_or_else(|| last(&words), |at| words[at..].to_owned());
        return Ok(Cause::Certificate(reason));
    }
    let listen = async {
        match TcpStream::connect(peer).await {
            Ok(stream) => probe::greet(stream).await,
            Err(_) => Heard::Closed,
        }
    };
    let said = timeout_at(end, listen).await.unwrap_or(Heard::Nothing);
    Ok(match (said, endpoint.tls) {
        (Heard::Http1, _) => Cause::Http1,
        (Heard::Tls, false) => Cause::WantsTls,
        (Heard::Http2, true) => Cause::NoTls("it speaks plain HTTP/2".to_owned()),
        (_, true) if words.contains("handshake") || words.contains("alert") => {
            let asked = tls.is_some_and(|material| material.identity.is_some());
            let hint = if asked {
                ""
            } else {
                "; it may want a client certificate"
            };
            Cause::Certificate(format!("{}{hint}", last(&words)))
        }
        (Heard::Nothing, _) if error.is_none() => Cause::Silent,
        (Heard::Http2, false) if !words.is_empty() => Cause::Unavailable(last(&words)),
        (Heard::Closed, false) => Cause::Unavailable("it closes the connection at once".to_owned()),
        (_, _) if error.is_none() => Cause::Silent,
        _ => Cause::Other(last(&words)),
    })
}

/// The innermost cause, which is the one that says something.
fn last(words: &str) -> String {
    words
        .rsplit(": ")
        .find(|part| part.len() > 3)
        .unwrap_or(words)
        .to_owned()
}
