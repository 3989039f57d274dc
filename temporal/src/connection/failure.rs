//! Connection errors, why a server could not be reached, in words that say what to do.

use std::{fmt, net::IpAddr, time::Duration};

use crate::options::AddressError;

/// A server that could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The client library refuses what was asked for.
    #[error("the connection cannot be set up: {0}")]
    Settings(String),
    /// Nothing that speaks Temporal's protocol answered.
    #[error(transparent)]
    Unreachable(Box<Unreachable>),
}

/// What was tried, and what came of it. `Display` gives three lines: what, how, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unreachable {
    /// `host:port`.
    pub address: String,
    /// Why.
    pub cause: Cause,
    /// How long it was tried.
    pub elapsed: Duration,
    /// How often it was tried.
    pub tries: u32,
    /// Whether TLS was on.
    pub tls: bool,
    /// What the name stands for.
    pub resolved: Vec<IpAddr>,
}

/// Why a server could not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The name stands for no address.
    Name(String),
    /// Nothing listens there.
    Refused,
    /// No connection could be made, for this reason.
    Network(String),
    /// No answer to the attempt to connect.
    NoAnswer,
    /// The connection was accepted and nothing was ever said.
    Silent,
    /// It speaks HTTP/1.
    Http1,
    /// It wants TLS and got none.
    WantsTls,
    /// It got TLS and does not speak it.
    NoTls(String),
    /// The certificates do not fit.
    Certificate(String),
    /// It speaks gRPC and is no Temporal frontend.
    NotTemporal(String),
    /// It does not let us in.
    NotAllowed(String),
    /// It is there and not ready.
    Unavailable(String),
    /// Anything else.
    Other(String),
}

impl Cause {
    /// Whether trying again may help.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Cause::Name(_) | Cause::Refused | Cause::Network(_) | Cause::Unavailable(_) | Cause::Other(_)
        )
    }

    fn hint(&self) -> &'static str {
        match self {
            Cause::Name(_) => "check the name; inside a network of its own it may only be known there",
            Cause::Refused => {
                "is the server, or the port forward to it, running?   --address HOST:PORT, TEMPORAL_ADDRESS, \
                 or no address for an embedded server"
            }
            Cause::Network(_) | Cause::NoAnswer => {
                "is there a way from here (VPN, port forward, security group)? A longer --connect-timeout helps \
                 only a slow one"
            }
            Cause::Silent => {
                "is this the frontend's gRPC port (7233 by default)? A proxy in between, or TLS that only one side \
                 speaks (--tls), looks like this too"
            }
            Cause::Http1 => "this is a web server; Temporal's gRPC port is 7233 by default, its Web UI is another one",
            Cause::WantsTls => "turn TLS on: --tls, and --tls-ca for an authority of your own",
            Cause::NoTls(_) => {
                "the server speaks no TLS: leave out --tls, the TLS files and https://; an API key \
                 alone also turns TLS on, and --tls=false turns it off"
            }
            Cause::Certificate(_) => {
                "--tls-ca names the authority that signed the server's certificate, --tls-server-name the name in \
                 it, --tls-cert and --tls-key what the server asks of us"
            }
            Cause::NotTemporal(_) => "check host and port: something else speaks gRPC there",
            Cause::NotAllowed(_) => "check --api-key or TEMPORAL_API_KEY, --tls-cert, and what they may do",
            Cause::Unavailable(_) => "it may still be starting; try again, or look at its log",
            Cause::Other(_) => "check host, port and whether TLS is on",
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unreachable {
            address, cause, tries, ..
        } = self;
        let elapsed = seconds(self.elapsed);
        match cause {
            Cause::Name(reason) => write!(f, "the host of {address} cannot be resolved ({reason})")?,
            Cause::Refused => write!(f, "nothing answers at {address} (connection refused after {elapsed})")?,
            Cause::Network(reason) => write!(f, "nothing answers at {address} ({reason} after {elapsed})")?,
            Cause::NoAnswer => write!(f, "nothing answers at {address} (no TCP connection within {elapsed})")?,
            Cause::Silent => {
                write!(
                    f,
                    "{address} accepts the connection and says nothing (no answer within {elapsed})"
                )?;
            }
            Cause::Http1 => write!(f, "{address} is not a Temporal frontend (it speaks HTTP/1, not gRPC)")?,
            Cause::WantsTls => write!(f, "{address} does not accept a plain connection (it speaks TLS)")?,
            Cause::NoTls(reason) => write!(f, "no TLS connection to {address} ({reason})")?,
            Cause::Certificate(reason) => write!(f, "no trusted TLS connection to {address} ({reason})")?,
            Cause::NotTemporal(reason) => write!(f, "{address} is not a Temporal frontend ({reason})")?,
            Cause::NotAllowed(reason) => write!(f, "{address} does not let us in ({reason})")?,
            Cause::Unavailable(reason) => write!(f, "{address} is not ready ({reason}) after {elapsed}")?,
            Cause::Other(reason) => write!(f, "no connection to {address} ({reason})")?,
        }
        let tls = if self.tls { "on" } else { "off" };
        let times = if *tries == 1 {
            "once".to_owned()
        } else {
            format!("{tries} times")
        };
        write!(f, "\n  tried {times}; TLS is {tls}")?;
        if !self.resolved.is_empty() {
            let list: Vec<_> = self.resolved.iter().map(IpAddr::to_string).collect();
            write!(f, "; resolved to {}", list.join(", "))?;
        }
        write!(f, "\n  {}", cause.hint())
    }
}

fn seconds(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis}ms"),
        millis => format!("{:.1}s", millis as f64 / 1000.0),
    }
}
